-- Losses of the heads, from logits and the labels of a batch.
local c = require "yoso.c"
local ops = require "yoso.ops"
local tensor = require "yoso.tensor"

local M = {ignored = -100} -- the label of places that the loss passes over

local function shape_text(t)
    return "[" .. table.concat(t:shape(), ", ") .. "]"
end

--- Raises unless labels are a tensor of integers.
function M.check_integers(labels, where, name)
    tensor.handle(labels, where, name)
    local dtype = labels:dtype()
    if dtype == "f32" or dtype == "f16" or dtype == "bf16" then
        c.raise(("%s: %s are %s, must be integers"):format(where, name, dtype))
    end
end

--- labels as i64 [n] on the device of logits; raises unless they are integers, n of them.
function M.class_labels(labels, n, logits, where, name)
    M.check_integers(labels, where, name)
    if labels:numel() ~= n then
        c.raise(("%s: %s have shape %s, must be [%d]"):format(where, name, shape_text(labels), n))
    end
    return labels:to("i64"):to(logits:device()):reshape{n}
end

--- Cross entropy of logits [n, classes] with integer labels [n]; -100 is ignored.
function M.classes(logits, labels, where)
    return ops.cross_entropy(logits,
        M.class_labels(labels, logits:size(1), logits, where, "labels"))
end

local function float_labels(labels, logits, where)
    tensor.handle(labels, where, "labels")
    if labels:numel() ~= logits:numel() then
        c.raise(("%s: labels have shape %s, must be %s"):format(where, shape_text(labels),
            shape_text(logits)))
    end
    return labels:to("f32"):to(logits:device()):reshape(logits:shape())
end

local function is_integer(labels)
    return tensor.is(labels) and (labels:dtype() == "i64" or labels:dtype() == "i32")
end

--- The kind of problem that a configuration, or else the labels, tell of.
function M.problem_type(config, labels)
    if config.problem_type then
        return config.problem_type
    elseif config.num_labels == 1 then
        return "regression"
    end
    return is_integer(labels) and "single_label_classification" or "multi_label_classification"
end

--- The loss of a classifier of whole texts, logits [n, num_labels].
function M.texts(logits, labels, config, where)
    local kind = M.problem_type(config, labels)
    if kind == "regression" then
        return ops.mse_loss(logits:to("f32"), float_labels(labels, logits, where))
    elseif kind == "multi_label_classification" then
        return ops.binary_cross_entropy_with_logits(logits:to("f32"),
            float_labels(labels, logits, where))
    end
    return M.classes(logits, labels, where)
end

return M
