-- The nine GLUE tasks: files of each split, labels, and the scores GLUE asks for (the first is the
-- one a checkpoint is chosen by).
local glue = require "yoso.data.glue"

local files = {
    train = {"train.tsv", "train.sample.tsv", "train.glue-format.tsv"},
    dev = {"dev.tsv", "dev.sample.tsv"},
}

local described = {
    {"cola", "is an English sentence acceptable?", {"matthews", "accuracy"}},
    {"sst2", "is a film review's sentence positive?", {"accuracy"}},
    {"mrpc", "do two sentences say the same?", {"f1", "accuracy"}},
    {"stsb", "how alike are two sentences, 0 to 5?", {"pearson", "spearman"}},
    {"qqp", "are two questions duplicates?", {"f1", "accuracy"}},
    {"mnli", "does a sentence follow from another? (matched)", {"accuracy"}},
    {"mnli-mm", "the same on MNLI's mismatched genres", {"accuracy"}, reads = "mnli"},
    {"qnli", "does a sentence answer a question?", {"accuracy"}},
    {"rte", "does a sentence follow from another?", {"accuracy"}},
    {"wnli", "does a sentence with its pronoun resolved follow?", {"accuracy"}},
}

local splits = {
    mnli = {train = files.train, dev = {"dev_matched.tsv", "dev.sample.tsv"}},
    ["mnli-mm"] = {train = files.train, dev = {"dev_mismatched.tsv"}},
    qqp = {train = files.train, dev = {"dev.tsv", "dev.sample.tsv"}, eval = {"eval.subset.tsv"}},
}

local M = {}

for i, entry in ipairs(described) do
    local name = entry[1]
    local read = entry.reads or name
    local labels = glue.tasks[read].names or glue.tasks[read].labels
    M[i] = {
        name = name, summary = entry[2], metrics = entry[3], kind = "text-classification",
        problem = labels and "single_label_classification" or "regression",
        labels = labels, pair = glue.tasks[read].pair ~= nil,
        splits = splits[name] or files, evaluation = "dev", max_length = 128,
        open = function(path) return glue.open(read, path) end,
    }
end

return M
