local bytes = require "spec.io.torch_file"
local safetensors = require "yoso.io.safetensors"
local shared = require "spec.support.shared"
local torchbin = require "yoso.io.torchbin"

describe("PyTorch checkpoints", function()
    local path = os.tmpname()

    after_each(function()
        os.remove(path)
    end)

    local function load(text)
        bytes.put(path, text)
        return torchbin.load(path)
    end

    local function fails(pattern, text)
        local value, message = load(text)
        assert.is_nil(value)
        assert.equal(path, message:sub(1, #path))
        assert.matches(pattern, message)
    end

    -- A zip archive whose pickle is `body`, with two storages.
    local function archive(body)
        return bytes.zip{
            {"m/data.pkl", "\128\2" .. body .. "."}, {"m/byteorder", "little"},
            {"m/data/0", bytes.f32{1, 2, 3, 4, 5, 6}}, {"m/data/1", bytes.f32{7}},
        }
    end

    local good = "}(" .. bytes.unicode("a") .. bytes.tensor("0", 6, 0, {2, 3}, {3, 1})
        .. bytes.unicode("turned") .. bytes.tensor("0", 6, 0, {3, 2}, {1, 3})
        .. bytes.unicode("last") .. bytes.tensor("0", 6, 5, {}, {})
        .. bytes.unicode("b") .. bytes.tensor("1", 1, 0, {1}, {1}) .. "u"

    it("are read from a zip archive", function()
        local tensors = assert(load(archive(good)))
        assert.same({{1, 2, 3}, {4, 5, 6}}, tensors.a:totable())
        assert.same({{1, 4}, {2, 5}, {3, 6}}, tensors.turned:totable())
        assert.equal(6, tensors.last:item())
        assert.same({7}, tensors.b:totable())
    end)

    it("are read from the older form", function()
        local text = bytes.legacy(good, {{"0", 6, bytes.f32{1, 2, 3, 4, 5, 6}}, {"1", 1, bytes.f32{7}}})
        local tensors = assert(load(text))
        assert.same({{1, 2, 3}, {4, 5, 6}}, tensors.a:totable())
        assert.same({7}, tensors.b:totable())
    end)

    it("run nothing: what is not allowed is named", function()
        fails("the pickle wants os.system; only tensors",
            archive("cos\nsystem\n" .. bytes.unicode("touch /tmp/broken") .. "\133R"))
        fails("the pickle wants builtins.eval",
            archive(bytes.short("builtins") .. bytes.short("eval") .. "\147" .. bytes.unicode("1") .. "\133R"))
        fails("instruction 0x69", archive("(ios\nsystem\n"))
        fails("instruction 0x6f", archive("(ccollections\nOrderedDict\no"))
        fails("instruction 0x81", archive("ccollections\nOrderedDict\n)\129"))
        fails("calls torch.FloatStorage, which is no function", archive("ctorch\nFloatStorage\n)R"))
        fails("a string where a global belongs", archive(bytes.unicode("os.system") .. ")R"))
    end)

    it("with a damaged pickle are refused", function()
        fails("finds no value", archive(""))
        fails("finds no mark", archive("}t"))
        fails("used before it is there", archive("h\7"))
        fails("nothing to remember", archive("q\0"))
        fails("a list where a dict belongs", archive("](" .. bytes.unicode("a") .. "Nu"))
        fails("a key without a value", archive("}(" .. bytes.unicode("a") .. "u"))
        fails("key is neither text nor number", archive("}(N" .. bytes.unicode("a") .. "u"))
        fails("a string of 4294967295 bytes", archive("X\255\255\255\255"))
        fails("has protocol 9", bytes.zip{{"m/data.pkl", "\128\9}."}})
        fails("holds no dictionary", archive("]"))
        fails("entry a is no tensor", archive("}" .. bytes.unicode("a") .. "K\1s"))
        fails("storage 9 is not in the file",
            archive("}" .. bytes.unicode("a") .. bytes.tensor("9", 1, 0, {1}, {1}) .. "s"))
        fails("storage 1: 2 elements of F32 take 8 bytes, it has 4",
            archive("}" .. bytes.unicode("a") .. bytes.tensor("1", 2, 0, {2}, {1}) .. "s"))
        fails("tensor a: view: shape %[2, 4%]",
            archive("}" .. bytes.unicode("a") .. bytes.tensor("0", 6, 0, {2, 4}, {4, 1}) .. "s"))
        fails("tensor a: view: shape %[1%]",
            archive("}" .. bytes.unicode("a") .. bytes.tensor("0", 6, 6, {1}, {1}) .. "s"))
        fails("a tensor has 1 sizes and 2 strides",
            archive("}" .. bytes.unicode("a") .. bytes.tensor("0", 6, 0, {1}, {1, 1}) .. "s"))
    end)

    it("in no or another container are refused", function()
        fails("truncated", "")
        fails("no PyTorch checkpoint", bytes.zip{{"x", "y"}})
        fails("no PyTorch checkpoint", "\128\2K\1.")
        fails("instruction 0x3c", "<html>")
        fails("big%-endian", bytes.zip{{"m/data.pkl", "\128\2}."}, {"m/byteorder", "big"}})
        fails("compressed", (archive(good):gsub("PK\1\2........", function(head)
            return head:sub(1, 10) .. "\8\0"
        end)))
        fails("has m/data.pkl twice", bytes.zip{{"m/data.pkl", "\128\2}."}, {"m/data.pkl", "\128\2}."}})
        assert.matches("No such file", select(2, torchbin.load(path .. ".none")))
        assert.error_matches(function() torchbin.load() end, "path is a nil")
    end)

    it("cut off anywhere are refused", function()
        local whole = {archive(good),
            bytes.legacy(good, {{"0", 6, bytes.f32{1, 2, 3, 4, 5, 6}}, {"1", 1, bytes.f32{7}}})}
        for _, text in ipairs(whole) do
            for length = 0, #text - 1 do
                local value, message = load(text:sub(1, length))
                assert.is_nil(value)
                assert.is_string(message)
            end
        end
    end)

    it("changed anywhere load or are refused, and never break", function()
        local whole = {archive(good),
            bytes.legacy(good, {{"0", 6, bytes.f32{1, 2, 3, 4, 5, 6}}, {"1", 1, bytes.f32{7}}})}
        for _, text in ipairs(whole) do
            for at = 1, #text do
                for _, byte in ipairs{"\0", "\255"} do
                    local value, message = load(text:sub(1, at - 1) .. byte .. text:sub(at + 1))
                    assert.is_true(value ~= nil or type(message) == "string")
                end
            end
        end
    end)

    shared.golden(it, pending, "hold the same numbers as safetensors", function()
        local folder = shared.path("fixtures/yoso/")
        local wanted = assert(safetensors.load(folder .. "container-safetensors/model.safetensors"))
        for _, name in ipairs{"container-bin", "container-bin-legacy"} do
            local got = assert(torchbin.load(folder .. name .. "/pytorch_model.bin"))
            for key, value in pairs(wanted) do
                assert.same(value:totable(), got[key]:totable())
            end
        end
    end)
end)
