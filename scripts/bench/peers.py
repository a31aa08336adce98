#!/usr/bin/env python3
"""Runs the same encoder here and in PyTorch, in turns (A B A B), and prints the ratios.

usage: python3 scripts/bench/peers.py [--lengths 512,4096] [--rounds 5] [--cases NAME,...]
                                      [--sentences FILE --tokenizer DIR] [--growth] [--json FILE]

Needs torch and transformers in the Python that runs it; the project itself needs neither. Every
model is of base size with random weights; what is timed is one forward pass over one sequence
or, with --sentences (a text a line, or SST-2's dev.tsv), over all sentences of the file: theirs in
padded batches of 32 sorted by length, ours as this project packs them. Ratios are of medians; above
1 this project is faster. Peak memory is what the process ever had resident, the weights included.
"""
import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
YOSO = os.path.join(HERE, "..", "..", "build", "yoso")

# name: (form, dtype of ours; model, dtype of the peer's; longest length the peer is asked for)
CASES = {
    "expectation-f32": (("expectation", "f32"), ("yoso", "f32", 4096)),
    "expectation-bf16": (("expectation", "bf16"), ("yoso", "bf16", 4096)),
    "sample-f32": (("sample", "f32"), ("roberta", "f32", 16384)),
    "sample-bf16": (("sample", "bf16"), ("roberta", "bf16", 16384)),
    "sample-int8": (("sample", "int8"), ("roberta", "bf16", 16384)),
    "softmax-f32": (("softmax", "f32"), ("roberta", "f32", 16384)),
    "softmax-bf16": (("softmax", "bf16"), ("roberta", "bf16", 16384)),
}
SENTENCES = {
    "sentences-f32": (("expectation", "f32"), ("roberta", "f32")),
    "sentences-bf16": (("expectation", "bf16"), ("roberta", "bf16")),
    "sentences-int8": (("expectation", "int8"), ("roberta", "bf16")),
}
PEER_BATCH = 32


class Worker:
    """A process that says "ready" and answers each line with "SECONDS PEAK_MIB" of one pass."""

    def __init__(self, words):
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.peak = 0
        self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.stdin.close()
            raise RuntimeError(f"{os.path.basename(self.process.args[0])} ended with status "
                               f"{self.process.wait()}")
        return line.split()

    def run(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        seconds, peak = self.read()
        self.peak = int(peak)
        return float(seconds)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def ours(form, dtype, threads, *more):
    return Worker([YOSO, "bench", *more, "--on-request", "--form", form, "--dtype", dtype,
                   "--threads", str(threads)])


def peer(kind, dtype, threads, *more):
    return Worker([sys.executable, os.path.abspath(__file__), "--worker", kind, dtype,
                   str(threads), *more])


def rounds_of(make_ours, make_peer, rounds):
    """Median seconds, spread and memory of both, in turns; what failed is named instead."""
    row, workers = {}, {}
    for side, make in (("ours", make_ours), ("peer", make_peer)):
        try:
            workers[side] = make() if make else None
        except (OSError, RuntimeError) as problem:
            row[side + "_failed"] = str(problem)
    times = {side: [] for side in workers if workers[side]}
    for _ in range(rounds):
        for side in list(times):
            try:
                times[side].append(workers[side].run())
            except (OSError, RuntimeError, ValueError) as problem:
                row[side + "_failed"] = str(problem)
                del times[side]
    for side, taken in times.items():
        workers[side].close()
        row[side + "_s"] = statistics.median(taken)
        row[side + "_spread"] = [min(taken), max(taken)]
        row[side + "_mib"] = workers[side].peak
    if len(times) == 2:
        row["ratio"] = row["peer_s"] / row["ours_s"]
    return row


# -- The peer's process ----------------------------------------------------------------------------


def peak_mib():
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) // 1024 for line in file if line.startswith("VmHWM"))


def padded_batches(torch, path):
    with open(path, encoding="ascii") as file:
        texts = sorted(([int(word) for word in line.split()] for line in file), key=len)
    for first in range(0, len(texts), PEER_BATCH):
        some = texts[first:first + PEER_BATCH]
        width = len(some[-1])
        ids = torch.tensor([text + [1] * (width - len(text)) for text in some])
        mask = torch.tensor([[1] * len(text) + [0] * (width - len(text)) for text in some])
        yield {"input_ids": ids, "attention_mask": mask}


def work_as_peer(kind, dtype, threads, what):
    import torch
    import transformers
    torch.set_num_threads(int(threads))
    one = what.isdigit()
    batches = ([{"input_ids": torch.randint(5, 50000, (1, int(what)))}] if one
               else list(padded_batches(torch, what)))
    longest = max(batch["input_ids"].shape[1] for batch in batches)
    common = dict(vocab_size=50265, max_position_embeddings=longest + 2, type_vocab_size=1,
                  pad_token_id=1)
    if kind == "yoso":
        model = transformers.YosoModel(transformers.YosoConfig(**common))
    else:
        model = transformers.RobertaModel._from_config(transformers.RobertaConfig(**common),
                                                       attn_implementation="sdpa")
    model = model.eval().to(torch.bfloat16 if dtype == "bf16" else torch.float32)

    def run():
        with torch.inference_mode():
            for batch in batches:
                model(**batch)

    run()
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        run()
        print(f"{time.perf_counter() - start:.6f} {peak_mib()}", flush=True)


