-- What all optimisers share: parameter groups, the walk over their parameters, and their state.
--
-- A group is {params = {...}, lr = ..., ...}: settings that a group does not give are the
-- optimiser's. A parameter's state (f32 tensors and the step) is made when its first gradient
-- comes; a parameter stored narrow gets a master copy in f32.
local c = require "yoso.c"
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

local function check_settings(settings, defaults, name)
    for key, value in pairs(settings) do
        if key ~= "params" and defaults[key] == nil then
            c.raise(("%s: there is no setting %s"):format(name, tostring(key)))
        end
        if key ~= "params" and type(value) ~= type(defaults[key]) then
            c.raise(("%s: %s is a %s, must be a %s")
                :format(name, key, type(value), type(defaults[key])))
        end
    end
    if settings.lr and settings.lr < 0 then
        c.raise(("%s: lr is %g, must not be negative"):format(name, settings.lr))
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

--- Makes an optimiser class: define("SGD", defaults, update), where update(group, parameter,
-- state) applies one step; state has `step` and what update keeps there.
function Optimizer.define(name, defaults, update)
    return function(params, options)
        options = options or {}
        if type(params) ~= "table" or tensor.is(params) or #params == 0 then
            c.raise(("%s: params must be a list of tensors, or of groups {params = {...}}")
                :format(name))
        end
        local groups = params[1].params and params or {{params = params}}
        local self = setmetatable({name = name, update = update, groups = {}, list = {},
            states = {}}, Optimizer)
        local seen = {}
        for i, given in ipairs(groups) do
            if type(given.params) ~= "table" then
                c.raise(("%s: group %d has no params"):format(name, i))
            end
            for _, parameter in ipairs(given.params) do
                check_parameter(parameter, name, #self.list + 1, seen)
                self.list[#self.list + 1] = parameter
            end
            self.groups[i] = make_group(given, options, defaults, name)
        end
        return self
    end
end

-- f32 zeros like the parameter, out of every scope's reach.
local function zeros_like(parameter)
    local zeros = tensor.zeros(parameter:shape(), "f32", parameter:device())
    zeros.kept = true
    return zeros
end
Optimizer.zeros_like = zeros_like

local function state_of(self, parameter)
    local state = self.states[parameter]
    if not state then
        state = {step = 0}
        if parameter:dtype() ~= "f32" then
            state.master = tensor.call(c.lib.yoso_cast, parameter.handle, c.lib.YOSO_F32)
            state.master.kept = true
        end
        self.states[parameter] = state
    end
    return state
end

--- One step: every parameter that has a gradient is updated in place.
function Optimizer:step()
    for _, group in ipairs(self.groups) do
        for _, parameter in ipairs(group.params) do
            if parameter.grad then
                local state = state_of(self, parameter)
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

--- The state as tensors by name ("3.mean" belongs to the third parameter), to be saved.
function Optimizer:state()
    local result = {}
    for i, parameter in ipairs(self.list) do
        for key, value in pairs(self.states[parameter] or {}) do
            result[("%d.%s"):format(i, key)] = tensor.is(value) and value
                or tensor.tensor(value, "i64")
        end
    end
    return result
end

local function copy_of(value)
    local copy = tensor.clone(value)
    copy.kept = true
    return copy
end

local function same_shape(a, b)
    return c.lib.yoso_tensor_same_shape(a.handle, b.handle) ~= 0
end

--- Takes a state that state() gave: true, or nil and what does not fit.
function Optimizer:load_state(saved)
    local states = {}
    for name, value in pairs(saved) do
        local position, key = name:match("^(%d+)%.([%w_]+)$")
        local parameter = self.list[tonumber(position)]
        if not parameter then
            return nil, ("load_state: %s belongs to no parameter; there are %d")
                :format(name, #self.list)
        end
        states[parameter] = states[parameter] or {}
        if key == "step" then
            states[parameter].step = value:item()
        elseif same_shape(value, parameter) then
            states[parameter][key] = copy_of(value:to(parameter:device()))
        else
            return nil, ("load_state: %s is %s, the parameter %s")
                :format(name, tensor.shape_text(value), tensor.shape_text(parameter))
        end
    end
    self.states = states
    return true
end

return Optimizer
