-- Training a tokenizer from texts: see yoso_trainer in yoso.h.
local c = require "yoso.c"
local options = require "yoso.tokenizer.options"

local lib = c.lib
local M = {}

local kinds = {bpe = lib.YOSO_TRAIN_BPE, wordpiece = lib.YOSO_TRAIN_WORDPIECE,
    unigram = lib.YOSO_TRAIN_UNIGRAM}
local trainer_slot = c.typeof("yoso_trainer *[1]")
local tokenizer_slot = c.typeof("yoso_tokenizer *[1]")

--- A tokenizer of kind "bpe" (byte-level), "wordpiece" or "unigram", learned from the texts that
-- an iterator gives one by one. opts: vocab_size (default 30000), min_count (pairs seen less often
-- are not merged, default 2), lowercase (default false). nil and a message when it cannot be done.
function M.train(kind, texts, opts)
    opts = opts or {}
    if not kinds[kind] then
        c.raise(("train: unknown kind %s; there are bpe, wordpiece and unigram"):format(tostring(kind)))
    end
    local vocab_size = options.whole(opts.vocab_size or 30000, "train", "vocab_size", 1)
    local min_count = options.whole(opts.min_count or 2, "train", "min_count")
    local slot = trainer_slot()
    c.check(lib.yoso_trainer_new(slot, kinds[kind], vocab_size, min_count, opts.lowercase and 1 or 0))
    local trainer = c.gc(slot[0], lib.yoso_trainer_free)
    for text in texts do
        if type(text) ~= "string" then
            c.raise(("train: the iterator gave a %s, must give strings"):format(type(text)))
        end
        local ok, message = c.try(lib.yoso_trainer_add(trainer, text, #text))
        if not ok then
            return nil, message
        end
    end
    local out = tokenizer_slot()
    local handle, message = c.own(lib.yoso_trainer_finish(out, trainer), out,
        lib.yoso_tokenizer_free)
    if not handle then
        return nil, message
    end
    return require("yoso.tokenizer").adopt(handle)
end

return M
