-- The nine GLUE tasks in their original files: what each calls its columns and labels.
-- An example is {text, pair, label, line}; label is an id from 0, or the score for STS-B.
local source = require "yoso.data.source"
local tsv = require "yoso.data.tsv"

local M = {}

-- text, pair, label: the column that holds each. labels: names in the order of their ids, as they
-- stand in the file (names gives friendlier ones); columns: those of a file without a header; trim:
-- the white space that ends many of SST-2's sentences is none of theirs.
M.tasks = {
    cola = {text = "sentence", label = "label", labels = {"0", "1"},
        names = {"unacceptable", "acceptable"},
        columns = {"source", "label", "mark", "sentence"}},
    sst2 = {text = "sentence", label = "label", labels = {"0", "1"}, trim = true,
        names = {"negative", "positive"}},
    mrpc = {text = "#1 String", pair = "#2 String", label = "Quality", labels = {"0", "1"},
        names = {"not_equivalent", "equivalent"}},
    stsb = {text = "sentence1", pair = "sentence2", label = "score", low = 0, high = 5},
    qqp = {text = "question1", pair = "question2", label = "is_duplicate", labels = {"0", "1"},
        names = {"not_duplicate", "duplicate"}},
    mnli = {text = "sentence1", pair = "sentence2", label = "gold_label",
        labels = {"entailment", "neutral", "contradiction"}},
    qnli = {text = "question", pair = "sentence", label = "label",
        labels = {"entailment", "not_entailment"}},
    rte = {text = "sentence1", pair = "sentence2", label = "label",
        labels = {"entailment", "not_entailment"}},
    wnli = {text = "sentence1", pair = "sentence2", label = "label", labels = {"0", "1"},
        names = {"not_entailment", "entailment"}},
}

-- A function from a label as written to its id or score; nil for one that is neither.
local function label_reader(task)
    if not task.labels then
        return function(text)
            local score = tonumber(text)
            return score and score >= task.low and score <= task.high and score or nil
        end, ("a number from %g to %g"):format(task.low, task.high)
    end
    local ids = {}
    for i, name in ipairs(task.labels) do
        ids[name] = i - 1
    end
    return function(text)
        return ids[text]
    end, "one of " .. table.concat(task.labels, ", ")
end

--- A source of the examples in a GLUE file of the named task.
function M.open(name, path)
    local task = M.tasks[name]
    local rows, failure = tsv.open(path, {columns = task.columns,
        wanted = {task.text, task.pair or task.label, task.label}})
    if not rows then
        return nil, failure
    end
    local read_label, wanted = label_reader(task)
    return source.map(rows, function(row)
        local label = read_label(row[task.label])
        if not label then
            return nil, ("%s:%d: %s is %q, wanted %s"):format(path, row.line, task.label,
                row[task.label], wanted)
        end
        local text = row[task.text]
        return {text = task.trim and text:match("^(.-)%s*$") or text,
            pair = task.pair and row[task.pair], label = label, line = row.line}
    end)
end

return M
