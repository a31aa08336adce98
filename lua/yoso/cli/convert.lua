-- yoso convert: a checkpoint, or one file of tensors, into safetensors with another dtype.
local file = require "yoso.io.file"
local int8 = require "yoso.model.int8"
local safetensors = require "yoso.io.safetensors"
local support = require "yoso.cli.support"
local torchbin = require "yoso.io.torchbin"
require "yoso.ops" -- gives tensors to()

local M = {summary = "write a checkpoint as safetensors, with another dtype if asked"}

M.examples = {"yoso convert CHECKPOINT OUT --dtype bf16",
    "yoso convert pytorch_model.bin model.safetensors"}

function M.configure(parser)
    parser:argument("input", "A checkpoint's folder, or a .safetensors or .bin file."):argname("IN")
    parser:argument("output", "Folder (or .safetensors file) to write."):argname("OUT")
    parser:option("--dtype", "Element type of the weights; by default as they are. int8: bf16, but"
        .. " the encoder's matrices in 8 bits with a scale a row.")
        :choices{"f32", "f16", "bf16", "int8"}
end

local floats = {f32 = true, f16 = true, bf16 = true}

local function convert_file(args)
    local read = args.input:match("%.safetensors$") and safetensors.load or torchbin.load
    local tensors, message = read(args.input)
    if not tensors then
        return nil, message
    end
    local dtype, formats = args.dtype, nil
    if not dtype and int8.is_packed(tensors) then
        dtype = "int8"
    end
    local ok
    ok, message = int8.unpack(tensors, dtype == "int8" and "bf16" or dtype)
    if not ok then
        return nil, ("%s: %s"):format(args.input, message)
    elseif dtype == "int8" then
        tensors, formats = int8.pack(tensors)
    end
    for name, value in pairs(tensors) do
        if dtype and dtype ~= "int8" and floats[value:dtype()] then
            tensors[name] = value:to(dtype)
        end
    end
    return safetensors.save(args.output, tensors, nil, formats)
end

-- What else belongs to a checkpoint: its tokenizer's files and its card.
local function is_companion(name)
    return name:match("^tokenizer") or name:match("^vocab%.") or name == "merges.txt"
        or name == "special_tokens_map.json" or name == "added_tokens.json"
        or name:match("%.model$") or name == "README.md"
end

local function copy_companions(from, to)
    local names, message = file.list(from)
    if not names then
        return nil, message
    end
    for _, name in ipairs(names) do
        if is_companion(name) and not file.is_directory(from .. "/" .. name) then
            local text, problem = file.read(from .. "/" .. name)
            local ok
            if text then
                ok, problem = file.write(to .. "/" .. name, text)
            end
            if not ok then
                return nil, problem
            end
        end
    end
    return true
end

-- The dtype that the config names, as our names go.
local dtype_names = {float32 = "f32", float16 = "f16", bfloat16 = "bf16", int8 = "int8"}

local function convert_folder(args)
    local config, message = require "yoso.model.config".read(args.input .. "/config.json")
    if not config then
        return nil, message
    end
    local kept = dtype_names[config.dtype or config.torch_dtype]
    local model
    model, message = require "yoso".load(args.input, {dtype = args.dtype or kept or "f32"})
    if not model then
        return nil, message
    end
    local ok
    ok, message = model:save(args.output)
    if not ok then
        return nil, message
    end
    return copy_companions(args.input, args.output)
end

function M.run(args)
    if args.input == args.output then
        return support.usage("convert: IN and OUT are the same")
    end
    local convert = file.is_directory(args.input) and convert_folder or convert_file
    local ok, message = convert(args)
    if not ok then
        return support.fail("convert: " .. message)
    end
    return support.DONE
end

return M
