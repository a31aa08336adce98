-- Stochastic gradient descent, with momentum if asked for.
local c = require "yoso.c"
local Optimizer = require "yoso.optim.optimizer"

local lib = c.lib

--- SGD(params, {lr = 1e-2, momentum = 0, nesterov = false, weight_decay = 0})
return Optimizer.define("SGD", {lr = 1e-2, momentum = 0, nesterov = false, weight_decay = 0},
    function(group) return group.momentum ~= 0 and {"velocity"} or {} end,
    function(group, parameter, state)
        c.check(lib.yoso_sgd(parameter.handle, state.master and state.master.handle,
            state.velocity and state.velocity.handle, parameter.grad.handle, state.step, group.lr,
            group.momentum, group.nesterov and 1 or 0, group.weight_decay))
    end)
