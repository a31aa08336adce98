-- Confidence intervals: Wilson's for a share of a count, the percentile bootstrap for the rest.
-- Both tell how sure a score is for its number of examples; the spread over seeds is another thing.
local c = require "yoso.c"
local random = require "yoso.random"
local tensor = require "yoso.tensor"

local M = {}

local z95 = 1.959963984540054 -- the standard normal's 97.5 % point

--- Wilson's 95 % interval for `successes` of `total`: low, high.
function M.wilson(successes, total)
    if total == 0 then
        return 0, 1
    end
    local share, z2 = successes / total, z95 * z95
    local centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    local half = z95 / (1 + z2 / total)
        * math.sqrt(share * (1 - share) / total + z2 / (4 * total * total))
    return math.max(0, centre - half), math.min(1, centre + half)
end

--- The 95 % percentile bootstrap: statistic(pick, count) is computed on `resamples` draws with
-- replacement; pick[0 .. count-1] are numbers of examples, from 0. Gives low, high.
function M.bootstrap(count, statistic, options)
    options = options or {}
    local resamples, seed = options.resamples or 1000, options.seed or 1
    if count == 0 then
        return 0, 0
    end
    local values = {}
    local block = math.max(1, math.min(resamples, math.floor(2 ^ 18 / count)))
    for first = 1, resamples, block do
        local some = math.min(block, resamples - first + 1)
        local drawn = random.randint(0, count, {some * count}, {seed = random.derive(seed, first)})
        for i = 0, some - 1 do
            values[first + i] = statistic(tensor.data(drawn) + i * count, count)
        end
        drawn:free()
    end
    table.sort(values)
    local function quantile(q)
        local at = 1 + q * (resamples - 1)
        local below = math.floor(at)
        local above = math.min(below + 1, resamples)
        return values[below] + (at - below) * (values[above] - values[below])
    end
    return quantile(0.025), quantile(0.975)
end

--- Bootstrap of sum(numerator) / sum(denominator) over units (sentences, questions, ...).
function M.ratio(numerators, denominators, options)
    local units = math.max(1, #numerators)
    local up, down = c.array("double[?]", units), c.array("double[?]", units)
    for i = 1, #numerators do
        up[i - 1], down[i - 1] = numerators[i], denominators[i]
    end
    return M.bootstrap(#numerators, function(pick, count)
        local above, below = 0, 0
        for i = 0, count - 1 do
            above, below = above + up[pick[i]], below + down[pick[i]]
        end
        return below == 0 and 0 or above / below
    end, options)
end

return M
