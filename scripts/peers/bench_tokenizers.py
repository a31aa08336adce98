#!/usr/bin/env python3
"""Speed of the tokenizers package on the text and folders that scripts/bench/tokenizer.lua takes.

usage: bench_tokenizers.py TEXT_FILE FOLDER...     Processor time, one thread, best of three."""
import os
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
from tokenizers import Tokenizer  # noqa: E402

lines = open(sys.argv[1], encoding="utf-8").read().split("\n")
size = sum(len(line.encode()) + 1 for line in lines) / 1e6
for folder in sys.argv[2:]:
    path = os.path.join(folder, "tokenizer.json")
    loads, speeds = [], []
    for _ in range(3):
        start = time.process_time()
        tok = Tokenizer.from_file(path)
        loads.append(time.process_time() - start)
    for _ in range(3):
        start = time.process_time()
        for line in lines:
            tok.encode(line)
        speeds.append(size / (time.process_time() - start))
    print(f"{os.path.basename(folder):24s} load {min(loads) * 1e3:8.1f} ms  encode {max(speeds):.2f} MB/s",
          flush=True)
