-- yoso classify: texts in, labels with their scores out.
local pipelines = require "yoso.cli.pipelines"

local M = {summary = "label texts (by default: is a sentence positive or negative?)"}

M.examples = {'yoso classify "a gripping, funny film"',
    "yoso classify --json --model DIR < texts.txt"}

function M.configure(parser)
    pipelines.configure(parser)
    parser:flag("--pair", "Each text is a pair, its parts apart by a tab.")
end

function M.run(args)
    return pipelines.run(args, "text-classification", {
        default = "sentiment",
        prepare = args.pair and function(text)
            local first, second = text:match("^([^\t]*)\t(.*)$")
            if not first then
                return nil, "no tab, wanted two texts apart by one"
            end
            return {text = first, pair = second}
        end,
        object = function(text, result)
            return {text = text, label = result[1].label, score = result[1].score, labels = result}
        end,
        show = function(text, result)
            print(("%s\t%.4f\t%s"):format(result[1].label, result[1].score, text))
        end,
    })
end

return M
