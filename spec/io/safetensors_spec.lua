local file = require "yoso.io.file"
local json = require "yoso.io.json"
local put = require("spec.io.torch_file").put
local safetensors = require "yoso.io.safetensors"
local yoso = require "yoso"

local function le64(number)
    local bytes = {}
    for i = 0, 7 do
        bytes[i + 1] = string.char(math.floor(number / 256 ^ i) % 256)
    end
    return table.concat(bytes)
end

describe("safetensors", function()
    local path = os.tmpname()

    after_each(function()
        os.remove(path)
    end)

    -- Loads a file of this header (a table or text) and data.
    local function load(header, data, length)
        local text = type(header) == "string" and header or json.encode(header)
        put(path, le64(length or #text) .. text .. data)
        return safetensors.load(path)
    end

    local function fails(pattern, ...)
        local value, message = load(...)
        assert.is_nil(value)
        assert.equal(path, message:sub(1, #path))
        assert.matches(pattern, message)
        assert.is_nil(message:find("\n"))
    end

    local function entry(dtype, shape, first, last)
        return {dtype = dtype, shape = json.array(shape), data_offsets = {first, last}}
    end

    it("give back what was saved, in every dtype", function()
        local tensors = {}
        for _, dtype in ipairs{"f32", "f16", "bf16", "i32", "i64", "u8", "bool"} do
            tensors[dtype] = yoso.tensor({{0, 1, 1}, {1, 0, 1}}, dtype)
        end
        tensors.scalar = yoso.tensor(2.5)
        tensors.empty = yoso.zeros{0, 3}
        assert.is_true(safetensors.save(path, tensors))
        local loaded = assert(safetensors.load(path))
        for name, saved in pairs(tensors) do
            assert.same(saved:shape(), loaded[name]:shape())
            assert.equal(saved:dtype(), loaded[name]:dtype())
            assert.same(saved:totable(), loaded[name]:totable())
        end
        assert.is_nil(loaded.__metadata__)
    end)

    it("stand on the file's bytes, and writing to them leaves the file alone", function()
        local before = yoso.memory().live
        assert(safetensors.save(path, {x = yoso.full({1000, 100}, 3)}))
        local text = file.read(path)
        collectgarbage()
        collectgarbage()
        local x = assert(safetensors.load(path)).x
        assert.is_true(yoso.memory().live <= before)
        yoso.no_grad(function()
            local c = require "yoso.c"
            c.check(c.lib.yoso_fill(x.handle, 7))
        end)
        assert.equal(7, x:totable()[1000][100])
        assert.is_true(text == file.read(path))
        assert.equal(3, assert(safetensors.load(path)).x:totable()[1][1])
    end)

    it("live on when their file is replaced", function()
        assert(safetensors.save(path, {x = yoso.full({5000}, 3)}))
        local x = assert(safetensors.load(path)).x
        assert(safetensors.save(path, {x = yoso.full({2}, 4)}))
        assert.equal(3, x:totable()[5000])
    end)

    it("read the widths that no dtype here has, and unaligned data", function()
        local tensors = assert(load({
            a = entry("U8", {1}, 0, 1), b = entry("F32", {2}, 1, 9), c = entry("I8", {2}, 9, 11),
            d = entry("I16", {1}, 11, 13), e = entry("F64", {}, 13, 21), f = entry("BOOL", {3}, 21, 24),
        }, "\5" .. "\0\0\128\63" .. "\0\0\0\192" .. "\255\1" .. "\0\255" .. "\0\0\0\0\0\0\4\192" .. "\2\0\1"))
        assert.same({5}, tensors.a:totable())
        assert.same({1, -2}, tensors.b:totable())
        assert.same({-1, 1}, tensors.c:totable())
        assert.same({-256}, tensors.d:totable())
        assert.equal(-2.5, tensors.e:item())
        assert.same({true, false, true}, tensors.f:totable())
    end)

    it("of a damaged header are refused with the place", function()
        assert.matches("No such file", select(2, safetensors.load(path .. ".none")))
        put(path, "")
        assert.matches("truncated: the header's length takes 8 bytes", select(2, safetensors.load(path)))
        fails("truncated: the header takes 500 bytes", "{}", "", 500)
        fails("header's length is 1%d+, more than", "{}", "", 2 ^ 60)
        put(path, ("\255"):rep(8) .. "{}")
        assert.matches("header's length is 1844%d+", select(2, safetensors.load(path)))
        fails("no safetensors file", "[1]", "")
        fails("no safetensors file", "", "")
        fails("not JSON", '{"a":', "")
        fails("has \"a\" twice", '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},'
            .. '"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', "x")
    end)

    it("with impossible entries are refused by name", function()
        fails("tensor a: its entry has no dtype", {a = 5}, "")
        fails("tensor a: dtype F8_E5M2 is not supported", {a = entry("F8_E5M2", {1}, 0, 1)}, "x")
        fails("tensor a: its shape is no list", {a = entry("U8", {1.5}, 0, 1)}, "x")
        fails("tensor a: its shape is no list", {a = entry("U8", {-1}, 0, 1)}, "x")
        fails("tensor a: its shape is no list", {a = entry("U8", {1, 1, 1, 1, 1, 1, 1, 1, 1}, 0, 1)}, "x")
        fails("tensor a: its shape is no list", {a = {dtype = "U8", shape = "x", data_offsets = {0, 1}}}, "x")
        fails("tensor a: its data_offsets are no pair", {a = {dtype = "U8", shape = {1}, data_offsets = {0}}}, "x")
        fails("tensor a: its data_offsets are no pair", {a = entry("U8", {1}, -1, 0)}, "x")
        fails("tensor a: bytes 0 to 2 leave the data of 1 bytes", {a = entry("U8", {2}, 0, 2)}, "x")
        fails("tensor a: bytes 1 to 0 leave", {a = entry("U8", {1}, 1, 0)}, "x")
        fails("tensor a: F32 %[2%] takes 8 bytes, its data_offsets span 4", {a = entry("F32", {2}, 0, 4)}, "xxxx")
        fails("tensor a: U8 .* takes", {a = entry("U8", {2 ^ 40, 2 ^ 40}, 0, 1)}, "x")
        fails("tensor a: .* has too many elements", {a = entry("U8", {2 ^ 40, 2 ^ 40, 0}, 0, 0)}, "")
        fails("tensor b: begins at byte 1 of the data, must at 2 %(overlap%)",
            {a = entry("U8", {2}, 0, 2), b = entry("U8", {2}, 1, 3)}, "xxx")
        fails("tensor b: begins at byte 2 of the data, must at 1 %(hole%)",
            {a = entry("U8", {1}, 0, 1), b = entry("U8", {1}, 2, 3)}, "xxx")
        fails("the data has 3 bytes, the tensors take 1", {a = entry("U8", {1}, 0, 1)}, "xxx")
    end)

    it("cut off or changed anywhere never load wrongly or break", function()
        assert(safetensors.save(path, {a = yoso.tensor{1, 2}, b = yoso.tensor({{3}}, "i64")}))
        local text = file.read(path)
        for length = 0, #text - 1 do
            put(path, text:sub(1, length))
            local value, message = safetensors.load(path)
            assert.is_nil(value)
            assert.is_string(message)
        end
        local header = 8 + text:byte(1) + 256 * text:byte(2)
        for at = 1, header do
            for _, byte in ipairs{"\0", "9", '"'} do
                put(path, text:sub(1, at - 1) .. byte .. text:sub(at + 1))
                local value, message = safetensors.load(path)
                assert.is_true(value ~= nil or type(message) == "string")
            end
        end
    end)

    it("that cannot be written leave nothing behind", function()
        local ok, message = safetensors.save("/nonexistent/x", {a = yoso.tensor{1}})
        assert.is_nil(ok)
        assert.matches("/nonexistent/x: cannot write", message)
        assert.error_matches(function() safetensors.save(path, {a = 5}) end,
            "safetensors.save: a is a number, must be a tensor")
        assert.error_matches(function() safetensors.save(path, {yoso.tensor(1)}) end, "name 1 is a number")
        assert.error_matches(function() safetensors.save(path) end, "must be a path and a table")
        assert.error_matches(function() safetensors.load() end, "path is a nil")
    end)
end)
