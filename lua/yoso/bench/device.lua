-- What a measurement on a device needs: its name checked, the end of its work, its memory.
local c = require "yoso.c"
local memory = require "yoso.bench.memory"

local lib = c.lib
local M = {}

--- The option --device.
function M.configure(command)
    command:option("--device", "cpu or cuda.", "cpu"):choices{"cpu", "cuda"}
end

--- true, or nil and why the device cannot be had.
function M.check(name)
    if name == "cpu" then
        return true
    end
    return c.try(lib.yoso_cuda_devices(c.new("int32_t[1]")))
end

--- Waits until all that was queued is done: times without it are those of queueing.
function M.wait(name)
    if name == "cuda" then
        c.check(lib.yoso_cuda_synchronize())
    end
end

--- Lets peak() begin again.
function M.reset_peak(name)
    if name == "cuda" then
        lib.yoso_cuda_peak(1)
    else
        memory.reset_peak()
    end
end

--- Most bytes: those resident, or those that calls took on the device beyond what was alive.
function M.peak(name)
    return name == "cuda" and tonumber(lib.yoso_cuda_peak(0)) or memory.peak()
end

--- One line about the device cuda.
function M.describe()
    local text = c.new("char[256]")
    c.check(lib.yoso_cuda_describe(text, 256, 0))
    return c.string(text)
end

return M
