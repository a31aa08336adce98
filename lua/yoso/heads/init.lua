-- The heads by their names in checkpoints: the reference's five, and one for two texts.
return {
    YosoForMaskedLM = require "yoso.heads.masked_lm",
    YosoForSequenceClassification = require "yoso.heads.sequence_classification",
    YosoForMultipleChoice = require "yoso.heads.multiple_choice",
    YosoForTokenClassification = require "yoso.heads.token_classification",
    YosoForQuestionAnswering = require "yoso.heads.question_answering",
    YosoForTextMatching = require "yoso.heads.text_matching",
}
