-- The options of encode and encode_batch: their names, their checks, and their C form.
local c = require "yoso.c"

local lib = c.lib
local M = {}

local native_options = c.typeof("yoso_encode_options")

local strategies = {
    longest_first = lib.YOSO_LONGEST_FIRST, only_first = lib.YOSO_ONLY_FIRST,
    only_second = lib.YOSO_ONLY_SECOND,
}

-- name -> the type it must have, or a list of the words it may be
local known = {
    pair = "any", add_special_tokens = "boolean", encode_special_tokens = "boolean",
    max_length = "count", truncation = {"longest_first", "only_first", "only_second", false, true},
    stride = "count", direction = {"right", "left"}, overflow = "boolean", fields = {"all", "ids"},
    offset_unit = {"byte", "codepoint"}, padding = {"longest", "max_length", false, true},
    pad_length = "count", pad_to_multiple_of = "count", pad_direction = {"right", "left"},
    pad_id = "count", pad_type_id = "count", pad_token = "string", tensors = "boolean",
}

--- Raises unless value is a whole number from low (default 0) to 2^31 - 1.
function M.whole(value, where, name, low)
    low = low or 0
    if type(value) ~= "number" or value ~= math.floor(value) or value < low or value > 2 ^ 31 - 1 then
        c.raise(("%s: %s is %s, must be a whole number from %d to %d"):format(where, name,
            type(value) == "number" and tostring(value) or "a " .. type(value), low, 2 ^ 31 - 1))
    end
    return value
end

local function words(list)
    local names = {}
    for i, word in ipairs(list) do
        names[i] = tostring(word)
    end
    return table.concat(names, ", ")
end

--- The options table itself, after checking every name and value in it.
function M.check(opts, where)
    if opts == nil then
        return {}
    end
    if type(opts) ~= "table" then
        c.raise(("%s: options is a %s, must be a table"):format(where, type(opts)))
    end
    for name, value in pairs(opts) do
        local want = known[name]
        if not want then
            c.raise(("%s: unknown option %s"):format(where, tostring(name)))
        elseif want == "count" then
            M.whole(value, where, name)
        elseif type(want) == "table" then
            local found = false
            for i = 1, #want do
                found = found or value == want[i]
            end
            if not found then
                c.raise(("%s: %s is %s, must be one of %s"):format(where, name, tostring(value),
                    words(want)))
            end
        elseif want ~= "any" and type(value) ~= want then
            c.raise(("%s: %s is a %s, must be a %s"):format(where, name, type(value), want))
        end
    end
    return opts
end

local function flag(value)
    return value and 1 or 0
end

local function default(value, otherwise)
    if value == nil then
        return otherwise
    end
    return value
end

--- The options as C takes them. opts must stay alive as long as the result (it holds pad_token).
function M.native(tokenizer, opts, where)
    local batch = where == "encode_batch"
    local native = native_options()
    local truncation = default(opts.truncation, true)
    native.add_special_tokens = flag(opts.add_special_tokens ~= false)
    native.encode_special_tokens = flag(opts.encode_special_tokens)
    native.full = flag(opts.fields ~= "ids")
    native.overflow = flag(default(opts.overflow, not batch or (opts.stride or 0) > 0))
    native.codepoints = flag(opts.offset_unit == "codepoint")
    native.max_length = truncation and opts.max_length or -1
    native.stride = opts.stride or 0
    native.strategy = strategies[truncation] or lib.YOSO_LONGEST_FIRST
    native.truncate_left = flag(opts.direction == "left")
    native.pad_multiple = opts.pad_to_multiple_of or 0
    native.pad_left = flag(opts.pad_direction == "left")
    native.pad_id = opts.pad_id or tokenizer.pad_id or 0
    native.pad_type_id = opts.pad_type_id or 0
    native.pad_token = opts.pad_token or tokenizer.pad_token
    if opts.padding == "max_length" then
        native.pad_length = opts.pad_length or opts.max_length
            or c.raise(("%s: padding is max_length, but max_length is not given"):format(where))
        native.padding = lib.YOSO_PAD_LENGTH
    elseif opts.padding then
        native.padding = lib.YOSO_PAD_LONGEST
    end
    return native
end

return M
