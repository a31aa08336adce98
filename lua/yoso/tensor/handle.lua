-- The handle on a C tensor: memory and scopes, calls that make tensors, and the metatable's frame.
-- What computes is in yoso.ops, which puts its functions here as methods (see op.lua).
local c = require "yoso.c"

local lib = c.lib
local M = {}

local Tensor = {}
local methods = {}
M.methods = methods
M.metatable = Tensor

M.codes = {
    f32 = lib.YOSO_F32, f16 = lib.YOSO_F16, bf16 = lib.YOSO_BF16, i32 = lib.YOSO_I32,
    i64 = lib.YOSO_I64, u8 = lib.YOSO_U8, bool = lib.YOSO_BOOL,
}
M.names = {}
for name, code in pairs(M.codes) do
    M.names[code] = name
end
M.devices = {cpu = lib.YOSO_CPU, cuda = lib.YOSO_CUDA}
-- Pointers to elements, as c.cast wants them.
M.element = {
    f32 = c.typeof("float *"), f16 = c.typeof("uint16_t *"), bf16 = c.typeof("uint16_t *"),
    i32 = c.typeof("int32_t *"), i64 = c.typeof("int64_t *"), u8 = c.typeof("uint8_t *"),
    bool = c.typeof("uint8_t *"),
}
local handle_slot = c.typeof("yoso_tensor *[1]")

-- -- Memory ------------------------------------------------------------------------------------
-- The collector sees a few words where a tensor may hold gigabytes, so the live bytes that C
-- counts decide when it runs: first at soft_limit, then when they have doubled since.
local soft_limit = 256 * 2 ^ 20
local collect_at = soft_limit

local function relieve()
    collectgarbage()
    collectgarbage()
    collect_at = math.max(soft_limit, 2 * tonumber(lib.yoso_memory_live()))
end

--- Bytes of live tensors from which on the collector is run (default 256 MiB).
function M.set_soft_limit(bytes)
    soft_limit, collect_at = bytes, bytes
end

-- A scope is a list of the tensors made while it is the innermost (see scope.lua, op.lua).
local scopes = {}
M.scopes = scopes

