-- Cost against length: time and memory of a whole encoder from short to long, the exponents with
-- which they grow, and a plot.
local model = require "yoso.bench.model"
local report = require "yoso.bench.report"

local M = {summary = "time and memory against length, with a plot", columns = model.columns}

function M.configure(command)
    model.configure(command)
    command:option("--plot", "Draw into FILE-time and FILE-memory (.svg or .png) by gnuplot.")
        :convert(report.plot_path)
end

--- Slope of log y over log x by least squares.
function M.exponent(points)
    local n, sx, sy, sxx, sxy = #points, 0, 0, 0, 0
    for _, point in ipairs(points) do
        local x, y = math.log(point[1]), math.log(point[2])
        sx, sy, sxx, sxy = sx + x, sy + y, sxx + x * x, sxy + x * y
    end
    return (n * sxy - sx * sy) / (n * sxx - sx * sx)
end

local function plot(path, rows, key, title, unit)
    local points = {}
    for i, row in ipairs(rows) do
        points[i] = {row.length, row[key]}
    end
    local file = path:gsub("%.%w+$", "-" .. title .. "%0")
    return report.plot(file, {title = title .. " against length", x = "tokens", y = unit,
        curves = {{title = rows[1].form .. " " .. rows[1].dtype, points = points}}})
end

function M.run(args, each)
    local rows, time, space = {}, {}, {}
    model.run(args, function(row)
        rows[#rows + 1] = row
        time[#time + 1] = {row.length, row.median}
        space[#space + 1] = {row.length, row.peak_mib}
        each(row)
    end)
    if #rows > 1 then
        local growth = M.exponent(space) -- no number where a peak is below 1 MiB
        io.stderr:write(("time grows with length to the %.3f, peak memory %s\n"):format(M.exponent(time),
            growth == growth and ("to the %.3f"):format(growth) or "too little to tell"))
    end
    if args.plot and rows[1] then
        local ok, message = plot(args.plot, rows, "median", "time", "seconds a pass")
        if ok then
            ok, message = plot(args.plot, rows, "peak_mib", "memory", "MiB resident")
        end
        return ok, message
    end
    return true
end

return M
