-- Modules and layers, `yoso.nn`. Each is opened when first asked for.
local rooms = {
    Module = {"yoso.nn.module"}, Parameter = {"yoso.nn.parameter"}, init = {"yoso.nn.initial"},
    Linear = {"yoso.nn.linear"}, Embedding = {"yoso.nn.embedding"},
    LayerNorm = {"yoso.nn.layernorm"}, Dropout = {"yoso.nn.dropout"},
    Activation = {"yoso.nn.activation"}, Sequential = {"yoso.nn.container", "Sequential"},
    ModuleList = {"yoso.nn.container", "ModuleList"},
}

return setmetatable({}, {
    __names = rooms, -- for who lists what is here
    __index = function(module, name)
        local room = rooms[name]
        if not room then
            return nil
        end
        require "yoso.ops"
        local value = require(room[1])
        if room[2] then
            value = value[room[2]]
        end
        module[name] = value
        return value
    end,
})
