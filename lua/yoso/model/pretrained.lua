-- What YosoModel and the heads share: their configuration, new weights, saving, a description.
local c = require "yoso.c"
local config_module = require "yoso.model.config"
local file = require "yoso.io.file"
local graphs = require "yoso.model.graphs"
local int8 = require "yoso.model.int8"
local json = require "yoso.io.json"
local nn = require "yoso.nn"
local ranges = require "yoso.ranges"
local runtime_module = require "yoso.model.runtime"
local safetensors = require "yoso.io.safetensors"

local devices = {cpu = true, cuda = true}

local Pretrained = nn.Module:extend("YosoPreTrainedModel")

--- The first thing a model's init does. runtime is given to a model inside another.
function Pretrained:begin(config, runtime)
    if not config_module.is(config) then
        c.raise(("%s: config is a %s, must be a YosoConfig"):format(self.__name, type(config)))
    end
    self.config = config
    self.runtime = runtime or runtime_module.new(config)
end

--- New weights: products, embeddings and convolutions normal with deviation initializer_range,
-- biases and the padding token's embedding 0, norms 1 and 0. Taken from the global random stream.
-- only, a set of parameters, leaves all others as they are.
function Pretrained:initialise(only)
    local done = {}
    local function give(parameter, values)
        if parameter and not done[parameter] and (not only or only[parameter]) then
            values(parameter)
            done[parameter] = true
        end
    end
    for _, module in self:named_modules() do
        give(rawget(module, "weight"), function(weight)
            if module.__name == "LayerNorm" then
                return nn.init.constant(weight, 1)
            end
            nn.init.normal(weight, self.config.initializer_range)
            if rawget(module, "padding_idx") then
                local row = weight:narrow(1, module.padding_idx + 1, 1)
                nn.init.constant(row, 0)
                row:free()
            end
        end)
        give(rawget(module, "bias"), function(bias)
            nn.init.constant(bias, 0)
        end)
    end
end

--- Raises unless batch is a table of arguments.
function Pretrained.check_batch(batch, where)
    if type(batch) ~= "table" or require("yoso.tensor").is(batch) then
        c.raise(("%s: the batch is a %s, must be a table with input_ids"):format(where,
            require("yoso.tensor").is(batch) and "tensor" or type(batch)))
    end
end

local function first_parameter(self)
    local _, parameter = self:named_parameters()()
    return parameter
end

--- "cpu" or "cuda".
function Pretrained:device()
    return first_parameter(self):device()
end

--- The dtype of the weights; a model in 8 bits keeps them in bf16.
function Pretrained:dtype()
    return first_parameter(self):dtype()
end

--- Converts to a float dtype or moves to a device as other modules do; "int8" is bf16 with the
-- encoder layers' products in 8 bits wherever no gradient is asked for.
function Pretrained:to(where)
    if where == "int8" then
        nn.Module.to(self, "bf16")
    else
        nn.Module.to(self, where)
    end
    self.runtime.int8 = where == "int8" or self.runtime.int8 and devices[where] ~= nil
    return self
end

local of_attention = {attention = true, num_hash = true, seed = true}

--- Chooses how attention is computed from now on: {attention =, num_hash =, seed =}.
function Pretrained:set_attention(options)
    options = options or {}
    ranges.check("set_attention", options, of_attention)
    self.runtime:set(options, "set_attention")
    return self
end

local function flag(value, name, default)
    if value == nil then
        return default
    elseif type(value) ~= "boolean" then
        c.raise(("set_training: %s is a %s, must be a boolean"):format(name, type(value)))
    end
    return value
end

local of_training = {checkpointing = true, exact = true}

--- Chooses how training computes from now on: {checkpointing = true} keeps only the inputs of layers
-- and computes each twice, {exact = true} multiplies f32 in full where the processor has a faster
-- way that keeps 16 bits. Returns the model.
function Pretrained:set_training(options)
    ranges.check("set_training", options, of_training)
    local runtime = self.runtime
    runtime.checkpointing = flag(options.checkpointing, "checkpointing", runtime.checkpointing)
    runtime.split = not flag(options.exact, "exact", not runtime.split)
    return self
