-- The table of tasks that eval and train know: what kind of head each needs, its files and splits,
-- its labels in the order of their ids, its scores (the first is the one that counts), and how its
-- files are read.
local c = require "yoso.c"
local file = require "yoso.io.file"

local M = {list = {}}

local by_name = {}
for _, room in ipairs{"glue", "public", "own"} do
    for _, task in ipairs(require("yoso.tasks." .. room)) do
        M.list[#M.list + 1] = task
        by_name[task.name] = task
    end
end

--- Names of all tasks in their order.
function M.names()
    local names = {}
    for i, task in ipairs(M.list) do
        names[i] = task.name
    end
    return names
end

--- A task by name; nil and a message that lists them.
function M.find(name)
    local task = by_name[name]
    if not task then
        return nil, ("unknown task %s, wanted one of %s"):format(tostring(name),
            table.concat(M.names(), " "))
    end
    return task
end

local endings = {"", ".tsv", ".csv", ".jsonl", ".json", ".conll", ".txt"}

local function there(path)
    return (file.exists(path) or file.exists(path .. ".gz")) and not file.is_directory(path)
end

local function split_names(task)
    local names = {}
    for name in pairs(task.splits) do
        names[#names + 1] = name
    end
    table.sort(names)
    return table.concat(names, ", ")
end

--- The file of a split in a folder (or the file itself when data names one); nil and a message
-- that lists what was looked for.
function M.path(task, data, split)
    if there(data) then
        return data
    end
    local candidates = task.splits[split]
    if not candidates then
        return nil, ("%s has no split %s, there are %s"):format(task.name, tostring(split),
            split_names(task))
    end
    if not file.is_directory(data) then
        return nil, ("%s: no such file or folder"):format(data)
    end
    for _, name in ipairs(candidates) do
        for _, ending in ipairs(task.own and endings or {""}) do
            local path = data .. "/" .. name .. ending
            if there(path) then
                return path
            end
        end
    end
    return nil, ("%s: no file for %s's split %s, wanted %s%s"):format(data, task.name, split,
        table.concat(candidates, " or "), task.own and " (.tsv .csv .jsonl .json .conll .txt)" or "")
end

--- A source of a task's examples, the path read, and the reader's counts where it keeps any.
-- data is a folder or a file; options.columns names the columns of the user's own tables.
function M.open(task, data, split, options)
    if type(task) ~= "table" then
        c.raise(("tasks.open: task is a %s, wanted an entry of tasks.list"):format(type(task)))
    end
    if options and options.columns and next(options.columns) and not task.own then
        return nil, ("%s: its columns are known; only your own files' have to be named"):format(task.name)
    end
    local path, failure = M.path(task, data, split)
    if not path then
        return nil, failure
    end
    local examples, counts = task.open(path, split, options and options.columns)
    if not examples then
        return nil, counts
    end
    return examples, path, type(counts) == "table" and counts or nil
end

return M
