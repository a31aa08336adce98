-- The training loop: batches through the model and back, the optimiser, evaluation and saving.
-- What happens in step n depends on the seed and n alone (order of batches, dropout, hashes), so a
-- resumed run equals one that was never stopped.
local c = require "yoso.c"
local optim = require "yoso.optim"
local order = require "yoso.train.order"
local random = require "yoso.random"
local yoso = require "yoso"

local lib = c.lib
local M = {}

local function finite(value)
    return value == value and value ~= math.huge and value ~= -math.huge
end

-- The first parameter whose gradient, or else whose value, is not finite.
local function broken_parameter(model)
    for name, parameter in model:named_parameters() do
        local grad = parameter.grad
        if grad and not finite(grad:to("f32"):abs():sum():item()) then
            return "the gradient of " .. name
        end
    end
    for name, parameter in model:named_parameters() do
        if not finite(parameter:detach():to("f32"):abs():sum():item()) then
            return name
        end
    end
    return "the loss alone"
end

-- Forward and backward over one batch; the loss as a number, scaled gradients left in .grad.
local function learn(run, batch, epoch, share)
    return yoso.scope(function()
        local inputs = run.features.inputs(run.prepare(batch, epoch), epoch)
        local loss = run.model(inputs).loss
        if share ~= 1 then
            (loss * share):backward()
        else
            loss:backward()
        end
        return loss:item()
    end)
end

-- One step of the optimiser from `accumulation` batches; loss and gradient norm, or nil and a message.
local function step(run, batches, epoch)
    random.manual_seed(run.options.seed * 2 ^ 24 + run.step)
    run.model.runtime.step = run.step * run.options.accumulation -- hashes are drawn by it
    local loss, tokens = 0, 0
    for _, batch in ipairs(batches) do
        loss = loss + learn(run, batch, epoch, 1 / #batches) / #batches
        tokens = tokens + batch.tokens
    end
    local norm = optim.clip_grad_norm(run.parameters, run.options.clip)
    if not finite(loss) or not finite(norm) then
        return nil, ("step %d: loss %g, gradient norm %g; the first bad values are in %s; the last"
            .. " good checkpoint is %s"):format(run.step, loss, norm, broken_parameter(run.model),
            run.saved_step and ("%s, step %d"):format(run.options.out, run.saved_step)
            or "none yet")
    end
    run.schedule:set(run.step) -- the first step already learns
    run.optimizer:step()
    run.optimizer:zero_grad()
    return loss, norm, tokens
end

-- Batches of an epoch in steps: lists of `accumulation` batches.
local function steps_of(run, epoch)
    local batches = order.batches(run.records, epoch, run.options, run.features.group)
    local steps, count = {}, run.options.accumulation
    for i = 1, #batches, count do
        local list = {}
        for j = i, math.min(i + count - 1, #batches) do
            list[#list + 1] = batches[j]
        end
        steps[#steps + 1] = list
    end
    return steps
end

--- Steps of one epoch (the same number in each: batches differ in content only).
function M.steps_an_epoch(run)
    return #steps_of(run, 1)
end

-- Evaluates if there is something to evaluate on; keeps the best. true, or nil and a message.
local function evaluate(run)
    if not run.evaluate then
        return true
    end
    local result, failure = run.evaluate()
    run.model:train()
    if not result then
        return nil, failure
    end
    local score = result[result.metric]
    local better = not run.best or (run.lower_is_better and score < run.best)
        or (not run.lower_is_better and score > run.best)
    run.last_result = result
    run.progress:say(("step %d: %s %.4f%s"):format(run.step, result.metric, score,
        better and " (the best so far)" or ""))
    local ok
    ok, failure = run.log{kind = "evaluation", step = run.step, metric = result.metric,
        score = score, best = better, result = result}
    if ok and better then
        run.best, run.best_step = score, run.step
        ok, failure = run.save_best()
    end
    return ok, failure
end

local function save(run, epoch, position)
    local ok, failure = run.save_last{step = run.step, epoch = epoch, position = position,
        best = run.best, best_step = run.best_step}
    if ok then
        run.saved_step = run.step
    end
    return ok, failure
end

-- What was learned is not lost when an evaluation fails.
local function evaluate_or_save(run, epoch, position)
    local ok, failure = evaluate(run)
    if not ok then
        save(run, epoch, position)
    end
    return ok, failure
end

local function due(run, every)
    return every and every > 0 and run.step % every == 0
end

-- One step and all that may follow it; "stopped" when the user asked for the end.
local function advance(run, list, epoch, position)
    run.step = run.step + 1
    local start = yoso.time()
    local loss, norm, tokens = step(run, list, epoch)
    if not loss then
        return nil, norm
    end
    run.progress:step(run.step, loss, tokens)
    local wish = run.options.on_step and run.options.on_step(run.step, loss)
    local ok, failure = run.log{kind = "step", step = run.step, epoch = epoch, loss = loss,
        gradient_norm = norm, lr = run.options.lr * run.schedule:factor(run.step), tokens = tokens,
        seconds = yoso.time() - start}
    if ok and due(run, run.options.eval_every) then
        ok, failure = evaluate_or_save(run, epoch, position)
    end
    local stopped = wish == "stop" or lib.yoso_sigint_came() ~= 0
    if ok and (stopped or due(run, run.options.save_every)) then
        ok, failure = save(run, epoch, position)
    end
    if not ok then
        return nil, failure
    end
    return stopped and "stopped" or "on"
end

--- Trains from run.epoch and run.position on. Returns "done" or "stopped", or nil and a message.
function M.run(run)
    run.model:train()
    local epoch, position = run.epoch, run.position
    while run.step < run.total do
        local steps = steps_of(run, epoch)
        while position < #steps and run.step < run.total do
            position = position + 1
            local state, failure = advance(run, steps[position], epoch, position)
            if state ~= "on" then
                return state, failure
            end
        end
        -- Every epoch ends with an evaluation and a save, unless the step just did both.
        if not due(run, run.options.eval_every) then
            local ok, failure = evaluate_or_save(run, epoch, position)
            if not ok then
                return nil, failure
            end
        end
        epoch, position = epoch + 1, 0
        local ok, failure = save(run, epoch, position)
        if not ok then
            return nil, failure
        end
    end
    return "done"
end

return M
