-- From a padded batch to packed sequences and back. Inside the model a batch is [tokens, hidden]:
-- the kept tokens of all rows end to end, with the offsets where rows begin. Nothing is computed
-- for padding, and padded equals unpadded by construction.
--
-- Masked tokens inside a row simply go too: attention has no notion of distance, and each token
-- keeps the position that it had. Only the convolution over values needs their places; then they
-- stay, marked in `keep`, and are dropped on the way back.
local c = require "yoso.c"
local op = require "yoso.op"
local tensor = require "yoso.tensor"
local embedding = require "yoso.ops.embedding"

local lib = c.lib
local call, handle = tensor.call, tensor.handle

local M = {}

local integers = {i64 = true, i32 = true, u8 = true, bool = true}

local function shape_text(t)
    return "[" .. table.concat(t:shape(), ", ") .. "]"
end

-- A contiguous CPU tensor of another dtype with its data; keep the tensor while the data is used.
local function read(t, dtype)
    if t:device() ~= "cpu" then
        t = call(lib.yoso_to_device, t.handle, lib.YOSO_CPU)
    end
    local copy = t:dtype() == dtype and call(lib.yoso_contiguous, t.handle)
        or call(lib.yoso_cast, t.handle, tensor.codes[dtype])
    return copy, tensor.data(copy)
end

-- Batch and length of the call, from input_ids [B, N] or inputs_embeds [B, N, hidden].
local function sizes_of(batch, hidden_size, where)
    local ids, embeds = batch.input_ids, batch.inputs_embeds
    if (ids == nil) == (embeds == nil) then
        c.raise(where .. ": wants input_ids or inputs_embeds, and not both")
    end
    local name, given, ndim = "input_ids", ids, 2
    if embeds ~= nil then
        name, given, ndim = "inputs_embeds", embeds, 3
    end
    handle(given, where, name)
    local shape = given:shape()
    if #shape ~= ndim or (ndim == 3 and shape[3] ~= hidden_size) then
        c.raise(("%s: %s has shape %s, must be %s"):format(where, name, shape_text(given),
            ndim == 2 and "[batch, length]" or ("[batch, length, %d]"):format(hidden_size)))
    elseif shape[1] == 0 or shape[2] == 0 then
        c.raise(("%s: %s has shape %s: the batch is empty"):format(where, name, shape_text(given)))
    elseif ids and not integers[ids:dtype()] then
        c.raise(("%s: input_ids are %s, must be integers"):format(where, ids:dtype()))
    end
    return shape[1], shape[2]
end

