-- How each kind of task is scored: metric() is what collects, and add(metric, windows, example)
-- compares an example with the outputs in its windows and gives the prediction for the log (or nil
-- and a message when the example does not fit).
local labels = require "yoso.tasks.labels"
local metrics = require "yoso.metrics"
local question_answering = require "yoso.pipeline.question_answering"
local token_classification = require "yoso.pipeline.token_classification"

local M = {}

local function argmax(list)
    local top = 1
    for i = 2, #list do
        top = list[i] > list[top] and i or top
    end
    return top
end

local function label_set(label)
    local set = {}
    for _, name in ipairs(labels.list(label)) do
        set[name] = true
    end
    return set
end

local function classes(pipeline, task)
    local resolve = labels.resolver(task, pipeline.labels, pipeline.num_labels)
    return {
        metric = function() return metrics.classification(pipeline.num_labels) end,
        add = function(metric, windows, example)
            local label, failure = resolve(example.label)
            if not label then
                return nil, failure
            end
            local predicted = argmax(windows[1].logits) - 1
            metric:add(predicted, label)
            return {label = label, prediction = predicted, logits = windows[1].logits}
        end,
    }
end

local function values()
    return {
        metric = metrics.regression,
        add = function(metric, windows, example)
            local label = tonumber(example.label)
            if example.label == nil then
                return nil, "no label"
            elseif not label then
                return nil, ("label %q, wanted a number"):format(tostring(example.label))
            end
            metric:add(windows[1].logits[1], label)
            return {label = label, prediction = windows[1].logits[1]}
        end,
    }
end

local function label_sets(pipeline)
    return {
        metric = metrics.multilabel,
        add = function(metric, windows, example)
            if example.label == nil then
                return nil, "no label"
            end
            local predicted = {}
            for i, logit in ipairs(windows[1].logits) do
                predicted[pipeline.labels[i - 1]] = logit > 0 or nil
            end
            metric:add(predicted, label_set(example.label))
            local names = {}
            for name in pairs(predicted) do
                names[#names + 1] = name
            end
            table.sort(names)
            return {label = example.label, prediction = names}
        end,
    }
end

M["text-classification"] = function(pipeline, task)
    if pipeline.problem == "regression" then
        return values()
    elseif pipeline.problem == "multi_label_classification" then
        return label_sets(pipeline)
    end
    return classes(pipeline, task)
end

M["text-matching"] = M["text-classification"]

M["token-classification"] = function(pipeline)
    local resolve = labels.tag_resolver(pipeline.labels, pipeline.num_labels)
    return {
        metric = metrics.entities,
        add = function(metric, windows, example)
            local predicted = token_classification.decode_tags(pipeline, example, windows)
            local actual = {}
            for i, tag in ipairs(example.tags) do
                actual[i] = resolve(tag)
            end
            metric:add(predicted, actual)
            return {label = actual, prediction = predicted}
        end,
    }
end

M["question-answering"] = function(pipeline)
    return {
        metric = metrics.squad,
        add = function(metric, windows, example)
            local texts = {}
            for i, answer in ipairs(example.answers) do
                texts[i] = answer.text
            end
            local predicted = question_answering.decode(pipeline, example, windows)
            metric:add(predicted.answer, texts)
            return {id = example.id, label = texts, prediction = predicted.answer,
                score = predicted.score}
        end,
    }
end

M["multiple-choice"] = function()
    return {
        metric = function() return metrics.classification() end, -- of any number of choices
        add = function(metric, windows, example)
            if not example.label then
                return nil, "no label, wanted the right choice's number from 0"
            end
            local logits = {}
            for i, window in ipairs(windows) do
                logits[i] = window.logit
            end
            local predicted = argmax(logits) - 1
            metric:add(predicted, example.label)
            return {label = example.label, prediction = predicted, logits = logits}
        end,
    }
end

return M
