-- yoso fill-mask: texts with a mask in, the likeliest words for it out.
local arguments = require "yoso.arguments"
local pipelines = require "yoso.cli.pipelines"

local M = {summary = "guess the words behind a text's <mask>"}

M.examples = {'yoso fill-mask "the capital of France is <mask>."',
    'yoso fill-mask --top 3 --json "a <mask> film"'}

function M.configure(parser)
    pipelines.configure(parser)
    parser:option("--top -k", "Words to show for a mask (default 5)."):argname("K")
        :convert(arguments.whole(1))
end

function M.run(args)
    return pipelines.run(args, "fill-mask", {
        default = "fill-mask",
        options = {top_k = args.top},
        object = function(text, result)
            return {text = text, masks = result[1].token and {result} or result}
        end,
        show = function(_, result)
            for i, candidates in ipairs(result[1].token and {result} or result) do
                for _, candidate in ipairs(candidates) do
                    print(("%s%.4f\t%s\t%s"):format(result[1].token and "" or i .. "\t",
                        candidate.score, candidate.token, candidate.text))
                end
            end
        end,
    })
end

return M
