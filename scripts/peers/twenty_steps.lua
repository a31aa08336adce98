-- Twenty steps of AdamW from a checkpoint on given batches, dropout off: prints the losses. The other
-- half is twenty_steps.py, which makes the folder.
--   build/yoso scripts/peers/twenty_steps.lua FOLDER [--exact]
local yoso = require "yoso"

local folder, exact = assert(arg[1], "a folder is wanted"), arg[2] == "--exact"
local model = assert(yoso.load(folder, {attention = "expectation"}))
model:train():set_training{exact = exact}
local batches = assert(yoso.safetensors.load(folder .. "/batches.safetensors"))
local optimizer = yoso.optim.AdamW(yoso.optim.groups(model, 0.01), {lr = 1e-3})
for step = 0, 19 do
    yoso.scope(function()
        local loss = model{input_ids = batches["input_ids." .. step],
            labels = batches["labels." .. step]}.loss
        loss:backward()
        yoso.optim.clip_grad_norm(model:parameters(), 1)
        print(("%.9g"):format(loss:item()))
    end)
    optimizer:step()
    optimizer:zero_grad()
end
