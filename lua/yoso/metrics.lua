-- Metrics: accumulators that take one prediction at a time and give scores with their intervals.
--   classification(num_labels)  add(predicted, label)        accuracy, F1, Matthews; ids from 0
--   multilabel()                add({[label] = true}, same)  micro F1, accuracy
--   regression()                add(predicted, label)        Pearson, Spearman
--   entities()                  add(tags, tags)              entity-level micro F1
--   squad()                     add(text, answers)           exact match, F1
--   masked()                    add(loss, places, correct)   cross-entropy, perplexity, accuracy
-- result() gives a plain table; `intervals` in it holds {low, high} at 95 %.
local interval = require "yoso.metrics.interval"
local regression = require "yoso.metrics.regression"
local squad = require "yoso.metrics.squad"

return {
    classification = require("yoso.metrics.classification").new,
    multilabel = require("yoso.metrics.multilabel").new,
    regression = regression.new, pearson = regression.pearson, spearman = regression.spearman,
    entities = require("yoso.metrics.entities").new,
    entity_spans = require("yoso.metrics.entities").spans,
    squad = squad.new, squad_normalize = squad.normalize, squad_f1 = squad.f1,
    squad_exact = squad.exact,
    masked = require("yoso.metrics.masked").new,
    wilson = interval.wilson, bootstrap = interval.bootstrap,
}
