-- PyTorch's own checkpoints (pytorch_model.bin): a zip archive with a pickle and one entry a
-- storage, or the older form, pickles and storages one behind the other. Only tensors in a
-- dictionary are read; nothing in the file is run (see pickle.lua).
local c = require "yoso.c"
local map = require "yoso.io.map"
local pickle = require "yoso.io.pickle"
local tensor = require "yoso.tensor"
local zip = require "yoso.io.zip"

local lib = c.lib
local M = {}

local LEGACY_MAGIC = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
local LEGACY_PROTOCOL = 1001

-- -- What a pickle may name -------------------------------------------------------------------

local storage_formats = {FloatStorage = "F32", HalfStorage = "F16", BFloat16Storage = "BF16",
    DoubleStorage = "F64", LongStorage = "I64", IntStorage = "I32", ShortStorage = "I16",
    CharStorage = "I8", ByteStorage = "U8", BoolStorage = "BOOL"}
local format_bytes = {F32 = 4, F16 = 2, BF16 = 2, F64 = 8, I64 = 8, I32 = 4, I16 = 2, I8 = 1,
    U8 = 1, BOOL = 1}

local function is_kind(value, kind)
    return type(value) == "table" and value.kind == kind
end

local function is_count(value)
    return type(value) == "number" and value >= 0 and value == math.floor(value)
end

-- A tuple of whole numbers as a list.
local function counts(source, value, what)
    if not is_kind(value, "tuple") then
        source:fail("damaged pickle: a tensor's %s is no tuple", what)
    end
    local list = {}
    for i = 1, value.n do
        if not is_count(value[i]) then
            source:fail("damaged pickle: a tensor's %s holds no count", what)
        end
        list[i] = value[i]
    end
    return list
end

