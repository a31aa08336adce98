-- What commands share: their inputs, their output, how they fail, which model they take.
local arguments = require "yoso.arguments"
local c = require "yoso.c"

local M = {}

M.DONE, M.FAILED, M.USAGE = 0, 1, 2

--- Iterates the texts that a command works on: args.text (a list) or, when that is empty, the
-- lines of standard input.
function M.inputs(args)
    local given = args.text
    if given and #given > 0 then
        local at = 0
        return function()
            at = at + 1
            return given[at]
        end
    end
    local next_line = io.lines()
    return function()
        local line = next_line()
        return line and (line:gsub("\r$", ""))
    end
end

--- Prints one result: as one line of JSON, or by text_printer(object).
function M.emit(object, as_json, text_printer)
    if as_json then
        io.write(require "yoso.io.json".encode(object), "\n")
    else
        text_printer(object)
    end
end

--- The work failed: one line on standard error, status 1.
function M.fail(message)
    io.stderr:write("yoso: ", (tostring(message):gsub("%s*\n%s*", "; ")), "\n")
    return M.FAILED
end

--- The command was used wrongly: one line on standard error, status 2.
function M.usage(message)
    M.fail(message)
    return M.USAGE
end

--- A remark on standard error.
function M.warn(message)
    io.stderr:write("yoso: ", message, "\n")
end

--- Shows how far the work is, in place, when standard error is a terminal.
-- progress(text) replaces what stood there, progress() clears it.
function M.progress(text)
    if c.lib.yoso_is_terminal(2) ~= 0 then
        io.stderr:write("\r\27[K", text or "")
        io.stderr:flush()
    end
end

--- Adds the options that every command with a model and texts has.
function M.configure_inputs(parser)
    M.configure_model(parser)
    parser:flag("--json", "Print one JSON object for each input, one a line.")
    parser:argument("text", "The texts; without any, the lines of standard input."):args("*")
end

--- Adds --model, --dtype, --device, --attention, --num-hash, --seed.
function M.configure_model(parser)
    parser:option("--model", "Folder of the model, or the name of a shipped one.")
        :argname("DIR")
    parser:option("--dtype", "Element type of the weights; int8: bf16 with products in 8 bits.")
        :choices{"f32", "f16", "bf16", "int8"}
    parser:option("--device", "Where to compute."):choices{"cpu", "cuda"}
    parser:option("--attention", "Form of the attention; by default what the model's config says.")
        :choices(arguments.forms)
    parser:option("--num-hash", "Hashes of the sampled form, which it chooses."):convert(arguments.whole(1))
        :argname("N")
    parser:option("--seed", "Seed of the hashes."):convert(arguments.whole(0)):argname("N")
end

--- The options of yoso.load that the command line gave.
function M.load_options(args)
    return {dtype = args.dtype, device = args.device,
        attention = args.attention or (args.num_hash and "sample"),
        num_hash = args.num_hash, seed = args.seed}
end

--- The folder of the model to use: --model, a folder or a shipped model's name; without it the
-- shipped default. Returns nil and a message when there is none.
function M.model_folder(args)
    local models = require "yoso.models"
    local wanted = args.model
    if not wanted then
        return models.path(models.default)
    end
    if not wanted:find("/", 1, true) and not require "yoso.io.file".is_directory(wanted) then
        local shipped = models.path(wanted)
        if shipped then
            return shipped
        end
    end
    return wanted
end

return M
