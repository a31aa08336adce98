#!/usr/bin/env python3
"""Compares yoso's tokenizers with the tokenizers package on random strings: whole records.

usage: compare_tokenizers.py LIBRARY FOLDER [--count N] [--seed N] [NAME ...]
LIBRARY is libyoso.so, FOLDER holds tokenizer folders and their golden.jsonl (whose texts are
mutated); NAMEs choose some of them. Every batch of strings has options of its own: pairs, words,
truncation with overflow, padding. Not part of the suite: it needs the package."""
import argparse
import os
import random
import sys
import time

os.environ.update(TOKENIZERS_PARALLELISM="false", RUST_BACKTRACE="0")
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from token_peer import Yoso, library_tokenizer  # noqa: E402
from token_strings import Strings  # noqa: E402

BATCH, SHOWN = 100, 2
FIELDS = ("ids", "tokens", "offsets", "word_ids", "sequence_ids", "type_ids",
          "special_tokens_mask", "attention_mask")


def random_options(r):
    """Options of one batch, in the library's words. None where all is left alone."""
    options = {"special": r.random() < 0.8, "skip": r.random() < 0.1,
               "kind": r.choices(("text", "pair", "words", "word pair"), (70, 15, 10, 5))[0],
               "truncation": None, "padding": None}
    if r.random() < 0.3:
        length = r.choice((6, 7, 8, 9, 12, 17, 30))
        options["truncation"] = {
            "max_length": length, "stride": r.choice((0, 0, 1, 2)),
            "strategy": r.choice(("longest_first", "only_first", "only_second")),
            "direction": r.choice(("right", "left"))}
    if r.random() < 0.2:
        options["padding"] = {
            "direction": r.choice(("right", "left")), "pad_id": 3, "pad_type_id": r.choice((0, 1)),
            "pad_token": "<p>", "length": r.choice((None, 10, 20)),
            "pad_to_multiple_of": r.choice((None, 8))}
    return options


def batch_of(strings, options, count):
    """Inputs of the kind that the options want."""
    def words():
        return [w for w in strings.next().split(" ") if w] or ["a"]
    make = {"text": strings.next, "pair": lambda: (strings.next(), strings.next()), "words": words,
            "word pair": lambda: (words(), words())}[options["kind"]]
    return [make() for _ in range(count)]


BROKEN = "broken"  # in place of a record: added tokens that overlap make the library panic


def encoded(tokenizer, inputs, arguments):
    try:
        return tokenizer.encode_batch(inputs, **arguments)
    except KeyboardInterrupt:
        raise
    except BaseException as problem:  # a panic of the library is no Exception
        return [BROKEN] if len(inputs) == 1 and "bad split" in str(problem) else None


def library_records(tokenizer, inputs, options):
    """The library's encodings; for a batch that it refuses, one by one with None for refusals."""
    tokenizer.no_truncation()
    tokenizer.no_padding()
    if options["truncation"]:
        tokenizer.enable_truncation(**options["truncation"])
    if options["padding"]:
        tokenizer.enable_padding(**options["padding"])
    tokenizer.encode_special_tokens = options["skip"]
    arguments = {"is_pretokenized": options["kind"].startswith("word"),
                 "add_special_tokens": options["special"]}
    records = encoded(tokenizer, inputs, arguments)
    if records is None:
        records = []
        for one in inputs:
            records += encoded(tokenizer, [one], arguments) or [None]
    return records


def differences(want, got):
    """Names of the fields in which an encoding and one of our windows differ."""
    return [name for name in FIELDS if getattr(want, name) != got[name]]


def explain(name, text, options, bad, want, got):
    shown = {k: v for k, v in options.items() if v}
    print(f"{name}: {ascii(text)} {shown}: {', '.join(bad)}")
    for field in bad[:2]:
        if field in FIELDS:
            print("   ours  ", ascii(got[field])[:400])
            print("   theirs", ascii(getattr(want, field))[:400])


def compare_batch(name, theirs, ours, inputs, options, pick):
    """The number of inputs whose records differ; each is printed."""
    wanted = library_records(theirs, inputs, options)
    lost = any(want is None or want == BROKEN for want in wanted)
    repeat = options["padding"] and not options["padding"]["length"] and lost
    if repeat:  # lengths depend on the others: keep those that the library takes
        inputs = [one for one, want in zip(inputs, wanted) if want is not None and want != BROKEN]
        wanted = library_records(theirs, inputs, options)
    got = ours.encode(inputs, options)
    plain = options["kind"] == "text" and not options["truncation"] and not options["padding"]
    quick = ours.encode_ids(inputs, options) if plain else None
    wrong = 0
    for i, (text, want, windows) in enumerate(zip(inputs, wanted, got)):
        if want == BROKEN:
            continue
        if want is None or isinstance(windows, str):
            bad = [] if want is None and isinstance(windows, str) else ["one is refused: "
                                                                        + str(windows)[:200]]
            if bad:
                wrong += 1
                if wrong <= SHOWN:
                    explain(name, text, options, bad, want, None)
            continue
        bad, record = differences(want, windows[0]), windows[0]
        if len(want.overflowing) != len(windows) - 1:
            bad.append(f"{len(windows) - 1} windows overflow, not {len(want.overflowing)}")
        for other, window in zip(want.overflowing, windows[1:]):
            if not bad and differences(other, window):
                bad, want, record = differences(other, window), other, window
        if quick and quick[i] != want.ids:
            bad.append("ids alone")
        if i % 8 == pick % 8:
            skip = bool(pick % 2)
            ids = want.ids if pick % 3 else [pick * 7919 % 300, *want.ids[::-1]]
            if ours.decode(ids, skip) != theirs.decode(ids, skip_special_tokens=skip):
                bad.append("decoded")
        if bad:
            wrong += 1
            if wrong <= SHOWN:
                explain(name, text, options, bad, want, record)
    return wrong


def compare(library, folder, name, count, seed):
    path = os.path.join(folder, name)
    ours, theirs, strings = Yoso(library, path), library_tokenizer(path), Strings(folder, seed)
    strings.extra = [t.content for t in theirs.get_added_tokens_decoder().values()]
    r, wrong, done, start = random.Random(seed + 1), 0, 0, time.time()
    while done < count and wrong < 10:
        options = random_options(r)
        inputs = batch_of(strings, options, min(BATCH, count - done))
        wrong += compare_batch(name, theirs, ours, inputs, options, r.randrange(1000))
        done += len(inputs)
    print(f"{name}: {done} inputs, {wrong} differences, {time.time() - start:.0f} s", flush=True)
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("folder")
    parser.add_argument("--count", type=int, default=1000000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("names", nargs="*")
    args = parser.parse_intermixed_args()
    names = args.names or sorted(n for n in os.listdir(args.folder) if os.path.exists(
        os.path.join(args.folder, n, "golden.jsonl")))
    wrong = [compare(args.library, args.folder, n, args.count, args.seed) for n in names]
    sys.exit(1 if any(wrong) else 0)


if __name__ == "__main__":
    main()
