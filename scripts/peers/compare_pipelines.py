#!/usr/bin/env python3
"""Compares yoso with the tokenizers package on random pipelines: normalizers, pre-tokenizers,
models, added tokens, post-processors and decoders put together at random.

usage: compare_pipelines.py LIBRARY FOLDER [--pipelines N] [--strings N] [--seed N]
FOLDER holds the tokenizer folders whose small models are used. A pipeline that differs is printed
without its model. Not part of the suite: it needs the package."""
import argparse
import json
import os
import random
import re
import sys
import time

os.environ.update(TOKENIZERS_PARALLELISM="false", RUST_BACKTRACE="0")
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compare_tokenizers import batch_of, compare_batch, random_options  # noqa: E402
from token_peer import Yoso  # noqa: E402
from token_strings import Strings  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402

MODELS = ("bert-cased-mini", "llama2-style-mini", "llama3-style-mini", "clip-style-mini",
          "wordlevel-mini", "unigram-bytefallback-mini")
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
          r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
         r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+"
         r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}"
         r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
BLOOM = r" ?[^(\s|[.,!?…。，、।۔،])]+"
QWEN2 = LLAMA3.replace("{1,3}", "")
BEHAVIORS = ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous")


class Pipelines:
    def __init__(self, folder, seed):
        self.r = random.Random(seed)
        self.parts = {}
        for name in MODELS:
            with open(os.path.join(folder, name, "tokenizer.json"), encoding="utf-8") as file:
                self.parts[name] = json.load(file)
        self.charsmaps = [n for t in self.parts.values() for n in self.flat(t["normalizer"])
                          if n["type"] == "Precompiled"]

    @staticmethod
    def flat(part):
        if part is None:
            return []
        return part.get("normalizers") or [part]

    def flag(self):
        return self.r.random() < 0.5

    def normalizer(self):
        r = self.r
        return r.choice((
            lambda: {"type": r.choice(("NFC", "NFD", "NFKC", "NFKD"))},
            lambda: {"type": r.choice(("Lowercase", "StripAccents", "Nmt"))},
            lambda: {"type": "BertNormalizer", "clean_text": self.flag(),
                     "handle_chinese_chars": self.flag(),
                     "strip_accents": r.choice((None, True, False)), "lowercase": self.flag()},
            lambda: {"type": "Strip", "strip_left": self.flag(), "strip_right": self.flag()},
            lambda: {"type": "Prepend", "prepend": r.choice(("▁", "x", " "))},
            lambda: {"type": "Replace", "pattern": r.choice((
                {"String": " "}, {"String": "``"}, {"String": "''"}, {"String": "a"},
                {"Regex": " {2,}"}, {"Regex": "\\s+"}, {"Regex": "[aeiou]"})),
                "content": r.choice((" ", "▁", '"', "", "bb"))},
            lambda: r.choice(self.charsmaps), lambda: {"type": "ByteLevel"},
        ))()

    def pre_tokenizer(self):
        r = self.r
        return r.choice((
            lambda: {"type": "ByteLevel", "add_prefix_space": self.flag(), "trim_offsets": True,
                     "use_regex": self.flag()},
            lambda: {"type": r.choice(("BertPreTokenizer", "Whitespace", "WhitespaceSplit",
                                       "UnicodeScripts"))},
            lambda: {"type": "Digits", "individual_digits": self.flag()},
            lambda: {"type": "Punctuation", "behavior": r.choice(BEHAVIORS)},
            lambda: {"type": "Metaspace", "replacement": "▁", "split": self.flag(),
                     "prepend_scheme": r.choice(("always", "first", "never"))},
            lambda: {"type": "Split", "pattern": r.choice((
                {"Regex": GPT2}, {"Regex": LLAMA3}, {"Regex": QWEN2}, {"Regex": O200K}, {"Regex": BLOOM}, {"String": " "},
                {"Regex": "\\d+"}, {"Regex": "\\w+|[^\\w\\s]+"})),
                "behavior": r.choice(BEHAVIORS), "invert": self.flag()},
            lambda: {"type": "CharDelimiterSplit", "delimiter": r.choice((" ", "a", "▁"))},
            lambda: {"type": "FixedLength", "length": r.choice((1, 3, 5))},
        ))()

    def sequence(self, kind, make, most):
        parts = [make() for _ in range(self.r.randint(0, most))]
        if len(parts) < 2:
            return parts[0] if parts else None
        return {"type": "Sequence", kind: parts}

    def decoder(self):
        r = self.r
        return r.choice((
            lambda: None, lambda: {"type": "ByteLevel", "add_prefix_space": True,
                                   "trim_offsets": True, "use_regex": True},
            lambda: {"type": "WordPiece", "prefix": "##", "cleanup": self.flag()},
            lambda: {"type": "Metaspace", "replacement": "▁", "split": True,
                     "prepend_scheme": r.choice(("always", "first", "never"))},
            lambda: {"type": "BPEDecoder", "suffix": "</w>"},
            lambda: {"type": "Sequence", "decoders": [
                {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
                {"type": "ByteFallback"}, {"type": "Fuse"},
                {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
            lambda: {"type": "CTC", "pad_token": "a", "word_delimiter_token": "|",
                     "cleanup": self.flag()},
        ))()

    def post_processor(self, tokens):
        r, name, other = self.r, *self.r.sample(sorted(tokens), 2)
        single = [{"SpecialToken": {"id": name, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
        return r.choice((
            lambda: None,
            lambda: {"type": "Sequence", "processors": [
                {"type": "ByteLevel", "add_prefix_space": self.flag(), "trim_offsets": self.flag(),
                 "use_regex": True}, self.template(single, name, tokens)]},
            lambda: {"type": "BertProcessing", "sep": [name, tokens[name]],
                     "cls": [other, tokens[other]]},
            lambda: {"type": "RobertaProcessing", "sep": [name, tokens[name]],
                     "cls": [other, tokens[other]], "trim_offsets": self.flag(),
                     "add_prefix_space": self.flag()},
            lambda: {"type": "ByteLevel", "add_prefix_space": self.flag(),
                     "trim_offsets": self.flag(), "use_regex": True},
            lambda: self.template(single, name, tokens),
        ))()

    @staticmethod
    def template(single, name, tokens):
        return {"type": "TemplateProcessing", "single": single,
                "pair": single + [{"Sequence": {"id": "B", "type_id": 1}}],
                "special_tokens": {name: {"id": name, "ids": [tokens[name]], "tokens": [name]}}}

    def model(self, model):
        """The model with options of its own."""
        model, r = dict(model), self.r
        if r.random() < 0.5:
            return model
        if model["type"] == "BPE":
            for name in ("fuse_unk", "byte_fallback", "ignore_merges"):
                model[name] = self.flag()
            model["unk_token"] = r.choice((None, sorted(model["vocab"])[5]))
        elif model["type"] == "WordPiece":
            model["max_input_chars_per_word"] = r.choice((0, 3, 10, 100))
            model["continuing_subword_prefix"] = r.choice(("##", "", "a"))
        elif model["type"] == "Unigram":
            model["byte_fallback"] = self.flag()
            model["unk_id"] = r.choice((model["unk_id"], 7))
        return model

    def added_tokens(self, base):
        r, added = self.r, [dict(t) for t in base]
        for content in r.sample(("<x>", "ab", "a b", " ", "中", "E", "..", "</s>", "\u0301"),
                                r.randint(0, 3)):
            added.append({"content": content, "single_word": self.flag() and self.flag(),
                          "lstrip": self.flag() and self.flag(),
                          "rstrip": self.flag() and self.flag(), "normalized": self.flag(),
                          "special": self.flag()})
        size = max([t.get("id", 0) for t in added] + [10000]) + 1
        for i, token in enumerate(added):
            token.setdefault("id", size + i)
        return added

    def next(self):
        r = self.r
        base = self.parts[r.choice(MODELS)]
        vocab = base["model"]["vocab"]
        tokens = ({t: i for i, (t, _) in enumerate(vocab)} if isinstance(vocab, list) else vocab)
        tokens = dict(sorted(tokens.items())[:200])
        return {
            "version": "1.0", "truncation": None, "padding": None,
            "added_tokens": self.added_tokens(base["added_tokens"]),
            "normalizer": (base["normalizer"] if r.random() < 0.2 else
                           self.sequence("normalizers", self.normalizer, 3)),
            "pre_tokenizer": (base["pre_tokenizer"] if r.random() < 0.2 else
                              self.sequence("pretokenizers", self.pre_tokenizer, 2)),
            "post_processor": self.post_processor(tokens), "decoder": self.decoder(),
            "model": self.model(base["model"])}


def compare(library, pipeline, strings, count, r):
    """How many of `count` inputs differ; None when the package does not take the pipeline."""
    text = json.dumps(pipeline)
    try:
        theirs = Tokenizer.from_str(text)
    except Exception:
        return None
    if theirs.normalizer and any(t["normalized"] and not theirs.normalizer.normalize_str(
            t["content"]) for t in pipeline["added_tokens"]):
        return None  # the package finds the empty string everywhere, and panics
    ours = Yoso(library, json=text.encode())
    strings.extra = [t["content"] for t in pipeline["added_tokens"]]
    wrong = done = 0
    while done < count and wrong == 0:
        options = random_options(r)
        inputs = batch_of(strings, options, 40)
        wrong += compare_batch(pipeline["model"]["type"], theirs, ours, inputs, options,
                               r.randrange(1000))
        done += len(inputs)
    ours.free()
    return wrong


def describe(pipeline):
    """Prints what is not the same in all pipelines."""
    added = [t for t in pipeline["added_tokens"] if t["id"] > 10000]
    print("added", [(t["content"], [k for k, v in t.items() if v is True]) for t in added])
    for part in ("normalizer", "pre_tokenizer", "post_processor", "decoder"):
        text = json.dumps(pipeline[part], ensure_ascii=False)
        print("  ", part, re.sub(r'"[A-Za-z0-9+/=]{200,}"', "...", text))
    print(flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("folder")
    parser.add_argument("--pipelines", type=int, default=2000)
    parser.add_argument("--strings", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    pipelines, strings = Pipelines(args.folder, args.seed), Strings(args.folder, args.seed)
    r, tried, bad, start = random.Random(args.seed), 0, 0, time.time()
    while tried < args.pipelines and bad < 10:
        pipeline = pipelines.next()
        try:
            wrong = compare(args.library, pipeline, strings, args.strings, r)
        except Exception as problem:
            wrong = 1
            print("refused here:", problem)
        if wrong:
            bad += 1
            describe(pipeline)
        tried += wrong is not None
    print(f"{tried} pipelines, {bad} with differences, {time.time() - start:.0f} s", flush=True)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
