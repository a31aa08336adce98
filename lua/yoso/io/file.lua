-- Files and folders: reading (gzip is inflated on the way), writing whole or not at all, listing.
-- What the world did comes back as nil and a message that names the path.
local c = require "yoso.c"

local lib = c.lib
local M = {}

local CHUNK = 2 ^ 16
local bytes = c.typeof("char[?]")
local got_slot = c.typeof("int64_t[1]")
local file_slot = c.typeof("yoso_file *[1]")
local writer_slot = c.typeof("yoso_writer *[1]")
local folder_slot = c.typeof("yoso_folder *[1]")

local function check_path(path, where)
    if type(path) ~= "string" then
        c.raise(("%s: path is a %s, must be a string"):format(where, type(path)))
    end
    if path:find("\0", 1, true) then
        c.raise(("%s: the path has a zero byte in it"):format(where))
    end
end

--- true when there is a file or folder at path.
function M.exists(path)
    check_path(path, "exists")
    return lib.yoso_path_kind(path) ~= 0
end

function M.is_directory(path)
    check_path(path, "is_directory")
    return lib.yoso_path_kind(path) == 2
end

-- Opens path, or path.gz where only that is there.
local function open(path, where)
    check_path(path, where)
    if not M.exists(path) and M.exists(path .. ".gz") then
        path = path .. ".gz"
    end
    local slot = file_slot()
    return c.own(lib.yoso_file_open(slot, path), slot, lib.yoso_file_close)
end

local function close(handle)
    lib.yoso_file_close(c.gc(handle, nil))
end

--- The whole contents as a string.
function M.read(path)
    local handle, message = open(path, "read")
    if not handle then
        return nil, message
    end
    local buffer, got, parts = c.array(bytes, CHUNK), got_slot(), {}
    repeat
        local ok, problem = c.try(lib.yoso_file_read(handle, buffer, CHUNK, got))
        if not ok then
            close(handle)
            return nil, problem
        end
        parts[#parts + 1] = c.string(buffer, got[0])
    until got[0] == 0
    close(handle)
    return table.concat(parts)
end

--- An iterator over the lines, without their line ends ("\n" or "\r\n").
-- A file that breaks off while it is read (a damaged .gz) raises: silence would look like its end.
function M.lines(path)
    local handle, message = open(path, "lines")
    if not handle then
        return nil, message
    end
    local buffer, got = c.array(bytes, CHUNK), got_slot()
    local pending, start, finished = "", 1, false
    return function()
        while true do
            local stop = pending:find("\n", start, true)
            if stop then
                local line = pending:sub(start, stop - 1)
                start = stop + 1
                return (line:gsub("\r$", ""))
            end
            if finished then
                local line = pending:sub(start)
                pending, start = "", 1
                return line ~= "" and line or nil
            end
            local ok, problem = c.try(lib.yoso_file_read(handle, buffer, CHUNK, got))
            if not ok then
                error(problem, 0)
            end
            finished = got[0] == 0
            pending, start = pending:sub(start) .. c.string(buffer, got[0]), 1
            if finished then
                close(handle)
            end
        end
    end
end

--- An atomic writer: {write = fn(self, string), tensor = fn(self, tensor handle), commit, drop}.
-- Nothing appears under path before commit; drop removes what was written.
local Writer = {}
Writer.__index = Writer

function Writer:write(text)
    return c.try(lib.yoso_writer_write(self.handle, text, #text))
end

function Writer:tensor(handle)
    return c.try(lib.yoso_writer_write_tensor(self.handle, handle))
end

function Writer:drop()
    if self.handle then
        lib.yoso_writer_free(c.gc(self.handle, nil))
        self.handle = nil
    end
end

function Writer:commit()
    local ok, message = c.try(lib.yoso_writer_commit(self.handle))
    self:drop()
    return ok, message
end

function M.writer(path)
    check_path(path, "writer")
    local slot = writer_slot()
    local handle, message = c.own(lib.yoso_writer_open(slot, path), slot, lib.yoso_writer_free)
    if not handle then
        return nil, message
    end
    return setmetatable({handle = handle}, Writer)
end

--- Replaces the contents of path by text, all at once.
function M.write(path, text)
    if type(text) ~= "string" then
        c.raise(("write: text is a %s, must be a string"):format(type(text)))
    end
    local writer, message = M.writer(path)
    if not writer then
        return nil, message
    end
    local ok, problem = writer:write(text)
    if not ok then
        writer:drop()
        return nil, problem
    end
    return writer:commit()
end

--- Makes a folder and those above it that are missing.
function M.mkdir(path)
    check_path(path, "mkdir")
    return c.try(lib.yoso_folder_make(path))
end

--- The names in a folder, sorted.
function M.list(path)
    check_path(path, "list")
    local slot = folder_slot()
    local handle, message = c.own(lib.yoso_folder_open(slot, path), slot, lib.yoso_folder_free)
    if not handle then
        return nil, message
    end
    local names = {}
    for i = 1, tonumber(lib.yoso_folder_count(handle)) do
        names[i] = c.string(lib.yoso_folder_name(handle, i - 1))
    end
    lib.yoso_folder_free(c.gc(handle, nil))
    return names
end

--- Removes what writers that were killed have left of some files of a folder.
function M.remove_parts(folder, names)
    local ours = {}
    for _, name in ipairs(names) do
        ours[name] = true
    end
    for _, entry in ipairs(M.list(folder) or {}) do
        if ours[entry:match("^(.*)%.%w%w%w%w%w%w%.part$")] then
            os.remove(folder .. "/" .. entry)
        end
    end
end

return M
