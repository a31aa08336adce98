-- Python's pickle format, read without running anything: values of the plain types, and calls of
-- the few functions that `allowed` names, which are ours. Any other global is an error that
-- names it. Values: numbers, strings, booleans, M.none, {kind = "tuple" | "list", n =, 1 ..},
-- {kind = "dict", keys =, values =}, {kind = "long", bytes =}, and what allowed functions return.
local c = require "yoso.c"

local M = {}

M.none = {kind = "None"}

local MARK = {kind = "mark"}
local MAX_STRING = 2 ^ 24

local Machine = {}
Machine.__index = Machine

function Machine:number(bytes)
    local value = self.source:number(self.at, bytes, "the pickle")
    self.at = self.at + bytes
    return value
end

function Machine:string(bytes)
    if bytes > MAX_STRING then
        self.source:fail("the pickle has a string of %.0f bytes", bytes)
    end
    local text = self.source:string(self.at, bytes, "the pickle")
    self.at = self.at + bytes
    return text
end

-- Text up to the line's end.
function Machine:line()
    local stop = self.at
    while self.source:number(stop, 1, "the pickle") ~= 10 do
        stop = stop + 1
    end
    local text = self:string(stop - self.at)
    self.at = stop + 1
    return text
end

function Machine:push(value)
    self.top = self.top + 1
    self.stack[self.top] = value
end

function Machine:pop()
    local value = self.stack[self.top]
    if value == nil or value == MARK then
        self.source:fail("damaged pickle: an instruction finds no value at byte %.0f", self.at - 1)
    end
    self.stack[self.top] = nil
    self.top = self.top - 1
    return value
end

-- The values above the topmost mark, as a tuple or list.
function Machine:pop_mark(kind)
    local bottom = self.top
    while bottom > 0 and self.stack[bottom] ~= MARK do
        bottom = bottom - 1
    end
    if bottom == 0 then
        self.source:fail("damaged pickle: an instruction finds no mark at byte %.0f", self.at - 1)
    end
    local values = {kind = kind, n = self.top - bottom}
    for i = 1, values.n do
        values[i] = self.stack[bottom + i]
    end
    for i = self.top, bottom, -1 do
        self.stack[i] = nil
    end
    self.top = bottom - 1
    return values
end

function Machine:expect(value, kind)
    if type(value) ~= "table" or value.kind ~= kind then
        self.source:fail("damaged pickle: a %s where a %s belongs, at byte %.0f",
            type(value) == "table" and value.kind or type(value), kind, self.at - 1)
    end
    return value
end

function Machine:tuple(n)
    local values = {kind = "tuple", n = n}
    for i = n, 1, -1 do
        values[i] = self:pop()
    end
    self:push(values)
end

function Machine:set_items(dict, items)
    self:expect(dict, "dict")
    if items.n % 2 ~= 0 then
        self.source:fail("damaged pickle: a key without a value at byte %.0f", self.at - 1)
    end
    for i = 1, items.n, 2 do
        M.set(self.source, dict, items[i], items[i + 1])
    end
end

function Machine:append(list, items)
    self:expect(list, "list")
    for i = 1, items.n do
        list[list.n + i] = items[i]
    end
    list.n = list.n + items.n
end

function Machine:global(module, name)
    local what = module .. "." .. name
    local found = self.allowed[what]
    if not found then
        self.source:fail("the pickle wants %s; only tensors and plain values are read, nothing is"
            .. " run", what)
    end
    self:push({kind = "global", name = what, value = found})
end

function Machine:reduce()
    local arguments = self:expect(self:pop(), "tuple")
    local called = self:expect(self:pop(), "global")
    if type(called.value) ~= "function" then
        self.source:fail("the pickle calls %s, which is no function", called.name)
    end
    self:push(called.value(self.source, arguments))
end

-- State is only ever set on dictionaries, where it is attributes of no interest.
function Machine:build()
    self:pop()
    self:expect(self.stack[self.top], "dict")
end

function Machine:remember(index)
    local value = self.stack[self.top]
    if value == nil or value == MARK then
        self.source:fail("damaged pickle: nothing to remember at byte %.0f", self.at - 1)
    end
    self.memo_count = self.memo_count + (self.memo[index] == nil and 1 or 0)
    self.memo[index] = value
end

function Machine:recall(index)
    if self.memo[index] == nil then
        self.source:fail("damaged pickle: value %d is used before it is there", index)
    end
    self:push(self.memo[index])
end

local function signed(value, bits)
    return value >= 2 ^ (bits - 1) and value - 2 ^ bits or value
end

-- Little-endian two's complement; what a number cannot hold stays bytes.
function Machine:long(bytes)
    local text = self:string(bytes)
    if bytes > 6 then
        local tail = text:sub(7)
        local negative = text:byte(-1) >= 128
        if tail ~= (negative and "\255" or "\0"):rep(bytes - 6)
            or negative ~= (text:byte(6) >= 128) then
            return self:push({kind = "long", bytes = text})
        end
        bytes = 6
    end
    local value = 0
    for i = bytes, 1, -1 do
        value = value * 256 + text:byte(i)
    end
    self:push(bytes > 0 and signed(value, 8 * bytes) or 0)
