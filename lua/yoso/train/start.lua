-- How training begins: the labels that the data has, the tokenizer, and the model, from scratch or
-- from a checkpoint whose head is made fresh.
local c = require "yoso.c"
local json = require "yoso.io.json"
local labels = require "yoso.tasks.labels"
local sizes = require("yoso.train.options").sizes

local M = {}

local classes = {
    ["text-classification"] = "YosoForSequenceClassification",
    ["token-classification"] = "YosoForTokenClassification",
    ["question-answering"] = "YosoForQuestionAnswering",
    ["multiple-choice"] = "YosoForMultipleChoice", ["fill-mask"] = "YosoForMaskedLM",
    ["text-matching"] = "YosoForTextMatching",
}

local function sorted_names(set)
    local names = {}
    for name in pairs(set) do
        names[#names + 1] = name
    end
    table.sort(names, function(a, b)
        local x, y = tonumber(a), tonumber(b)
        if x and y then
            return x < y
        end
        return a < b
    end)
    return names
end

-- Names and the problem of a user's own texts: labels that are all numbers with a fraction are a
-- regression's; lists, or names joined by commas, are several labels at once.
local function own_labels(examples)
    local set, several, fractions, numbers = {}, false, false, true
    for i, example in ipairs(examples) do
        local label = example.label
        if label == nil then
            return nil, ("%s: no label"):format(tostring(example.line or i))
        end
        several = several or type(label) == "table"
        local value = type(label) ~= "table" and tonumber(label)
        numbers = numbers and value ~= nil and value ~= false
        fractions = fractions or (value and value % 1 ~= 0)
    end
    if numbers and fractions then
        return {}, "regression"
    end
    for i, example in ipairs(examples) do
        if not several and example.label == "" then
            return nil, ("%s: the label is empty"):format(tostring(example.line or i))
        end
        for _, name in ipairs(several and labels.list(example.label)
            or {tostring(example.label)}) do
            set[name] = true
        end
    end
    return sorted_names(set), several and "multi_label_classification"
        or "single_label_classification"
end

local function own_tags(examples)
    local set = {}
    for _, example in ipairs(examples) do
        for _, tag in ipairs(example.tags) do
            set[tag] = true
        end
    end
    return sorted_names(set)
end

--- Label names (a list) and the problem for a task: the task's own, or what the examples hold.
-- nil and a message, which begins with the line, where an example has none.
function M.labels(task, examples, wanted_problem)
    if task.kind == "token-classification" then
        return task.labels or own_tags(examples)
    elseif task.kind ~= "text-classification" and task.kind ~= "text-matching" then
        return nil
    elseif task.problem then
        return task.labels or {}, task.problem
    end
    local names, problem = own_labels(examples)
    if not names then
        return nil, problem
    end
    return wanted_problem == "regression" and {} or names, wanted_problem or problem
end

-- Whether some question has no answer.
local function some_impossible(examples)
    for _, example in ipairs(examples) do
        if example.impossible then
            return true
        end
    end
end

--- The fields of a configuration that the data decide: by the names and the problem of their labels.
function M.fields(examples, names, problem)
    if not names then
        return {handle_impossible_answer = some_impossible(examples)}
    elseif problem == "regression" then
        return {num_labels = 1, problem_type = problem, id2label = {[0] = "score"},
            label2id = {score = 0}}
    end
    local id2label, label2id = {}, {}
    for i, name in ipairs(names) do
        id2label[i - 1], label2id[name] = name, i - 1
    end
    return {num_labels = #names, problem_type = problem, id2label = id2label, label2id = label2id}
end

-- Notes in a configuration the form that is trained with, so that the model is loaded with it.
local function name_attention(config, form)
    if form then
        config.use_expectation = form ~= "sample"
        config.attention_baseline = form == "softmax" and form or json.null
    end
end

-- The configuration of a model from scratch: sizes from the options, ids from the tokenizer.
local function fresh_config(options, tokenizer, fields)
    local config = {
        hidden_size = 128, num_hidden_layers = 3, num_attention_heads = 4, intermediate_size = 512,
        hash_code_len = 8, num_hash = 32, max_position_embeddings = options.max_length + 2,
        vocab_size = tokenizer:vocab_size(), pad_token_id = tokenizer.pad_id,
        bos_token_id = tokenizer.bos_id or tokenizer.cls_id,
        eos_token_id = tokenizer.eos_id or tokenizer.sep_id,
    }
    name_attention(config, options.attention)
    for _, name in ipairs(sizes) do
        config[name] = options[name] or config[name]
    end
    for name, value in pairs(fields) do
        config[name] = value
    end
    config.hidden_dropout_prob = options.dropout or 0.1
    config.attention_probs_dropout_prob = options.dropout or 0.1
    if options.pooling then
        config.pooling = options.pooling
    end
    return config
end

--- The model: options.model is a checkpoint's directory, or nil for one from scratch; fields are those of its
-- configuration that the data decide.
function M.model(task, tokenizer, options, fields)
    local class = options.class or classes[task.kind]
    if options.model then
        fields.hidden_dropout_prob = options.dropout
        fields.num_hash = options.num_hash
        name_attention(fields, options.attention)
        return require("yoso.io.checkpoint").load(options.model, {class = class, fresh_head = true,
            config = fields, attention = options.attention, num_hash = options.num_hash,
            seed = options.seed})
    end
    local yoso = require "yoso"
    if not yoso[class] then
        c.raise(("train: unknown class %s"):format(tostring(class)))
    end
    yoso.manual_seed(options.seed)
    return yoso[class](yoso.YosoConfig(fresh_config(options, tokenizer, fields)))
        :set_attention{attention = options.attention, num_hash = options.num_hash,
            seed = options.seed}
end

--- The tokenizer: of the checkpoint, of options.tokenizer (a folder or file), the task's own, or
-- byte-level BPE of options.vocab_size that is trained on the texts.
function M.tokenizer(task, options, texts)
    local from = options.tokenizer or options.model
    if from then
        return require("yoso.tokenizer").load(from)
    elseif task.tokenizer then
        return task.tokenizer()
    end
    return require("yoso.tokenizer.train").train("bpe", texts,
        {vocab_size = options.vocab_size or 8192})
end

return M
