-- The C library behind everything: the only file that knows the FFI.
-- Loads libyoso, checks that its header is ours, and turns statuses into errors: a caller's
-- mistake raises at the caller's line, what the world did returns nil and a message.
local ffi = require "ffi"

local M = {}

ffi.cdef(require "yoso.cdef")

-- These lines may stand inside the library: then it is loaded already, is found by its SONAME, and
-- no other must come beside it.
local inside = debug.getinfo(1, "S").source:sub(1, 6) == "@yoso:"
local lib = ffi.load(not inside and os.getenv("YOSO_LIBRARY") or "libyoso.so.0")
if lib.yoso_abi() ~= lib.YOSO_ABI then
    error(("libyoso has ABI %d, these Lua files want %d"):format(lib.yoso_abi(), lib.YOSO_ABI), 0)
end

M.lib = lib
M.new = ffi.new
M.typeof = ffi.typeof
M.cast = ffi.cast
M.string = ffi.string
M.copy = ffi.copy
M.gc = ffi.gc
M.sizeof = ffi.sizeof
M.istype = ffi.istype

-- Where this library's own Lua files live, as debug.getinfo names them.
local home = debug.getinfo(1, "S").source:match("^(.*)c%.lua$")

--- Raises message at the first line on the stack that is not this library's.
function M.raise(message)
    local level = 2
    while true do
        local info = debug.getinfo(level, "Sl")
        if not info then
            error(message, 0)
        end
        if info.what ~= "C" and info.source:sub(1, #home) ~= home then
            error(("%s:%d: %s"):format(info.short_src, info.currentline, message), 0)
        end
        level = level + 1
    end
end

--- A handle from a call that fills a pointer: nil and the message when the status is not OK.
-- The handle is freed with free when the collector finds it dead.
function M.own(status, pointer, free)
    if status ~= lib.YOSO_OK then
        return nil, ffi.string(lib.yoso_error_message()), status
    end
    return ffi.gc(pointer[0], free)
end

--- Raises the library's message unless status is OK. For calls whose failure is the caller's.
function M.check(status)
    if status ~= lib.YOSO_OK then
        M.raise(ffi.string(lib.yoso_error_message()))
    end
end

--- true, or nil and the message. For calls whose failure is the world's.
function M.try(status)
    if status ~= lib.YOSO_OK then
        return nil, ffi.string(lib.yoso_error_message())
    end
    return true
end

-- Read anew for every array, so that no length is a constant to LuaJIT's compiler: an array of
-- constant length may be left out of a trace (-Osink), and where the trace is left it is then made
-- without room for its elements, which are written over the next object of Lua's heap.
local nothing = ffi.new("int32_t[1]")

--- A zeroed array of n elements; its type is "T[?]". The only way in which these are made.
function M.array(array_type, n)
    return ffi.new(array_type, n + nothing[0])
end

local int64_array = ffi.typeof("int64_t[?]")

--- A C array of int64 from a Lua list, and its length.
function M.sizes(list)
    local n = #list
    local array = M.array(int64_array, n > 0 and n or 1)
    for i = 1, n do
        array[i - 1] = list[i]
    end
    return array, n
end

return M