-- An optional argument of shape [batch, length] (for positions also [length] or [1, length]).
local function check_argument(t, name, rows, length, where)
    handle(t, where, name)
    local shape = t:shape()
    local fits = #shape == 2 and shape[1] == rows and shape[2] == length
    if name == "position_ids" then
        fits = fits or shape[#shape] == length and (#shape == 1 or #shape == 2 and shape[1] == 1)
    end
    if not fits then
        c.raise(("%s: %s has shape %s, must be [%d, %d] as the input"):format(where, name,
            shape_text(t), rows, length))
    end
end

-- Where the kept tokens stand, as slots row * length + column counted from 0: a list of slots,
-- the offsets of the rows, and, where masked tokens stay (`fill`), which of them are kept.
local function find_tokens(mask, rows, length, fill)
    local copy, kept = read(mask, "bool")
    local slots, offsets, keep, holes = {}, {[0] = 0}, {}, false
    local n = 0
    for row = 0, rows - 1 do
        local first, last = row * length, row * length + length - 1
        while first <= last and kept[first] == 0 do
            first = first + 1
        end
        while last >= first and kept[last] == 0 do
            last = last - 1
        end
        for slot = first, last do
            if kept[slot] ~= 0 or fill then
                n = n + 1
                slots[n] = slot
                keep[n] = kept[slot]
                holes = holes or kept[slot] == 0
            end
        end
        offsets[row + 1] = n
    end
    copy:free()
    return slots, offsets, holes and keep or nil
end

local function i64_tensor(values, first, last)
    local t = tensor.empty({last - first + 1}, "i64")
    local data = tensor.data(t)
    for i = first, last do
        data[i - first] = values[i]
    end
    return t
end

local function even_offsets(rows, length)
    local offsets = {}
    for row = 0, rows do
        offsets[row] = row * length
    end
    return offsets
end

-- The values of an integer argument at the slots, each from 0 to below limit; or with neither
-- argument nor default nil. Their places are told from 1.
local function pick(pack, t, name, limit, where)
    local copy, data = read(t, "i64")
    local wrap = tonumber(copy:numel())
    local picked = tensor.empty({pack.tokens}, "i64")
    local out, slots = tensor.data(picked), pack.slots
    for i = 0, pack.tokens - 1 do
        local slot = slots and slots[i + 1] or i
        local value = data[slot % wrap]
        if value < 0 or value >= limit then
            -- A masked token that only holds a place may have any id.
            if pack.keep_list and pack.keep_list[i + 1] == 0 then
                value = 0
            else
                c.raise(("%s: %s at row %d, position %d is %s, must be from 0 to %d"):format(where,
                    name, math.floor(slot / pack.length) + 1, slot % pack.length + 1,
                    (tostring(value):gsub("LL$", "")), limit - 1))
            end
        end
        out[i] = value
    end
    copy:free()
    return picked
end

-- Rows of the position table: two are left out, as in the reference, before the first position.
local function default_positions(pack, config, where)
    local positions = tensor.empty({pack.tokens}, "i64")
    local out, slots, length = tensor.data(positions), pack.slots, pack.length
    for i = 0, pack.tokens - 1 do
        local column = (slots and slots[i + 1] or i) % length
        if column >= config.max_position_embeddings then
            c.raise(("%s: a row has %d tokens, max_position_embeddings is %d"):format(where, length,
                config.max_position_embeddings))
        end
        out[i] = column + 2
    end
    return positions
end

--- What the model computes on: {rows, length, tokens, offset, slots, keep, ids, types, positions,
-- embeds}, tensors on `device` but for offset. slots is nil when nothing is masked.
function M.pack(batch, config, where, device)
    local rows, length = sizes_of(batch, config.hidden_size, where)
    for _, name in ipairs{"attention_mask", "token_type_ids", "position_ids"} do
        if batch[name] ~= nil then
            check_argument(batch[name], name, rows, length, where)
        end
    end
    local pack = {rows = rows, length = length, tokens = rows * length}
    local offsets = even_offsets(rows, length)
    if batch.attention_mask ~= nil then
        local slots, found, keep = find_tokens(batch.attention_mask, rows, length,
            config.conv_window ~= nil)
        if #slots < pack.tokens or keep then
            pack.slots, pack.tokens, pack.keep_list, offsets = slots, #slots, keep, found
        end
    end
    pack.offsets = offsets
    pack.offset = i64_tensor(offsets, 0, rows)
    if pack.keep_list then
        pack.keep = tensor.tensor(pack.keep_list, "u8"):to(device)
    end
    if batch.input_ids ~= nil then
        pack.ids = pick(pack, batch.input_ids, "input_ids", config.vocab_size, where):to(device)
    else
        pack.embeds = batch.inputs_embeds:reshape{rows * length, config.hidden_size}
            :to(device)
        if pack.slots then
            pack.embeds = embedding.embedding(i64_tensor(pack.slots, 1, pack.tokens):to(device),
                pack.embeds)
        end
    end
    if batch.token_type_ids ~= nil then
        pack.types = pick(pack, batch.token_type_ids, "token_type_ids", config.type_vocab_size,
            where):to(device)
    end
    pack.positions = (batch.position_ids ~= nil
        and pick(pack, batch.position_ids, "position_ids", config.max_position_embeddings + 2, where)
        or default_positions(pack, config, where)):to(device)
    return pack
end

--- rows [count, width] with x's rows at index (i64 [tokens], from 0), 0 elsewhere.
local scatter_rows = op.define{
    name = "scatter_rows",
    forward = function(ctx, x, index, count)
        ctx:save(index)
        return call(lib.yoso_embedding_grad, handle(x, "scatter_rows", "x"),
            handle(index, "scatter_rows", "index"), count, -1)
    end,
    backward = function(ctx, grad)
        return call(lib.yoso_embedding, ctx.saved[1].handle, grad.handle)
    end,
    sample = function(random)
        return {random{2, 3}, tensor.tensor({3, 0}, "i64"), 5}
    end,
}

--- Packed rows [tokens, width] as [rows, length, width], with 0 where the mask dropped tokens.
function M.unpack(pack, x)
    local rows, length, width = pack.rows, pack.length, x:size(2)
    if pack.slots then
        -- Masked tokens that held a place go to a row behind the last, which is cut off.
        local all, index = rows * length, pack.index
        if not index then
            local targets = {}
            for i, slot in ipairs(pack.slots) do
                targets[i] = pack.keep_list and pack.keep_list[i] == 0 and all or slot
            end
            index = i64_tensor(targets, 1, pack.tokens):to(x:device())
            pack.index = index
        end
        x = scatter_rows(x, index, all + 1):narrow(1, 1, all)
    end
    return x:reshape{rows, length, width}
end

--- bool [rows, length]: true where the mask dropped tokens.
function M.masked(pack, device)
    local masked = tensor.ones({pack.rows, pack.length}, "bool")
    local data = tensor.data(masked)
    for i, slot in ipairs(pack.slots) do
        if not pack.keep_list or pack.keep_list[i] ~= 0 then
            data[slot] = 0
        end
    end
    return masked:to(device)
end

--- The first kept token of each row, [rows, width]; 0 for a row that keeps none.
function M.first_tokens(pack, x)
    local first, empty = {}, false
    for row = 0, pack.rows - 1 do
        local none = pack.offsets[row] == pack.offsets[row + 1]
        first[row] = none and pack.tokens or pack.offsets[row]
        empty = empty or none
    end
    if empty then
        x = require("yoso.ops").cat({x, tensor.zeros({1, x:size(2)}, x:dtype(), x:device())}, 1)
    end
    return embedding.embedding(i64_tensor(first, 0, pack.rows - 1):to(x:device()), x)
end

--- The mean of the kept tokens of each row, [rows, width]; 0 for a row that keeps none.
function M.mean_tokens(pack, x)
    local rows, keep = tensor.empty({pack.tokens}, "i64"), pack.keep_list
    local share = tensor.zeros{pack.rows, 1}
    local row_data, share_data = tensor.data(rows), tensor.data(share)
    for row = 0, pack.rows - 1 do
        local kept = 0
        for i = pack.offsets[row], pack.offsets[row + 1] - 1 do
            local counts = not keep or keep[i + 1] ~= 0
            row_data[i] = counts and row or pack.rows
            kept = kept + (counts and 1 or 0)
        end
        share_data[row] = 1 / math.max(kept, 1)
    end
    local sums = scatter_rows(x, rows:to(x:device()), pack.rows + 1):narrow(1, 1, pack.rows)
    return sums * share:to(x:dtype()):to(x:device())
end

--- What stands for each row as a whole, [rows, width]: config.pooling says how.
function M.pool(pack, x, config)
    return config.pooling == "mean" and M.mean_tokens(pack, x) or M.first_tokens(pack, x)
end

--- Labels [rows, length] of the packed tokens, [tokens] i64; -100 for masked ones that hold a place.
function M.pick_labels(pack, labels, where)
    handle(labels, where, "labels")
    if labels:numel() ~= pack.rows * pack.length then
        c.raise(("%s: labels have shape %s, must be [%d, %d]"):format(where, shape_text(labels),
            pack.rows, pack.length))
    end
    local copy, data = read(labels, "i64")
    local picked = tensor.empty({pack.tokens}, "i64")
    local out, slots, keep = tensor.data(picked), pack.slots, pack.keep_list
    for i = 0, pack.tokens - 1 do
        local masked = keep and keep[i + 1] == 0
        out[i] = masked and -100 or data[slots and slots[i + 1] or i]
    end
    copy:free()
    return picked
end

--- The places (from 0) of packed labels that are not `ignored`, and these labels: i64 [count] both.
-- Where there are none, one place that is ignored, so that nothing is empty.
function M.labelled(labels, ignored)
    local data, places, values = tensor.data(labels), {}, {}
    for i = 0, labels:numel() - 1 do
        if data[i] ~= ignored then
            places[#places + 1], values[#values + 1] = i, tonumber(data[i])
        end
    end
    if not places[1] then
        places[1], values[1] = 0, ignored
    end
    return tensor.tensor(places, "i64"), tensor.tensor(values, "i64")
end

return M
