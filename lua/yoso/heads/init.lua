-- The five heads by their names in checkpoints.
return {
    YosoForMaskedLM = require "yoso.heads.masked_lm",
    YosoForSequenceClassification = require "yoso.heads.sequence_classification",
    YosoForMultipleChoice = require "yoso.heads.multiple_choice",
    YosoForTokenClassification = require "yoso.heads.token_classification",
    YosoForQuestionAnswering = require "yoso.heads.question_answering",
}
