#!/usr/bin/env python3
"""Speed of yoso's tokenizers and of every peer that is installed, in turns over the same lines.

usage: bench_tokenizers.py LIBRARY TEXT_FILE FOLDER...
Megabytes a second, the best of nine rounds (two of the slow ones); one thread each but where two
are named. Peers: tokenizers, tokie, tiktoken, sentencepiece, and, with their own cl100k vocabulary,
quicktok (the package quicktok-v1) and toktok (toktok-rs), which only counts. Everyone gets all lines
in one call where it has such a call."""
import ctypes as ct
import importlib
import os
import sys
import time

os.environ.update(TOKENIZERS_PARALLELISM="false", RAYON_NUM_THREADS="1", TIKTOKEN_CACHE_DIR="")
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from token_peer import Options, Yoso, library_tokenizer, texts_of  # noqa: E402

ROUNDS, SLOW_ROUNDS = 9, 2
SLOW = ("tokenizers ids", "tokenizers full", "tiktoken", "sentencepiece")


def optional(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def our_contenders(library, folder, lines):
    ours, texts = Yoso(library, folder), texts_of(lines)

    def run(full, threads):
        native = Options(add_special_tokens=1, full=full, max_length=-1)
        out = ct.c_void_p()
        ours.lib.yoso_set_threads(threads)
        start = time.perf_counter()
        failed = ours.lib.yoso_encode(ct.byref(out), ours.handle, ct.byref(native), len(lines),
                                      *texts, None, None)
        took = time.perf_counter() - start
        if failed:
            raise RuntimeError(ours.message())
        ours.lib.yoso_encoding_free(out)
        return took
    return {"yoso ids": lambda: run(0, 1), "yoso full": lambda: run(1, 1),
            "yoso ids, 2 threads": lambda: run(0, 2), "yoso full, 2 threads": lambda: run(1, 2)}


def timed(function):
    def run():
        start = time.perf_counter()
        result = function()
        took = time.perf_counter() - start
        del result
        return took
    return run


def tiktoken_of(tiktoken, folder):
    """tiktoken's GPT-2 from local files, without its download."""
    import json
    with open(os.path.join(folder, "vocab.json"), encoding="utf-8") as file:
        vocab = json.load(file)
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in kept]
    byte_of = {chr(b): b for b in kept} | {chr(256 + i): b for i, b in enumerate(others)}
    ranks = {bytes(byte_of[c] for c in token): i for token, i in vocab.items()
             if all(c in byte_of for c in token) and token != "<|endoftext|>"}
    return tiktoken.Encoding(
        "gpt2", mergeable_ranks=ranks, special_tokens={"<|endoftext|>": vocab["<|endoftext|>"]},
        pat_str=r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+""")


def peers(folder, lines):
    found = {}
    tokenizer = library_tokenizer(folder)
    found["tokenizers ids"] = timed(lambda: tokenizer.encode_batch_fast(lines))
    found["tokenizers full"] = timed(lambda: tokenizer.encode_batch(lines))
    tokie, path = optional("tokie"), os.path.join(folder, "tokenizer.json")
    if tokie and os.path.exists(path):
        other = tokie.Tokenizer.from_json(path)
        found["tokie flat"] = timed(lambda: other.encode_batch_flat(lines, add_special_tokens=False))
        found["tokie"] = timed(lambda: other.encode_batch(lines, add_special_tokens=False))
    tiktoken = optional("tiktoken")
    if tiktoken and not os.path.exists(path):
        gpt2 = tiktoken_of(tiktoken, folder)
        found["tiktoken"] = timed(lambda: [gpt2.encode_ordinary(line) for line in lines])
    quicktok = optional("quicktok")
    if quicktok and hasattr(quicktok, "get_encoding") and not os.path.exists(path):
        quick = quicktok.get_encoding("cl100k_base")
        found["quicktok, cl100k"] = timed(lambda: quick.encode_batch(lines, threads=1))
    toktok = optional("toktok")
    if toktok and not os.path.exists(path):
        found["toktok, cl100k"] = timed(lambda: toktok.batch_count(lines, threads=1))
    sentencepiece, model = optional("sentencepiece"), os.path.join(folder, "spiece.model")
    if sentencepiece and os.path.exists(model):
        pieces = sentencepiece.SentencePieceProcessor(model_file=model)
        found["sentencepiece"] = timed(lambda: pieces.encode(lines, num_threads=1))
    return found


def load_times(library, folder):
    """Milliseconds of processor time, ours and the package's, the best of five in turns."""
    best = {"ours": 1e9, "theirs": 1e9}

    def time_of(name, load):
        start = time.process_time()
        made = load()
        best[name] = min(best[name], (time.process_time() - start) * 1e3)
        return made
    for _ in range(5):
        time_of("ours", lambda: Yoso(library, folder)).free()
        time_of("theirs", lambda: library_tokenizer(folder))
    return best["ours"], best["theirs"]


def bench(library, folder, lines, size):
    contenders = our_contenders(library, folder, lines) | peers(folder, lines)
    best, cores = dict.fromkeys(contenders, 1e9), os.sched_getaffinity(0)
    for i in range(ROUNDS):
        for name, run in contenders.items():
            # One core for one thread: some peers start more whatever they are asked for.
            os.sched_setaffinity(0, cores if "2 threads" in name else {max(cores)})
            if name not in SLOW or i < SLOW_ROUNDS:
                best[name] = min(best[name], run())
    os.sched_setaffinity(0, cores)
    speed = {name: size / took for name, took in best.items()}
    print(f"\n{os.path.basename(folder)}")
    for name, value in speed.items():
        base = "yoso full" if name == "tokenizers full" else "yoso ids"
        against = "" if name.startswith("yoso") else f"   {base}: {speed[base] / value:.1f} times"
        print(f"  {name:22s} {value:7.1f} MB/s{against}")
    print(f"  two threads: {speed['yoso ids, 2 threads'] / speed['yoso ids']:.2f} of one (ids), "
          f"{speed['yoso full, 2 threads'] / speed['yoso full']:.2f} (full)")
    ours, theirs = load_times(library, folder)
    print(f"  load {ours:.1f} ms, tokenizers {theirs:.1f} ms: {theirs / ours:.1f} times", flush=True)


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    with open(sys.argv[2], encoding="utf-8", errors="replace") as file:
        lines = file.read().split("\n")
    size = sum(len(line.encode()) + 1 for line in lines) / 1e6
    print(f"{len(lines)} lines, {size:.1f} MB")
    for folder in sys.argv[3:]:
        bench(sys.argv[1], folder, lines, size)


if __name__ == "__main__":
    main()
