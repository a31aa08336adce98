-- Scores of labels: the kind of problem a model solves, and probabilities from its logits.
local M = {}

--- The kind of problem: the configuration's, or told by the number of labels.
function M.problem(config)
    return config.problem_type
        or (config.num_labels == 1 and "regression" or "single_label_classification")
end

--- softmax of `count` values at data[at ...], as a list.
function M.softmax(data, at, count)
    local top, sum, out = -math.huge, 0, {}
    for i = 0, count - 1 do
        top = math.max(top, data[at + i])
    end
    for i = 0, count - 1 do
        out[i + 1] = math.exp(data[at + i] - top)
        sum = sum + out[i + 1]
    end
    for i = 1, count do
        out[i] = out[i] / sum
    end
    return out
end

return M
