-- Reads the golden cases and compares them with what the tokenizer gives, field by field.
local cjson = require "cjson"
local shared = require "spec.support.shared"

local M = {}

--- Iterator over the decoded lines of a file in ../shared/tokenizers.
function M.rows(name)
    local file = assert(io.open(shared.path("tokenizers/" .. name)))
    return function()
        local line = file:read("*l")
        if not line then
            file:close()
            return nil
        end
        return cjson.decode(line)
    end
end

local function null_as_false(value)
    if value == cjson.null then
        return false
    end
    return value
end

local function same_list(got, want, where)
    if #got ~= #want then
        return ("%s: %d entries, not %d"):format(where, #got, #want)
    end
    for i = 1, #want do
        local a, b = got[i], null_as_false(want[i])
        if type(b) == "table" then
            if a[1] ~= b[1] or a[2] ~= b[2] then
                return ("%s[%d]: {%s, %s}, not {%s, %s}"):format(where, i, a[1], a[2], b[1], b[2])
            end
        elseif a ~= b then
            return ("%s[%d]: %s, not %s"):format(where, i, tostring(a), tostring(b))
        end
    end
end

local fields = {"ids", "tokens", "type_ids", "attention_mask", "special_tokens_mask", "word_ids",
    "sequence_ids"}

local function compare(got, want, offsets, where)
    for _, field in ipairs(fields) do
        local problem = same_list(got[field], want[field], where .. field)
        if problem then
            return problem
        end
    end
    local problem = same_list(got.offsets, want[offsets], where .. offsets)
    if problem or not want.overflowing then
        return problem
    end
    if #got.overflowing ~= #want.overflowing then
        return ("%soverflowing: %d windows, not %d"):format(where, #got.overflowing,
            #want.overflowing)
    end
    for i, window in ipairs(want.overflowing) do
        problem = compare(got.overflowing[i], window, offsets, where .. "overflowing " .. i .. " ")
        if problem then
            return problem
        end
    end
end

--- The options of encode that a golden case means.
function M.options(row)
    local opts = {add_special_tokens = row.add_special_tokens, overflow = true,
        encode_special_tokens = row.encode_special_tokens}
    local truncation, padding = row.truncation, row.padding
    if truncation then
        opts.max_length, opts.stride = truncation.max_length, truncation.stride
        opts.truncation, opts.direction = truncation.strategy, truncation.direction
    end
    if padding then
        opts.padding = padding.length ~= cjson.null and padding.length and "max_length" or "longest"
        opts.pad_length = opts.padding == "max_length" and padding.length or nil
        opts.pad_id, opts.pad_type_id = padding.pad_id, padding.pad_type_id
        opts.pad_token, opts.pad_direction = padding.pad_token, padding.direction
        opts.pad_to_multiple_of = null_as_false(padding.pad_to_multiple_of) or nil
    end
    return opts
end

local function check_unit(tok, row, unit, offsets)
    local opts = M.options(row)
    opts.offset_unit = unit
    local got, want
    if row.batch then
        opts.tensors = false
        local ok, batch = pcall(tok.encode_batch, tok, row.batch, opts)
        if not ok or row.error then
            return (not ok) ~= (row.error ~= nil) and "error: " .. tostring(batch) or nil
        end
        got, want = batch.encodings, row.expect_batch
    else
        opts.pair = null_as_false(row.pair) or nil
        local ok, e, message = pcall(tok.encode, tok, row.text, opts)
        if row.error then
            return ok and e and "no error, but the library says " .. row.error or nil
        elseif not ok or not e then
            return "error: " .. tostring(message or e)
        end
        got, want = {e}, {row.expect}
    end
    for i = 1, #want do
        local problem = compare(got[i], want[i], offsets, "")
        if problem then
            return problem
        end
        for field, skip in pairs{decoded = false, decoded_skip_special = true} do
            local text = tok:decode(want[i].ids, {skip_special_tokens = skip})
            if want[i][field] and text ~= want[i][field] then
                return ("%s: %q, not %q"):format(field, text, want[i][field])
            end
        end
    end
end

--- nil when the tokenizer does what the case says, else what differs.
function M.check(tok, row)
    return check_unit(tok, row, "codepoint", "offsets") or check_unit(tok, row, "byte", "byte_offsets")
end

return M
