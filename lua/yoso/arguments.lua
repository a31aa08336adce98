-- What an option on the command line may be: converters for argparse, each a function that turns the
-- option's text into its value, or gives nil and what is wrong with it.
local M = {}

--- The forms of attention, for --form, --forms and --attention.
M.forms = {"expectation", "sample", "softmax"}

--- A whole number of at least `least`.
function M.whole(least)
    return function(text)
        local number = tonumber(text)
        if number and number >= least and number == math.floor(number) and number < 2 ^ 53 then
            return number
        end
        return nil, ("'%s' is no whole number of at least %d"):format(text, least)
    end
end

--- Any number.
function M.number(text)
    local number = tonumber(text)
    if number then
        return number
    end
    return nil, ("'%s' is no number"):format(text)
end

--- One of some names.
function M.one_of(names)
    return function(text)
        for _, name in ipairs(names) do
            if name == text then
                return text
            end
        end
        return nil, ("'%s' is none of %s"):format(text, table.concat(names, ", "))
    end
end

--- A list of values with commas between, each as `convert` has it.
function M.list(convert)
    return function(text)
        local values = {}
        for part in (text .. ","):gmatch("([^,]*),") do
            local value, message = convert(part)
            if value == nil then
                return nil, message
            end
            values[#values + 1] = value
        end
        return values
    end
end

return M
