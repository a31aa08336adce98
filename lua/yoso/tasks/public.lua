-- The public tasks beside GLUE: tagging, extractive answers, multiple choice, masked words, and
-- Long Range Arena's.
local choice = require "yoso.data.choice"
local conll = require "yoso.data.conll"
local lra = require "yoso.data.lra"
local own = require "yoso.data.own"
local source = require "yoso.data.source"
local squad = require "yoso.data.squad"
local symbols = require "yoso.tasks.symbols"

-- O and B-, I- of each type, as ids.
local function tags(types)
    local list = {"O"}
    for _, kind in ipairs(types) do
        list[#list + 1], list[#list + 2] = "B-" .. kind, "I-" .. kind
    end
    return list
end

local function wikiann(path)
    return conll.open(path, {prefix = "^%l+:"})
end

-- SQuAD's questions of the articles that keep(number) takes.
local function articles(keep)
    return function(path)
        local questions, failure = squad.open(path)
        if not questions then
            return nil, failure
        end
        return source.map(questions, function(question)
            return keep(question.article) and question or false
        end)
    end
end

local digits = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}

return {
    {name = "wnut17", kind = "token-classification", summary = "rare and emerging entities",
        metrics = {"f1"}, labels = tags{"corporation", "creative-work", "group", "location",
            "person", "product"},
        splits = {train = {"wnut17train.conll"}, dev = {"emerging.dev.conll"},
            test = {"emerging.test.annotated"}},
        evaluation = "test", max_length = 128, open = conll.open},
    {name = "wikiann", kind = "token-classification", metrics = {"f1"},
        summary = "places, organisations and persons in Wikipedia", labels = tags{"LOC", "ORG", "PER"},
        splits = {train = {"train"}, dev = {"dev"}, test = {"test"}}, evaluation = "test",
        max_length = 128, open = wikiann},
    {name = "squad", kind = "question-answering", summary = "answers as spans of a paragraph",
        metrics = {"f1", "exact_match"},
        splits = {train = {"train-v1.1.json", "train-v2.0.json"},
            dev = {"dev-v1.1.json", "dev-v2.0.json"}},
        evaluation = "dev", max_length = 384, open = squad.open},
    {name = "squad-split", kind = "question-answering", metrics = {"f1", "exact_match"},
        summary = "SQuAD's dev set cut in two: 38 articles to train on, 10 to evaluate on",
        splits = {train = {"dev-v1.1.json"}, dev = {"dev-v1.1.json"}},
        evaluation = "dev", max_length = 384,
        open = function(path, split)
            return articles(function(article) return (article <= 38) == (split == "train") end)(path)
        end},
    {name = "xquad", kind = "question-answering", summary = "SQuAD's questions in XQuAD's English",
        metrics = {"f1", "exact_match"}, splits = {dev = {"xquad.en.json"}}, evaluation = "dev",
        max_length = 384, open = squad.open},
    {name = "arc-easy", kind = "multiple-choice", summary = "school science, the easy part",
        metrics = {"accuracy"}, splits = {train = {"arc_easy_train.csv"},
            dev = {"arc_easy_validation.csv"}},
        evaluation = "dev", max_length = 128, open = choice.arc},
    {name = "arc-challenge", kind = "multiple-choice", summary = "school science, the hard part",
        metrics = {"accuracy"}, splits = {train = {"arc_challenge_train.csv"},
            dev = {"arc_challenge_validation.csv"}},
        evaluation = "dev", max_length = 128, open = choice.arc},
    {name = "copa", kind = "multiple-choice", summary = "the likelier cause or effect",
        metrics = {"accuracy"}, splits = {train = {"copa-dev.xml"}, test = {"copa-test.xml"}},
        evaluation = "test", max_length = 64, open = choice.copa},
    {name = "swag", kind = "multiple-choice", summary = "the likeliest way to go on",
        metrics = {"accuracy"}, splits = {train = {"train.csv"},
            dev = {"val.csv", "swag.sample.csv"}},
        evaluation = "dev", max_length = 128, open = choice.swag},
    {name = "wikitext", kind = "fill-mask", summary = "masked words of WikiText-2",
        metrics = {"loss", "perplexity", "accuracy"},
        splits = {train = {"train.txt", "wiki.train.tokens"},
            dev = {"valid.txt", "wiki.valid.tokens"}, test = {"test.txt", "wiki.test.tokens"}},
        evaluation = "test", max_length = 512, open = own.text},
    {name = "listops", kind = "text-classification", problem = "single_label_classification",
        summary = "nested operations on digits, 2,000 symbols", metrics = {"accuracy"},
        labels = digits, splits = {train = {"basic_train.tsv"}, dev = {"basic_val.tsv"},
            test = {"basic_test.tsv", "test_d20s.tsv"}},
        evaluation = "test", max_length = 2000, open = lra.listops, tokenizer = symbols.listops},
    {name = "imdb", kind = "text-classification", problem = "single_label_classification",
        summary = "is a film review positive?", metrics = {"accuracy"},
        labels = {"negative", "positive"},
        splits = {train = {"train.tsv"}, test = {"test.tsv"}}, evaluation = "test",
        max_length = 4002, open = lra.imdb, tokenizer = symbols.bytes},
    {name = "retrieval", kind = "text-matching", problem = "single_label_classification",
        summary = "does one paper cite the other? (AAN)", metrics = {"accuracy"},
        labels = {"unrelated", "related"}, splits = {train = {"new_aan_pairs.train.tsv"},
            dev = {"new_aan_pairs.eval.tsv"}, test = {"new_aan_pairs.test.tsv"}},
        evaluation = "test", max_length = 4002, open = lra.retrieval, tokenizer = symbols.bytes},
    {name = "cifar10", kind = "text-classification", problem = "single_label_classification",
        summary = "grey 32 x 32 pictures as 1,024 symbols", metrics = {"accuracy"},
        labels = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship",
            "truck"},
        splits = {train = {"train_gray_first20000.bin", "train_gray.bin"},
            test = {"test_batch_gray.bin"}},
        evaluation = "test", max_length = 1024, open = lra.cifar, tokenizer = symbols.greys},
}
