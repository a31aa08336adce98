-- Containers: Sequential runs its modules one after the other, ModuleList only holds them.
-- Both number them from 0 in parameter names and from 1 as list elements.
local c = require "yoso.c"
local Module = require "yoso.nn.module"

local M = {}

local function append(self, module, where)
    if not Module.is_module(module) then
        c.raise(("%s: element %d is a %s, must be a module"):format(where, self.count + 1,
            type(module)))
    end
    self[tostring(self.count)] = module
    rawset(self, self.count + 1, module)
    self.count = self.count + 1
    return self
end

local ModuleList = Module:extend("ModuleList")

--- ModuleList{first, second, ...}
function ModuleList:init(modules)
    self.count = 0
    for _, module in ipairs(modules or {}) do
        append(self, module, "ModuleList")
    end
end

function ModuleList:append(module)
    return append(self, module, "append")
end

local Sequential = Module:extend("Sequential")

--- Sequential(first, second, ...)
function Sequential:init(...)
    self.count = 0
    for i = 1, select("#", ...) do
        append(self, (select(i, ...)), "Sequential")
    end
end

Sequential.append = ModuleList.append

function Sequential:forward(x)
    for i = 1, self.count do
        x = self[i](x)
    end
    return x
end

M.ModuleList, M.Sequential = ModuleList, Sequential
return M
