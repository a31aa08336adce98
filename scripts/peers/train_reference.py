"""Trains the reference's YOSO classes (PyTorch, transformers) by a recipe of scripts/models/quality,
on the same files and with the same tokenizer as `yoso scripts/models/quality.lua`, so that scores can
be compared. Both leave checkpoints that `yoso eval` scores.

The reference ignores attention masks, so its batches hold sequences of one length only. It trains in
the expectation form, the only one that it has without a GPU.

usage: train_reference.py RECIPE.json DATA TOKENIZER OUT SEED
"""
import gzip
import json
import math
import os
import random
import sys
import time

import torch
from tokenizers import Tokenizer
from transformers import (YosoConfig, YosoForMaskedLM, YosoForSequenceClassification,
                          YosoForTokenClassification)

TAGS = ["O"] + [side + kind for kind in ("LOC", "ORG", "PER") for side in ("B-", "I-")]
IGNORED = -100


def lines(folder, name):
    path = os.path.join(folder, name)
    opened = gzip.open(path + ".gz", "rt", encoding="utf-8", newline="\n") \
        if os.path.exists(path + ".gz") else open(path, encoding="utf-8", newline="\n")
    with opened:
        for line in opened:
            yield line.rstrip("\n")


def sst2(folder, tokenizer, recipe):
    """Records (ids, label) of the training set."""
    rows = list(lines(folder, "train.tsv"))[1:]
    for row in rows:
        text, label = row.split("\t")
        yield tokenizer.encode(text.rstrip(" ")).ids[:recipe["max_length"]], int(label)


def wikiann(folder, tokenizer, recipe):
    """Records (ids, labels): the first token that begins in a word has the word's tag."""
    words, tags = [], []
    for line in list(lines(folder, "train")) + [""]:
        if line.strip():
            token, tag = line.split("\t")
            words.append(token.split(":", 1)[1])
            tags.append(tag)
            continue
        if not words:
            continue
        encoded = tokenizer.encode(" ".join(words))
        ends, at = [], 0
        for word in words:
            at += len(word)
            ends.append(at)
            at += 1
        labels, word, last = [], 0, -1
        for (start, stop), special in zip(encoded.offsets, encoded.special_tokens_mask):
            label = IGNORED
            if not special and stop > start:
                while word < len(words) and ends[word] <= start:
                    word += 1
                if word < len(words) and word > last and stop > ends[word] - len(words[word]):
                    label, last = TAGS.index(tags[word]), word
            labels.append(label)
        if len(encoded.ids) <= recipe["max_length"]:
            yield encoded.ids, labels
        words, tags = [], []


def wikitext(folder, tokenizer, recipe):
    """Records (ids, None): running text in blocks of one length."""
    room, pending = recipe["max_length"] - 2, []
    first, last = tokenizer.token_to_id("<s>"), tokenizer.token_to_id("</s>")
    for line in lines(folder, "train.txt"):
        pending += tokenizer.encode(line, add_special_tokens=False).ids
        while len(pending) >= room:
            yield [first] + pending[:room] + [last], None
            pending = pending[room:]


def batches(records, size, shuffle):
    """One epoch: shuffled, each batch of one length."""
    order = list(range(len(records)))
    shuffle.shuffle(order)
    result, pending = [], {}
    for i in order:
        group = pending.setdefault(len(records[i][0]), [])
        group.append(records[i])
        if len(group) == size:
            result.append(pending.pop(len(records[i][0])))
    result += pending.values()
    shuffle.shuffle(result)
    return result


def masked(ids, recipe, tokenizer):
    """Inputs and labels of masked language modelling: 15 %, of which 80/10/10 masked/random/kept."""
    labels, inputs = ids.clone(), ids.clone()
    special = (ids == tokenizer.token_to_id("<s>")) | (ids == tokenizer.token_to_id("</s>"))
    chosen = (torch.rand(ids.shape) < 0.15) & ~special
    labels[~chosen] = IGNORED
    kind = torch.rand(ids.shape)
    inputs[chosen & (kind < 0.8)] = tokenizer.token_to_id("<mask>")
    swapped = chosen & (kind >= 0.8) & (kind < 0.9)
    inputs[swapped] = torch.randint(tokenizer.get_vocab_size(), ids.shape)[swapped]
    return inputs, labels


