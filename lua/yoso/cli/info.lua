-- yoso info: this build and machine; with a folder, the checkpoint in it.
local c = require "yoso.c"
local models = require "yoso.models"
local support = require "yoso.cli.support"

local lib = c.lib
local M = {summary = "tell about this build and machine, or about a checkpoint"}

M.examples = {"yoso info", "yoso info models/sentiment", "yoso info --parameters DIR",
    "yoso info --json DIR"}

function M.configure(parser)
    parser:argument("model", "Folder of a checkpoint, or the name of a shipped model."):args("?")
        :argname("DIR")
    parser:flag("--parameters", "List every parameter with its dtype and shape.")
    parser:flag("--json", "Print one JSON object.")
end

--- One line a device of cuda; or nil and why there is none.
local function cuda_devices()
    local count = c.new("int32_t[1]")
    local ok, message = c.try(lib.yoso_cuda_devices(count))
    if not ok then
        return nil, message
    end
    local lines, text = {}, c.new("char[256]")
    for device = 0, count[0] - 1 do
        ok, message = c.try(lib.yoso_cuda_describe(text, 256, device))
        lines[#lines + 1] = ok and c.string(text) or message
    end
    return lines
end

local function machine(as_json)
    local devices, why = cuda_devices()
    local facts = {
        version = c.string(lib.yoso_version()), abi = lib.yoso_abi(), lua = jit.version,
        isa = c.string(lib.yoso_isa()), threads = lib.yoso_threads(),
        library = c.string(lib.yoso_library_path()), models = models.list(),
        model_folders = models.folders(), cuda = devices,
    }
    support.emit(facts, as_json, function()
        print("yoso " .. facts.version .. " (ABI " .. facts.abi .. ", " .. facts.lua .. ")")
        print("library        " .. facts.library)
        print("kernels        " .. facts.isa)
        print("threads        " .. facts.threads)
        print("cuda           " .. (devices and table.concat(devices, "\n               ")
            or "no: " .. why))
        print("models         " .. (#facts.models > 0 and table.concat(facts.models, " ") or "none"))
        print("looked up in   " .. table.concat(facts.model_folders, "\n               "))
    end)
    return support.DONE
end

local function parameters_of(model)
    local list = {}
    for name, parameter in model:named_parameters() do
        list[#list + 1] = {name = name, dtype = parameter:dtype(), shape = parameter:shape()}
    end
    return list
end

local function checkpoint(args)
    local folder, message = support.model_folder(args)
    local model
    if folder then
        model, message = require "yoso".load(folder)
    end
    if not model then
        return support.fail("info: " .. message)
    end
    local list, count = parameters_of(model), 0
    for _, parameter in ipairs(model:parameters()) do
        count = count + parameter:numel()
    end
    local facts = {model = folder, class = model.__name, num_parameters = count,
        config = model.config:to_table(), parameters = args.parameters and list or nil}
    support.emit(facts, args.json, function()
        print(folder)
        print(tostring(model:info()))
        for _, parameter in ipairs(facts.parameters or {}) do
            print(("   %-5s %-16s %s"):format(parameter.dtype,
                "[" .. table.concat(parameter.shape, ", ") .. "]", parameter.name))
        end
    end)
    return support.DONE
end

function M.run(args)
    if args.model then
        return checkpoint(args)
    elseif args.parameters then
        return support.usage("info: --parameters needs the folder of a checkpoint")
    end
    return machine(args.json)
end

return M