local function rebuild_tensor(source, arguments)
    local storage, offset = arguments[1], arguments[2]
    if not is_kind(storage, "storage") or not is_count(offset) then
        source:fail("damaged pickle: a tensor without a storage")
    end
    local size = counts(source, arguments[3], "size")
    local stride = counts(source, arguments[4], "stride")
    if #size ~= #stride or #size > lib.YOSO_MAX_DIMS then
        source:fail("damaged pickle: a tensor has %d sizes and %d strides", #size, #stride)
    end
    return {kind = "tensor", storage = storage, offset = offset, size = size, stride = stride}
end

local function rebuild_parameter(source, arguments)
    if not is_kind(arguments[1], "tensor") then
        source:fail("damaged pickle: a parameter without a tensor")
    end
    return arguments[1]
end

local function ordered_dict(source, arguments)
    local dict = pickle.dict()
    local items = arguments[1]
    if items ~= nil then
        if not is_kind(items, "list") then
            source:fail("damaged pickle: an OrderedDict of something else than a list")
        end
        for i = 1, items.n do
            if not is_kind(items[i], "tuple") and not is_kind(items[i], "list") then
                source:fail("damaged pickle: an OrderedDict's item is no pair")
            end
            pickle.set(source, dict, items[i][1], items[i][2])
        end
    end
    return dict
end

local allowed = {
    ["collections.OrderedDict"] = ordered_dict,
    ["torch._utils._rebuild_tensor"] = rebuild_tensor,
    ["torch._utils._rebuild_tensor_v2"] = rebuild_tensor,
    ["torch._utils._rebuild_parameter"] = rebuild_parameter,
}
for name, format in pairs(storage_formats) do
    allowed["torch." .. name] = {format = format}
end

-- ("storage", type, key, place, elements[, view]): bytes that stand outside the pickle. Very old
-- files let a storage be a part of another: view = (key, first element, elements).
local function persistent(source, id)
    local form = is_kind(id[2], "global") and type(id[2].value) == "table" and id[2].value.format
    if id[1] ~= "storage" or not form or type(id[3]) ~= "string" or not is_count(id[5]) then
        source:fail("damaged pickle: a storage of an unknown kind")
    end
    local base, view = 0, id[6]
    if is_kind(view, "tuple") then
        if not is_count(view[2]) then
            source:fail("damaged pickle: a storage's part begins nowhere")
        end
        base = view[2]
    end
    return {kind = "storage", format = form, key = id[3], elements = id[5], base = base}
end

-- -- Tensors from descriptions ------------------------------------------------------------------

-- One flat tensor a storage, so that tensors that shared one in PyTorch share one here.
local function flat_of(source, storage, places, flats)
    local place = places[storage.key]
    if not place then
        source:fail("storage %s is not in the file", storage.key)
    end
    local bytes = storage.elements * format_bytes[storage.format]
    if bytes > place.size then
        source:fail("storage %s: %.0f elements of %s take %.0f bytes, it has %.0f", storage.key,
            storage.elements, storage.format, bytes, place.size)
    end
    local id = storage.key .. storage.format
    if not flats[id] then
        flats[id] = source:tensor(storage.format, {storage.elements}, place.offset,
            "storage " .. storage.key)
    end
    return flats[id]
end

local tensor_slot = c.typeof("yoso_tensor *[1]")

local function view(source, flat, described, name)
    local slot = tensor_slot()
    local sizes, n = c.sizes(described.size)
    local strides = c.sizes(described.stride)
    local status = lib.yoso_tensor_view(slot, flat.handle, n, sizes, strides,
        described.offset + described.storage.base)
    if status ~= lib.YOSO_OK then
        source:fail("tensor %s: %s", name, c.string(lib.yoso_error_message()))
    end
    local made = tensor.adopt(slot[0])
    return made:is_contiguous() and made or tensor.call(lib.yoso_contiguous, made.handle)
end

local function realise(source, root, places)
    if not is_kind(root, "dict") then
        source:fail("holds no dictionary of tensors")
    end
    local flats, tensors = {}, {}
    for _, name in ipairs(root.keys) do
        local described = root.values[name]
        if type(name) ~= "string" or not is_kind(described, "tensor") then
            source:fail("entry %s is no tensor",
                type(name) == "table" and name.kind or tostring(name))
        end
        tensors[name] = view(source, flat_of(source, described.storage, places, flats), described,
            name)
    end
    return tensors
end

-- -- The two containers ------------------------------------------------------------------------------

local function load_zip(source)
    local entries = zip.entries(source)
    local prefix
    for name in pairs(entries) do
        prefix = name:match("^(.*)/data%.pkl$") or prefix
    end
    if not prefix then
        source:fail("the zip archive has no data.pkl: it is no PyTorch checkpoint")
    end
    local order = entries[prefix .. "/byteorder"]
    if order and source:string(order.offset, order.size, "the byte order") ~= "little" then
        source:fail("its numbers are big-endian, which is not read")
    end
    local places = {}
    for name, entry in pairs(entries) do
        local key = name:sub(1, #prefix + 6) == prefix .. "/data/" and name:sub(#prefix + 7)
        if key then
            places[key] = entry
        end
    end
    local root = pickle.read(source, entries[prefix .. "/data.pkl"].offset, allowed, persistent)
    return realise(source, root, places)
end

-- Storages by key, each with its number of elements before it.
local function legacy_places(source, at, keys, formats)
    if not is_kind(keys, "list") then
        source:fail("damaged: the list of storages is missing")
    end
    local places = {}
    for i = 1, keys.n do
        local key = keys[i]
        local bytes = type(key) == "string" and formats[key]
        if not bytes then
            source:fail("storage %s belongs to no tensor", tostring(key))
        end
        local size = source:number(at, 8, "storage " .. key) * bytes
        source:need(at + 8, size, "storage " .. key)
        places[key] = {offset = at + 8, size = size}
        at = at + 8 + size
    end
    return places
end

local function load_legacy(source)
    local magic, at = pickle.read(source, 0, allowed, persistent)
    if not is_kind(magic, "long") or magic.bytes ~= LEGACY_MAGIC then
        source:fail("is no PyTorch checkpoint: neither a zip archive nor the older form")
    end
    local protocol, system, root, keys
    protocol, at = pickle.read(source, at, allowed, persistent)
    if protocol ~= LEGACY_PROTOCOL then
        source:fail("has protocol %s, known is %d",
            type(protocol) == "table" and protocol.kind or tostring(protocol), LEGACY_PROTOCOL)
    end
    system, at = pickle.read(source, at, allowed, persistent)
    if not is_kind(system, "dict") or system.values.little_endian ~= true then
        source:fail("its numbers are big-endian, which is not read")
    end
    local formats = {}
    root, at = pickle.read(source, at, allowed, function(from, id)
        local storage = persistent(from, id)
        formats[storage.key] = format_bytes[storage.format]
        return storage
    end)
    keys, at = pickle.read(source, at, allowed, persistent)
    return realise(source, root, legacy_places(source, at, keys, formats))
end

--- The tensors of a file by name; nil and a message naming the file and the place.
function M.load(path)
    if type(path) ~= "string" then
        c.raise(("torchbin.load: path is a %s, must be a string"):format(type(path)))
    end
    local source, message = map.open(path)
    if not source then
        return nil, message
    end
    return map.guard(zip.is(source) and load_zip or load_legacy, source)
end

return M
