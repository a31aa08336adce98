-- Tasks on the user's own files, one for each kind: what is read goes by the file's ending, labels
-- come from the model (or, in training, from the data).
local own = require "yoso.data.own"

local splits = {train = {"train"}, dev = {"dev", "valid", "validation"}, test = {"test"}}

local described = {
    {"text-classification", "label texts or pairs in TSV, CSV or JSON lines", {"accuracy"}, 512},
    {"text-matching", "label pairs of texts, each read on its own", {"accuracy"}, 512},
    {"token-classification", "tag words in CoNLL or JSON lines", {"f1", "token_accuracy"}, 512},
    {"question-answering", "answer questions in SQuAD's JSON or JSON lines",
        {"f1", "exact_match"}, 384},
    {"multiple-choice", "choose among answers in TSV, CSV or JSON lines", {"accuracy"}, 512},
    {"fill-mask", "guess masked words in plain text, TSV, CSV or JSON lines",
        {"loss", "perplexity", "accuracy"}, 512},
}

local M = {}

for i, entry in ipairs(described) do
    local kind = entry[1]
    M[i] = {name = kind, kind = kind, summary = entry[2], metrics = entry[3], own = true,
        splits = splits, evaluation = "dev", max_length = entry[4],
        open = function(path, _, columns) return own.open(path, kind, {columns = columns}) end}
end

return M
