-- Every operation has all its places: declared in yoso.h, in the kernel table, computed on the CPU,
-- reachable from Lua, and sampled for the gradient and device checks.
local tree = require "spec.structure.tree"

local function without_comments(text)
    return (text:gsub("/%*.-%*/", ""))
end

-- The members of the kernel table, by name.
local function members()
    local body = without_comments(tree.read("src/kernels.h")):match("typedef struct yo_kernels(.*)yo_kernels;")
    local names = {}
    for name in body:gmatch("%(%*([%w_]+)%)") do
        names[#names + 1] = name
    end
    assert(#names > 0)
    return names
end

-- All of a folder's texts of one kind in one.
local function all(folder, ...)
    local texts = {}
    for _, path in ipairs(tree.files(folder, ...)) do
        texts[#texts + 1] = without_comments(tree.read(path))
    end
    return table.concat(texts, "\n")
end

describe("every kernel of the table", function()
    local names = members()

    it("is filled in and written for the CPU", function()
        local tables, kernels = tree.read("src/cpu/table.c"), all("src/cpu", ".c", ".h")
        local wrong = {}
        for _, name in ipairs(names) do
            local symbol = tables:match("%." .. name .. " = YO_CPU%(([%w_]+)%)")
            if not symbol then
                wrong[#wrong + 1] = name .. " is not in src/cpu/table.c"
            elseif not kernels:find("YO_CPU%(" .. symbol .. "%)%s*%(") then
                wrong[#wrong + 1] = name .. " has no kernel in src/cpu"
            end
        end
        tree.expect_none(wrong)
    end)

    it("is used by an operation", function()
        local operations = all("src", ".c", ".h")
        local wrong = {}
        for _, name in ipairs(names) do
            if not operations:find("%->" .. name .. "%f[^%w_]") then
                wrong[#wrong + 1] = name
            end
        end
        tree.expect_none(wrong)
    end)

    it("has no other in the CUDA table", function()
        local known = {}
        for _, name in ipairs(names) do
            known[name] = true
        end
        local wrong = {}
        for name in tree.read("cuda/table.cu"):gmatch("\n%s*%.([%w_]+) =") do
            if name ~= "name" and not known[name] then
                wrong[#wrong + 1] = name
            end
        end
        tree.expect_none(wrong)
    end)
end)

describe("every operation", function()
    -- For C hosts only: Lua makes and reads its tensors through pointers.
    local for_hosts = {yoso_tensor_from_bytes = true}

    it("of yoso.h that makes a tensor is reached from Lua", function()
        local lua = all("lua/yoso", ".lua")
        local wrong = {}
        for name in without_comments(tree.read("src/yoso.h"))
            :gmatch("yoso_status (yoso_[%w_]+)%(yoso_tensor %*%*") do
            if not for_hosts[name] and not lua:find("%.(" .. name .. ")%f[^%w_]") then
                wrong[#wrong + 1] = name
            end
        end
        tree.expect_none(wrong)
    end)

    it("that Lua registers has a forward and a sample", function()
        require "yoso.ops"
        local list = require "yoso.op".list
        assert.is_true(#list > 20)
        local wrong = {}
        for _, operation in ipairs(list) do
            if not operation.sample then
                wrong[#wrong + 1] = operation.name .. " has no sample"
            end
        end
        tree.expect_none(wrong)
    end)
end)