def inputs_of(batch, recipe, tokenizer):
    ids = torch.tensor([record[0] for record in batch])
    if recipe["task"] == "wikitext":
        return masked(ids, recipe, tokenizer)
    labels = torch.tensor([record[1] for record in batch])
    if recipe["word_dropout"] > 0:
        special = (ids == tokenizer.token_to_id("<s>")) | (ids == tokenizer.token_to_id("</s>"))
        dropped = (torch.rand(ids.shape) < recipe["word_dropout"]) & ~special
        ids = ids.masked_fill(dropped, tokenizer.token_to_id("<unk>"))
    return ids, labels


def model_of(recipe, tokenizer):
    classes = {"sst2": (YosoForSequenceClassification, ["negative", "positive"]),
               "wikiann": (YosoForTokenClassification, TAGS), "wikitext": (YosoForMaskedLM, None)}
    kind, names = classes[recipe["task"]]
    config = YosoConfig(
        vocab_size=tokenizer.get_vocab_size(), max_position_embeddings=recipe["max_length"] + 2,
        hidden_dropout_prob=recipe["dropout"], attention_probs_dropout_prob=recipe["dropout"],
        use_expectation=True, pad_token_id=1, bos_token_id=0, eos_token_id=2,
        **{name: recipe[name] for name in ("hidden_size", "num_hidden_layers",
                                           "num_attention_heads", "intermediate_size",
                                           "hash_code_len")})
    if names:
        config.id2label = dict(enumerate(names))
        config.label2id = {name: i for i, name in enumerate(names)}
    return kind(config)


def main(recipe_path, data, tokenizer_path, out, seed):
    torch.set_num_threads(1)
    recipe, seed = json.load(open(recipe_path, encoding="utf-8")), int(seed)
    torch.manual_seed(seed)
    shuffle = random.Random(seed)
    tokenizer = Tokenizer.from_file(tokenizer_path)
    readers = {"sst2": sst2, "wikiann": wikiann, "wikitext": wikitext}
    records = list(readers[recipe["task"]](data, tokenizer, recipe))
    model = model_of(recipe, tokenizer).train()
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": recipe["weight_decay"]},
                                   {"params": vectors, "weight_decay": 0.0}], lr=recipe["lr"])
    an_epoch = len(batches(records, recipe["batch_size"], random.Random(0)))
    total = recipe.get("steps") or recipe["epochs"] * an_epoch
    warmup = int(recipe["warmup"] * total)

    def factor(done):
        step = done + 1
        share = (step - warmup) / max(1, total - warmup)
        return step / warmup if step < warmup else 0.5 * (1 + math.cos(math.pi * min(1, share)))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    step, epoch, begun, loss_mean, cpu = 0, 0, time.time(), None, time.process_time()
    while step < total:
        epoch += 1
        for batch in batches(records, recipe["batch_size"], shuffle):
            ids, labels = inputs_of(batch, recipe, tokenizer)
            loss = model(input_ids=ids, labels=labels).loss
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), recipe["clip"])
            optimizer.step()
            schedule.step()
            step += 1
            loss_mean = loss.item() if loss_mean is None else 0.95 * loss_mean + 0.05 * loss.item()
            if step % 100 == 0 or step == total:
                print(f"step {step} of {total} loss {loss_mean:.4f} {time.time() - begun:.0f} s "
                      f"{time.process_time() - cpu:.0f} processor seconds", flush=True)
            if step == total:
                break
        folder = os.path.join(out, f"epoch{epoch}")
        if recipe.get("epochs") or step == total:
            model.save_pretrained(folder)
            tokenizer.save(os.path.join(folder, "tokenizer.json"))


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    main(*sys.argv[1:])
