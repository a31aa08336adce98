-- yoso choose: a prompt and choices in, the likeliest choice out.
local pipelines = require "yoso.cli.pipelines"
local tsv = require "yoso.data.tsv"

local M = {summary = "choose among several ways to go on"}

M.examples = {'yoso choose --model DIR "He struck a match." "It rained." "It burned."',
    "printf 'prompt\\tone\\ttwo\\n' | yoso choose --model DIR --json"}

function M.configure(parser)
    pipelines.configure(parser)
end

function M.run(args)
    local inputs
    if #args.text > 0 then -- one example: the prompt, then its choices
        local given = {table.concat(args.text, "\t")}
        inputs = function()
            return function() return table.remove(given, 1) end
        end
    end
    return pipelines.run(args, "multiple-choice", {
        inputs = inputs,
        prepare = function(line)
            local parts = tsv.split(line)
            if #parts < 3 then
                return nil, "wanted a prompt and at least two choices, apart by tabs"
            end
            return {prompt = table.remove(parts, 1), choices = parts}
        end,
        object = function(line, result)
            local parts = tsv.split(line)
            return {prompt = parts[1], choice = parts[result.index + 1], index = result.index,
                scores = result.scores}
        end,
        show = function(line, result)
            print(("%d\t%.4f\t%s"):format(result.index, result.scores[result.index],
                tsv.split(line)[result.index + 1]))
        end,
    })
end

return M
