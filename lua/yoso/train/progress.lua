-- How training tells where it is: on a terminal one line that is written over, elsewhere a plain
-- line now and then. Everything goes to standard error.
local yoso = require "yoso"

local M = {}

local plain_every = 10 -- seconds between lines where the output is no terminal

local function clock(seconds)
    if seconds >= 3600 then
        return ("%d:%02d h"):format(seconds / 3600, seconds % 3600 / 60)
    end
    return ("%d:%02d"):format(seconds / 60, seconds % 60)
end

local function bar(share, width)
    local full = math.floor(share * width + 0.5)
    return ("[" .. ("="):rep(full) .. (" "):rep(width - full) .. "]")
end

local Progress = {}
Progress.__index = Progress

--- A progress display for `total` steps, of which `done` were made in an earlier run.
function M.new(total, done, options)
    return setmetatable({total = total, first = done, terminal = options.terminal,
        quiet = options.quiet, start = yoso.time(), told = -math.huge, tokens = 0,
        out = options.stream or io.stderr}, Progress)
end

--- After a step: loss is a number, tokens what the step read.
function Progress:step(step, loss, tokens)
    self.tokens = self.tokens + tokens
    self.loss = self.loss and 0.95 * self.loss + 0.05 * loss or loss
    local now = yoso.time()
    local wait = self.terminal and 0.1 or plain_every
    if self.quiet or (now - self.told < wait and step < self.total) then
        return
    end
    self.told = now
    local taken = now - self.start
    local left = taken / (step - self.first) * (self.total - step)
    local speed = self.tokens / math.max(taken, 1e-9)
    local line = ("step %d of %d  loss %.4f  %d tokens/s  %s left"):format(step, self.total,
        self.loss, speed, clock(left))
    if self.terminal then
        self.out:write("\r", bar(step / self.total, 24), " ", line, "\27[K")
        self.open = true
    else
        self.out:write(line, "\n")
    end
    self.out:flush()
end

--- A line of its own, above the bar.
function Progress:say(line)
    if self.quiet then
        return
    end
    if self.open then
        self.out:write("\r\27[K")
        self.open = false
    end
    self.out:write(line, "\n")
    self.out:flush()
end

--- Ends the bar's line.
function Progress:close()
    if self.open then
        self.out:write("\n")
        self.open = false
    end
end

return M
