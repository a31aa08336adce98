local file = require "yoso.io.file"

describe("files", function()
    local folder

    before_each(function()
        folder = os.tmpname()
        os.remove(folder)
        assert(file.mkdir(folder .. "/a/b"))
    end)

    after_each(function()
        os.execute("rm -rf '" .. folder .. "'")
    end)

    local function gzip(path, text)
        assert(file.write(path, text))
        assert(os.execute("gzip -f '" .. path .. "'"))
    end

    it("are written and read back byte for byte", function()
        local text = ("\0\1\255 line\r\n"):rep(30000)
        assert.is_true(file.write(folder .. "/x", text))
        assert.is_true(text == file.read(folder .. "/x"))
        assert.is_true(file.write(folder .. "/x", ""))
        assert.equal("", file.read(folder .. "/x"))
    end)

    it("lose what a killed writer has left of them, and nothing else", function()
        local writer = assert(file.writer(folder .. "/x"))
        assert.is_true(file.write(folder .. "/x.backup", ""))
        assert.is_true(file.write(folder .. "/y.abcdef.part", ""))
        assert.equal(4, #file.list(folder))
        assert.matches("\nx%.%w%w%w%w%w%w%.part\n", "\n" .. table.concat(file.list(folder), "\n\n") .. "\n")
        file.remove_parts(folder, {"x", "z"})
        assert.same({"a", "x.backup", "y.abcdef.part"}, file.list(folder))
        file.remove_parts(folder .. "/none", {"x"})
        writer:drop()
    end)

    it("are read through gzip, by either name", function()
        gzip(folder .. "/x", ("some text\n"):rep(20000))
        assert.equal(200000, #file.read(folder .. "/x"))
        assert.is_true(file.read(folder .. "/x") == file.read(folder .. "/x.gz"))
    end)

    it("are read line by line over the buffer's edges", function()
        local lines = {}
        for i = 1, 5000 do
            lines[i] = ("x"):rep(i % 97) .. i
        end
        lines[17] = ("long"):rep(50000)
        for _, ending in ipairs{"\n", "\r\n"} do
            for _, last in ipairs{"", ending} do
                gzip(folder .. "/x", table.concat(lines, ending) .. last)
                local read = {}
                for line in file.lines(folder .. "/x") do
                    read[#read + 1] = line
                end
                assert.same(lines, read)
            end
        end
    end)

    it("keep empty lines, and an empty file has none", function()
        local read = {}
        file.write(folder .. "/x", "a\n\n\nb\n\n")
        for line in file.lines(folder .. "/x") do
            read[#read + 1] = line
        end
        assert.same({"a", "", "", "b", ""}, read)
        file.write(folder .. "/x", "")
        for _ in file.lines(folder .. "/x") do
            error("a line in an empty file")
        end
    end)

    it("that are missing or folders give nil and their name", function()
        for _, call in ipairs{file.read, file.lines} do
            local value, message = call(folder .. "/none")
            assert.is_nil(value)
            assert.matches("/none: No such file", message)
            value, message = call(folder .. "/a")
            assert.is_nil(value)
            assert.matches("/a: is a folder", message)
        end
        assert.error_matches(function() file.read(nil) end, "read: path is a nil")
        assert.error_matches(function() file.read("a\0b") end, "zero byte")
    end)

    it("with damaged gzip data are no silent end", function()
        gzip(folder .. "/x", ("some text\n"):rep(100000))
        local packed = assert(io.open(folder .. "/x.gz", "rb")):read("*a")
        for _, damaged in ipairs{packed:sub(1, -9), packed:sub(1, 40),
            packed:sub(1, 50) .. "\255\255\255" .. packed:sub(54)} do
            file.write(folder .. "/y.gz", damaged)
            local value, message = file.read(folder .. "/y")
            assert.is_nil(value)
            assert.matches("y.gz: damaged gzip data", message)
            assert.has_error(function()
                for _ in file.lines(folder .. "/y") do
                    packed = packed
                end
            end)
        end
    end)

    it("appear whole or not at all", function()
        file.write(folder .. "/x", "old")
        local writer = assert(file.writer(folder .. "/x"))
        assert(writer:write("half"))
        assert.equal("old", file.read(folder .. "/x"))
        writer:drop()
        assert.equal("old", file.read(folder .. "/x"))
        assert.same({"a", "x"}, file.list(folder))
        writer = assert(file.writer(folder .. "/x"))
        assert(writer:write("new"))
        assert(writer:commit())
        assert.equal("new", file.read(folder .. "/x"))
        assert.same({"a", "x"}, file.list(folder))
    end)

    it("cannot be written where there is no folder, or one has the name", function()
        local ok, message = file.write(folder .. "/none/x", "text")
        assert.is_nil(ok)
        assert.matches("/none/x: cannot write: No such file", message)
        ok, message = file.write(folder .. "/a", "text")
        assert.is_nil(ok)
        assert.matches("/a: cannot write, it is a folder", message)
        assert.error_matches(function() file.write(folder .. "/x", 5) end, "text is a number")
    end)

    it("folders are made, listed and told apart", function()
        assert.is_true(file.mkdir(folder .. "/a/b"))
        file.write(folder .. "/a/x", "text")
        assert.same({"b", "x"}, file.list(folder .. "/a"))
        assert.is_true(file.is_directory(folder .. "/a"))
        assert.is_false(file.is_directory(folder .. "/a/x"))
        assert.is_true(file.exists(folder .. "/a/x"))
        assert.is_false(file.exists(folder .. "/a/y"))
        local names, message = file.list(folder .. "/none")
        assert.is_nil(names)
        assert.matches("/none: No such file", message)
        local ok
        ok, message = file.mkdir(folder .. "/a/x/deeper")
        assert.is_nil(ok)
        assert.matches("cannot make the folder", message)
    end)
end)
