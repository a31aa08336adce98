-- Learning rates that change with the step: a warm-up that rises from 0, then one of three ways.
local c = require "yoso.c"

local Schedule = {}
Schedule.__index = Schedule

-- The factor at a share 0 .. 1 of the way from the end of the warm-up to the last step.
local ways = {
    constant = function()
        return 1
    end,
    linear = function(share)
        return 1 - share
    end,
    cosine = function(share)
        return 0.5 * (1 + math.cos(math.pi * share))
    end,
}

local function whole(value)
    return type(value) == "number" and value >= 0 and value == math.floor(value)
end

local function apply(self)
    for _, group in ipairs(self.optimizer.groups) do
        group.lr = group.initial_lr * self:factor(self.count)
    end
end

--- What the learning rates are multiplied with in the step after `count` steps.
function Schedule:factor(count)
    if count < self.warmup then
        return count / self.warmup
    end
    local share = (count - self.warmup) / math.max(1, self.total - self.warmup)
    return ways[self.kind](math.min(1, share))
end

--- To be called after each step of the optimiser.
function Schedule:step()
    self:set(self.count + 1)
end

--- Goes to a number of steps done, when training is resumed.
function Schedule:set(count)
    self.count = count
    apply(self)
end

--- schedule(optimizer, {kind = "linear", warmup = 0, total = steps}): sets every group's lr for
-- the first step at once. linear and cosine fall to 0 at `total`, constant needs none.
return function(optimizer, options)
    options = options or {}
    local kind = options.kind or "linear"
    if not ways[kind] then
        c.raise(("schedule: kind is %s, must be linear, cosine or constant")
            :format(tostring(kind)))
    end
    local warmup, total = options.warmup or 0, options.total or (kind == "constant" and 0)
    if not whole(warmup) or not whole(total) then
        c.raise(("schedule: warmup is %s and total %s, must be whole numbers of steps")
            :format(tostring(warmup), tostring(total or nil)))
    end
    local self = setmetatable({optimizer = optimizer, kind = kind, warmup = warmup,
        total = total, count = 0}, Schedule)
    apply(self)
    return self
end