# -- The tables ------------------------------------------------------------------------------------


class Report:
    """Prints rows as they come and appends them to a file, one JSON object a line."""

    def __init__(self, path):
        self.path = path

    def row(self, name, size, row):
        row = {"case": name, "size": size, **row}

        def number(key, form):
            return format(row[key], form) if key in row else "-"

        print(f"{name:18} {size:>7} {number('ours_s', '9.4f'):>9} {number('peer_s', '9.4f'):>9} "
              f"{number('ratio', '7.2f'):>7} {number('ours_mib', 'd'):>8} "
              f"{number('peer_mib', 'd'):>8}", flush=True)
        for side in ("ours", "peer"):
            if side + "_failed" in row:
                print(f"  {side}: {row[side + '_failed']}", flush=True)
        if self.path:
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        return row

    @staticmethod
    def head():
        print(f"{'case':18} {'size':>7} {'ours s':>9} {'peer s':>9} {'ratio':>7} {'ours MiB':>8} "
              f"{'peer MiB':>8}")


def compare_lengths(report, args):
    for name in args.cases.split(","):
        (form, dtype), (kind, peer_dtype, longest) = CASES[name]
        for length in args.lengths.split(","):
            report.row(name, length, rounds_of(
                lambda: ours(form, dtype, args.threads, "model", "--lengths", length),
                (lambda: peer(kind, peer_dtype, args.threads, length))
                if int(length) <= longest else None, args.rounds))


def ids_of(path, tokenizer, target):
    """Writes the token ids of the file's sentences, a line each; returns how many there are."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    if path.endswith(".tsv"):
        lines = [line.split("\t")[0] for line in lines[1:]]
    done = subprocess.run([YOSO, "tokenize", "--model", tokenizer, "--ids"], check=True,
                          input="\n".join(lines) + "\n", stdout=subprocess.PIPE, text=True)
    target.write(done.stdout)
    target.flush()
    return len(lines)


def compare_sentences(report, args):
    with tempfile.NamedTemporaryFile("w", suffix=".ids") as file:
        count = ids_of(args.sentences, args.tokenizer, file)
        for name, ((form, dtype), (kind, peer_dtype)) in SENTENCES.items():
            report.row(name, count, rounds_of(
                lambda: ours(form, dtype, args.threads, "sentences", "--ids", file.name),
                lambda: peer(kind, peer_dtype, args.threads, file.name), args.rounds))


def slope(points):
    """Of log y over log x, by least squares."""
    xs, ys = [math.log(x) for x, _ in points], [math.log(y) for _, y in points]
    x, y = statistics.mean(xs), statistics.mean(ys)
    return (sum((a - x) * (b - y) for a, b in zip(xs, ys)) / sum((a - x) ** 2 for a in xs))


def measure_growth(report, args):
    for dtype in ("f32", "bf16", "int8"):
        rows = [report.row(f"growth-{dtype}", length, rounds_of(
            lambda: ours("sample", dtype, args.threads, "model", "--lengths", str(length)), None,
            max(1, args.rounds // 2))) for length in (4096, 8192, 16384, 32768, 65536)]
        rows = [row for row in rows if "ours_s" in row]
        if len(rows) > 1:
            time_slope = slope([(row["size"], row["ours_s"]) for row in rows])
            base = rows[0]
            added = [(row["size"] - base["size"], row["ours_mib"] - base["ours_mib"])
                     for row in rows[1:]]
            kib = added[-1][1] * 1024 / added[-1][0]
            print(f"  {dtype}: time grows with length to the {time_slope:.3f}, "
                  f"memory by {kib:.1f} KiB a token")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lengths", default="512,4096")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--cases", default=",".join(CASES), help="none with an empty string")
    parser.add_argument("--sentences", help="file of sentences for the mixed-length case")
    parser.add_argument("--tokenizer", help="tokenizer for them, such as RoBERTa's")
    parser.add_argument("--growth", action="store_true", help="ours from 4,096 to 65,536 tokens")
    parser.add_argument("--json", help="also append the rows to this file, one a line")
    parser.add_argument("--worker", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        return work_as_peer(*args.worker)
    if args.sentences and not args.tokenizer:
        parser.error("--sentences needs --tokenizer")
    report = Report(args.json)
    report.head()
    if args.cases:
        compare_lengths(report, args)
    if args.sentences:
        compare_sentences(report, args)
    if args.growth:
        measure_growth(report, args)
    return 0


if __name__ == "__main__":
    sys.exit(main())
