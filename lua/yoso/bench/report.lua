-- Rows of measurements as an aligned table, as JSON lines, or as a plot by gnuplot.
local json = require "yoso.io.json"

local M = {}

local function cell(value)
    if type(value) == "number" then
        if value ~= math.floor(value) then
            return ("%.4g"):format(value)
        end
        return ("%d"):format(value)
    end
    return value == nil and "" or tostring(value)
end

--- Lines of an aligned table: columns is a list of {key, title}, rows a list of records.
function M.lines(columns, rows)
    local width, lines = {}, {}
    for i, column in ipairs(columns) do
        width[i] = #column[2]
        for _, row in ipairs(rows) do
            width[i] = math.max(width[i], #cell(row[column[1]]))
        end
    end
    local function line(text_of)
        local cells = {}
        for i, column in ipairs(columns) do
            local text = text_of(column)
            local numeric = rows[1] and type(rows[1][column[1]]) == "number"
            cells[i] = numeric and (" "):rep(width[i] - #text) .. text
                or text .. (" "):rep(width[i] - #text)
        end
        return (table.concat(cells, "  "):gsub("%s+$", ""))
    end
    lines[1] = line(function(column) return column[2] end)
    for _, row in ipairs(rows) do
        lines[#lines + 1] = line(function(column) return cell(row[column[1]]) end)
    end
    return lines
end

--- Prints rows on standard output: JSON lines, or the table.
function M.print(columns, rows, as_json)
    if as_json then
        for _, row in ipairs(rows) do
            io.write(json.encode(row), "\n")
        end
    else
        io.write(table.concat(M.lines(columns, rows), "\n"), "\n")
    end
end

local function quoted(text)
    return "'" .. text:gsub("'", "''") .. "'"
end

--- Converts an option's text, for argparse: the path of a plot.
function M.plot_path(path)
    if path:match("%.svg$") or path:match("%.png$") then
        return path
    end
    return nil, ("'%s': a plot is written as .svg or .png"):format(path)
end

--- Draws curves into path (.svg or .png) with both axes logarithmic.
-- plot is {title=, x=, y=, curves = {{title=, points = {{x, y}, ...}, dashed=}, ...}}.
-- Returns true, or nil and a message (gnuplot missing, path unwritable).
function M.plot(path, plot)
    local terminal = path:match("%.svg$") and "svg size 1000,560 background 'white'"
        or "pngcairo size 1000,560"
    local script = {
        "set terminal " .. terminal, "set output " .. quoted(path .. ".tmp"),
        "set title " .. quoted(plot.title), "set xlabel " .. quoted(plot.x),
        "set ylabel " .. quoted(plot.y), "set logscale x 2", "set logscale y", "set grid",
        "set key outside right top",
    }
    local titles, data = {}, {}
    for i, curve in ipairs(plot.curves) do
        titles[i] = ("'-' with linespoints linewidth 2 dashtype %d title "):format(curve.dashed and 2 or 1)
            .. quoted(curve.title)
        for _, point in ipairs(curve.points) do
            data[#data + 1] = ("%.9g %.9g"):format(point[1], point[2])
        end
        data[#data + 1] = "e"
    end
    script[#script + 1] = "plot " .. table.concat(titles, ", ")
    os.remove(path .. ".tmp")
    local pipe = io.popen("gnuplot >/dev/null", "w")
    pipe:write(table.concat(script, "\n"), "\n", table.concat(data, "\n"), "\n")
    pipe:close()
    local renamed, message = os.rename(path .. ".tmp", path)
    if not renamed then
        return nil, "gnuplot drew nothing (is gnuplot installed?): " .. message
    end
    return true
end

return M
