-- Timing: a piece of work is run until it has taken long enough to be believed, and its minimum,
-- median and maximum are kept.
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

--- Runs fn once to warm up, then at least `repeats` times (default 3) and until `seconds`
-- (default 0) have passed. Returns {min=, median=, max=, runs=}, in seconds a run.
function M.measure(fn, options)
    options = options or {}
    local repeats, seconds = options.repeats or 3, options.seconds or 0
    once(fn)
    local times, total = {}, 0
    while #times < repeats or total < seconds do
        local start = yoso.time()
        once(fn)
        local taken = yoso.time() - start
        times[#times + 1] = taken
        total = total + taken
    end
    table.sort(times)
    return {min = times[1], median = median(times), max = times[#times], runs = #times}
end

return M
