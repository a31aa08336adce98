-- Running text as blocks of one length: the tokens of all paragraphs end to end, cut every
-- max_length tokens, each block between the tokenizer's begin and end tokens where it has them.
local M = {}

--- A source of records {ids, special_tokens_mask} of a source of {text}; the last, shorter block is
-- given too.
function M.source(examples, tokenizer, max_length)
    local first = tokenizer.bos_id or tokenizer.cls_id
    local last = tokenizer.eos_id or tokenizer.sep_id
    local room = max_length - (first and 1 or 0) - (last and 1 or 0)
    local pending, at, done = {}, 1, false
    local function block(count)
        local ids, special = {}, {}
        local function put(id, flag)
            ids[#ids + 1], special[#special + 1] = id, flag
        end
        if first then
            put(first, 1)
        end
        for i = at, at + count - 1 do
            put(pending[i], 0)
        end
        if last then
            put(last, 1)
        end
        at = at + count
        return {ids = ids, special_tokens_mask = special}
    end
    return function()
        while not done and #pending - at + 1 < room do
            local example, failure = examples()
            if not example then
                done = true
                if failure then
                    return nil, failure
                end
                break
            end
            if at > 1 then -- what was given away leaves the list
                local rest = {}
                for i = at, #pending do
                    rest[#rest + 1] = pending[i]
                end
                pending, at = rest, 1
            end
            local ids = tokenizer:encode(example.text, {add_special_tokens = false}).ids
            for i = 1, #ids do
                pending[#pending + 1] = ids[i]
            end
        end
        local left = #pending - at + 1
        if left > 0 then
            return block(math.min(left, room))
        end
    end
end

return M
