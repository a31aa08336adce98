-- What a measurement was taken on, in words that name no host.
local yoso = require "yoso"
local c = require "yoso.c"

local M = {}

local function cpu_model()
    local file = io.open("/proc/cpuinfo")
    if not file then
        return "unknown CPU"
    end
    local text = file:read("*a")
    file:close()
    return (text:match("model name%s*:%s*([^\n]+)") or "unknown CPU"):gsub("%s+", " ")
end

--- {cpu=, isa=, threads=, version=}
function M.describe()
    return {
        cpu = cpu_model(), isa = c.string(c.lib.yoso_isa()), threads = yoso.threads(),
        version = yoso._VERSION,
    }
end

return M
