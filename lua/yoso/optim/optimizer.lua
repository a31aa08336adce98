-- What all optimisers share: parameter groups, the walk over their parameters, and their state.
--
-- A group is {params = {...}, lr = ..., ...}: settings that a group does not give are the
-- optimiser's. A parameter's state is the step and f32 tensors, a master copy of a parameter stored
-- narrow among them. It is made with the optimiser, beside the parameters: made in the first step it
-- would lie between that step's gradients, whose room would fit nothing else afterwards.
local c = require "yoso.c"
local ranges = require "yoso.ranges"
local tensor = require "yoso.tensor"

local Optimizer = {}
Optimizer.__index = Optimizer

local function check_parameter(value, name, position, seen)
    tensor.handle(value, name, ("parameter %d"):format(position))
    if value.node then
        c.raise(("%s: parameter %d was computed from others, must be a leaf"):format(name, position))
    end
    if seen[value] then
        c.raise(("%s: parameter %d comes twice"):format(name, position))
    end
    seen[value] = true
end

local numbers = {lr = ranges.not_negative, weight_decay = ranges.not_negative, eps = ranges.not_negative,
    beta1 = ranges.share, beta2 = ranges.share, momentum = ranges.share}

local function check_settings(settings, defaults, name)
    for key, value in pairs(settings) do
        if key ~= "params" and defaults[key] == nil then
            c.raise(("%s: there is no setting %s"):format(name, tostring(key)))
        end
        if key ~= "params" and type(value) ~= type(defaults[key]) then
            c.raise(("%s: %s is a %s, must be a %s")
                :format(name, key, type(value), type(defaults[key])))
        end
        if numbers[key] then
            ranges.number(name, key, value, numbers[key])
        end
    end
end

local function make_group(given, options, defaults, name)
    local group = {params = given.params}
    for key, value in pairs(defaults) do
        group[key] = value
    end
    for _, source in ipairs{options, given} do
        check_settings(source, defaults, name)
        for key, value in pairs(source) do
            group[key] = value
        end
    end
    group.initial_lr = group.lr
    return group
end

-- f32 zeros like the parameter, out of every scope's reach.
local function zeros_like(parameter)
    local zeros = tensor.zeros(parameter:shape(), "f32", parameter:device())
    zeros.kept = true
    return zeros
end

local function new_state(self, group, parameter)
    local state = {step = 0}
    for _, key in ipairs(self.moments(group)) do
        state[key] = zeros_like(parameter)
    end
    if parameter:dtype() ~= "f32" then
        state.master = zeros_like(parameter)
    end
    self.states[parameter] = state
    return state
end

--- Makes an optimiser class: define("SGD", defaults, moments, update). moments(group) names the
-- tensors that each parameter has in its state; update(group, parameter, state) applies one step, of
-- which state.step is the number.
function Optimizer.define(name, defaults, moments, update)
    return function(params, options)
        options = options or {}
        if type(params) ~= "table" or tensor.is(params) or #params == 0 then
            c.raise(("%s: params must be a list of tensors, or of groups {params = {...}}")
                :format(name))
        end
        local groups = params[1].params and params or {{params = params}}
        local self = setmetatable({name = name, moments = moments, update = update, groups = {},
            list = {}, states = {}}, Optimizer)
        local seen = {}
        for i, given in ipairs(groups) do
            if type(given.params) ~= "table" then
                c.raise(("%s: group %d has no params"):format(name, i))
            end
            for _, parameter in ipairs(given.params) do
                check_parameter(parameter, name, #self.list + 1, seen)
                self.list[#self.list + 1] = parameter
            end
            local group = make_group(given, options, defaults, name)
            self.groups[i] = group
            for _, parameter in ipairs(group.params) do
                if parameter.grad_wanted then
                    new_state(self, group, parameter)
                end
            end
        end
        return self
    end
end

--- One step: every parameter that has a gradient is updated in place.
function Optimizer:step()
    for _, group in ipairs(self.groups) do
        for _, parameter in ipairs(group.params) do
            if parameter.grad then
                local state = self.states[parameter] or new_state(self, group, parameter)
                if state.step == 0 and state.master then
                    state.master:copy_(parameter)
                end
                state.step = state.step + 1
                self.update(group, parameter, state)
            end
        end
    end
end

--- Forgets all gradients and frees their memory.
function Optimizer:zero_grad()
    for _, parameter in ipairs(self.list) do
        if parameter.grad then
            parameter.grad:free()
            parameter.grad = nil
        end
    end
end

--- The state as tensors by name ("3.mean" belongs to the third parameter), to be saved: of those
-- that were updated.
function Optimizer:state()
    local result = {}
    for i, parameter in ipairs(self.list) do
        local state = self.states[parameter]
        for key, value in pairs(state and state.step > 0 and state or {}) do
            result[("%d.%s"):format(i, key)] = tensor.is(value) and value
                or tensor.tensor(value, "i64")
        end
    end
    return result
end

local function same_shape(a, b)
    return c.lib.yoso_tensor_same_shape(a.handle, b.handle) ~= 0
end

-- What a saved state has for each parameter: {[parameter] = {key = value}}, or nil and what does not
-- fit.
local function match(self, saved)
    local found = {}
    for name, value in pairs(saved) do
        local position, key = name:match("^(%d+)%.([%w_]+)$")
        local parameter = self.list[tonumber(position)]
        if not parameter then
            return nil, ("load_state: %s belongs to no parameter; there are %d")
                :format(name, #self.list)
        elseif key ~= "step" and not same_shape(value, parameter) then
            return nil, ("load_state: %s is %s, the parameter %s")
                :format(name, tensor.shape_text(value), tensor.shape_text(parameter))
        end
        found[parameter] = found[parameter] or {}
        found[parameter][key] = value
    end
    return found
end

-- state as `values` have it; what they lack is as before the first step.
local function restore(state, parameter, values)
    state.step = values.step and values.step:item() or 0
    for key, value in pairs(state) do
        local source = values[key] or key == "master" and parameter
        if tensor.is(value) and source then
            value:copy_(source:to(parameter:device()))
        elseif tensor.is(value) then
            value:fill_(0)
        end
    end
end

--- Takes a state that state() gave: true, or nil and what does not fit. What it does not have is as
-- before the first step.
function Optimizer:load_state(saved)
    local found, message = match(self, saved)
    if not found then
        return nil, message
    end
    for _, group in ipairs(self.groups) do
        for _, parameter in ipairs(group.params) do
            local values = found[parameter]
            local state = self.states[parameter] or values and new_state(self, group, parameter)
            if state then
                restore(state, parameter, values or {})
            end
        end
    end
    return true
end

return Optimizer
