-- Tiny models with fixed random weights and the shipped tokenizer, for specs of what runs models.
local yoso = require "yoso"

local M = {}

local tokenizer

function M.tokenizer()
    tokenizer = tokenizer or assert(yoso.tokenizer("models/sentiment"))
    return tokenizer
end

--- A model of a class in eval mode; options go into its configuration.
function M.model(class, options)
    local config = {vocab_size = 8192, hidden_size = 16, num_hidden_layers = 2,
        num_attention_heads = 2, intermediate_size = 32, max_position_embeddings = 64,
        hash_code_len = 4, num_hash = 8, initializer_range = 0.5}
    for name, value in pairs(options or {}) do
        config[name] = value
    end
    yoso.manual_seed(7)
    return yoso[class](yoso.YosoConfig(config)):eval()
end

--- A pipeline of a task on such a model, and the warnings it gave.
function M.pipeline(task, class, config, options)
    local warnings = {}
    options = options or {}
    options.warn = function(message) warnings[#warnings + 1] = message end
    local pipeline = yoso.pipeline(task,
        {model = M.model(class, config), tokenizer = M.tokenizer()}, options)
    return pipeline, warnings
end

--- The message that fn(...) raises.
function M.failure(fn, ...)
    local ok, message = pcall(fn, ...)
    assert(not ok, "no failure")
    return (message:gsub("^[^:]+:%d+: ", ""))
end

return M
