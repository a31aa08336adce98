#!/usr/bin/env python3
"""Makes the same training steps here and in PyTorch, in turns (A B A B), and prints the ratios.

usage: python3 scripts/bench/train_peers.py [--rounds 3] [--threads N] [--cases NAME,...]
           [--sst2 FOLDER --tokenizer PATH]

Needs torch and transformers in the Python that runs it; the project itself needs neither. `mlm` cases
are base-sized models with masked-LM head and random weights over one sequence: forward, backward,
clipping, AdamW. `sst2` is the recipe of the small sentiment model, batches and tokenizer included, as
`yoso train` runs it; where it names no dtype it is f32. Times are medians, above 1 means that this
project is faster; a peer's memory is its process's peak.
"""
import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
YOSO = os.path.join(HERE, "..", "..", "build", "yoso")

# name: (form, dtype and tokens of ours; the peer's model, its dtype)
CASES = {
    "mlm-512-f32": (("expectation", "f32", 512), ("yoso", "f32")),
    "mlm-512-f32-roberta": (("expectation", "f32", 512), ("roberta", "f32")),
    "mlm-512-bf16-roberta": (("expectation", "bf16", 512), ("roberta", "bf16")),
    "mlm-2048-f32": (("sample", "f32", 2048), ("yoso", "f32")),
    "mlm-2048-bf16": (("sample", "bf16", 2048), ("yoso", "f32")),
    "mlm-2048-f32-roberta": (("sample", "f32", 2048), ("roberta", "f32")),
    "mlm-4096-f32-alone": (("sample", "f32", 4096), None),
    "mlm-4096-bf16-alone": (("sample", "bf16", 4096), None),
    "mlm-16384-f32-alone": (("sample", "f32", 16384), None),
    "sst2": (("sst2", "f32", 0), ("sst2", "f32")),
    "sst2-bf16": (("sst2", "bf16", 0), ("sst2", "f32")),
}
STEPS = 50  # of the small recipe, in one measurement


