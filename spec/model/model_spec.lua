local tiny = require "spec.model.tiny"
local yoso = require "yoso"

local function raises(pattern, model, batch)
    assert.error_matches(function() model(batch) end, pattern)
end

-- A mask from rows of "x" (kept) and "." (masked).
local function mask_of(rows, dtype)
    local list = {}
    for i, row in ipairs(rows) do
        list[i] = {}
        for j = 1, #row do
            list[i][j] = row:sub(j, j) == "x" and 1 or 0
        end
    end
    return yoso.tensor(list, dtype or "i64")
end

-- How many tokens a text keeps and where they are.
local function kept_of(row)
    local list = {}
    for j = 1, #row do
        if row:sub(j, j) == "x" then
            list[#list + 1] = j
        end
    end
    return list
end

describe("a model", function()
    local forms = {expectation = {}, sample = {use_expectation = false},
        softmax = {attention_baseline = "softmax"}}

    for form, changes in pairs(forms) do
        it("gives for padded rows what it gives for each alone, attention " .. form, function()
            local model = tiny.model(nil, changes)
            local rows = {"xxxxxxxx", "xxxx....", "x......."}
            local ids = tiny.ids(3, 8)
            local out = model{input_ids = ids, attention_mask = mask_of(rows)}.last_hidden_state
            for i, row in ipairs(rows) do
                local n = #kept_of(row)
                local alone = model{input_ids = ids:narrow(1, i, 1):narrow(2, 1, n)}.last_hidden_state
                assert.is_true(tiny.difference(alone[1], out[i]:narrow(1, 1, n)) < 1e-5)
                if n < 8 then
                    assert.equal(0, out[i]:narrow(1, n + 1, 8 - n):abs():max():item())
                end
            end
        end)
    end

    it("takes a mask of any dtype", function()
        local model = tiny.model()
        local ids, rows = tiny.ids(2, 6), {"xxxxxx", "xxx..."}
        local wanted = model{input_ids = ids, attention_mask = mask_of(rows)}.last_hidden_state
        for _, dtype in ipairs{"f32", "bf16", "u8", "bool", "i32"} do
            local got = model{input_ids = ids, attention_mask = mask_of(rows, dtype)}.last_hidden_state
            assert.equal(0, tiny.difference(wanted, got))
        end
        local half = model{input_ids = ids, attention_mask = mask_of(rows, "f32") * 0.5}
        assert.equal(0, tiny.difference(wanted, half.last_hidden_state))
    end)

    it("does not look at what is masked, wherever it stands", function()
        local row = "..xx.x.."
        for _, window in ipairs{false, 3} do
            local model = tiny.model(nil, {conv_window = window or nil})
            local ids = tiny.ids(1, 8)
            local other = ids:totable()
            for j = 1, 8 do
                if row:sub(j, j) == "." then
                    other[1][j] = 39
                end
            end
            local mask = mask_of{row}
            local one = model{input_ids = ids, attention_mask = mask}.last_hidden_state
            local two = model{input_ids = yoso.tensor(other, "i64"),
                attention_mask = mask}.last_hidden_state
            assert.equal(0, tiny.difference(one, two))
            for j = 1, 8 do
                local size = one[1][j]:abs():max():item()
                assert.equal(row:sub(j, j) == "x", size > 0)
            end
        end
    end)

    it("keeps places for masked tokens under a convolution, and only there", function()
        -- Two kept tokens with a masked one between: the convolution must not join them.
        local ids = tiny.ids(1, 3)
        local together = yoso.tensor({{ids:totable()[1][1], ids:totable()[1][3]}}, "i64")
        local positions = yoso.tensor({{2, 4}}, "i64")
        for _, window in ipairs{false, 3} do
            local model = tiny.model(nil, {conv_window = window or nil})
            local apart = model{input_ids = ids, attention_mask = mask_of{"x.x"}}.last_hidden_state
            local joined = model{input_ids = together, position_ids = positions}.last_hidden_state
            local same = tiny.difference(apart[1][1], joined[1][1]) < 1e-6
            assert.equal(not window, same)
        end
    end)

    it("gives a row that keeps nothing zeros, and the others their values", function()
        local model = tiny.model()
        local ids = tiny.ids(2, 4)
        local out = model{input_ids = ids, attention_mask = mask_of{"....", "xxxx"}}.last_hidden_state
        assert.equal(0, out[1]:abs():max():item())
        local alone = model{input_ids = ids:narrow(1, 2, 1)}.last_hidden_state
        assert.is_true(tiny.difference(alone[1], out[2]) < 1e-6)
        out = model{input_ids = ids, attention_mask = mask_of{"....", "...."}}.last_hidden_state
        assert.equal(0, out:abs():max():item())
    end)

    it("takes embeddings for ids, and positions as rows of the table", function()
        local model = tiny.model()
        local ids = tiny.ids(2, 5)
        local wanted = model{input_ids = ids}.last_hidden_state
        local embeds = yoso.ops.embedding(ids, model.embeddings.word_embeddings.weight)
        assert.is_true(tiny.difference(wanted, model{inputs_embeds = embeds}.last_hidden_state) < 1e-6)
        for _, positions in ipairs{{{2, 3, 4, 5, 6}, {2, 3, 4, 5, 6}}, {{2, 3, 4, 5, 6}}, {2, 3, 4, 5, 6}} do
            local got = model{input_ids = ids, position_ids = yoso.tensor(positions, "i64")}
            assert.equal(0, tiny.difference(wanted, got.last_hidden_state))
        end
        local moved = model{input_ids = ids, position_ids = yoso.tensor({13, 0, 1, 2, 3}, "i64")}
        assert.is_true(tiny.difference(wanted, moved.last_hidden_state) > 1e-3)
        local rows = {"xxx..", "xxxxx"}
        local masked = model{inputs_embeds = embeds, attention_mask = mask_of(rows)}.last_hidden_state
        local by_ids = model{input_ids = ids, attention_mask = mask_of(rows)}.last_hidden_state
        assert.is_true(tiny.difference(masked, by_ids) < 1e-6)
    end)

    it("gives all hidden states, the last of them last_hidden_state", function()
        local model = tiny.model()
        local out = model{input_ids = tiny.ids(2, 5), output_hidden_states = true,
            attention_mask = mask_of{"xxxxx", "xx..."}}
        assert.equal(3, #out.hidden_states)
        for _, state in ipairs(out.hidden_states) do
            assert.same({2, 5, 16}, state:shape())
            assert.equal(0, state[2]:narrow(1, 3, 3):abs():max():item())
        end
        assert.equal(0, tiny.difference(out.hidden_states[3], out.last_hidden_state))
    end)

    it("gives the dense weights of the attention on request", function()
        local model = tiny.model()
        local batch = {input_ids = tiny.ids(2, 5), attention_mask = mask_of{"xxxxx", "xx..."},
            output_attentions = true}
        local attentions = model(batch).attentions
        assert.equal(2, #attentions)
        assert.same({2, 2, 5, 5}, attentions[1]:shape())
        local weights = attentions[2]:totable()
        for h = 1, 2 do
            for i = 1, 5 do
                for j = 1, 5 do
                    local kept = i <= 2 and j <= 2
                    assert.is_true(weights[1][h][i][j] > 0 and weights[1][h][i][j] <= 1)
                    assert.equal(kept, weights[2][h][i][j] > 0)
                end
            end
        end
        for _, row in ipairs(tiny.model(nil, forms.softmax)(batch).attentions[1]:totable()[1][1]) do
            local sum = 0
            for _, weight in ipairs(row) do
                sum = sum + weight
            end
            assert.is_near(1, sum, 1e-5)
        end
        raises("output_attentions needs the expectation form", tiny.model(nil, forms.sample), batch)
    end)

    it("hashes by seed alone in eval mode, and anew each step in training", function()
        local model = tiny.model(nil, forms.sample)
        local batch = {input_ids = tiny.ids(2, 9)}
        local one = model(batch).last_hidden_state
        assert.equal(0, tiny.difference(one, model(batch).last_hidden_state))
        local more = {input_ids = yoso.cat({batch.input_ids, tiny.ids(3, 9)}, 1)}
        assert.is_true(tiny.difference(one, model(more).last_hidden_state:narrow(1, 1, 2)) < 1e-5)
        assert.error_matches(function() model:set_attention{num_hashes = 2} end,
            "set_attention: there is no option num_hashes; there are attention, num_hash, seed")
        model:set_attention{seed = 2}
        assert.is_true(tiny.difference(one, model(batch).last_hidden_state) > 1e-4)
        model:set_attention{seed = 1}
        assert.equal(0, tiny.difference(one, model(batch).last_hidden_state))
        model:train()
        local first = model(batch).last_hidden_state
        assert.is_true(tiny.difference(first, model(batch).last_hidden_state) > 1e-4)
    end)

    it("computes the feed-forward part in chunks with the same result", function()
        local batch = {input_ids = tiny.ids(2, 7)}
        local wanted = tiny.model()(batch).last_hidden_state
        for _, chunk in ipairs{1, 5, 14, 100} do
            local got = tiny.model(nil, {chunk_size_feed_forward = chunk})(batch).last_hidden_state
            assert.is_true(tiny.difference(wanted, got) < 1e-5)
        end
    end)

    it("follows its weights when they change in place", function()
        local model = tiny.model()
        local batch = {input_ids = tiny.ids(1, 5)}
        yoso.no_grad(function()
            local before = model(batch).last_hidden_state
            -- (Not a constant: a normed row sums to nothing but rounding.)
            yoso.nn.init.normal(model.encoder.layer[1].attention.self.value.weight, 0.5, 3)
            local after = model(batch).last_hidden_state
            assert.is_true(tiny.difference(before, after) > 1e-3)
        end)
        local recorded = model(batch).last_hidden_state
        local plain = yoso.no_grad(function() return model(batch).last_hidden_state end)
        assert.is_true(tiny.difference(recorded, plain) < 1e-5)
    end)

    it("gives in one call what its parts give, for every form, convolution and padding", function()
        local batch = {input_ids = tiny.ids(2, 9), attention_mask = mask_of{"xxxxxxxxx", "xxx.x...."}}
        for form in pairs(forms) do
            for _, window in ipairs{false, 3} do
                local model = tiny.model(nil, {conv_window = window or nil}):set_attention{attention = form}
                local parts = model(batch).last_hidden_state
                local whole = yoso.no_grad(function() return model(batch).last_hidden_state end)
                assert.is_truthy(model.encoder.layer[1].kept_weights)
                assert.is_true(tiny.difference(parts, whole) < 1e-5)
            end
        end
        local other = tiny.model(nil, {hidden_act = "silu"})
        local whole = yoso.no_grad(function() return other(batch).last_hidden_state end)
        assert.is_true(tiny.difference(other(batch).last_hidden_state, whole) < 1e-5)
        assert.is_nil(other.encoder.layer[1].kept_weights)
    end)

    it("follows its weights to another dtype and back", function()
        local model = tiny.model()
        local batch = {input_ids = tiny.ids(2, 9)}
        local function run()
            return yoso.no_grad(function() return model(batch).last_hidden_state end)
        end
        local wanted = run()
        local narrow = (model:to("bf16") and run())
        assert.equal("bf16", narrow:dtype())
        assert.is_true(tiny.difference(wanted, narrow:to("f32")) < 0.2)
        model:to("f32")
        assert.equal("f32", run():dtype())
        assert.is_true(tiny.difference(wanted, run()) < 0.1)
    end)

    it("is described by info", function()
        local info = tiny.model():info()
        assert.equal("YosoModel", info.class)
        assert.equal(2, info.layers)
        assert.equal("expectation", info.attention)
        assert.matches("square of the length", info.cost)
        assert.equal(info.parameters * 4, info.bytes)
        assert.matches("f32 on cpu, in evaluation mode", tostring(info))
        info = tiny.model(nil, {use_expectation = false, conv_window = 3}):to("bf16"):train():info()
        assert.matches("grows with the length", info.cost)
        assert.matches("4 hashes, seed 1, convolution over 3 tokens", tostring(info))
        assert.matches("bf16 on cpu, in training mode", tostring(info))
    end)

    it("names what is wrong with its input", function()
        local model = tiny.model()
        local ids = tiny.ids(2, 5)
        raises("YosoModel: wants input_ids or inputs_embeds, and not both", model, {})
        raises("and not both", model, {input_ids = ids, inputs_embeds = yoso.zeros{2, 5, 16}})
        raises("the batch is a nil, must be a table", model, nil)
        raises("the batch is a tensor, must be a table", model, ids)
        raises("input_ids is a number, must be a tensor", model, {input_ids = 5})
        raises("input_ids has shape %[5%], must be %[batch, length%]", model, {input_ids = ids[1]})
        raises("input_ids are f32, must be integers", model, {input_ids = yoso.zeros{2, 5}})
        raises("input_ids has shape %[0, 5%]: the batch is empty", model,
            {input_ids = yoso.zeros({0, 5}, "i64")})
        raises("inputs_embeds has shape %[2, 5, 8%], must be %[batch, length, 16%]", model,
            {inputs_embeds = yoso.zeros{2, 5, 8}})
        raises("attention_mask has shape %[2, 4%], must be %[2, 5%]", model,
            {input_ids = ids, attention_mask = yoso.ones{2, 4}})
        raises("token_type_ids has shape %[1, 5%]", model,
            {input_ids = ids, token_type_ids = yoso.zeros({1, 5}, "i64")})
        raises("position_ids has shape %[4%], must be %[2, 5%]", model,
            {input_ids = ids, position_ids = yoso.zeros({4}, "i64")})
    end)

    it("names the place of an id that is out of range", function()
        local model = tiny.model()
        local ids = tiny.ids(2, 5):totable()
        ids[2][4] = 40
        raises("input_ids at row 2, position 4 is 40, must be from 0 to 39", model,
            {input_ids = yoso.tensor(ids, "i64")})
        ids[2][4] = -1
        raises("input_ids at row 2, position 4 is %-1", model, {input_ids = yoso.tensor(ids, "i64")})
        -- What is masked may be anything.
        assert.has_no.errors(function()
            model{input_ids = yoso.tensor(ids, "i64"), attention_mask = mask_of{"xxxxx", "xxx.."}}
        end)
        raises("token_type_ids at row 1, position 1 is 2, must be from 0 to 1", model,
            {input_ids = tiny.ids(2, 5), token_type_ids = yoso.full({2, 5}, 2, "i64")})
        raises("position_ids at row 1, position 1 is 14, must be from 0 to 13", model,
            {input_ids = tiny.ids(2, 5), position_ids = yoso.full({2, 5}, 14, "i64")})
    end)

    it("takes texts up to its length and no longer", function()
        local model = tiny.model()
        assert.same({1, 12, 16}, model{input_ids = tiny.ids(1, 12)}.last_hidden_state:shape())
        raises("a row has 13 tokens, max_position_embeddings is 12", model, {input_ids = tiny.ids(1, 13)})
    end)

    it("begins with weights of the wanted deviation, the same for the same seed", function()
        local config = tiny.config{vocab_size = 5000, hidden_size = 64, initializer_range = 0.05}
        yoso.manual_seed(3)
        local one = yoso.YosoForMaskedLM(config)
        yoso.manual_seed(3)
        local two = yoso.YosoForMaskedLM(config)
        for name, parameter in one:named_parameters() do
            assert.equal(0, tiny.difference(parameter, two:state()[name]), name)
            if name:find("LayerNorm.weight$") then
                assert.equal(1, parameter:min():item())
            elseif name:find("bias$") then
                assert.equal(0, parameter:abs():max():item())
            end
        end
        local words = one.yoso.embeddings.word_embeddings.weight
        assert.is_near(0.05, words:std():item(), 5e-4)
        assert.equal(0, words[2]:abs():max():item())
        assert.is_true(one.training)
        assert.error_matches(function() yoso.YosoModel{} end, "YosoModel: config is a table, must be a YosoConfig")
    end)

    it("holds memory flat over many passes", function()
        local model = tiny.model()
        local ids, mask = tiny.ids(2, 6), mask_of{"xxxxxx", "xx...."}
        local function pass(n)
            for _ = 1, n do
                yoso.scope(function()
                    yoso.no_grad(function() model{input_ids = ids, attention_mask = mask} end)
                end)
            end
            collectgarbage()
            collectgarbage()
            return yoso.memory().live, collectgarbage("count")
        end
        -- The compiler's own traces settle first.
        pass(300)
        local live, heap = pass(300)
        local live_after, heap_after = pass(1000)
        -- A trace may hold a tensor or two; a leak is at least the smallest block, 64 bytes, a pass.
        assert.is_true(live_after < live + 1000 * 64, ("%d, then %d bytes"):format(live, live_after))
        assert.is_true(heap_after < heap + 500)
    end)
end)
