-- Draws what `scripts/bench/peers.py --json` measured: time and memory against length, ours and, dashed,
-- theirs.
-- usage: yoso scripts/bench/plot.lua ROWS.jsonl STEM       (writes STEM-time.svg and STEM-memory.svg)
local file = require "yoso.io.file"
local json = require "yoso.io.json"
local report = require "yoso.bench.report"

local path, stem = arg[1], arg[2]
if not stem then
    io.stderr:write("usage: yoso plot.lua ROWS.jsonl STEM\n")
    os.exit(2)
end
local forms = {sample = "sampled", growth = "sampled", expectation = "expectation", softmax = "softmax"}
local peers = {["sample-f32"] = "RoBERTa, SDPA, f32", ["sample-bf16"] = "RoBERTa, SDPA, bf16",
    ["expectation-f32"] = "transformers' YOSO-E, f32",
    ["expectation-bf16"] = "transformers' YOSO-E, bf16"}

-- curves[title][size] = the row's value; what was measured twice counts by its last row.
local function curves_of(rows, ours, theirs)
    local curves, order = {}, {}
    local function put(title, size, value)
        if value then
            if not curves[title] then
                curves[title], order[#order + 1] = {}, title
            end
            curves[title][size] = value
        end
    end
    for _, row in ipairs(rows) do
        local form, dtype = row.case:match("^(%l+)%-(%w+)$")
        local size = tonumber(row.size)
        if forms[form] then
            put("yoso, " .. forms[form] .. ", " .. dtype, size, row[ours])
        end
        if peers[row.case] then
            put(peers[row.case], size, row[theirs])
        end
    end
    local list = {}
    for i, title in ipairs(order) do
        local points = {}
        for size, value in pairs(curves[title]) do
            points[#points + 1] = {size, value}
        end
        table.sort(points, function(a, b) return a[1] < b[1] end)
        list[i] = {title = title, points = points, dashed = not title:find("^yoso")}
    end
    return list
end

local rows = {}
for line in assert(file.lines(path)) do
    rows[#rows + 1] = assert(json.decode(line, path))
end
local about = "base model, one sequence, two threads"
assert(report.plot(stem .. "-time.svg", {title = "Time of a pass: " .. about, x = "tokens",
    y = "seconds", curves = curves_of(rows, "ours_s", "peer_s")}))
assert(report.plot(stem .. "-memory.svg", {title = "Peak memory of the process: " .. about,
    x = "tokens", y = "MiB resident", curves = curves_of(rows, "ours_mib", "peer_mib")}))
