-- The safetensors format: 8 bytes with the header's length, the header (JSON: name -> dtype,
-- shape, data_offsets), the elements. Files are mapped, tensors stand on the mapped bytes;
-- writing to such a tensor does not change the file.
local c = require "yoso.c"
local file = require "yoso.io.file"
local json = require "yoso.io.json"
local map = require "yoso.io.map"
local tensor = require "yoso.tensor"

local M = {}

local MAX_HEADER = 100 * 2 ^ 20
local MAX_DIMS = 8

local element_bytes = {F64 = 8, F32 = 4, F16 = 2, BF16 = 2, I64 = 8, I32 = 4, I16 = 2, I8 = 1,
    U8 = 1, BOOL = 1}
local formats = {f32 = "F32", f16 = "F16", bf16 = "BF16", i64 = "I64", i32 = "I32", u8 = "U8",
    bool = "BOOL"}

-- The JSON reader lets the last of two equal keys win, so they are looked for in the text:
-- a key stands at depth 1, and a string is a key when a colon follows.
local function find_duplicate(text)
    local seen, depth, at = {}, 0, 1
    while true do
        at = text:find('["{}]', at)
        if not at then
            return nil
        end
        local char = text:sub(at, at)
        if char == '"' then
            local start = at
            repeat
                at = text:find('["\\]', at + 1)
                local escape = text:byte(at) == 92
                at = escape and at + 1 or at
            until not escape
            local name = text:sub(start, at)
            if depth == 1 and text:find("^%s*:", at + 1) then
                if seen[name] then
                    return name
                end
                seen[name] = true
            end
        else
            depth = depth + (char == "{" and 1 or -1)
        end
        at = at + 1
    end
end

local function is_count(value)
    return type(value) == "number" and value >= 0 and value == math.floor(value) and value < 2 ^ 53
end

local function is_list(value, least, most)
    if type(value) ~= "table" or #value < least or #value > most then
        return false
    end
    for key, item in pairs(value) do
        if type(key) ~= "number" or not is_count(item) then
            return false
        end
    end
    return true
end

-- Checks one entry of the header; returns its first and last byte among `room` data bytes.
local function check_entry(source, name, entry, room)
    if type(entry) ~= "table" or type(entry.dtype) ~= "string" then
        source:fail("tensor %s: its entry has no dtype", name)
    end
    local size = element_bytes[entry.dtype]
    if not size then
        source:fail("tensor %s: dtype %s is not supported", name, entry.dtype)
    end
    if not is_list(entry.shape, 0, MAX_DIMS) then
        source:fail("tensor %s: its shape is no list of at most %d sizes", name, MAX_DIMS)
    end
    if not is_list(entry.data_offsets, 2, 2) then
        source:fail("tensor %s: its data_offsets are no pair of positions", name)
    end
    local first, last = entry.data_offsets[1], entry.data_offsets[2]
    if first > last or last > room then
        source:fail("tensor %s: bytes %.0f to %.0f leave the data of %.0f bytes", name, first, last,
            room)
    end
    local bytes = size
    for _, length in ipairs(entry.shape) do
        bytes = bytes * length
    end
    if bytes ~= last - first then
        source:fail("tensor %s: %s [%s] takes %.0f bytes, its data_offsets span %.0f", name,
            entry.dtype, table.concat(entry.shape, ", "), bytes, last - first)
    end
    return first, last
end

local function read_header(source)
    local length = source:number(0, 8, "the header's length")
    if length > MAX_HEADER then
        source:fail("the header's length is %.0f, more than %.0f", length, MAX_HEADER)
    end
    local text = source:string(8, length, "the header")
    if text:sub(1, 1) ~= "{" then
        source:fail("is no safetensors file: the header is no JSON object")
    end
    local header, message = json.decode(text, "the header")
    if not header then
        source:fail("%s", message)
    end
    local twice = find_duplicate(text)
    if twice then
        source:fail("the header has %s twice", twice)
    end
    return header, 8 + length
end

