-- UTF-8 for readers: where a text stops being valid, and offsets in code points as offsets in
-- bytes. Normalisation and character classes live with the tokenizer.
local byte, find = string.byte, string.find

local M = {}

-- Length of the sequence that byte b opens, and the range its second byte must lie in (which keeps
-- out overlong forms, surrogates and values above U+10FFFF); nil when no sequence opens with b.
local function sequence(b)
    if b < 0x80 then
        return 1
    elseif b >= 0xC2 and b <= 0xDF then
        return 2, 0x80, 0xBF
    elseif b >= 0xE0 and b <= 0xEF then
        return 3, b == 0xE0 and 0xA0 or 0x80, b == 0xED and 0x9F or 0xBF
    elseif b >= 0xF0 and b <= 0xF4 then
        return 4, b == 0xF0 and 0x90 or 0x80, b == 0xF4 and 0x8F or 0xBF
    end
end

--- nil for valid UTF-8, else the position (from 1) of the first byte that is not.
function M.invalid_at(text)
    local at = find(text, "[\128-\255]")
    while at do
        local length, low, high = sequence(byte(text, at))
        local second = length and byte(text, at + 1)
        if not second or second < low or second > high then
            return at
        end
        for i = 2, length - 1 do
            local continuation = byte(text, at + i)
            if not continuation or continuation < 0x80 or continuation > 0xBF then
                return at
            end
        end
        at = find(text, "[\128-\255]", at + length)
    end
end

--- Bytes before the code point number `count` (from 0) of a valid text; nil beyond its end.
function M.byte_offset(text, count)
    if not find(text, "[\128-\255]") then
        return count <= #text and count or nil
    end
    local at = 1
    for _ = 1, count do
        if at > #text then
            return nil
        end
        at = at + sequence(byte(text, at))
    end
    return at - 1
end

--- Code points in a valid text.
function M.length(text)
    local _, continuations = text:gsub("[\128-\191]", "")
    return #text - continuations
end

return M
