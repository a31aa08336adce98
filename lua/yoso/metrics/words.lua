-- Words as SQuAD's metric sees them, in UTF-8: lower case, white space, and where a word ends.
-- It looks at the scripts' ranges and not at whole Unicode: enough to tell letters from signs.
local M = {}

local byte, char = string.byte, string.char

-- Lower-cases the two-byte letters whose pairs follow a rule: Latin-1, Greek, Cyrillic (fixed
-- distances) and Latin Extended-A (even is upper, odd is lower, with two stretches the other way).
local function lower_pair(first, second)
    local code = (byte(first) - 0xC0) * 64 + byte(second) - 0x80
    if (code >= 0xC0 and code <= 0xDE and code ~= 0xD7) or (code >= 0x391 and code <= 0x3A9)
        or (code >= 0x410 and code <= 0x42F) then
        code = code + 32
    elseif code >= 0x400 and code <= 0x40F then
        code = code + 80
    elseif (code >= 0x100 and code <= 0x137 and code ~= 0x130) or (code >= 0x14A and code <= 0x177)
        then
        code = code + (1 - code % 2)
    elseif (code >= 0x139 and code <= 0x148) or (code >= 0x179 and code <= 0x17E) then
        code = code + code % 2
    end
    return char(0xC0 + math.floor(code / 64), 0x80 + code % 64)
end

function M.lower(text)
    text = text:lower()
    if not text:find("[\195-\209]") then
        return text
    end
    return (text:gsub("([\195-\209])([\128-\191])", lower_pair))
end

-- White space beyond ASCII's: U+0085, U+00A0, U+1680, U+2000 to U+200A, U+2028, U+2029, U+202F,
-- U+205F, U+3000.
local function spaces(text)
    if not text:find("[\194\225\226\227]") then
        return text
    end
    return (text:gsub("\194[\133\160]", " "):gsub("\225\154\128", " ")
        :gsub("\226\128[\128-\138\168\169\175]", " "):gsub("\226\129\159", " ")
        :gsub("\227\128\128", " "))
end

--- The words between white space.
function M.split(text)
    local list = {}
    for word in spaces(text):gmatch("[^%s\28-\31]+") do
        list[#list + 1] = word
    end
    return list
end

-- Code points beyond ASCII that are no part of a word: signs, punctuation, arrows, pictures.
local function is_sign(code)
    return (code >= 0x80 and code <= 0xBF and code ~= 0xAA and code ~= 0xB5 and code ~= 0xBA
        and code ~= 0xB2 and code ~= 0xB3 and code ~= 0xB9 and not (code >= 0xBC and code <= 0xBE))
        or code == 0xD7 or code == 0xF7 or (code >= 0x2000 and code <= 0x206F)
        or (code >= 0x20A0 and code <= 0x20CF) or (code >= 0x2190 and code <= 0x245F)
        or (code >= 0x2500 and code <= 0x2775) or (code >= 0x2794 and code <= 0x2BFF)
        or (code >= 0x3000 and code <= 0x3004) or (code >= 0x3008 and code <= 0x3020)
        or (code >= 0xFF01 and code <= 0xFF0F) or code >= 0x1F000
end

local function sign_to_space(sequence)
    local first = byte(sequence)
    local code = first >= 0xF0 and first - 0xF0 or first >= 0xE0 and first - 0xE0 or first - 0xC0
    for i = 2, #sequence do
        code = code * 64 + byte(sequence, i) - 0x80
    end
    return is_sign(code) and (" "):rep(#sequence) or nil
end

local articles = {a = true, an = true, the = true}

--- The text with a space for each word a, an, the; signs beyond ASCII end a word but stay.
function M.without_articles(text)
    local shape = text:gsub("[\194-\244][\128-\191]+", sign_to_space)
    local out, last = {}, 1
    for start, word, stop in shape:gmatch("()([%w_\128-\255]+)()") do
        if articles[word] then
            out[#out + 1], last = text:sub(last, start - 1) .. " ", stop
        end
    end
    return table.concat(out) .. text:sub(last)
end

return M
