-- Long Range Arena's files: ListOps (both forms), IMDb reviews, AAN's pairs of papers, grey CIFAR-10
-- pictures. An example is {text, pair, label, line}; a picture's text is its 1,024 grey values, 0 to 255, row by
-- row, as decimal words between spaces.
local file = require "yoso.io.file"
local lines = require "yoso.data.lines"
local source = require "yoso.data.source"
local tsv = require "yoso.data.tsv"

local M = {}

-- The parentheses only show the binary tree; without them 15 symbols are left.
local function expression(text)
    return text:gsub("[()%s]+", " "):match("^ ?(.-) ?$")
end

local function digit(path, row, text)
    if not text:find("^%d$") then
        return nil, ("%s:%d: label %q, wanted 0 to 9"):format(path, row.line, text)
    end
    return tonumber(text)
end

local function listops(path, options, text_column, label_column)
    local rows, failure = tsv.open(path, options)
    if not rows then
        return nil, failure
    end
    return source.map(rows, function(row)
        local label, reason = digit(path, row, row[label_column])
        if not label then
            return nil, reason
        end
        return {text = expression(row[text_column]), label = label, line = row.line}
    end)
end

--- ListOps: LRA's form (header Source, Target) or the original (label, expression, no header).
function M.listops(path)
    local first, failure = lines.open(path)
    if not first then
        return nil, failure
    end
    local line
    line, failure = first()
    if not line then
        return nil, failure or ("%s: the file is empty"):format(path)
    end
    if line == "Source\tTarget" then
        return listops(path, {}, "Source", "Target")
    end
    return listops(path, {columns = {"label", "expression"}}, "expression", "label")
end

--- IMDb: id, label, rating, text; label 1 is positive.
function M.imdb(path)
    local rows, failure = tsv.open(path, {wanted = {"label", "text"}})
    if not rows then
        return nil, failure
    end
    return source.map(rows, function(row)
        if row.label ~= "0" and row.label ~= "1" then
            return nil, ("%s:%d: label %q, wanted 0 or 1"):format(path, row.line, row.label)
        end
        return {text = row.text, label = tonumber(row.label), line = row.line}
    end)
end

local matches = {["0"] = 0, ["1"] = 1, ["0.0"] = 0, ["1.0"] = 1}

--- Retrieval (AAN): label, two ids and two texts, no header; 1 when one paper cites the other. Texts
-- are taken as they stand.
function M.retrieval(path)
    local rows, failure = tsv.open(path, {columns = {"label", "id1", "id2", "text1", "text2"}})
    if not rows then
        return nil, failure
    end
    return source.map(rows, function(row)
        local label = matches[row.label]
        if not label then
            return nil, ("%s:%d: label %q, wanted 0 or 1"):format(path, row.line, row.label)
        end
        return {text = row.text1, pair = row.text2, label = label, line = row.line}
    end)
end

local pixels = 1024

--- Grey CIFAR-10: records of a label byte and 1,024 grey bytes, row by row.
function M.cifar(path)
    local bytes, failure = file.read(path)
    if not bytes then
        return nil, failure
    end
    if #bytes == 0 or #bytes % (pixels + 1) ~= 0 then
        return nil, ("%s: %d bytes, wanted a multiple of %d (a label and %d grey values)"):format(
            path, #bytes, pixels + 1, pixels)
    end
    local at = 1
    return function()
        if at > #bytes then
            return nil
        end
        local label = bytes:byte(at)
        if label > 9 then
            return nil, ("%s: record %d: label %d, wanted 0 to 9"):format(path,
                (at - 1) / (pixels + 1) + 1, label)
        end
        local values = table.concat({bytes:byte(at + 1, at + pixels)}, " ")
        at = at + pixels + 1
        return {text = values, label = label}
    end
end

return M
