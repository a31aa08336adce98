-- Timing: a piece of work is run until it has taken long enough to be believed, and its minimum,
-- median and maximum are kept.
local device = require "yoso.bench.device"
local yoso = require "yoso"

local M = {}

local function median(sorted)
    local n = #sorted
    local middle = math.floor((n + 1) / 2)
    return n % 2 == 1 and sorted[middle] or (sorted[middle] + sorted[middle + 1]) / 2
end
M.median = median

-- What fn returns is freed too: results that wait for the collector would take fresh memory.
local function once(fn)
    yoso.scope(function() fn() end)
end
M.once = once

-- Seconds of one of `count` runs in a row, the device's end waited for.
local function time_of(fn, count, name)
    device.wait(name)
    local start = yoso.time()
    for _ = 1, count do
        once(fn)
    end
    device.wait(name)
    return (yoso.time() - start) / count
end
M.time_of = time_of

-- Runs of a device that are timed together: the wait for their end must not count.
local LEAST, MOST = 0.005, 200

--- Runs fn once to warm up, then at least `repeats` times (default 3) and until `seconds`
-- (default 0) have passed; on another `device` than the CPU as many together as take some
-- milliseconds. Returns {min=, median=, max=, runs=}, in seconds a run.
function M.measure(fn, options)
    options = options or {}
    local repeats, seconds = options.repeats or 3, options.seconds or 0
    local name, count = options.device or "cpu", 1
    once(fn)
    if name ~= "cpu" then
        once(fn)
        local first = time_of(fn, 1, name)
        count = math.max(1, math.min(MOST, math.ceil(LEAST / first)))
    end
    local times, total = {}, 0
    while #times < repeats or total < seconds do
        local taken = time_of(fn, count, name)
        times[#times + 1] = taken
        total = total + taken * count
    end
    table.sort(times)
    return {min = times[1], median = median(times), max = times[#times], runs = #times}
end

return M
