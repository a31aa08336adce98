-- yoso.load: a model from a checkpoint folder, whatever of the usual forms it has.
local c = require "yoso.c"
local config = require "yoso.model.config"
local file = require "yoso.io.file"
local int8 = require "yoso.model.int8"
local keys = require "yoso.io.keys"
local nn = require "yoso.nn"
local state = require "yoso.io.state"
local tensor = require "yoso.tensor"

local M = {}

-- What the weights are kept in; "int8" means bf16 and products of 8-bit numbers.
local float_dtypes = {f32 = "f32", f16 = "f16", bf16 = "bf16", int8 = "bf16"}
local known_options = {dtype = true, device = true, attention = true, num_hash = true, seed = true,
    class = true, config = true, fresh_head = true}

--- A class by its name in checkpoints, or nil.
function M.class(name)
    if name == "YosoModel" then
        return require("yoso.model").YosoModel
    end
    return require("yoso.heads")[name]
end

local function class_list()
    local names = {"YosoModel"}
    for name in pairs(require("yoso.heads")) do
        names[#names + 1] = name
    end
    table.sort(names)
    return table.concat(names, ", ")
end

local function check_options(dir, options)
    if type(dir) ~= "string" then
        c.raise(("load: dir is a %s, must be a string"):format(type(dir)))
    elseif type(options) ~= "table" then
        c.raise(("load: options are a %s, must be a table"):format(type(options)))
    end
    for name in pairs(options) do
        if not known_options[name] then
            c.raise(("load: there is no option %s; there are dtype, device, attention, num_hash,"
                .. " seed, class, config, fresh_head"):format(tostring(name)))
        end
    end
    if options.dtype ~= nil and not float_dtypes[options.dtype] then
        c.raise(("load: dtype is %s, must be f32, f16, bf16 or int8"):format(tostring(options.dtype)))
    elseif options.class ~= nil and not M.class(options.class) then
        c.raise(("load: class is %s, must be one of %s"):format(tostring(options.class),
            class_list()))
    end
    if options.config ~= nil and type(options.config) ~= "table" then
        c.raise(("load: config is a %s, must be a table of fields"):format(type(options.config)))
    end
    tensor.device_code(options.device or "cpu", "load")
end

-- The class that the folder's configuration names.
local function class_of(found, path)
    local names = found.architectures
    local name = type(names) == "table" and names[1]
    if not name then
        return nil, path .. ": architectures names no class; say which with the option class"
    elseif not M.class(name) then
        return nil, ("%s: architectures has %s, must be one of %s"):format(path, tostring(name),
            class_list())
    end
    return name
end

-- All wanted dtypes at once: tensors that have theirs are not copied.
local function convert(tensors, dtype)
    for name, value in pairs(tensors) do
        if value:dtype() ~= dtype then
            tensors[name] = tensor.call(c.lib.yoso_cast, value.handle, tensor.codes[dtype])
            value:free()
        end
    end
end

local function list(title, names)
    return #names > 0 and ("%s: %s"):format(title, table.concat(names, ", ")) or nil
end

-- One line with everything that does not fit, or nil.
local function describe(missing, unexpected, mismatched)
    local shapes, parts = {}, {}
    for i, entry in ipairs(mismatched) do
        shapes[i] = ("%s has shape [%s], must be [%s]"):format(entry.name,
            table.concat(entry.got, ", "), table.concat(entry.wanted, ", "))
    end
    for _, part in ipairs{list("missing", missing) or false, list("unexpected", unexpected) or false,
        list("wrongly shaped", shapes) or false} do
        parts[#parts + 1] = part or nil
    end
    return #parts > 0 and table.concat(parts, "; ") or nil
end

-- Splits what load_state found wrong: parameters of the head, which may begin anew, are moved from
-- the lists to a list of names and a set of parameters.
local function take_head(model, missing, unexpected, mismatched)
    local names, set, faulty = {}, {}, {}
    for _, name in ipairs(missing) do
        faulty[name] = true
    end
    for _, entry in ipairs(mismatched) do
        faulty[entry.name] = true
    end
    for name, parameter in model:named_parameters() do
        if faulty[name] and keys.is_head(name) then
            names[#names + 1] = name
            set[parameter] = true
        end
    end
    local function rest(list_of, name_of)
        local kept = {}
        for _, entry in ipairs(list_of) do
            if not keys.is_head(name_of(entry)) then
                kept[#kept + 1] = entry
            end
        end
        return kept
    end
    local function itself(name)
        return name
    end
    return names, set, rest(missing, itself), rest(unexpected, itself),
        rest(mismatched, function(entry) return entry.name end)
end

-- Puts a checkpoint's tensors into the model; the names of those that are fresh, or nil and what
-- does not fit.
local function fill(model, tensors, options, dtype)
    local unpacked, damage = int8.unpack(tensors, dtype)
    if not unpacked then
        return nil, damage
    end
    keys.adapt(tensors, model:state(), model.config)
    convert(tensors, dtype)
    local missing, unexpected, mismatched = model:load_state(tensors, true)
    local fresh, set = {}, {}
    if options.fresh_head then
        fresh, set, missing, unexpected, mismatched = take_head(model, missing, unexpected,
            mismatched)
    end
    local problem = describe(missing, unexpected, mismatched)
    if problem then
        return nil, ("not the parameters of %s: %s"):format(model.__name, problem)
    end
    if #fresh > 0 then
        model:initialise(set)
        nn.Module.to(model, dtype)
    end
    return fresh
end

-- The configuration of the folder with the caller's changes, and the class to make.
local function settle(path, options)
    local found, message = config.read(path)
    if not found then
        return nil, message
    end
    local name = options.class
    if not name then
        name, message = class_of(found, path)
        if not name then
            return nil, message
        end
    end
    return options.config and found:with(options.config) or found, name
end

--- The model in a checkpoint folder, in eval mode; nil and a message when there is none.
-- options: dtype ("f32", "f16", "bf16", "int8"), device ("cpu", "cuda"), attention, num_hash, seed (see
-- set_attention), class (instead of what config.json names), config (fields that replace the
-- file's). With fresh_head = true parameters outside the encoder may be missing or of another
-- shape; they begin anew, and model.fresh lists their names.
function M.load(dir, options)
    options = options or {}
    check_options(dir, options)
    if not file.is_directory(dir) then
        return nil, dir .. (file.exists(dir) and ": is no folder" or ": there is no such folder")
    end
    local settled, name = settle(dir .. "/config.json", options)
    if not settled then
        return nil, name
    end
    local tensors, message = state.read(dir)
    if not tensors then
        return nil, message
    end
    local model = nn.init.skip(M.class(name), settled)
    model.runtime:set(options, "load")
    local dtype = options.dtype or (int8.is_packed(tensors) and "int8" or "f32")
    model.runtime.int8 = dtype == "int8"
    local fresh, problem = fill(model, tensors, options, float_dtypes[dtype])
    if not fresh then
        return nil, dir .. ": " .. problem
    end
    rawset(model, "fresh", fresh)
    if options.device and options.device ~= "cpu" then
        model:to(options.device)
    end
    return model:eval()
end

return M
