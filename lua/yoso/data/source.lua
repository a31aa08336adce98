-- Sources: how every reader hands out what it reads, one record at a time, so that a file larger
-- than memory is no trouble. A source is a function: a record, nil at the end, or nil and a
-- message when the file is not what was wanted. After its end or a failure it gives nil.
local M = {}

--- All records of a source in a list; nil and the message when it failed.
function M.collect(source, limit)
    local list = {}
    while not limit or #list < limit do
        local record, failure = source()
        if record == nil then
            if failure then
                return nil, failure
            end
            break
        end
        list[#list + 1] = record
    end
    return list
end

--- A source over a list.
function M.from_list(list)
    local i = 0
    return function()
        i = i + 1
        return list[i]
    end
end

--- A source of fn(record) for each record; fn may give nil and a message (which ends it), or
-- false to leave a record out.
function M.map(source, fn)
    local done = false
    return function()
        while not done do
            local record, failure = source()
            if record == nil then
                done = true
                return nil, failure
            end
            local mapped
            mapped, failure = fn(record)
            if mapped == nil then
                done = true
                return nil, failure
            elseif mapped then
                return mapped
            end
        end
    end
end

--- The first `count` records of a source (all when count is nil).
function M.take(source, count)
    if not count then
        return source
    end
    local given = 0
    return function()
        if given < count then
            given = given + 1
            return source()
        end
    end
end

return M