end

--- From now on forward passes on the device cuda, without gradient and in evaluation mode, are
-- captured as graphs and replayed when the same lengths come again; use_graphs(false) ends that.
-- A graph keeps the memory that one pass needs; at most 16 are kept.
function Pretrained:use_graphs(on)
    self.runtime.graphs = on ~= false and graphs.new() or nil
    return self
end

-- -- Saving ------------------------------------------------------------------------------------

local dtype_names = {f32 = "float32", f16 = "float16", bf16 = "bfloat16"}

--- Writes config.json and model.safetensors into the folder dir, which is made if it is missing;
-- PyTorch's classes load them, but for a model in 8 bits (see int8.lua). true, or nil and a message.
function Pretrained:save(dir)
    if type(dir) ~= "string" then
        c.raise(("save: dir is a %s, must be a string"):format(type(dir)))
    end
    local ok, message = file.mkdir(dir)
    if not ok then
        return nil, message
    end
    local values = self.config:to_table()
    values.architectures = json.array{self.__name}
    values.dtype = self.runtime.int8 and "int8" or dtype_names[self:dtype()]
    values.torch_dtype = nil
    local tensors, formats = self:state(), nil
    if self.runtime.int8 then
        tensors, formats = int8.pack(tensors)
    end
    ok, message = safetensors.save(dir .. "/model.safetensors", tensors, nil, formats)
    if not ok then
        return nil, message
    end
    return file.write(dir .. "/config.json", json.encode(values, "  ") .. "\n")
end

-- -- Describing ---------------------------------------------------------------------------------

local Info = {}
Info.__index = Info

-- What one layer's attention costs, by form.
local function cost_of(runtime, config)
    local width = config.hidden_size
    if runtime.attention == "sample" then
        return ("grows with the length n: %d hashes, about %d additions a token and layer")
            :format(runtime.num_hash, 2 * runtime.num_hash * width)
    end
    return ("grows with the square of the length n: %d n^2 multiplications a layer")
        :format(2 * width)
end

--- Sizes, the attention's form and its cost, device and dtype; a table that prints itself.
function Pretrained:info()
    local config, parameters, bytes = self.config, 0, 0
    for _, parameter in ipairs(self:parameters()) do
        local count = parameter:numel()
        parameters = parameters + count
        bytes = bytes + count
            * c.lib.yoso_dtype_size(c.lib.yoso_tensor_dtype(parameter.handle))
    end
    return setmetatable({class = self.__name, parameters = parameters, bytes = bytes,
        layers = config.num_hidden_layers, hidden_size = config.hidden_size,
        heads = config.num_attention_heads, intermediate_size = config.intermediate_size,
        vocab_size = config.vocab_size, max_length = config.max_position_embeddings,
        attention = self.runtime.attention, num_hash = self.runtime.num_hash,
        hash_code_len = config.hash_code_len, conv_window = config.conv_window,
        seed = self.runtime.seed, cost = cost_of(self.runtime, config), device = self:device(),
        dtype = self.runtime.int8 and "int8" or self:dtype(),
        mode = self.training and "training" or "evaluation"}, Info)
end

function Info:__tostring()
    local attention = self.attention
    if attention ~= "softmax" then
        attention = ("%s, codes of %d bits%s"):format(attention, self.hash_code_len,
            attention == "sample" and (", %d hashes, seed %d"):format(self.num_hash, self.seed) or "")
    end
    if self.conv_window then
        attention = ("%s, convolution over %d tokens"):format(attention, self.conv_window)
    end
    return table.concat({
        ("%s, %.1f million parameters, %.1f MB"):format(self.class, self.parameters / 1e6,
            self.bytes / 1e6),
        ("%d layers, %d wide, %d heads, %d between, %d words, up to %d tokens"):format(self.layers,
            self.hidden_size, self.heads, self.intermediate_size, self.vocab_size, self.max_length),
        ("attention: %s; %s"):format(attention, self.cost),
        ("%s on %s, in %s mode"):format(self.dtype, self.device, self.mode),
    }, "\n")
end

return Pretrained
