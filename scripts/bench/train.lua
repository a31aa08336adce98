-- Prints what a training step costs here: the base-sized model with masked-LM head over one
-- sequence, and the small sentiment recipe where SST-2's folder is given. Each case has a process of
-- its own, so that its peak memory is its own.
--   build/yoso scripts/bench/train.lua [--sst2 FOLDER --tokenizer PATH] [--threads N] [--long]
local options, at = {}, 1
while arg[at] do
    local name = assert(arg[at]:match("^%-%-(%w+)$"), "unknown argument " .. arg[at])
    if name == "long" then
        options.long, at = true, at + 1
    else
        options[name], at = arg[at + 1], at + 2
    end
end

local cases = {
    "--length 512 --form expectation --dtype f32", "--length 512 --form expectation --dtype bf16",
    "--length 2048 --form sample --dtype f32", "--length 2048 --form sample --dtype bf16",
    "--length 4096 --form sample --dtype f32", "--length 4096 --form sample --dtype bf16",
}
if options.long then
    cases[#cases + 1] = "--length 16384 --form sample --dtype f32 --checkpointing"
    cases[#cases + 1] = "--length 16384 --form sample --dtype bf16 --checkpointing"
end
if options.sst2 then
    for _, dtype in ipairs{"f32", "bf16"} do
        cases[#cases + 1] = ("--case sst2 --data '%s' --tokenizer '%s' --dtype %s"):format(
            options.sst2, assert(options.tokenizer, "--tokenizer is wanted"), dtype)
    end
end

local program = arg[-1] or "yoso"
local rows, json = {}, require "yoso.io.json"
for _, case in ipairs(cases) do
    local command = ("'%s' bench train --json %s %s 2>/dev/null"):format(program, case,
        options.threads and "--threads " .. options.threads or "")
    local pipe = io.popen(command)
    local line = pipe:read("*a")
    pipe:close()
    rows[#rows + 1] = assert(json.decode(line, command), "no result: " .. command)
end
require("yoso.bench.report").print(require("yoso.bench.train").columns, rows)
