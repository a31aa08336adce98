#!/usr/bin/env python3
"""Runs the same encoder pass here and in PyTorch, in turns (A B A B), and prints the ratios.

usage: python3 scripts/bench/peers.py [--lengths 512,4096] [--rounds 5] [--cases NAME,...]

Needs torch and transformers in the Python that runs it; the project itself needs neither. Every
model is of base size with random weights; what is timed is one forward pass over one sequence,
after one to warm up. Ratios are of medians; above 1 means that this project is faster.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
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
}


class Ours:
    """This project's program, which runs one pass for each line that it is sent."""

    def __init__(self, form, dtype, length, threads):
        self.process = subprocess.Popen(
            [YOSO, "bench", "model", "--on-request", "--form", form, "--dtype", dtype,
             "--lengths", str(length), "--threads", str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline().strip() != "ready":
            raise RuntimeError("the yoso program did not start")

    def run(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Peer:
    """The same in PyTorch: transformers' YOSO (expectation) or RoBERTa with SDPA."""

    def __init__(self, kind, dtype, length, threads):
        import torch
        import transformers
        torch.set_num_threads(threads)
        common = dict(vocab_size=50265, max_position_embeddings=length + 2, type_vocab_size=1,
                      pad_token_id=1)
        if kind == "yoso":
            config = transformers.YosoConfig(**common)
            model = transformers.YosoModel(config)
        else:
            config = transformers.RobertaConfig(**common)
            model = transformers.RobertaModel._from_config(config, attn_implementation="sdpa")
        self.torch = torch
        self.model = model.eval().to(torch.bfloat16 if dtype == "bf16" else torch.float32)
        self.ids = torch.randint(5, 50000, (1, length))
        self.run()

    def run(self):
        with self.torch.inference_mode():
            start = time.perf_counter()
            self.model(self.ids)
            return time.perf_counter() - start

    def close(self):
        self.model = None


def compare(name, length, rounds, threads):
    ours_spec, (kind, dtype, longest) = CASES[name]
    if length > longest:
        return None
    ours, peer = Ours(*ours_spec, length, threads), Peer(kind, dtype, length, threads)
    times = {"ours": [], "peer": []}
    for _ in range(rounds):
        times["ours"].append(ours.run())
        times["peer"].append(peer.run())
    ours.close()
    peer.close()
    a, b = statistics.median(times["ours"]), statistics.median(times["peer"])
    return {"case": name, "length": length, "ours_s": a, "peer_s": b, "ratio": b / a,
            "spread_ours": [min(times["ours"]), max(times["ours"])],
            "spread_peer": [min(times["peer"]), max(times["peer"])]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lengths", default="512,4096")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--json", help="also append the rows to this file, one a line")
    args = parser.parse_args()
    print(f"{'case':18} {'tokens':>7} {'ours s':>9} {'peer s':>9} {'ratio':>7}")
    for name in args.cases.split(","):
        for length in (int(n) for n in args.lengths.split(",")):
            row = compare(name, length, args.rounds, args.threads)
            if row is None:
                continue
            print(f"{name:18} {length:7} {row['ours_s']:9.3f} {row['peer_s']:9.3f} "
                  f"{row['ratio']:7.2f}", flush=True)
            if args.json:
                with open(args.json, "a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    sys.exit(main())
