-- The tensors of a checkpoint folder by name: one file or several with an index, safetensors
-- before PyTorch's own format.
local file = require "yoso.io.file"
local json = require "yoso.io.json"
local safetensors = require "yoso.io.safetensors"
local torchbin = require "yoso.io.torchbin"

local M = {}

local forms = {
    {"model.safetensors", safetensors.load},
    {"model.safetensors.index.json", safetensors.load, index = true},
    {"pytorch_model.bin", torchbin.load},
    {"pytorch_model.bin.index.json", torchbin.load, index = true},
}

-- The index's map from tensor names to file names of the same folder.
local function read_index(path)
    local text, message = file.read(path)
    if not text then
        return nil, message
    end
    local index
    index, message = json.decode(text, path)
    if not index then
        return nil, message
    end
    local map = type(index) == "table" and index.weight_map
    if type(map) ~= "table" then
        return nil, path .. ": has no weight_map"
    end
    for name, shard in pairs(map) do
        if type(name) ~= "string" or type(shard) ~= "string" or shard:find("/", 1, true)
            or shard == ".." or shard:find("\0", 1, true) then
            return nil, ("%s: tensor %s is in %s, must be a file beside the index"):format(path,
                tostring(name), tostring(shard))
        end
    end
    return map
end

local function load_shards(dir, path, load)
    local map, message = read_index(path)
    if not map then
        return nil, message
    end
    local shards, tensors = {}, {}
    for _, shard in pairs(map) do
        if not shards[shard] then
            shards[shard], message = load(dir .. "/" .. shard)
            if not shards[shard] then
                return nil, message
            end
            for name, value in pairs(shards[shard]) do
                if tensors[name] then
                    return nil, ("%s: tensor %s is in two files"):format(path, name)
                end
                tensors[name] = value
            end
        end
    end
    for name, shard in pairs(map) do
        if not shards[shard][name] then
            return nil, ("%s: tensor %s is not in %s"):format(path, name, shard)
        end
    end
    return tensors
end

--- name -> tensor; nil and a message when the folder has no weights or they cannot be read.
function M.read(dir)
    local names = {}
    for i, form in ipairs(forms) do
        local path = dir .. "/" .. form[1]
        names[i] = form[1]
        if file.exists(path) then
            if form.index then
                return load_shards(dir, path, form[2])
            end
            return form[2](path)
        end
    end
    return nil, ("%s: has no weights; looked for %s"):format(dir, table.concat(names, ", "))
end

return M