class Process:
    """A program that makes one measurement for each line it is sent: seconds, and peak bytes."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        if self.process.stdout.readline().strip() != "ready":
            raise RuntimeError("did not start: " + " ".join(command))
        self.peak = 0

    def run(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        seconds, peak = self.process.stdout.readline().split()
        self.peak = int(peak)
        return float(seconds)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def ours(args, form, dtype, length):
    command = [YOSO, "bench", "train", "--on-request", "--dtype", dtype, "--threads",
               str(args.threads)]
    if form == "sst2":
        return Process(command + ["--case", "sst2", "--data", args.sst2, "--tokenizer",
                                  args.tokenizer, "--steps", str(STEPS)])
    return Process(command + ["--form", form, "--length", str(length)]
                   + (["--checkpointing"] if length > 8192 else []))


def peer(args, model, dtype, length):
    return Process([sys.executable, os.path.abspath(__file__), "--serve", model, "--dtype", dtype,
                    "--length", str(length), "--threads", str(args.threads)]
                   + (["--sst2", args.sst2, "--tokenizer", args.tokenizer]
                      if model == "sst2" else []))


# -- What runs in the peer's process ------------------------------------------------------------

def peak_bytes():
    with open("/proc/self/status", encoding="utf-8") as file:
        for line in file:
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    return 0


def optimizer_of(model, learning_rate, decay):
    import torch
    parameters = list(model.parameters())
    return torch.optim.AdamW(
        [{"params": [p for p in parameters if p.ndim > 1], "weight_decay": decay},
         {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0}],
        lr=learning_rate)


def masked_lm(kind, dtype, length):
    import torch
    import transformers
    common = dict(vocab_size=50265, max_position_embeddings=max(length + 2, 4098),
                  type_vocab_size=1, pad_token_id=1)
    if kind == "yoso":
        model = transformers.YosoForMaskedLM(transformers.YosoConfig(**common))
    else:
        model = transformers.RobertaForMaskedLM._from_config(
            transformers.RobertaConfig(**common), attn_implementation="sdpa")
    model.train().to(torch.bfloat16 if dtype == "bf16" else torch.float32)
    ids = torch.randint(5, 50000, (1, length))
    labels = torch.where(torch.rand(1, length) < 0.15, ids, -100)
    optimizer = optimizer_of(model, 1e-4, 0.01)

    def step():
        start = time.perf_counter()
        optimizer.zero_grad()
        model(input_ids=ids, labels=labels).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return time.perf_counter() - start

    return step


def equal_lengths(records, size):
    """Batches of one length each, which is what the reference needs: it ignores masks."""
    order = list(range(len(records)))
    random.shuffle(order)
    full, pending = [], {}
    for i in order:
        group = pending.setdefault(len(records[i][0]), [])
        group.append(records[i])
        if len(group) == size:
            full.append(pending.pop(len(records[i][0])))
    batches = full + list(pending.values())
    random.shuffle(batches)
    return batches


def sentiment(folder, tokenizer_path):
    import gzip
    import torch
    import transformers
    from tokenizers import Tokenizer
    if os.path.isdir(tokenizer_path):
        tokenizer_path = os.path.join(tokenizer_path, "tokenizer.json")
    tokenizer = Tokenizer.from_file(tokenizer_path)
    with gzip.open(os.path.join(folder, "train.tsv.gz"), "rt", encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file][1:]
    records = [(tokenizer.encode(text).ids[:128], int(label)) for text, label in rows]
    config = transformers.YosoConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=128, num_hidden_layers=3,
        num_attention_heads=4, intermediate_size=512, hash_code_len=8, max_position_embeddings=130,
        hidden_dropout_prob=0.2, attention_probs_dropout_prob=0.2, num_labels=2)
    model = transformers.YosoForSequenceClassification(config).train()
    optimizer = optimizer_of(model, 6e-4, 0.05)
    unknown, ends = tokenizer.token_to_id("<unk>"), (tokenizer.token_to_id("<s>"),
                                                     tokenizer.token_to_id("</s>"))
    examples, steps = len(records), iter(())

    def batch_of_step():
        nonlocal steps
        batch = next(steps, None)
        if batch is None:
            steps = iter(equal_lengths(records, 64))
            batch = next(steps)
        return batch

    def one():
        batch = batch_of_step()
        ids = torch.tensor([record[0] for record in batch])
        ordinary = (ids != ends[0]) & (ids != ends[1])
        ids = ids.masked_fill((torch.rand(ids.shape) < 0.1) & ordinary, unknown)
        optimizer.zero_grad()
        model(input_ids=ids, labels=torch.tensor([r[1] for r in batch])).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return len(batch)

    def measure():
        """Seconds of as many examples as a full batch has: batches of rare lengths are small."""
        start, count = time.perf_counter(), 0
        for _ in range(STEPS):
            count += one()
        return (time.perf_counter() - start) / count * 64

    assert examples
    return measure


def serve(args):
    import torch
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    random.seed(1)
    step = sentiment(args.sst2, args.tokenizer) if args.serve == "sst2" \
        else masked_lm(args.serve, args.dtype, args.length)
    step()
    print("ready", flush=True)
    for _ in sys.stdin:
        seconds = step()
        print(f"{seconds:.6f} {peak_bytes()}", flush=True)


# -- In turns ------------------------------------------------------------------------------------

def compare(args, name):
    (form, dtype, length), other = CASES[name]
    a, b = ours(args, form, dtype, length), other and peer(args, *other, length)
    times = {"ours": [], "peer": []}
    for _ in range(args.rounds):
        times["ours"].append(a.run())
        if b:
            times["peer"].append(b.run())
    a.close()
    row = {"case": name, "ours_s": statistics.median(times["ours"]), "ours_gb": a.peak / 1e9,
           "spread_ours": [min(times["ours"]), max(times["ours"])]}
    if b:
        b.close()
        row.update(peer_s=statistics.median(times["peer"]), peer_gb=b.peak / 1e9,
                   spread_peer=[min(times["peer"]), max(times["peer"])])
        row["ratio"] = row["peer_s"] / row["ours_s"]
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--sst2", help="folder of SST-2's files")
    parser.add_argument("--tokenizer", help="tokenizer of the small recipe")
    parser.add_argument("--json", help="also append the rows to this file, one a line")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--dtype", help=argparse.SUPPRESS)
    parser.add_argument("--length", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        return serve(args)
    print(f"{'case':22} {'ours s':>9} {'peer s':>9} {'ratio':>7} {'ours GB':>8} {'peer GB':>8}")
    for name in args.cases.split(","):
        if name.startswith("sst2") and not args.sst2:
            continue
        row = compare(args, name)
        print(f"{name:22} {row['ours_s']:9.4f} {row.get('peer_s', 0):9.4f} "
              f"{row.get('ratio', 0):7.2f} {row['ours_gb']:8.2f} {row.get('peer_gb', 0):8.2f}",
              flush=True)
        if args.json:
            with open(args.json, "a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
