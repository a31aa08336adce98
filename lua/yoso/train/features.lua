-- From examples to what a model learns from, for each kind of task. A kind is a function of the
-- context {task, tokenizer, config, names, max_length, seed} that gives a table:
--   records(example, number)      a list of records {ids, type_ids, ...}; nil and a message
--   inputs(records, epoch)        the model's arguments for one batch, labels among them
--   target(example)               optional: its label alone; nil and a message for one there is not
--   group(record)                 optional: only records of one group may share a batch
-- ignored (-100) marks the places that the loss passes over.
local M = {ignored = -100}

for kind, room in pairs{
    ["text-classification"] = "text_classification",
    ["token-classification"] = "token_classification",
    ["question-answering"] = "question_answering", ["text-matching"] = "text_matching",
    ["multiple-choice"] = "multiple_choice", ["fill-mask"] = "fill_mask",
} do
    M[kind] = function(context)
        return require("yoso.train.features." .. room)(context)
    end
end

return M