end

-- Eight bytes, the most significant first.
function Machine:float()
    local union = c.new("union { uint8_t bytes[8]; double value; }")
    local text = self:string(8)
    for i = 1, 8 do
        union.bytes[8 - i] = text:byte(i)
    end
    self:push(union.value)
end

local function dict()
    return {kind = "dict", keys = {}, values = {}}
end
M.dict = dict

--- Sets a key of a dictionary, keeping the order of first setting. Keys are strings or numbers.
function M.set(source, target, key, value)
    if (type(key) ~= "string" and type(key) ~= "number") or key ~= key or value == nil then
        source:fail("damaged pickle: a dictionary's key is neither text nor number")
    end
    if target.values[key] == nil then
        target.keys[#target.keys + 1] = key
    end
    target.values[key] = value
end

-- Instructions by code; those that Python has and this lacks are errors.
local run = {
    [0x80] = function(m) -- PROTO
        local version = m:number(1)
        if version > 5 then
            m.source:fail("the pickle has protocol %d, known are those up to 5", version)
        end
    end,
    [0x95] = function(m) m:number(8) end, -- FRAME
    ["("] = function(m) m:push(MARK) end,
    ["}"] = function(m) m:push(dict()) end,
    ["]"] = function(m) m:push({kind = "list", n = 0}) end,
    [")"] = function(m) m:push({kind = "tuple", n = 0}) end,
    ["N"] = function(m) m:push(M.none) end,
    [0x88] = function(m) m:push(true) end,
    [0x89] = function(m) m:push(false) end,
    ["J"] = function(m) m:push(signed(m:number(4), 32)) end,
    ["K"] = function(m) m:push(m:number(1)) end,
    ["M"] = function(m) m:push(m:number(2)) end,
    [0x8a] = function(m) m:long(m:number(1)) end,
    ["G"] = function(m) m:float() end,
    ["X"] = function(m) m:push(m:string(m:number(4))) end,
    [0x8c] = function(m) m:push(m:string(m:number(1))) end,
    [0x8d] = function(m) m:push(m:string(m:number(8))) end,
    ["T"] = function(m) m:push(m:string(m:number(4))) end,
    ["U"] = function(m) m:push(m:string(m:number(1))) end,
    ["C"] = function(m) m:push(m:string(m:number(1))) end,
    ["B"] = function(m) m:push(m:string(m:number(4))) end,
    ["c"] = function(m)
        local module = m:line()
        m:global(module, m:line())
    end,
    [0x93] = function(m) -- STACK_GLOBAL
        local name, module = m:pop(), m:pop()
        if type(name) ~= "string" or type(module) ~= "string" then
            m.source:fail("damaged pickle: a global's name is no text, at byte %.0f", m.at - 1)
        end
        m:global(module, name)
    end,
    ["R"] = function(m) m:reduce() end,
    ["b"] = function(m) m:build() end,
    ["Q"] = function(m) m:push(m.persistent(m.source, m:expect(m:pop(), "tuple"))) end,
    ["t"] = function(m) m:push(m:pop_mark("tuple")) end,
    ["l"] = function(m) m:push(m:pop_mark("list")) end,
    [0x85] = function(m) m:tuple(1) end,
    [0x86] = function(m) m:tuple(2) end,
    [0x87] = function(m) m:tuple(3) end,
    ["q"] = function(m) m:remember(m:number(1)) end,
    ["r"] = function(m) m:remember(m:number(4)) end,
    [0x94] = function(m) m:remember(m.memo_count) end,
    ["h"] = function(m) m:recall(m:number(1)) end,
    ["j"] = function(m) m:recall(m:number(4)) end,
    ["a"] = function(m)
        local value = m:pop()
        m:append(m.stack[m.top], {n = 1, value})
    end,
    ["e"] = function(m)
        local items = m:pop_mark("list")
        m:append(m.stack[m.top], items)
    end,
    ["s"] = function(m)
        local value, key = m:pop(), m:pop()
        m:set_items(m.stack[m.top], {n = 2, key, value})
    end,
    ["u"] = function(m)
        local items = m:pop_mark("list")
        m:set_items(m.stack[m.top], items)
    end,
    ["0"] = function(m) m:pop() end,
}
local instructions = {}
for code, fn in pairs(run) do
    instructions[type(code) == "string" and code:byte() or code] = fn
end

local STOP = ("."):byte()

--- The value of the pickle at byte `at` of a mapped file, and the byte after it; to be called
-- under map.guard. allowed: "module.name" -> function(source, arguments) or any value that other
-- functions receive; persistent(source, id) gives the values that stand outside the pickle.
function M.read(source, at, allowed, persistent)
    local machine = setmetatable({source = source, at = at, allowed = allowed,
        persistent = persistent, stack = {}, top = 0, memo = {}, memo_count = 0}, Machine)
    while true do
        local code = machine:number(1)
        if code == STOP then
            return machine:pop(), machine.at
        end
        local instruction = instructions[code]
        if not instruction then
            source:fail("the pickle has instruction 0x%02x at byte %.0f, which is not read", code,
                machine.at - 1)
        end
        instruction(machine)
    end
end

return M
