-- CoNLL columns: one token a line, its tag in the last column, sentences apart by a line that is
-- empty or holds only white space. Columns are apart by tabs, or by spaces where a line has no tab.
local lines = require "yoso.data.lines"
local tsv = require "yoso.data.tsv"

local M = {}

local function columns_of(line)
    if line:find("\t", 1, true) then
        return tsv.split(line)
    end
    local columns = {}
    for column in line:gmatch("[^ ]+") do
        columns[#columns + 1] = column
    end
    return columns
end

-- A function that says of each tag in turn whether it may stand beside those before it. The first that is
-- not O decides what all are: entities' B-TYPE and I-TYPE or, where any may be, plain ones (parts of speech).
local function tag_checker(any)
    local plain
    return function(tag)
        local is_plain = not tag:find("^[BI]%-.")
        if tag == "O" then
            return true
        elseif plain == nil then
            plain = any and is_plain or false
        end
        if is_plain == plain then
            return true
        end
        return nil, ("tag %q, wanted %s"):format(tag, plain and "a plain tag like those before it"
            or "O, B-TYPE or I-TYPE")
    end
end

--- A source of {tokens, tags, line}. options.prefix (a Lua pattern) is dropped from each token:
-- WikiANN writes en:token. options.any_tags: tags need not be those of entities.
function M.open(path, options)
    options = options or {}
    local check_tag = tag_checker(options.any_tags)
    local next_line, failure = lines.open(path)
    if not next_line then
        return nil, failure
    end
    return function()
        local tokens, tags, first = {}, {}, nil
        while true do
            local line, number = next_line()
            if not line then
                if number then
                    return nil, number
                end
                break
            end
            if line:find("^%s*$") then
                if #tokens > 0 then
                    break
                end
            elseif not line:find("^%-DOCSTART%-") then
                local columns = columns_of(line)
                if #columns < 2 then
                    return nil, ("%s:%d: one column, wanted a token and its tag"):format(path,
                        number)
                end
                local token, tag = columns[1], columns[#columns]
                if options.prefix then
                    token = token:gsub(options.prefix, "", 1)
                end
                local ok, reason = check_tag(tag)
                if not ok then
                    return nil, ("%s:%d: %s"):format(path, number, reason)
                end
                tokens[#tokens + 1], tags[#tags + 1] = token, tag
                first = first or number
            end
        end
        if #tokens > 0 then
            return {tokens = tokens, tags = tags, line = first}
        end
    end
end

return M
