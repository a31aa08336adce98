-- Parameter groups as encoders are trained: no weight decay on biases and layer norms.

--- groups(model, weight_decay): two groups, the matrices with the decay and the vectors without.
return function(model, weight_decay)
    local matrices = {params = {}, weight_decay = weight_decay}
    local vectors = {params = {}, weight_decay = 0}
    for _, parameter in ipairs(model:parameters()) do
        local group = parameter:ndim() > 1 and matrices or vectors
        group.params[#group.params + 1] = parameter
    end
    local groups = {}
    for _, group in ipairs{matrices, vectors} do
        if #group.params > 0 then
            groups[#groups + 1] = group
        end
    end
    return groups
end
