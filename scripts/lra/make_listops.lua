-- Writes ListOps data to the Long Range Arena's published specification: expressions of depth up
-- to 10 with 2 to 10 arguments, longer than 500 and shorter than 2,000 symbols; and beside them, in the
-- folders short and middle, shorter ones of the same grammar, for the first stages of train.lua.
-- usage: yoso scripts/lra/make_listops.lua OUT_FOLDER [SEED] [TRAIN VALIDATION TEST]
local file = require "yoso.io.file"

local folder, seed = arg[1], tonumber(arg[2] or 1)
local counts = {tonumber(arg[3] or 96000), tonumber(arg[4] or 2000), tonumber(arg[5] or 2000)}
if not folder or not seed or not (counts[1] and counts[2] and counts[3]) then
    io.stderr:write("usage: yoso make_listops.lua OUT_FOLDER [SEED] [TRAIN VALIDATION TEST]\n")
    os.exit(2)
end
-- {folder, more symbols than, fewer symbols than}
local sets = {{folder, 500, 2000}, {folder .. "/short", 9, 127}, {folder .. "/middle", 99, 511}}
local operators = {"[MIN", "[MAX", "[MED", "[SM"}
local value_odds, max_depth, max_arguments = 0.25, 10, 10

local function median(values)
    table.sort(values)
    local n = #values
    return n % 2 == 1 and values[(n + 1) / 2] or math.floor((values[n / 2] + values[n / 2 + 1]) / 2)
end

local function apply(operator, values)
    local sum = 0
    for _, value in ipairs(values) do
        sum = sum + value
    end
    return operator == "[MIN" and math.min(unpack(values)) or operator == "[MAX" and math.max(unpack(values))
        or operator == "[MED" and median(values) or sum % 10
end

-- Appends an expression's words to `words` (nested in pairs, as the files have it); its value, or nil
-- as soon as there are words.longest symbols.
local function grow(depth, words)
    if words.symbols >= words.longest then
        return nil
    elseif depth >= max_depth or math.random() > value_odds then
        local digit = math.random(0, 9)
        words[#words + 1], words.symbols = digit, words.symbols + 1
        return digit
    end
    local operator, count, values = operators[math.random(4)], math.random(2, max_arguments), {}
    words[#words + 1] = ("( "):rep(count + 1) .. operator
    words.symbols = words.symbols + 2
    for i = 1, count do
        values[i] = grow(depth + 1, words)
        if not values[i] then
            return nil
        end
        words[#words + 1] = ")"
    end
    words[#words + 1] = "] )"
    return apply(operator, values)
end

local seen = {}

-- One file of `count` expressions that no file before it has.
local function write_part(path, count, shortest, longest)
    local writer = assert(file.writer(path))
    assert(writer:write("Source\tTarget\r\n"))
    while count > 0 do
        local words = {symbols = 0, longest = longest}
        local value = grow(1, words)
        local text = value and words.symbols > shortest and words.symbols < longest
            and table.concat(words, " ")
        if text and not seen[text] then
            seen[text], count = true, count - 1
            assert(writer:write(text .. "\t" .. value .. "\r\n"))
        end
    end
    assert(writer:commit())
    io.stderr:write(path, "\n")
end

math.randomseed(seed)
for _, set in ipairs(sets) do
    assert(file.mkdir(set[1]))
    for part, name in ipairs{"train", "val", "test"} do
        write_part(("%s/basic_%s.tsv"):format(set[1], name), counts[part], set[2], set[3])
    end
end
