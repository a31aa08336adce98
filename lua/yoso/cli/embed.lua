-- yoso embed: texts in, one vector each out.
local pipelines = require "yoso.cli.pipelines"

local M = {summary = "turn texts into vectors"}

M.examples = {'yoso embed "a fine film"', "yoso embed --json --pooling first < texts.txt"}

function M.configure(parser)
    pipelines.configure(parser)
    parser:option("--pooling", "The mean over a text's tokens, or its first token (default mean).")
        :choices{"mean", "first"}
end

function M.run(args)
    return pipelines.run(args, "feature-extraction", {
        default = "sentiment",
        options = {pooling = args.pooling},
        object = function(text, result)
            return {text = text, embedding = result:totable()}
        end,
        show = function(_, result)
            local numbers = result:totable()
            for i, number in ipairs(numbers) do
                numbers[i] = ("%.6g"):format(number)
            end
            print(table.concat(numbers, " "))
        end,
    })
end

return M
