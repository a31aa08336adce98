-- AdamW: Adam with decoupled weight decay, PyTorch's update.
local c = require "yoso.c"
local Optimizer = require "yoso.optim.optimizer"

local lib = c.lib

--- AdamW(params, {lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.01})
return Optimizer.define("AdamW", {lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8,
    weight_decay = 0.01}, function() return {"mean", "square"} end, function(group, parameter, state)
    c.check(lib.yoso_adamw(parameter.handle, state.master and state.master.handle,
        state.mean.handle, state.square.handle, parameter.grad.handle, state.step, group.lr,
        group.beta1, group.beta2, group.eps, group.weight_decay))
end)
