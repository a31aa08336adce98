-- Optimisers against PyTorch's values, their groups and state, schedules and clipping.
local yoso = require "yoso"
local numbers = require "spec.support.numbers"

local optim, wave, close = yoso.optim, numbers.wave, numbers.close

-- Four steps from wave(0) with the gradients wave(1), wave(2), ..
local function run(make, dtype)
    local p = wave({5}, 0, dtype):requires_grad(true)
    local optimizer = make{p}
    for step = 1, 4 do
        p.grad = wave({5}, step, dtype)
        optimizer:step()
    end
    return p:detach(), optimizer
end

local function adamw(params)
    return optim.AdamW(params, {lr = 0.1, beta2 = 0.98, eps = 1e-6, weight_decay = 0.05})
end

local after = {-0.3104692, 0.422727, 0.9197109, 0.9773788, 0.6688947}

describe("AdamW", function()
    it("takes PyTorch's steps", function()
        close(run(adamw), after)
    end)

    it("updates narrow parameters through a master copy in f32", function()
        local p, optimizer = run(adamw, "bf16")
        assert.equal("bf16", p:dtype())
        close(p, after, 6e-3)
        close(p, optimizer:state()["1.master"]:to("bf16"), 0)
        -- Steps far below a bf16's spacing are not lost.
        local slow = yoso.ones({1}, "bf16"):requires_grad(true)
        local descent = optim.SGD({slow}, {lr = 1e-4})
        for _ = 1, 100 do
            slow.grad = yoso.ones({1}, "bf16")
            descent:step()
        end
        close(slow:detach(), {0.99}, 2 ^ -9)
    end)

    it("has the same bits for any number of threads", function()
        local function many()
            local p = wave({50000}, 0):requires_grad(true)
            p.grad = wave({50000}, 1)
            adamw{p}:step()
            return p:detach()
        end
        local threads = yoso.threads()
        local first = many()
        yoso.set_threads(threads == 1 and 2 or 1)
        close(many(), first, 0)
        yoso.set_threads(threads)
    end)

    it("goes on from a saved state as if never stopped", function()
        local p, q = wave({5}, 0):requires_grad(true), nil
        local first = adamw{p}
        for step = 1, 4 do
            if step == 3 then
                local saved = first:state()
                q = p:detach():clone():requires_grad(true)
                first = adamw{q}
                assert(first:load_state(saved))
            end
            (q or p).grad = wave({5}, step)
            first:step()
        end
        close(q:detach(), run(adamw), 0)
    end)

    it("refuses a state of other parameters", function()
        local _, optimizer = run(adamw)
        local other = adamw{yoso.zeros{3}:requires_grad(true)}
        local ok, message = other:load_state(optimizer:state())
        assert.is_nil(ok)
        assert.matches("load_state: 1%.%a+ is %[5%], the parameter %[3%]", message)
        ok, message = other:load_state{["2.step"] = yoso.tensor(1, "i64")}
        assert.is_nil(ok)
        assert.equal("load_state: 2.step belongs to no parameter; there are 1", message)
    end)

    it("begins at what parameters are in the first step, whatever they were before", function()
        local late = wave({5}, 3, "bf16"):requires_grad(true)
        local optimizer = adamw{late}
        yoso.no_grad(function() late:copy_(wave({5}, 0, "bf16")) end)
        for step = 1, 4 do
            late.grad = wave({5}, step, "bf16")
            optimizer:step()
        end
        local early = run(adamw, "bf16")
        close(late:detach(), early, 0)
    end)

    it("takes what a state lacks as before the first step", function()
        local p = wave({5}, 0):requires_grad(true)
        local optimizer = adamw{p}
        assert.same({}, optimizer:state())
        p.grad = wave({5}, 1)
        optimizer:step()
        local saved = optimizer:state()
        assert(optimizer:load_state(saved)) -- its own
        assert.equal(1, optimizer:state()["1.step"]:item())
        assert.is_true(saved["1.mean"]:abs():sum():item() > 0)
        assert(optimizer:load_state{})
        assert.same({}, optimizer:state())
        assert.equal(0, saved["1.mean"]:abs():sum():item())
    end)

    it("makes packed weights anew after a step", function()
        local weight, x = wave({3, 4}, 0):requires_grad(true), wave({2, 4}, 1)
        yoso.no_grad(yoso.ops.linear, x, weight)
        weight.grad = yoso.ones{3, 4}
        adamw{weight}:step()
        close(yoso.no_grad(yoso.ops.linear, x, weight),
            yoso.ops.matmul(x, weight:detach():transpose(1, 2)))
    end)
end)

describe("SGD", function()
    it("takes PyTorch's steps with momentum, decay, Nesterov's look ahead, and plain", function()
        close(run(function(params)
            return optim.SGD(params, {lr = 0.1, momentum = 0.9, weight_decay = 0.05})
        end), {-0.4813508, 0.3641092, 1.038323, 1.224197, 0.8343124})
        close(run(function(params)
            return optim.SGD(params, {lr = 0.1, momentum = 0.9, nesterov = true})
        end), {-0.5517492, 0.4247161, 1.201431, 1.413094, 0.9601567})
        close(run(function(params)
            return optim.SGD(params, {lr = 0.1})
        end), {-0.1135086, 0.6552892, 1.115894, 1.051677, 0.4928393})
    end)
end)

