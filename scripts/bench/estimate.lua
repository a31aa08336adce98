-- How far the sampled form is from the expectation form, on a model's own queries, keys and values:
-- against the number of hashes and against time, for each way to hash.
-- usage: yoso scripts/bench/estimate.lua MODEL TASK DATA [NAME=VALUE...]
-- NAMEs: limit (examples to score, 400), captured (examples whose layers are compared, 16), seeds (4),
-- num_hash ("8,16,32,64,128"), max_length, threads (1).
-- A row has the relative error |S - E| / |E| of the sums before they are normalised and of the result,
-- the mean cosine of the result's rows (a head's part of a token), the share of the error that the mean
-- over seeds keeps (1 / sqrt(seeds) where nothing is biased), the processor seconds of the sampled layers, and
-- the task's score.
local yoso = require "yoso"
local ops = yoso.ops

local model_path, task, data = arg[1], arg[2], arg[3]
if not data then
    io.stderr:write("usage: yoso estimate.lua MODEL TASK DATA [NAME=VALUE...]\n")
    os.exit(2)
end
local given = {limit = "400", captured = "16", seeds = "4", num_hash = "8,16,32,64,128",
    threads = "1"}
for i = 4, #arg do
    local name, value = arg[i]:match("^([%w_]+)=(.*)$")
    given[assert(name, "wanted NAME=VALUE")] = value
end
yoso.set_threads(tonumber(given.threads))

local model = assert(yoso.load(model_path)):eval()
local tokenizer = assert(yoso.tokenizer(model_path))

-- Calls visit(layer's module) for every self-attention.
local function each_attention(visit)
    for name, module in model:named_modules() do
        if name:match("attention%.self$") then
            visit(module)
        end
    end
end

local function score(options)
    model:set_attention{attention = options.attention, num_hash = options.num_hash}
    return assert(yoso.evaluate{model = {model = model, tokenizer = tokenizer}, task = task,
        data = data, limit = options.limit, max_length = tonumber(given.max_length)})
end

-- A copy that outlives the batch it comes from.
local function own(x)
    return yoso.keep(x:clone())
end

-- Queries, keys and values of every layer and batch, and what ops.attention was told about them.
local function capture()
    local found = {}
    each_attention(function(module)
        local class = getmetatable(module)
        rawset(module, "forward", function(self, hidden, pack)
            local query, key, value = self:project(hidden)
            local options = self:options(pack)
            options.offset = own(options.offset)
            options.keep = options.keep and own(options.keep)
            found[#found + 1] = {own(query), own(key), own(value), options}
            return class.forward(self, hidden, pack)
        end)
    end)
    score{limit = tonumber(given.captured), attention = "expectation"}
    each_attention(function(module) rawset(module, "forward", nil) end)
    return found
end

-- Rows of one head each, of length one.
local function unit(x, heads)
    local shape = x:shape()
    return ops.l2_normalize(x:reshape{shape[1] * heads, shape[2] / heads}):reshape(shape)
end

local function attend(layer, changes)
    local options = {}
    for name, value in pairs(layer[4]) do
        options[name] = value
    end
    for name, value in pairs(changes) do
        options[name] = value
    end
    options.conv_weight = nil
    local query, key = layer[1], layer[2]
    if options.normalize == false then
        query, key = unit(query, options.heads), unit(key, options.heads)
    end
    local start = os.clock()
    local out = ops.attention(query, key, layer[3], options)
    return out, os.clock() - start
end

local function squares(x)
    return (x * x):sum():item()
end

local function cosine(a, b, heads)
    local product = unit(a, heads) * unit(b, heads)
    return product:sum():item() / (a:size(1) * heads)
end

-- The figures of one way to hash over all captured layers.
local function compare(layers, how)
    local seeds = tonumber(given.seeds)
    local sums = {raw = 0, raw_size = 0, mean = 0, result = 0, result_size = 0, cosine = 0, seconds = 0}
    for _, layer in ipairs(layers) do
        local exact = attend(layer, {form = "expectation"})
        local exact_raw = attend(layer, {form = "expectation", normalize = false})
        local total
        for seed = 1, seeds do
            local changes = {form = "sample", fast_hash = how.fast_hash, num_hash = how.num_hash,
                seed = seed}
            local out, seconds = attend(layer, changes)
            changes.normalize = false
            local difference = attend(layer, changes) - exact_raw
            total = total and total + difference or difference
            sums.raw = sums.raw + squares(difference) / seeds
            sums.result = sums.result + squares(out - exact) / seeds
            sums.cosine = sums.cosine + cosine(out, exact, layer[4].heads) / seeds / #layers
            sums.seconds = sums.seconds + seconds / seeds
        end
        sums.raw_size = sums.raw_size + squares(exact_raw)
        sums.result_size = sums.result_size + squares(exact)
        sums.mean = sums.mean + squares(total * (1 / seeds))
    end
    return {raw = math.sqrt(sums.raw / sums.raw_size), kept = math.sqrt(sums.mean / sums.raw),
        result = math.sqrt(sums.result / sums.result_size), cosine = sums.cosine,
        seconds = sums.seconds}
end

-- The task's score when every layer hashes like that.
local function scored(how)
    each_attention(function(module)
        local class = getmetatable(module)
        rawset(module, "options", function(self, pack)
            local options = class.options(self, pack)
            options.fast_hash = how.fast_hash
            return options
        end)
    end)
    local result = score{limit = tonumber(given.limit), attention = "sample",
        num_hash = how.num_hash}
    each_attention(function(module) rawset(module, "options", nil) end)
    return result
end

yoso.no_grad(function()
    local layers = capture()
    local exact = score{limit = tonumber(given.limit), attention = "expectation"}
    print(("%s, %d examples: %s of the expectation form %.4f"):format(task, exact.examples,
        exact.metric, exact.score))
    print("| hash | M | error before | error after | cosine | kept by the mean | s | " .. exact.metric .. " |")
    print("|---|---|---|---|---|---|---|---|")
    for _, fast_hash in ipairs{true, "spread", false} do
        for num_hash in given.num_hash:gmatch("%d+") do
            local how = {fast_hash = fast_hash, num_hash = tonumber(num_hash)}
            local row = compare(layers, how)
            print(("| %s | %d | %.3f | %.3f | %.4f | %.2f | %.4f | %.4f |"):format(tostring(fast_hash),
                how.num_hash, row.raw, row.result, row.cosine, row.kept, row.seconds,
                scored(how).score))
            io.flush()
        end
    end
end)
