-- Finds the folder of golden values and real data beside the repository.
-- Specs that need it are pending only where it is missing.
local M = {}

local function exists(path)
    local file = io.open(path)
    if file then
        file:close()
    end
    return file ~= nil
end

M.root = os.getenv("YOSO_SHARED") or "../shared"
M.present = exists(M.root .. "/README.md")

--- Path of a file or folder in the shared data.
function M.path(relative)
    return M.root .. "/" .. relative
end

--- it(name, fn) where the data is there, pending(name) elsewhere. Pass busted's `it` and `pending`.
function M.golden(it, pending, name, fn)
    if M.present then
        it(name, fn)
    else
        pending(name .. " (no shared data)")
    end
end

return M
