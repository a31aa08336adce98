-- What training keeps on disk. OUT holds a checkpoint that `--model OUT` takes (the best by the
-- task's first score, the latest where nothing is evaluated), the log train.jsonl, and
-- last.safetensors: weights, optimiser and position of the latest save in one file, from which
-- --resume goes on. Each file is written under a temporary name and renamed, so a kill at any
-- instant leaves a whole one.
local file = require "yoso.io.file"
local json = require "yoso.io.json"
local safetensors = require "yoso.io.safetensors"

local M = {}

local function last_path(out)
    return out .. "/last.safetensors"
end

local function log_path(out)
    return out .. "/train.jsonl"
end
M.log_path = log_path

--- Saves everything that --resume needs. position is a table of plain values.
function M.save(out, model, optimizer, position)
    local tensors = {}
    for name, value in pairs(model:state()) do
        tensors["model." .. name] = value
    end
    for name, value in pairs(optimizer:state()) do
        tensors["optimizer." .. name] = value
    end
    return safetensors.save(last_path(out), tensors, {position = json.encode(position)})
end

--- The position of the latest save in a folder, and its tensors; nil and a message.
function M.open(out)
    local path = last_path(out)
    if not file.exists(path) then
        return nil, ("%s: there is nothing to resume from"):format(path)
    end
    local tensors, metadata = safetensors.load(path)
    if not tensors then
        return nil, metadata
    end
    local position, failure = json.decode(metadata and metadata.position or "", path)
    if type(position) ~= "table" then
        return nil, failure or ("%s: not a training state"):format(path)
    end
    return position, tensors
end

--- Puts a saved state into model and optimizer; nil and a message when it does not fit.
function M.restore(out, tensors, model, optimizer)
    local weights, moments = {}, {}
    for name, value in pairs(tensors) do
        local kind, rest = name:match("^(%l+)%.(.*)$")
        if kind == "model" then
            weights[rest] = value
        elseif kind == "optimizer" then
            moments[rest] = value
        end
    end
    local missing, unexpected, mismatched = model:load_state(weights)
    if #missing + #unexpected + #mismatched > 0 then
        return nil, ("%s: %d parameters missing, %d unexpected, %d of another shape"):format(
            last_path(out), #missing, #unexpected, #mismatched)
    end
    local ok, failure = optimizer:load_state(moments)
    if not ok then
        return nil, ("%s: %s"):format(last_path(out), failure)
    end
    return true
end

--- Appends one record to the log, as a line of JSON.
function M.log(out, record)
    local stream, failure = io.open(log_path(out), "a")
    if not stream then
        return nil, failure
    end
    local ok, unwritten = stream:write(json.encode(record), "\n")
    local closed, unclosed = stream:close()
    if not (ok and closed) then
        return nil, unwritten or unclosed
    end
    return true
end

--- What a run does first: a fresh log begins, or one that is resumed loses the lines after the saved step;
-- files that a killed run has left half-written go.
function M.begin(out, step)
    file.remove_parts(out, {"config.json", "model.safetensors", "tokenizer.json", "last.safetensors",
        "train.jsonl"})
    local kept = {}
    if step > 0 and file.exists(log_path(out)) then
        for line in assert(file.lines(log_path(out))) do
            local record = json.decode(line, log_path(out))
            if type(record) == "table" and (record.step or 0) <= step then
                kept[#kept + 1] = line .. "\n"
            end
        end
    end
    return file.write(log_path(out), table.concat(kept))
end

return M
