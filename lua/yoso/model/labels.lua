-- The names of a classifier's labels: id2label (ids from 0), label2id and num_labels agree.
local json = require "yoso.io.json"

local M = {}

local function is_given(value)
    return value ~= nil and value ~= json.null
end

-- The names by number, from keys 0, "0" or, in a plain list, 1; nil and what is wrong.
local function by_number(given)
    if type(given) ~= "table" then
        return nil, ("id2label is a %s, must be a table from ids to names"):format(type(given))
    end
    local shift = #given > 0 and given[0] == nil and 1 or 0
    local names, count = {}, 0
    for key, name in pairs(given) do
        local id = tonumber(key)
        if not id or type(name) ~= "string" then
            return nil, ("id2label has %s: %s, must be ids with names"):format(tostring(key),
                tostring(name))
        end
        names[id - shift] = name
        count = count + 1
    end
    for id = 0, count - 1 do
        if names[id] == nil then
            return nil, ("id2label has %d names but none for id %d"):format(count, id)
        end
    end
    return names, nil, count
end

local function numbered(count)
    local names = {}
    for id = 0, count - 1 do
        names[id] = "LABEL_" .. id
    end
    return names
end

local function turned(names, count)
    local ids = {}
    for id = count - 1, 0, -1 do
        ids[names[id]] = id
    end
    return ids
end

--- Sets id2label, label2id and num_labels of config from what values give; what is wrong, or nil.
function M.fill(config, values)
    local count = values.num_labels
    if count == json.null then
        count = nil
    end
    if count ~= nil and not (type(count) == "number" and count == math.floor(count) and count >= 1) then
        return ("num_labels is %s, must be a whole number from 1 on"):format(tostring(count))
    end
    local names
    if is_given(values.id2label) then
        local problem, named
        names, problem, named = by_number(values.id2label)
        if not names then
            return problem
        elseif count and count ~= named then
            return ("num_labels is %d, id2label has %d names"):format(count, named)
        end
        count = named
    else
        count = count or 2
        names = numbered(count)
    end
    local ids = values.label2id
    if not is_given(ids) or not is_given(values.id2label) then
        ids = turned(names, count)
    elseif type(ids) ~= "table" then
        return ("label2id is a %s, must be a table from names to ids"):format(type(ids))
    end
    config.id2label, config.label2id, config.num_labels = names, ids, count
end

--- Turns the fields to how config.json has them: ids as text, no num_labels.
function M.write(values)
    local names = {}
    for id = 0, values.num_labels - 1 do
        names[tostring(id)] = values.id2label[id]
    end
    values.id2label, values.num_labels = names, nil
end

return M
