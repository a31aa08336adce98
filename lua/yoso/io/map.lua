-- A mapped file as parsers see it: bytes, little-endian numbers and short strings, each read
-- checked against the file's end, and tensors on the bytes. A read that would leave the file
-- raises a message; the parser that opened the map turns it into nil, message (see `guard`).
local c = require "yoso.c"
local tensor = require "yoso.tensor"

local lib = c.lib
local M = {}

local Map = {}
Map.__index = Map

local map_slot = c.typeof("yoso_map *[1]")
local tensor_slot = c.typeof("yoso_tensor *[1]")

--- Maps a file; nil and a message when it cannot be.
function M.open(path)
    local slot = map_slot()
    local handle, message = c.own(lib.yoso_map_open(slot, path), slot, lib.yoso_map_free)
    if not handle then
        return nil, message
    end
    return setmetatable({handle = handle, path = path, data = lib.yoso_map_data(handle),
        size = tonumber(lib.yoso_map_size(handle))}, Map)
end

-- What a parser raises; anything else that is raised is a mistake of ours and passes through.
local Damage = {}

--- Raises that the file is not what it should be.
function Map:fail(message, ...)
    error(setmetatable({("%s: %s"):format(self.path, message:format(...))}, Damage), 0)
end

--- Calls fn(...): its results, or nil and the message that :fail raised inside.
function M.guard(fn, ...)
    local function settle(ok, problem, ...)
        if ok then
            return problem, ...
        elseif getmetatable(problem) == Damage then
            return nil, problem[1]
        end
        error(problem, 0)
    end
    return settle(pcall(fn, ...))
end

--- Raises unless `length` bytes lie in the file from offset (counted from 0) on.
function Map:need(offset, length, what)
    if offset < 0 or length < 0 or offset > self.size or length > self.size - offset then
        self:fail("truncated: %s takes %.0f bytes from %.0f, the file has %.0f", what, length,
            offset, self.size)
    end
end

function Map:string(offset, length, what)
    self:need(offset, length, what)
    return length == 0 and "" or c.string(self.data + offset, length)
end

--- An unsigned little-endian number of `bytes` bytes; 8 of them may lose what is above 2^53.
function Map:number(offset, bytes, what)
    self:need(offset, bytes, what)
    local value = 0
    for i = bytes - 1, 0, -1 do
        value = value * 256 + self.data[offset + i]
    end
    return value
end

--- A tensor on the bytes from offset on (see yoso_map_tensor); `what` names it in messages.
function Map:tensor(format, shape, offset, what)
    local slot = tensor_slot()
    local sizes, n = c.sizes(shape)
    local status = lib.yoso_map_tensor(slot, self.handle, format, n, sizes, offset)
    if status ~= lib.YOSO_OK then
        self:fail("%s: %s", what, c.string(lib.yoso_error_message()))
    end
    return tensor.adopt(slot[0])
end

return M