-- Every byte of the data belongs to exactly one tensor.
local function check_cover(source, spans, room)
    table.sort(spans, function(a, b)
        if a.first ~= b.first then
            return a.first < b.first
        end
        return a.last < b.last
    end)
    local position = 0
    for _, span in ipairs(spans) do
        if span.first ~= position then
            source:fail("tensor %s: begins at byte %.0f of the data, must at %.0f (%s)", span.name,
                span.first, position, span.first < position and "overlap" or "hole")
        end
        position = span.last
    end
    if position ~= room then
        source:fail("the data has %.0f bytes, the tensors take %.0f", room, position)
    end
end

local function load(source)
    local header, start = read_header(source)
    local metadata = header.__metadata__
    header.__metadata__ = nil
    local room, spans, tensors = source.size - start, {}, {}
    for name, entry in pairs(header) do
        local first, last = check_entry(source, name, entry, room)
        spans[#spans + 1] = {name = name, first = first, last = last}
    end
    check_cover(source, spans, room)
    for name, entry in pairs(header) do
        tensors[name] = source:tensor(entry.dtype, entry.shape, start + entry.data_offsets[1],
            "tensor " .. name)
    end
    return tensors, type(metadata) == "table" and metadata or {}
end

--- The tensors of a file by name, and its table of metadata; nil and a message naming the file and
-- the place.
function M.load(path)
    if type(path) ~= "string" then
        c.raise(("safetensors.load: path is a %s, must be a string"):format(type(path)))
    end
    local source, message = map.open(path)
    if not source then
        return nil, message
    end
    return map.guard(load, source)
end

-- Contiguous copies on the CPU where they are needed, wide elements first: then all are aligned.
local function prepare(tensors, given)
    local entries = {}
    for name, value in pairs(tensors) do
        if type(name) ~= "string" then
            c.raise(("safetensors.save: name %s is a %s, must be a string")
                :format(tostring(name), type(name)))
        end
        tensor.handle(value, "safetensors.save", name)
        value = value:device() == "cpu" and value or value:to("cpu")
        local size = c.lib.yoso_dtype_size(tensor.codes[value:dtype()])
        entries[#entries + 1] = {name = name, tensor = value, size = size,
            format = given[name] or formats[value:dtype()]}
    end
    table.sort(entries, function(a, b)
        if a.size ~= b.size then
            return a.size > b.size
        end
        return a.name < b.name
    end)
    return entries
end

local function header_text(entries, metadata)
    local header, position = {}, 0
    for _, entry in ipairs(entries) do
        local stop = position + entry.tensor:numel() * entry.size
        header[entry.name] = {dtype = entry.format,
            shape = json.array(entry.tensor:shape()), data_offsets = {position, stop}}
        position = stop
    end
    header.__metadata__ = metadata or {format = "pt"}
    local text = json.encode(header)
    text = text .. (" "):rep(-(#text + 8) % 64)
    local length = {}
    for i = 0, 7 do
        length[i + 1] = string.char(math.floor(#text / 256 ^ i) % 256)
    end
    return table.concat(length) .. text
end

--- Writes the tensors of a table by name, the whole file or nothing; true, or nil and a message.
-- metadata, a table of strings, goes into the header. given says which u8 tensors, by name, hold the
-- bytes of another format ("I8").
function M.save(path, tensors, metadata, given)
    if type(path) ~= "string" or type(tensors) ~= "table" then
        c.raise(("safetensors.save: a %s and a %s, must be a path and a table of tensors")
            :format(type(path), type(tensors)))
    end
    local entries = prepare(tensors, given or {})
    local writer, message = file.writer(path)
    if not writer then
        return nil, message
    end
    local ok, problem = writer:write(header_text(entries, metadata))
    for _, entry in ipairs(entries) do
        if ok then
            local flat = tensor.call(c.lib.yoso_contiguous, entry.tensor.handle)
            ok, problem = writer:tensor(flat.handle)
            flat:free()
        end
    end
    if not ok then
        writer:drop()
        return nil, problem
    end
    return writer:commit()
end

return M