describe("an optimiser", function()
    it("has groups with settings of their own", function()
        local a, b = yoso.ones{2}:requires_grad(true), yoso.ones{2}:requires_grad(true)
        local optimizer = optim.SGD({{params = {a}, lr = 1}, {params = {b}}}, {lr = 0.5})
        a.grad, b.grad = yoso.ones{2}, yoso.ones{2}
        optimizer:step()
        close(a:detach(), {0, 0})
        close(b:detach(), {0.5, 0.5})
        optimizer:zero_grad()
        assert.is_nil(a.grad)
        optimizer:step()
        close(a:detach(), {0, 0}, 0)
    end)

    it("splits a model's parameters by whether they decay", function()
        local groups = optim.groups(yoso.nn.Sequential(yoso.nn.Linear(2, 3),
            yoso.nn.LayerNorm(3)), 0.1)
        assert.equal(0.1, groups[1].weight_decay)
        assert.equal(1, #groups[1].params)
        assert.equal(0, groups[2].weight_decay)
        assert.equal(3, #groups[2].params)
    end)

    it("lowers a loss", function()
        local layer = yoso.nn.Linear(3, 1, {seed = 1})
        local optimizer = optim.AdamW(layer:parameters(), {lr = 0.05})
        local x = wave({8, 3}, 0)
        local target = x:sum(2, true) + 1
        local first, last
        for _ = 1, 60 do
            local loss = yoso.ops.mse_loss(layer(x), target)
            last = loss:item()
            first = first or last
            loss:backward()
            optimizer:step()
            optimizer:zero_grad()
        end
        assert.is_true(last < first / 20)
    end)

    it("names what is wrong with its arguments", function()
        local p = yoso.ones{2}:requires_grad(true)
        assert.error_matches(function() optim.AdamW({}) end,
            "AdamW: params must be a list of tensors")
        assert.error_matches(function() optim.AdamW({p}, {rate = 1}) end,
            "AdamW: there is no setting rate")
        assert.error_matches(function() optim.AdamW({p}, {lr = "high"}) end,
            "AdamW: lr is a string, must be a number")
        assert.error_matches(function() optim.SGD({p}, {lr = -1}) end,
            "SGD: lr is %-1, must be a number of 0 or above")
        assert.error_matches(function() optim.SGD({p}, {momentum = 1}) end,
            "SGD: momentum is 1, must be a number from 0 to below 1")
        assert.error_matches(function() optim.AdamW({{params = {p}, weight_decay = -1}}) end,
            "AdamW: weight_decay is %-1, must be a number of 0 or above")
        assert.error_matches(function() optim.SGD({p, p}) end, "SGD: parameter 2 comes twice")
        assert.error_matches(function() optim.SGD({p * 2}) end,
            "SGD: parameter 1 was computed from others, must be a leaf")
        assert.error_matches(function() optim.SGD({p, 1}) end, "SGD: parameter 2 is a number")
        p.grad = yoso.ones{3}
        assert.error_matches(function() optim.SGD({p}):step() end,
            "sgd: the gradient is %[3%], must be %[2%]")
    end)
end)

describe("a schedule", function()
    local function rates(options, steps)
        local optimizer = optim.SGD({yoso.ones{1}:requires_grad(true)}, {lr = 2})
        local schedule = optim.schedule(optimizer, options)
        local list = {}
        for i = 1, steps do
            list[i] = optimizer.groups[1].lr
            schedule:step()
        end
        return list, schedule, optimizer
    end

    it("rises, then falls, stays or swings down", function()
        assert.same({0, 1, 2, 1.5, 1, 0.5, 0, 0}, (rates({warmup = 2, total = 6}, 8)))
        assert.same({0, 1, 2, 2, 2}, (rates({kind = "constant", warmup = 2}, 5)))
        local cosine = rates({kind = "cosine", total = 4}, 5)
        for i, expected in ipairs{2, 1 + math.sqrt(0.5), 1, 1 - math.sqrt(0.5), 0} do
            assert.is_true(math.abs(cosine[i] - expected) < 1e-12)
        end
    end)

    it("goes to any step", function()
        local _, schedule, optimizer = rates({total = 4}, 1)
        schedule:set(3)
        assert.equal(0.5, optimizer.groups[1].lr)
    end)

    it("names what is wrong", function()
        assert.error_matches(function() rates({kind = "step"}, 1) end,
            "schedule: kind is step, must be linear, cosine or constant")
        assert.error_matches(function() rates({warmup = 1}, 1) end,
            "schedule: warmup is 1 and total nil, must be whole numbers")
    end)
end)

describe("clip_grad_norm", function()
    it("scales all gradients to the wanted norm, PyTorch's way", function()
        local p = yoso.zeros{5}:requires_grad(true)
        p.grad = wave({5}, 1)
        local norm = optim.clip_grad_norm({p, yoso.zeros{2}}, 0.5)
        assert.is_true(math.abs(norm - 1.588654280) < 1e-6)
        close(p.grad, {0.2648375, 0.3121082, 0.2125896, 0.01308675, -0.192571})
        local before = p.grad:clone()
        optim.clip_grad_norm({p}, 10)
        close(p.grad, before, 0)
    end)

    it("changes nothing and names the culprit when a gradient is not finite", function()
        local list = {}
        for i = 1, 3 do
            list[i] = yoso.zeros{2}:requires_grad(true)
            list[i].grad = yoso.tensor{3, i == 2 and 0 / 0 or 4}
        end
        local norm, culprit = optim.clip_grad_norm(list, 1)
        assert.is_true(norm ~= norm)
        assert.equal(2, culprit)
        close(list[1].grad, {3, 4}, 0)
        assert.error_matches(function() optim.clip_grad_norm(list, 0) end,
            "clip_grad_norm: max_norm is 0, must be a number above 0")
    end)
end)
