-- Data: readers of the public sets in their original formats and of the user's own files.
-- Each opens a file as a source, a function that gives one example a call (see data/source.lua):
--   text-classification   {text, pair, label}      token-classification  {tokens, tags}
--   text-matching         {text, pair, label}
--   question-answering    {id, question, context, answers}
--   multiple-choice       {prompt, choices, label} fill-mask             {text}
-- Labels are ids from 0 where the format fixes them, and names where the file is the user's own.
local source = require "yoso.data.source"

local M = {
    collect = source.collect, from_list = source.from_list, map = source.map, take = source.take,
    tsv = require("yoso.data.tsv").open,
    csv = require("yoso.data.csv").open,
    jsonl = require("yoso.data.jsonl").open,
    conll = require("yoso.data.conll").open,
    squad = require("yoso.data.squad").open,
    text = require("yoso.data.own").text,
    open = require("yoso.data.own").open,
    glue = require("yoso.data.glue").open,
    arc = require("yoso.data.choice").arc,
    swag = require("yoso.data.choice").swag,
    copa = require("yoso.data.choice").copa,
    listops = require("yoso.data.lra").listops,
    imdb = require("yoso.data.lra").imdb,
    retrieval = require("yoso.data.lra").retrieval,
    cifar = require("yoso.data.lra").cifar,
}

--- WikiANN's CoNLL, whose tokens carry their language: en:token.
function M.wikiann(path)
    return M.conll(path, {prefix = "^%l+:"})
end

return M
