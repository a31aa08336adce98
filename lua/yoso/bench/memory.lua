-- Resident memory of this process, as the kernel counts it: /proc on Linux, 0 elsewhere.
local M = {}

local function field(name)
    local file = io.open("/proc/self/status")
    if not file then
        return 0
    end
    local text = file:read("*a")
    file:close()
    local kilobytes = text:match(name .. ":%s*(%d+) kB")
    return kilobytes and tonumber(kilobytes) * 1024 or 0
end

--- Bytes resident now.
function M.resident()
    return field("VmRSS")
end

--- The most bytes resident since the start or the latest reset_peak.
function M.peak()
    return field("VmHWM")
end

--- Lets the peak begin again at what is resident now. false where the system does not allow it.
function M.reset_peak()
    local file = io.open("/proc/self/clear_refs", "w")
    if not file then
        return false
    end
    local done = file:write("5")
    return file:close() and done ~= nil
end

return M
