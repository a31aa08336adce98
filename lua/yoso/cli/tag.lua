-- yoso tag: texts in, the entities in them out.
local arguments = require "yoso.arguments"
local pipelines = require "yoso.cli.pipelines"

local M = {summary = "find the entities in texts"}

M.examples = {'yoso tag "Ada Lovelace lived in London"', "yoso tag --json --model DIR < texts.txt"}

function M.configure(parser)
    pipelines.configure(parser)
    parser:option("--stride", "Tokens that windows over a long text share (default 64).")
        :argname("N"):convert(arguments.whole(1))
end

function M.run(args)
    return pipelines.run(args, "token-classification", {
        default = "entities",
        options = {stride = args.stride},
        object = function(text, result)
            return {text = text, entities = require("yoso.io.json").array(result)}
        end,
        show = function(_, result)
            for _, entity in ipairs(result) do
                print(("%s\t%.4f\t%d\t%d\t%s"):format(entity.entity, entity.score, entity.start,
                    entity.stop, entity.text))
            end
        end,
    })
end

return M
