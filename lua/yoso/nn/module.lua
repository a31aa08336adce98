-- Modules: layers that know their parameters. A class is made with Module:extend("Name"), an
-- instance by calling the class (which calls :init), its work by calling the instance (:forward).
--
-- Fields that hold parameters, modules or plain lists of them are found by name, in the order in
-- which they were set; list elements are numbered from 0, as in the reference's checkpoints.
local c = require "yoso.c"
local tensor = require "yoso.tensor"

local lib = c.lib

local Module = {__name = "Module"}
Module.__index = Module

local function is_module(value)
    local meta = type(value) == "table" and getmetatable(value)
    return type(meta) == "table" and rawget(meta, "is_module_class") == true
end
Module.is_module = is_module

local function is_parameter(value)
    return tensor.is(value) and rawget(value, "is_parameter") == true
end

-- Remembers the order of the fields: pairs() would give any.
local function remember(self, key, value)
    rawset(self, key, value)
    if type(key) == "string" then
        local order = rawget(self, "field_order")
        order[#order + 1] = key
    end
end

local function construct(class, ...)
    local instance = setmetatable({training = true, field_order = {}, buffer_names = {}}, class)
    instance:init(...)
    return instance
end

local function run(instance, ...)
    return instance:forward(...)
end

local function to_text(self)
    local parts = {}
    for name, child in self:children() do
        parts[#parts + 1] = ("  (%s): %s"):format(name, (tostring(child):gsub("\n", "\n  ")))
    end
    local head = ("%s(%s"):format(self.__name, self:describe())
    if #parts == 0 then
        return head .. ")"
    end
    return head .. "\n" .. table.concat(parts, "\n") .. "\n)"
end

--- A new class that inherits from this one.
function Module.extend(parent, name)
    if type(name) ~= "string" then
        c.raise(("extend: name is a %s, must be a string"):format(type(name)))
    end
    local class = {__name = name, is_module_class = true, __call = run, __newindex = remember,
        __tostring = to_text}
    class.__index = class
    return setmetatable(class, {__index = parent, __call = construct})
end

--- Sets the layer up; a class gives its own.
function Module.init()
end

function Module:forward()
    c.raise(("%s: the class has no forward"):format(self.__name))
end

--- What stands between the parentheses when the module is printed.
function Module.describe()
    return ""
end

--- Keeps a tensor that is part of the state but not trained. Not in state() if not persistent.
function Module:register_buffer(name, value, persistent)
    if not tensor.is(value) then
        c.raise(("register_buffer: %s is a %s, must be a tensor"):format(tostring(name), type(value)))
    end
    value.kept = true
    self.buffer_names[name] = persistent == false and "transient" or "persistent"
    self[name] = value
    return value
end

-- -- The walk -------------------------------------------------------------------------------------

-- The fields of one module as {name, value}: parameters, buffers and modules, lists flattened.
local function fields(self)
    local found, seen = {}, {}
    for _, key in ipairs(rawget(self, "field_order")) do
        local value = rawget(self, key)
        if value ~= nil and not seen[key] then
            seen[key] = true
            if is_module(value) or tensor.is(value) then
                found[#found + 1] = {key, value}
            elseif type(value) == "table" then
                for i, element in ipairs(value) do
                    if not (is_module(element) or is_parameter(element)) then
                        break
                    end
                    found[#found + 1] = {("%s.%d"):format(key, i - 1), element}
                end
            end
        end
    end
    return found
end

-- Calls visit(full name, module) for the module and everything below it, each module once.
local function walk(self, prefix, visit, seen)
    if seen[self] then
        return
    end
    seen[self] = true
    visit(prefix, self)
    for _, field in ipairs(fields(self)) do
        if is_module(field[2]) then
            walk(field[2], prefix == "" and field[1] or prefix .. "." .. field[1], visit, seen)
        end
    end
end

local function iterate(list)
    local i = 0
    return function()
        i = i + 1
        if list[i] then
            return list[i][1], list[i][2]
        end
    end
end

--- Iterates name, module over this module ("") and everything below it.
function Module:named_modules()
    local list = {}
    walk(self, "", function(name, module)
        list[#list + 1] = {name, module}
    end, {})
    return iterate(list)
end

--- Iterates name, module over the modules directly inside.
function Module:children()
    local list = {}
    for _, field in ipairs(fields(self)) do
        if is_module(field[2]) then
            list[#list + 1] = field
        end
    end
    return iterate(list)
end

-- {name, tensor} of everything that accept(module, field name, tensor) takes, each tensor once.
local function collect(self, accept)
    local list, seen = {}, {}
    for prefix, module in self:named_modules() do
        for _, field in ipairs(fields(module)) do
            local value = field[2]
            if tensor.is(value) and not seen[value] and accept(module, field[1], value) then
                seen[value] = true
                list[#list + 1] = {prefix == "" and field[1] or prefix .. "." .. field[1], value}
            end
        end
    end
    return list
end

local function accept_parameter(_, _, value)
    return is_parameter(value)
end

--- Iterates name, parameter; a parameter that is in two places appears under its first name.
function Module:named_parameters()
    return iterate(collect(self, accept_parameter))
end

--- The parameters as a list.
function Module:parameters()
    local list = collect(self, accept_parameter)
    for i = 1, #list do
        list[i] = list[i][2]
    end
    return list
end

--- Iterates name, buffer.
function Module:named_buffers()
    return iterate(collect(self, function(module, name)
        return module.buffer_names[name] ~= nil
    end))
end

-- -- State ----------------------------------------------------------------------------------------

local function state_entries(self)
    return collect(self, function(module, name, value)
        return is_parameter(value) or module.buffer_names[name] == "persistent"
    end)
end

--- Parameters and persistent buffers by name.
function Module:state()
    local state = {}
    for _, entry in ipairs(state_entries(self)) do
        state[entry[1]] = entry[2]
    end
    return state
end

-- Gives `target` the storage of `source`, which stays valid: both views share it.
local function share(target, source)
    local handle = source.handle
    local view = tensor.call(lib.yoso_contiguous, handle)
    target:free()
    target.handle, view.handle = view.handle, nil
end

--- Copies state[name] into the parameter or buffer of that name, converting its dtype.
-- Returns three lists: names missing in state, names unexpected there, and {name=, wanted=, got=}
-- of the mismatched shapes. assign = true takes a contiguous tensor over instead of copying it,
-- dtype and all.
function Module:load_state(state, assign)
    local missing, unexpected, mismatched, known = {}, {}, {}, {}
    for _, entry in ipairs(state_entries(self)) do
        local name, target = entry[1], entry[2]
        local source = state[name]
        known[name] = true
        if source == nil then
            missing[#missing + 1] = name
        elseif not tensor.is(source) then
            c.raise(("load_state: %s is a %s, must be a tensor"):format(name, type(source)))
        elseif lib.yoso_tensor_same_shape(source.handle, target.handle) == 0 then
            mismatched[#mismatched + 1] = {name = name, wanted = target:shape(),
                got = source:shape()}
        elseif assign then
            share(target, source)
        else
            if source:device() ~= target:device() then
                source = source:to(target:device())
            end
            c.check(lib.yoso_copy_into(tensor.handle(target, "load_state", name),
                tensor.handle(source, "load_state", name)))
        end
    end
    for name in pairs(state) do
        if not known[name] then
            unexpected[#unexpected + 1] = name
        end
    end
    table.sort(unexpected)
    return missing, unexpected, mismatched
end

-- -- Everything at once -----------------------------------------------------------------------------

--- Training mode on (or off with false) for this module and all below; returns the module.
function Module:train(flag)
    for _, module in self:named_modules() do
        module.training = flag ~= false
    end
    return self
end

function Module:eval()
    return self:train(false)
end

--- Forgets the gradients of all parameters.
function Module:zero_grad()
    for _, parameter in ipairs(self:parameters()) do
        parameter.grad = nil
    end
end

--- Lets all parameters want gradients, or not (flag = false); returns the module.
function Module:requires_grad(flag)
    for _, parameter in ipairs(self:parameters()) do
        parameter.grad_wanted = flag ~= false
    end
    return self
end

--- The number of elements of all parameters.
function Module:num_parameters()
    local count = 0
    for _, parameter in ipairs(self:parameters()) do
        count = count + parameter:numel()
    end
    return count
end

local floats = {f32 = true, f16 = true, bf16 = true}

-- The same tensor object gets new storage, so that ties and optimisers keep holding it.
local function convert(value, dtype, device)
    local handle = tensor.handle(value, "to", "a parameter")
    local result
    if device then
        result = tensor.call(lib.yoso_to_device, handle, tensor.device_code(device, "to"))
    elseif floats[value:dtype()] and value:dtype() ~= dtype then
        result = tensor.call(lib.yoso_cast, handle, tensor.dtype_code(dtype, "to"))
    else
        return
    end
    value:free()
    value.handle, result.handle = result.handle, nil
    value.grad = nil
end

--- Converts float parameters and buffers to a float dtype, or moves all to a device ("cpu",
-- "cuda"); gradients are forgotten. Returns the module.
function Module:to(where)
    local device = tensor.devices[where] and where
    if not device and not floats[where] then
        c.raise(("to: %s is neither a device (cpu, cuda) nor a float dtype (f32, f16, bf16)")
            :format(tostring(where)))
    end
    for _, entry in ipairs(collect(self, function() return true end)) do
        convert(entry[2], where, device)
    end
    lib.yoso_memory_trim() -- what the old parameters took would fit nothing that comes
    return self
end

--- Calls fn(module) for this module and all below; returns the module.
function Module:apply(fn)
    for _, module in self:named_modules() do
        fn(module)
    end
    return self
end

return Module