function M.open_scope()
    local scope = {}
    scopes[#scopes + 1] = scope
    return scope
end

--- Closes scope and whatever an error left open inside it.
function M.close_scope(scope)
    for i = #scopes, 1, -1 do
        local top = scopes[i]
        scopes[i] = nil
        if top == scope then
            return
        end
    end
end

--- Hands a tensor of a closed scope to the scope around it.
function M.pass_on(tensor)
    local scope = scopes[#scopes]
    if scope and tensor.handle then
        scope[#scope + 1] = tensor
    end
end

local function wrap(handle)
    local tensor = setmetatable({handle = c.gc(handle, lib.yoso_tensor_free)}, Tensor)
    local scope = scopes[#scopes]
    if scope then
        scope[#scope + 1] = tensor
    end
    return tensor
end

--- Calls a C function whose first argument receives a new tensor; returns it wrapped.
-- A failure raises at the caller's line; out of memory collects and tries once more.
function M.call(fn, ...)
    local slot = handle_slot()
    if lib.yoso_interrupted() ~= 0 then
        c.raise("interrupted")
    end
    if tonumber(lib.yoso_memory_live()) > collect_at then
        relieve()
    end
    local status = fn(slot, ...)
    if status == lib.YOSO_NO_MEMORY then
        relieve()
        lib.yoso_memory_trim()
        status = fn(slot, ...)
    end
    c.check(status)
    return wrap(slot[0])
end
local call = M.call

--- Another tensor on the same elements.
function M.alias(tensor)
    local handle = tensor.handle
    local ndim = lib.yoso_tensor_ndim(handle)
    local shape, stride = c.new("int64_t[8]"), c.new("int64_t[8]")
    for i = 0, ndim - 1 do
        shape[i] = lib.yoso_tensor_size(handle, i)
        stride[i] = lib.yoso_tensor_stride(handle, i)
    end
    return call(lib.yoso_tensor_view, handle, ndim, shape, stride, 0)
end

--- A contiguous copy, not recorded.
function M.clone(tensor)
    return call(lib.yoso_cast, tensor.handle, lib.yoso_tensor_dtype(tensor.handle))
end

--- "[2, 3]"
function M.shape_text(tensor)
    return "[" .. table.concat(tensor:shape(), ", ") .. "]"
end

--- Takes over a handle that C made (a checkpoint's tensor, say).
M.adopt = wrap

function M.is(value)
    return getmetatable(value) == Tensor
end

--- The C handle of a tensor argument; raises when it is none or was freed.
function M.handle(value, where, name)
    if getmetatable(value) ~= Tensor then
        c.raise(("%s: %s is a %s, must be a tensor"):format(where, name or "argument", type(value)))
    end
    local handle = value.handle
    if not handle then
        c.raise(("%s: %s is a tensor that was freed"):format(where, name or "argument"))
    end
    return handle
end
local handle_of = M.handle

function M.dtype_code(name, where)
    local code = M.codes[name]
    if not code then
        c.raise(("%s: unknown dtype %s; there are f32 f16 bf16 i32 i64 u8 bool")
            :format(where, tostring(name)))
    end
    return code
end

function M.device_code(name, where)
    local code = M.devices[name]
    if not code then
        c.raise(("%s: unknown device %s; there are cpu and cuda"):format(where, tostring(name)))
    end
    return code
end

--- Dimension from 1 or negative from the end, as C counts it.
function M.dim(dim, ndim, where)
    if type(dim) ~= "number" or dim ~= math.floor(dim) or dim == 0 or dim > ndim or dim < -ndim then
        c.raise(("%s: dimension %s, the tensor has %d (1 to %d, or -%d to -1)")
            :format(where, tostring(dim), ndim, ndim, ndim))
    end
    return dim > 0 and dim - 1 or ndim + dim
end

-- -- Asking -----------------------------------------------------------------------------------------

function methods:shape()
    local handle = handle_of(self, "shape")
    local shape = {}
    for i = 1, lib.yoso_tensor_ndim(handle) do
        shape[i] = tonumber(lib.yoso_tensor_size(handle, i - 1))
    end
    return shape
end

--- Size of one dimension.
function methods:size(dim)
    local handle = handle_of(self, "size")
    return tonumber(lib.yoso_tensor_size(handle,
        M.dim(dim, lib.yoso_tensor_ndim(handle), "size")))
end

function methods:ndim()
    return lib.yoso_tensor_ndim(handle_of(self, "ndim"))
end

function methods:numel()
    return tonumber(lib.yoso_tensor_numel(handle_of(self, "numel")))
end

function methods:dtype()
    return M.names[lib.yoso_tensor_dtype(handle_of(self, "dtype"))]
end

function methods:device()
    return lib.yoso_tensor_device(handle_of(self, "device")) == lib.YOSO_CPU and "cpu" or "cuda"
end

function methods:is_contiguous()
    return lib.yoso_tensor_is_contiguous(handle_of(self, "is_contiguous")) ~= 0
end

--- Gives the memory back at once; using the tensor afterwards is an error that says so.
function methods:free()
    local handle = self.handle
    if handle then
        self.handle = nil
        lib.yoso_tensor_free(c.gc(handle, nil))
    end
end

Tensor.__tostring = function(tensor)
    return require("yoso.tensor.print").text(tensor)
end

-- x[i] = value writes; other names are fields.
Tensor.__newindex = function(tensor, key, value)
    if type(key) ~= "number" then
        rawset(tensor, key, value)
        return
    end
    local part = methods.select(tensor, 1, key)
    if M.is(value) then
        part:copy_(value)
    else
        part:fill_(value)
    end
end

Tensor.__index = function(tensor, key)
    local method = methods[key]
    if method ~= nil then
        return method
    end
    if type(key) == "number" then
        return methods.select(tensor, 1, key)
    end
    return nil
end

return M
