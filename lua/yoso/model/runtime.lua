-- What is decided when a model runs rather than when it is made: which attention, how many hashes,
-- the seeds of the hashes, whether training may multiply f32 as two bf16 (`split`) and keeps only
-- the inputs of layers (`checkpointing`); see docs/training.md. One for all layers of a model.
local c = require "yoso.c"
local random = require "yoso.random"

local Runtime = {}
Runtime.__index = Runtime

local M = {}

local forms = {expectation = true, sample = true, softmax = true}

--- A runtime as the configuration asks for.
function M.new(config)
    return setmetatable({attention = config:attention(), num_hash = config.num_hash, seed = 1,
        step = 0, int8 = false,
        split = true, checkpointing = false}, Runtime)
end

--- Changes attention, num_hash and seed, those that options has; `where` names the caller.
function Runtime:set(options, where)
    local form, count, seed = options.attention, options.num_hash, options.seed
    if form ~= nil and not forms[form] then
        c.raise(("%s: attention is %s, must be expectation, sample or softmax")
            :format(where, tostring(form)))
    end
    if count ~= nil and not (type(count) == "number" and count == math.floor(count) and count >= 1
            and count <= 2 ^ 16) then
        c.raise(("%s: num_hash is %s, must be a whole number from 1 to 65536")
            :format(where, tostring(count)))
    end
    if seed ~= nil and not (type(seed) == "number" and seed == math.floor(seed) and seed >= 0
            and seed < 2 ^ 53) then
        c.raise(("%s: seed is %s, must be a whole number from 0 to below 2^53")
            :format(where, tostring(seed)))
    end
    self.attention, self.num_hash = form or self.attention, count or self.num_hash
    self.seed = seed or self.seed
end

--- The seed of this forward pass: in training every step has its own.
function Runtime:seed_of(training)
    return training and random.derive(self.seed, self.step) or self.seed
end

return M
