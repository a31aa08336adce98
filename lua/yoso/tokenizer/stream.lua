-- Decoding as ids arrive: text is given out once it can no longer change, so that a character
-- whose bytes are spread over several tokens comes whole.
local c = require "yoso.c"

local M = {}
local Stream = {}
Stream.__index = Stream

local replacement = "\239\191\189" -- U+FFFD, what an unfinished character decodes to

function M.new(tokenizer, opts)
    return setmetatable({tokenizer = tokenizer, opts = opts or {}, ids = {}, prefix = "",
        prefix_count = 0}, Stream)
end

--- Takes the next id; returns the text that is settled now ("" when it must wait for more), or
-- nil and a message.
function Stream:push(id)
    local ids = self.ids
    ids[#ids + 1] = id
    local text, message = self.tokenizer:decode(ids, self.opts)
    if not text then
        return nil, message
    end
    if #text <= #self.prefix or text:sub(-3) == replacement then
        return ""
    end
    if text:sub(1, #self.prefix) ~= self.prefix then
        return nil, "decode_stream: the text before has changed; this decoder cannot be streamed"
    end
    local fresh = text:sub(#self.prefix + 1)
    -- Only the latest tokens stay: enough for decoders that look one back.
    local kept = {}
    for i = self.prefix_count + 1, #ids do
        kept[#kept + 1] = ids[i]
    end
    self.ids, self.prefix_count = kept, #kept
    self.prefix, message = self.tokenizer:decode(kept, self.opts)
    if not self.prefix then
        return nil, message
    end
    return fresh
end

--- What still waits when no more ids come (the text of unfinished characters), else "".
function Stream:finish()
    local text, message = self.tokenizer:decode(self.ids, self.opts)
    if not text then
        return nil, message
    end
    local rest = text:sub(#self.prefix + 1)
    self.ids, self.prefix, self.prefix_count = {}, "", 0
    return rest
end

function Stream.__call(self, id)
    if type(id) ~= "number" then
        c.raise(("decode_stream: id is a %s, must be a number"):format(type(id)))
    end
    return self:push(id)
end

return M
