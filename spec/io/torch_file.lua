-- Builds PyTorch checkpoint files byte by byte, so that specs can break them at any place.
local M = {}

local function le(number, bytes)
    local out = {}
    for i = 0, bytes - 1 do
        out[i + 1] = string.char(math.floor(number / 256 ^ i) % 256)
    end
    return table.concat(out)
end

--- Writes a file without the care (and the time) of yoso.io.file. A new file each time: some file
-- systems wait for the disk when an old one is cut to nothing.
function M.put(path, text)
    os.remove(path)
    local stream = assert(io.open(path, "wb"))
    stream:write(text)
    stream:close()
end

--- Small whole numbers as f32.
function M.f32(values)
    local out = {}
    for i, value in ipairs(values) do
        local fraction, exponent = math.frexp(value)
        local mantissa = (fraction * 2 - 1) * 2 ^ 23
        out[i] = le((exponent + 126) * 2 ^ 23 + mantissa, 4)
    end
    return table.concat(out)
end

function M.unicode(text)
    return "X" .. le(#text, 4) .. text
end

function M.short(text)
    return "\140" .. string.char(#text) .. text
end

local function tuple(numbers)
    local out = {"("}
    for i, number in ipairs(numbers) do
        out[i + 1] = "K" .. string.char(number)
    end
    return table.concat(out) .. "t"
end

--- The pickle of a tensor of storage `key`, as torch.save writes it.
function M.tensor(key, elements, offset, size, stride)
    return "ctorch._utils\n_rebuild_tensor_v2\n((" .. M.unicode("storage") .. "ctorch\nFloatStorage\n"
        .. M.unicode(key) .. M.unicode("cpu") .. "K" .. string.char(elements) .. "tQK"
        .. string.char(offset) .. tuple(size) .. tuple(stride) .. "\137ccollections\nOrderedDict\n)RtR"
end

--- A zip archive of stored entries {name, contents}.
function M.zip(entries)
    local parts, directory, position = {}, {}, 0
    for _, entry in ipairs(entries) do
        local name, contents = entry[1], entry[2]
        local sizes = le(#contents, 4) .. le(#contents, 4)
        local head = le(0, 4) .. le(0, 4) .. le(0, 4) .. sizes .. le(#name, 2)
        parts[#parts + 1] = "PK\3\4" .. le(20, 2) .. head .. le(0, 2) .. name .. contents
        directory[#directory + 1] = "PK\1\2" .. le(20, 2) .. le(20, 2) .. head .. le(0, 2)
            .. le(0, 2) .. le(0, 2) .. le(0, 2) .. le(0, 4) .. le(position, 4) .. name
        position = position + #parts[#parts]
    end
    local index = table.concat(directory)
    return table.concat(parts) .. index .. "PK\5\6" .. le(0, 4) .. le(#entries, 2) .. le(#entries, 2)
        .. le(#index, 4) .. le(position, 4) .. le(0, 2)
end

--- The older form: pickles one behind the other, then the storages {key, elements, contents}.
function M.legacy(body, storages)
    local parts = {"\128\2\138\10\108\252\156\70\249\32\106\168\80\25.", "\128\2M\233\3.",
        "\128\2}" .. M.unicode("little_endian") .. "\136s.", "\128\2" .. body .. "."}
    local keys, data = {}, {}
    for i, storage in ipairs(storages) do
        keys[i] = M.unicode(storage[1])
        data[i] = le(storage[2], 8) .. storage[3]
    end
    parts[#parts + 1] = "\128\2](" .. table.concat(keys) .. "e."
    return table.concat(parts) .. table.concat(data)
end

return M
