-- Optimisers, schedules and clipping, `yoso.optim`. Each is opened when first asked for.
local rooms = {
    AdamW = "yoso.optim.adamw", SGD = "yoso.optim.sgd", schedule = "yoso.optim.schedule",
    clip_grad_norm = "yoso.optim.clip", groups = "yoso.optim.groups",
}

return setmetatable({}, {
    __names = rooms, -- for who lists what is here
    __index = function(module, name)
        if not rooms[name] then
            return nil
        end
        require "yoso.ops"
        local value = require(rooms[name])
        module[name] = value
        return value
    end,
})
