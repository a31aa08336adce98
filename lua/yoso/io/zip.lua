-- Zip archives, as far as checkpoints need them: the central directory, entries that are stored
-- as they are (PyTorch compresses none), and the 64-bit records of large files.
local M = {}

local END_SIGNATURE = 0x06054b50
local END64_SIGNATURE = 0x06064b50
local LOCATOR_SIGNATURE = 0x07064b50
local ENTRY_SIGNATURE = 0x02014b50
local LOCAL_SIGNATURE = 0x04034b50
local END_BYTES, LOCATOR_BYTES, ENTRY_BYTES, LOCAL_BYTES = 22, 20, 46, 30
local ABSENT = 0xffffffff -- a 32-bit field whose value is in a 64-bit record

--- true when a mapped file begins as an archive does.
function M.is(source)
    return source.size >= 4 and source:number(0, 4, "the first bytes") == LOCAL_SIGNATURE
end

-- The end record stands last, before a comment of at most 65,535 bytes.
local function find_end(source)
    for at = source.size - END_BYTES, math.max(0, source.size - END_BYTES - 65535), -1 do
        if source.data[at] == 0x50 and source:number(at, 4, "a record") == END_SIGNATURE then
            return at
        end
    end
    source:fail("truncated: the zip archive has no end record")
end

-- Position, size and number of entries of the central directory.
local function directory(source)
    local at = find_end(source)
    local count = source:number(at + 10, 2, "the end record")
    local bytes = source:number(at + 12, 4, "the end record")
    local start = source:number(at + 16, 4, "the end record")
    if count == 0xffff or bytes == ABSENT or start == ABSENT then
        local locator = at - LOCATOR_BYTES
        if source:number(locator, 4, "the 64-bit locator") ~= LOCATOR_SIGNATURE then
            source:fail("the zip archive has no 64-bit end record")
        end
        at = source:number(locator + 8, 8, "the 64-bit locator")
        if source:number(at, 4, "the 64-bit end record") ~= END64_SIGNATURE then
            source:fail("the zip archive has no 64-bit end record")
        end
        count = source:number(at + 32, 8, "the 64-bit end record")
        bytes = source:number(at + 40, 8, "the 64-bit end record")
        start = source:number(at + 48, 8, "the 64-bit end record")
    end
    source:need(start, bytes, "the zip directory")
    return start, start + bytes, count
end

-- Replaces what an entry's 32-bit fields leave out by the values of its 64-bit extra field, where
-- they stand in the order size, packed size, position.
local function widen(source, entry, at, stop)
    while at + 4 <= stop do
        local kind = source:number(at, 2, "an extra field")
        local last = at + 4 + source:number(at + 2, 2, "an extra field")
        if kind == 1 then
            at = at + 4
            for _, name in ipairs{"size", "packed", "position"} do
                if entry[name] == ABSENT then
                    if at + 8 > math.min(last, stop) then
                        source:fail("zip entry %s: its 64-bit %s is missing", entry.name, name)
                    end
                    entry[name] = source:number(at, 8, "an extra field")
                    at = at + 8
                end
            end
            return
        end
        at = last
    end
end

-- Where the entry's bytes begin: after its local header.
local function find_data(source, entry)
    local at = entry.position
    if source:number(at, 4, "zip entry " .. entry.name) ~= LOCAL_SIGNATURE then
        source:fail("zip entry %s: there is no local header at byte %.0f", entry.name, at)
    end
    entry.offset = at + LOCAL_BYTES + source:number(at + 26, 2, "a local header")
        + source:number(at + 28, 2, "a local header")
    source:need(entry.offset, entry.size, "zip entry " .. entry.name)
end

--- name -> {offset =, size =} of every entry; to be called under map.guard.
function M.entries(source)
    local at, stop, count = directory(source)
    local entries = {}
    for _ = 1, count do
        if at + ENTRY_BYTES > stop then
            source:fail("truncated: the zip directory ends before its %.0f entries", count)
        end
        if source:number(at, 4, "a zip directory entry") ~= ENTRY_SIGNATURE then
            source:fail("the zip directory has no entry at byte %.0f", at)
        end
        local name_bytes = source:number(at + 28, 2, "a zip directory entry")
        local extra_bytes = source:number(at + 30, 2, "a zip directory entry")
        local comment_bytes = source:number(at + 32, 2, "a zip directory entry")
        local entry = {name = source:string(at + ENTRY_BYTES, name_bytes, "an entry's name"),
            flags = source:number(at + 8, 2, "a zip directory entry"),
            method = source:number(at + 10, 2, "a zip directory entry"),
            packed = source:number(at + 20, 4, "a zip directory entry"),
            size = source:number(at + 24, 4, "a zip directory entry"),
            position = source:number(at + 42, 4, "a zip directory entry")}
        local extra = at + ENTRY_BYTES + name_bytes
        at = extra + extra_bytes + comment_bytes
        if at > stop then
            source:fail("truncated: zip entry %s leaves the directory", entry.name)
        end
        widen(source, entry, extra, extra + extra_bytes)
        if entries[entry.name] then
            source:fail("the zip directory has %s twice", entry.name)
        elseif entry.method ~= 0 or entry.flags % 2 == 1 or entry.packed ~= entry.size then
            source:fail("zip entry %s is compressed or encrypted; PyTorch stores entries as they"
                .. " are", entry.name)
        end
        find_data(source, entry)
        entries[entry.name] = entry
    end
    return entries
end

return M
