-- From the labels of examples to a model's ids. A public task's examples hold ids in the task's
-- order; a model may have been trained with the same names in another order, and its names decide.
-- The user's own examples hold names (or ids as text).
local M = {}

local function ids_by_name(names, count)
    local ids = {}
    for id = 0, count - 1 do
        ids[names[id]:lower()] = id
    end
    return ids
end

-- The task's ids in the model's order where the model names exactly these labels.
local function reordered(task, ids, count)
    if not task.labels or #task.labels ~= count then
        return nil
    end
    local map = {}
    for i, name in ipairs(task.labels) do
        map[i - 1] = ids[name:lower()]
        if not map[i - 1] then
            return nil
        end
    end
    return map
end

--- The names that a label of several holds: a list, or a text with commas.
function M.list(label)
    local names = {}
    if type(label) == "table" then
        for i, name in ipairs(label) do
            names[i] = tostring(name)
        end
    else
        for name in tostring(label):gmatch("[^,]+") do
            names[#names + 1] = name:match("^%s*(.-)%s*$")
        end
    end
    return names
end

--- A function from an example's label to the model's id (nil and a message for one it lacks).
-- names: {[0] = name, ...} of the model, count of them.
function M.resolver(task, names, count)
    local ids = ids_by_name(names, count)
    local map = reordered(task, ids, count)
    return function(label)
        if label == nil then
            return nil, "no label"
        elseif type(label) == "number" then
            local id = map and map[label] or label
            if id < 0 or id >= count or id ~= math.floor(id) then
                return nil, ("label %s, the model has %d labels"):format(tostring(label), count)
            end
            return id
        end
        local text = tostring(label)
        local id = ids[text:lower()] or tonumber(text)
        if not id or id < 0 or id >= count or id ~= math.floor(id) then
            local known = {}
            for i = 0, math.min(count, 10) - 1 do
                known[#known + 1] = names[i]
            end
            return nil, ("label %q, the model knows %s%s"):format(text, table.concat(known, ", "),
                count > 10 and ", ..." or "")
        end
        return id
    end
end

--- The same for tags: a function from a tag to the model's name for it.
function M.tag_resolver(names, count)
    local by_lower = {}
    for id = 0, count - 1 do
        by_lower[names[id]:lower()] = names[id]
    end
    return function(tag)
        return by_lower[tag:lower()] or tag
    end
end

return M
