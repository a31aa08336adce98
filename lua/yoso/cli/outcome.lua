-- Where a command's outcome goes as JSON. The file is opened before the work begins, so that a folder
-- that cannot be written does not cost the work.
local file = require "yoso.io.file"
local json = require "yoso.io.json"

local M = {}

local Outcome = {}
Outcome.__index = Outcome

--- A place under path, or one that takes nothing where path is nil; nil and a message.
function M.open(path)
    local writer, failure
    if path then
        writer, failure = file.writer(path)
        if not writer then
            return nil, failure
        end
    end
    return setmetatable({writer = writer}, Outcome)
end

--- Writes the value, indented by `indent` if that is given; nil and a message.
function Outcome:write(value, indent)
    if not self.writer then
        return true
    end
    local ok, failure = self.writer:write(json.encode(value, indent) .. "\n")
    if ok then
        ok, failure = self.writer:commit()
    end
    return ok, failure
end

--- The work failed: nothing appears under path.
function Outcome:drop()
    if self.writer then
        self.writer:drop()
    end
end

return M
