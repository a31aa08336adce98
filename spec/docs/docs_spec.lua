-- Runs what README.md and docs/*.md show.
-- A line <!-- run --> before a ```lua block runs it with the program, <!-- run sh --> a ```sh block,
-- <!-- run c --> a ```c block as a host program; each must end with status 0. With ", prints" the
-- next block says what comes on standard output; "..." in it stands for anything.
-- Blocks run one after another in one empty folder per file, where build/yoso is the program,
-- models and scripts are the repository's, and ../shared its neighbour's golden data.
local program = require "spec.support.program"
local shared = require "spec.support.shared"
local tree = require "spec.structure.tree"

-- The blocks of a text: {language=, text=, marker= or nil, line=}.
local function blocks_of(text)
    local blocks, marker, open = {}, nil, nil
    local number = 0
    for line in (text .. "\n"):gmatch("([^\n]*)\n") do
        number = number + 1
        local fence = line:match("^```(%w*)%s*$")
        if open and fence == "" then
            open.text = table.concat(open, "\n") .. "\n"
            blocks[#blocks + 1] = open
            open = nil
        elseif open then
            open[#open + 1] = line
        elseif fence then
            open = {language = fence, marker = marker, line = number}
            marker = nil
        elseif line:match("^<!%-%- run") then
            marker = line
        end
    end
    return blocks
end

-- A Lua pattern for expected output in which "..." stands for anything.
local function pattern_of(text)
    return "^" .. text:gsub("%p", "%%%0"):gsub("%%%.%%%.%%%.", ".-") .. "$"
end

local function run_block(block, folder)
    local here = "cd " .. program.quote(folder) .. " && "
    if block.language == "sh" then
        local path = program.file(block.text)
        local result = program.shell(here .. "sh -e " .. path)
        os.remove(path)
        return result
    elseif block.language == "c" then
        local path = program.file(block.text)
        local result = program.shell(here .. ([[%s %s -x c %s -I%s -o host -x none %s -Wl,-rpath,%s && ./host]])
            :format(os.getenv("YOSO_CC") or "cc", os.getenv("YOSO_SANITIZE") or "", path,
                program.quote(program.source .. "/src"),
                program.quote(program.build .. "/.libs/libyoso.so"),
                program.quote(program.build .. "/.libs")))
        os.remove(path)
        return result
    end
    local path = program.file(block.text)
    local result = program.shell(here .. program.quote(program.path) .. " " .. path)
    os.remove(path)
    return result
end

-- An empty folder with links to what the documents speak of; returns it and the one above it.
local function make_folder()
    local above = os.tmpname()
    os.remove(above)
    local links = {["yoso/build"] = program.build, ["yoso/models"] = program.source .. "/models",
        ["yoso/scripts"] = program.source .. "/scripts",
        ["shared"] = program.absolute(shared.root)}
    local lines = {("mkdir -p %s/yoso"):format(above)}
    for name, target in pairs(links) do
        lines[#lines + 1] = ("ln -s %s %s/%s"):format(program.quote(target), above, name)
    end
    local result = program.shell(table.concat(lines, " && "))
    assert(result.status == 0, result.err)
    return above .. "/yoso", above
end

local documents = {"README.md"}
for _, path in ipairs(tree.files("docs", ".md")) do
    documents[#documents + 1] = path
end

for _, path in ipairs(documents) do
    local blocks = blocks_of(tree.read(path))
    local marked = 0
    for _, block in ipairs(blocks) do
        marked = marked + (block.marker and 1 or 0)
    end
    if marked > 0 then
        describe(path, function()
            local folder, above
            setup(function()
                folder, above = make_folder()
            end)
            teardown(function()
                program.shell("rm -rf " .. above)
            end)
            for i, block in ipairs(blocks) do
                if block.marker then
                    local function check()
                        local result = run_block(block, folder)
                        assert.equal(0, result.status, result.out .. result.err)
                        if block.marker:find("prints", 1, true) then
                            assert.matches(pattern_of(blocks[i + 1].text), result.out)
                        end
                    end
                    local title = ("runs as shown at line %d"):format(block.line)
                    if block.text:find("shared/", 1, true) then
                        shared.golden(it, pending, title, check)
                    else
                        it(title, check)
                    end
                end
            end
        end)
    end
end

describe("the reader of documents", function()
    it("finds marked blocks and what they print", function()
        local blocks = blocks_of("a\n<!-- run, prints -->\n```lua\nprint(1)\n```\n\n```\n1\n```\n")
        assert.equal(2, #blocks)
        assert.equal("print(1)\n", blocks[1].text)
        assert.is_truthy(blocks[1].marker)
        assert.is_nil(blocks[2].marker)
        assert.matches(pattern_of("took ... s\n"), "took 3 m s\n")
        assert.not_matches(pattern_of("took ... s\n"), "toook 3 s\n")
    end)
end)
