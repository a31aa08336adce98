-- yoso answer: a question about a text, the span of it that answers.
local arguments = require "yoso.arguments"
local pipelines = require "yoso.cli.pipelines"
local support = require "yoso.cli.support"
local file = require "yoso.io.file"

local M = {summary = "answer questions from a text"}

M.examples = {'yoso answer --model DIR --context "Ada Lovelace lived in London." "Who lived there?"',
    "yoso answer --model DIR --file article.txt --json < questions.txt"}

function M.configure(parser)
    pipelines.configure(parser)
    parser:option("--context -c", "The text that holds the answers."):argname("TEXT")
    parser:option("--file -f", "A file with that text."):argname("FILE")
    parser:option("--stride", "Tokens that windows over a long text share (default 128).")
        :argname("N"):convert(arguments.whole(1))
    pipelines.configure_answers(parser)
end

function M.run(args)
    local context = args.context
    if args.file then
        local failure
        context, failure = file.read(args.file)
        if not context then
            return support.fail(failure)
        end
    end
    if not context then
        return support.fail("no text to look in; give --context TEXT or --file FILE")
    end
    return pipelines.run(args, "question-answering", {
        options = {stride = args.stride, handle_impossible_answer = args.handle_impossible_answer},
        prepare = function(question) return {question = question, context = context} end,
        object = function(question, result)
            return {question = question, answer = result.answer, score = result.score,
                start = result.start, stop = result.stop}
        end,
        show = function(_, result)
            print(("%.4f\t%d\t%d\t%s"):format(result.score, result.start, result.stop,
                result.answer))
        end,
    })
end

return M
