-- What `require "yoso"` offers. Rooms are opened when first asked for, so that starting costs
-- little; nothing is global.
local c = require "yoso.c"
local lib = c.lib

local M = {_VERSION = c.string(lib.yoso_version())}

-- Name here -> module and, where it is not the whole module, its field.
local rooms = {
    tensor = {"yoso.tensor", "tensor"}, zeros = {"yoso.tensor", "zeros"},
    ones = {"yoso.tensor", "ones"}, full = {"yoso.tensor", "full"},
    empty = {"yoso.tensor", "empty"}, is_tensor = {"yoso.tensor", "is"},
    randn = {"yoso.random", "randn"}, rand = {"yoso.random", "rand"},
    randint = {"yoso.random", "randint"}, randperm = {"yoso.random", "randperm"},
    arange = {"yoso.ops.create", "arange"}, linspace = {"yoso.ops.create", "linspace"},
    eye = {"yoso.ops.create", "eye"},
    random = {"yoso.random"}, manual_seed = {"yoso.random", "manual_seed"},
    scope = {"yoso.scope", "scope"}, keep = {"yoso.scope", "keep"},
    no_grad = {"yoso.autograd", "no_grad"},
    checkpoint = {"yoso.ops.checkpoint", "checkpoint"},
    gradcheck = {"yoso.gradcheck", "gradcheck"},
    graph = {"yoso.graph"}, op = {"yoso.op"}, ops = {"yoso.ops"}, nn = {"yoso.nn"}, optim = {"yoso.optim"},
    cat = {"yoso.ops", "cat"}, stack = {"yoso.ops", "stack"}, where = {"yoso.ops", "where"},
    load = {"yoso.io.checkpoint", "load"}, safetensors = {"yoso.io.safetensors"},
    torchbin = {"yoso.io.torchbin"},
    tokenizer = {"yoso.tokenizer", "load"}, pipeline = {"yoso.pipeline", "pipeline"},
    metrics = {"yoso.metrics"}, data = {"yoso.data"}, evaluate = {"yoso.evaluate", "evaluate"},
    train = {"yoso.train", "train"}, train_tokenizer = {"yoso.tokenizer.train", "train"},
    models = {"yoso.models"}, repl = {"yoso.repl", "repl"},
    YosoConfig = {"yoso.model.config", "YosoConfig"}, YosoModel = {"yoso.model", "YosoModel"},
    YosoForMaskedLM = {"yoso.heads", "YosoForMaskedLM"},
    YosoForSequenceClassification = {"yoso.heads", "YosoForSequenceClassification"},
    YosoForMultipleChoice = {"yoso.heads", "YosoForMultipleChoice"},
    YosoForTokenClassification = {"yoso.heads", "YosoForTokenClassification"},
    YosoForQuestionAnswering = {"yoso.heads", "YosoForQuestionAnswering"},
    YosoForTextMatching = {"yoso.heads", "YosoForTextMatching"},
}

--- Threads for this thread's calls; nil or 0 for as many as the process may run on.
function M.set_threads(count)
    c.check(lib.yoso_set_threads(count or 0))
end

function M.threads()
    return lib.yoso_threads()
end

--- Seconds of a clock that never goes back.
function M.time()
    return lib.yoso_time()
end

--- The names of everything that is here, loaded or not, in order.
function M.names()
    local names = {}
    for name in pairs(rooms) do
        names[#names + 1] = name
    end
    for name in pairs(M) do
        if not rooms[name] then
            names[#names + 1] = name
        end
    end
    table.sort(names)
    return names
end

--- {live=, cached=, peak=}: bytes of tensors alive, kept for reuse, and the most ever alive.
function M.memory()
    return {live = tonumber(lib.yoso_memory_live()), cached = tonumber(lib.yoso_memory_cached()),
        peak = tonumber(lib.yoso_memory_peak())}
end

--- Lets memory().peak start again from what is alive now.
function M.reset_peak()
    lib.yoso_memory_reset_peak()
end

-- Tensors get their methods from the operations, so these are loaded with the first tensor.
local tensor_makers = {random = true, tensor = true, zeros = true, ones = true, full = true, empty = true,
    randn = true, rand = true, randint = true, randperm = true, arange = true, linspace = true,
    eye = true, safetensors = true, load = true}

return setmetatable(M, {
    __names = rooms,
    __index = function(module, name)
        local room = rooms[name]
        if not room then
            return nil
        end
        if tensor_makers[name] then
            require "yoso.ops"
        end
        local value = require(room[1])
        if room[2] then
            value = value[room[2]]
        end
        module[name] = value
        return value
    end,
})
