-- Pipelines: from texts to answers in one call. A pipeline holds a model with the head its task
-- needs and its tokenizer; called with one input it gives one result, with a list a list.
--   local classify = yoso.pipeline("text-classification", dir, {max_length = 128})
-- Each kind of task is a file in pipeline/: encode(self, input) makes windows of token ids,
-- run(self, windows) fills in the model's outputs, decode(self, input, windows) gives the result.
local c = require "yoso.c"
local labels = require "yoso.pipeline.labels"
local ranges = require "yoso.ranges"
local room = require "yoso.tokenizer.room"
local utf8 = require "yoso.data.utf8"

local M = {}

local kinds = {
    ["text-classification"] = "text_classification", ["fill-mask"] = "fill_mask",
    ["token-classification"] = "token_classification",
    ["question-answering"] = "question_answering", ["multiple-choice"] = "multiple_choice",
    ["feature-extraction"] = "feature_extraction", ["text-matching"] = "text_matching",
}

--- Names of the kinds of pipeline, sorted.
function M.kinds()
    local names = {}
    for name in pairs(kinds) do
        names[#names + 1] = name
    end
    table.sort(names)
    return names
end

local Pipeline = {}
Pipeline.__index = Pipeline

-- -- Inputs --------------------------------------------------------------------------------------

local function check_text(self, text, where)
    if type(text) ~= "string" then
        c.raise(("%s: %s is a %s, must be a string"):format(self.task, where, type(text)))
    end
    local bad = utf8.invalid_at(text)
    if bad then
        c.raise(("%s: %s, byte %d (0x%02X) is not UTF-8"):format(self.task, where, bad,
            text:byte(bad)))
    end
end

local function check_choices(self, input, where)
    if type(input.choices) ~= "table" or #input.choices == 0 then
        c.raise(("%s: %s has no choices, wanted a list of texts"):format(self.task, where))
    end
    for i, choice in ipairs(input.choices) do
        check_text(self, choice, ("%s, choice %d"):format(where, i))
    end
end

local function check_input(self, input, where)
    if type(input) == "string" and not self.kind.is_single then
        return check_text(self, input, where)
    elseif type(input) ~= "table" then
        c.raise(("%s: %s is a %s, wanted %s"):format(self.task, where, type(input),
            self.kind.wants))
    elseif self.task == "question-answering" then
        check_text(self, input.question, where .. ", question")
        check_text(self, input.context, where .. ", context")
    elseif self.task == "multiple-choice" then
        check_text(self, input.prompt, where .. ", prompt")
        check_choices(self, input, where)
    elseif self.task == "token-classification" and input.tokens then
        for i, token in ipairs(input.tokens) do
            check_text(self, token, ("%s, token %d"):format(where, i))
        end
    elseif self.task == "text-matching" then
        check_text(self, input.text, where .. ", text")
        check_text(self, input.pair, where .. ", pair")
    elseif self.task == "text-classification" and input.text then
        check_text(self, input.text, where .. ", text")
        if input.pair ~= nil then
            check_text(self, input.pair, where .. ", pair")
        end
    else
        c.raise(("%s: %s is a table, wanted %s"):format(self.task, where, self.kind.wants))
    end
end

-- One input (a text, or a table with named parts) rather than a list of them.
local function is_single(self, input)
    if type(input) ~= "table" then
        return true
    end
    return input.text ~= nil or input.tokens ~= nil
        or (self.kind.is_single and self.kind.is_single(input))
end

-- -- Running -------------------------------------------------------------------------------------

local function warn_of_cuts(self, inputs)
    local cut = 0
    for _, windows in ipairs(inputs) do
        for _, window in ipairs(windows) do
            cut = cut + (window.cut and 1 or 0)
        end
    end
    if cut > 0 then
        self.cut = self.cut + cut
        self.warn(("%s: %d of %d texts cut at %d tokens"):format(self.task, cut, #inputs,
            self.max_length))
    end
end

--- The windows of each input, with the model's outputs in them.
function Pipeline:windows(inputs)
    local all, each = {}, {}
    for i, input in ipairs(inputs) do
        each[i] = self.kind.encode(self, input)
        for _, window in ipairs(each[i]) do
            all[#all + 1] = window
            self.tokens = self.tokens + #window.ids
        end
    end
    warn_of_cuts(self, each)
    self.kind.run(self, all)
    return each
end

function Pipeline:__call(input)
    if is_single(self, input) then
        check_input(self, input, "the input")
        return self.kind.decode(self, input, self:windows({input})[1])
    end
    if #input == 0 then
        c.raise(("%s: the list of inputs is empty, wanted at least one"):format(self.task))
    end
    for i = 1, #input do
        check_input(self, input[i], ("input %d"):format(i))
    end
    local results = {}
    for i, windows in ipairs(self:windows(input)) do
        results[i] = self.kind.decode(self, input[i], windows)
    end
    return results
end

-- -- Making --------------------------------------------------------------------------------------

local function warn(message)
    io.stderr:write("warning: ", message, "\n")
end

-- The model and tokenizer of a checkpoint, or nil and a message.
local function load(kind, task, dir, options)
    local checkpoint = require "yoso.io.checkpoint"
    local model, failure = checkpoint.load(dir, {dtype = options.dtype, device = options.device,
        attention = options.attention, num_hash = options.num_hash, seed = options.seed,
        class = kind.class == "YosoModel" and "YosoModel" or nil})
    if not model then
        return nil, failure
    end
    local class = model.__name or kind.class
    if class ~= kind.class then
        return nil, ("%s: %s needs a %s, this checkpoint is a %s"):format(dir, task, kind.class,
            class)
    end
    return model
end

local of_loading = {"dtype", "device", "attention", "num_hash", "seed"}

local known = {
    max_length = ranges.whole(1), batch_size = ranges.whole(1), batch_tokens = ranges.whole(1),
    stride = ranges.whole(0), top_k = ranges.whole(1), max_answer_tokens = ranges.whole(1),
    handle_impossible_answer = true, pooling = true, warn = true,
}
for _, name in ipairs(of_loading) do
    known[name] = true
end

-- A model that is there already is taken as it is.
local function check_of_memory(options)
    for _, name in ipairs(of_loading) do
        if options[name] ~= nil then
            c.raise(("pipeline: %s is an option of loading a checkpoint; a model that is given is used"
                .. " as it is (see model:set_attention and model:to)"):format(name))
        end
    end
end

--- A pipeline for a kind of task from a checkpoint directory, or from {model=, tokenizer=}.
-- options: those of yoso.load (for a directory), max_length, batch_size, batch_tokens, warn, and the
-- kind's own.
-- A checkpoint that cannot serve gives nil and a message.
function M.pipeline(task, from, options)
    options = options or {}
    if not kinds[task] then
        c.raise(("pipeline: unknown task %s, wanted one of %s"):format(tostring(task),
            table.concat(M.kinds(), ", ")))
    end
    if type(from) ~= "string" and not (type(from) == "table" and from.model and from.tokenizer) then
        c.raise(("pipeline: the second argument is a %s, wanted a checkpoint directory or {model=,"
            .. " tokenizer=}"):format(type(from)))
    end
    ranges.check("pipeline", options, known)
    local kind = require("yoso.pipeline." .. kinds[task])
    if kind.check then
        kind.check(options)
    end
    local model, tokenizer = from.model, from.tokenizer
    if type(from) == "table" then
        check_of_memory(options)
    else
        local failure
        model, failure = load(kind, task, from, options)
        if not model then
            return nil, failure
        end
        tokenizer, failure = require("yoso.tokenizer").load(from)
        if not tokenizer then
            return nil, failure
        end
    end
    local longest = model.config.max_position_embeddings
    local self = {task = task, kind = kind, model = model, tokenizer = tokenizer, options = options,
        max_length = math.min(options.max_length or longest, longest),
        warn = options.warn or warn, tokens = 0, cut = 0}
    room.check("pipeline", tokenizer, self.max_length)
    self.labels, self.num_labels = model.config.id2label, model.config.num_labels
    self.problem = labels.problem(model.config)
    return setmetatable(self, Pipeline)
end

return M
