#!/usr/bin/env python3
"""Compares yoso's tokenizers with the tokenizers package on random strings, every field.

usage: compare_tokenizers.py LIBRARY FOLDER [COUNT] [SEED]
LIBRARY is libyoso.so, FOLDER holds tokenizer folders and their golden.jsonl (whose texts are
mutated). Not part of the suite: it needs the package."""
import ctypes as ct
import json
import os
import random
import sys
import time

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors


class Options(ct.Structure):
    _fields_ = [("add_special_tokens", ct.c_int32), ("encode_special_tokens", ct.c_int32),
                ("full", ct.c_int32), ("overflow", ct.c_int32), ("codepoints", ct.c_int32),
                ("max_length", ct.c_int64), ("stride", ct.c_int64), ("strategy", ct.c_int32),
                ("truncate_left", ct.c_int32), ("padding", ct.c_int32), ("pad_length", ct.c_int64),
                ("pad_multiple", ct.c_int64), ("pad_left", ct.c_int32), ("pad_id", ct.c_int32),
                ("pad_type_id", ct.c_int32), ("pad_token", ct.c_char_p)]


class Yoso:
    def __init__(self, library, path):
        self.lib = lib = ct.CDLL(library)
        lib.yoso_error_message.restype = ct.c_char_p
        for name, kind in (("ids", ct.c_int32), ("type_ids", ct.c_int32), ("word_ids", ct.c_int32),
                           ("attention_mask", ct.c_uint8), ("special_tokens_mask", ct.c_uint8),
                           ("offsets", ct.c_uint32)):
            function = getattr(lib, "yoso_encoding_" + name)
            function.restype = ct.POINTER(kind)
            function.argtypes = [ct.c_void_p, ct.c_int64, ct.c_int64]
        lib.yoso_encoding_length.restype = ct.c_int64
        lib.yoso_encoding_length.argtypes = [ct.c_void_p, ct.c_int64, ct.c_int64]
        lib.yoso_encoding_free.argtypes = [ct.c_void_p]
        lib.yoso_encoding_token.restype = ct.c_void_p
        lib.yoso_encoding_token.argtypes = [ct.c_void_p] + [ct.c_int64] * 3 + [ct.c_void_p]
        lib.yoso_tokenizer_decode.argtypes = [ct.c_void_p, ct.c_void_p, ct.c_void_p, ct.c_void_p,
                                              ct.c_int64, ct.c_int32]
        lib.yoso_text_free.argtypes = [ct.c_void_p]
        lib.yoso_encode.argtypes = [ct.c_void_p] * 3 + [ct.c_int64] + [ct.c_void_p] * 4
        self.handle = ct.c_void_p()
        if lib.yoso_tokenizer_load(ct.byref(self.handle), path.encode()):
            raise SystemExit(lib.yoso_error_message().decode())
        self.options = Options(add_special_tokens=1, full=1, codepoints=1, max_length=-1)

    def encode(self, texts, full=1):
        lib, n = self.lib, len(texts)
        data = [t.encode() for t in texts]
        self.options.full = full
        out = ct.c_void_p()
        if lib.yoso_encode(ct.byref(out), self.handle, ct.byref(self.options), n,
                           (ct.c_char_p * n)(*data), (ct.c_int64 * n)(*map(len, data)), None, None):
            raise RuntimeError(lib.yoso_error_message().decode())
        records = []
        for i in range(n):
            count = lib.yoso_encoding_length(out, i, 0)
            if not full:
                records.append(lib.yoso_encoding_ids(out, i, 0)[:count])
                continue
            size, tokens = ct.c_int64(), []
            for k in range(count):
                text = lib.yoso_encoding_token(out, i, 0, k, ct.byref(size))
                tokens.append(ct.string_at(text, size.value).decode())
            flat = lib.yoso_encoding_offsets(out, i, 0)[:2 * count]
            words = lib.yoso_encoding_word_ids(out, i, 0)[:count]
            records.append((lib.yoso_encoding_ids(out, i, 0)[:count], tokens,
                            list(zip(flat[::2], flat[1::2])),
                            [None if w < 0 else w for w in words],
                            lib.yoso_encoding_type_ids(out, i, 0)[:count],
                            lib.yoso_encoding_special_tokens_mask(out, i, 0)[:count]))
        lib.yoso_encoding_free(out)
        return records

    def decode(self, ids, skip):
        text, size = ct.c_void_p(), ct.c_int64()
        array = (ct.c_int32 * max(1, len(ids)))(*ids)
        self.lib.yoso_tokenizer_decode(ct.byref(text), ct.byref(size), self.handle, array, len(ids),
                                       skip)
        result = ct.string_at(text, size.value).decode()
        self.lib.yoso_text_free(text)
        return result


def peer(folder):
    path = os.path.join(folder, "tokenizer.json")
    if os.path.exists(path):
        return Tokenizer.from_file(path)
    tok = Tokenizer(models.BPE.from_file(folder + "/vocab.json", folder + "/merges.txt"))
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tok.post_processor = processors.ByteLevel(trim_offsets=False)
    tok.decoder = decoders.ByteLevel()
    tok.add_special_tokens([AddedToken("<|endoftext|>", normalized=True)])
    return tok


BLOCKS = [(0x20, 0x7F), (0xA0, 0x250), (0x250, 0x370), (0x370, 0x590), (0x590, 0x900),
          (0x900, 0x1100), (0x1100, 0x1380), (0x1380, 0x2000), (0x2000, 0x2070), (0x2070, 0x2C00),
          (0x2C00, 0x3000), (0x3000, 0x3400), (0x3400, 0xA000), (0xA000, 0xAC00),
          (0xAC00, 0xD7B0), (0xE000, 0xFB00), (0xFB00, 0x10000), (0x10000, 0x11000),
          (0x11000, 0x12000), (0x12000, 0x1D000), (0x1D000, 0x1F000), (0x1F000, 0x1FB00),
          (0x20000, 0x32400), (0xE0000, 0xE0200), (0, 0x20), (0x300, 0x370)]


class Strings:
    def __init__(self, folder, seed):
        self.random = random.Random(seed)
        self.texts = set()
        for name in os.listdir(folder):
            path = os.path.join(folder, name, "golden.jsonl")
            if os.path.exists(path):
                for line in open(path, encoding="utf-8"):
                    text = json.loads(line).get("text")
                    if isinstance(text, str) and len(text) < 3000:
                        self.texts.add(text)
        self.texts = sorted(self.texts)
        self.extra = []

    def character(self):
        r = self.random
        low, high = r.choice(BLOCKS)
        c = r.randrange(low, high)
        return " " if 0xD800 <= c < 0xE000 else chr(c)

    def next(self):
        r = self.random
        kind = r.random()
        if kind < 0.35:  # characters of a few blocks, or of all
            blocks = [r.choice(BLOCKS) for _ in range(r.randint(1, 3))]
            out = []
            for _ in range(r.choice((1, 2, 3, 5, 8, 13, 21, 60))):
                low, high = r.choice(blocks)
                c = r.randrange(low, high)
                out.append(" " if r.random() < 0.15 or 0xD800 <= c < 0xE000 else chr(c))
            return "".join(out)
        if kind < 0.45:
            return "".join(self.character() for _ in range(r.randint(1, 12)))
        text = r.choice(self.texts)
        start = r.randrange(len(text) + 1)
        text = list(text[start:start + r.choice((4, 10, 30, 80, 200))])
        for _ in range(r.randint(0, 4)):
            at = r.randrange(len(text) + 1)
            action = r.random()
            if action < 0.3:
                text.insert(at, self.character())
            elif action < 0.45:
                text.insert(at, r.choice((" ", "  ", "\u0301", "\u200d", "'s", "\n", "\t", "▁", "##")))
            elif action < 0.6 and self.extra:
                text.insert(at, r.choice(self.extra))
            elif action < 0.8 and text:
                del text[min(at, len(text) - 1)]
            elif text:
                k = r.randrange(len(text))
                text[k] = text[k].upper() if r.random() < 0.5 else self.character()
        return "".join(text)


FIELDS = ("ids", "tokens", "offsets", "word_ids", "type_ids", "special_tokens_mask")


def compare(library, folder, name, count, seed):
    path = os.path.join(folder, name)
    ours, theirs, strings = Yoso(library, path), peer(path), Strings(folder, seed)
    strings.extra = [t.content for t in theirs.get_added_tokens_decoder().values()]
    wrong, done, start = 0, 0, time.time()
    while done < count and wrong < 10:
        texts = [strings.next() for _ in range(min(2000, count - done))]
        wanted = theirs.encode_batch(texts)
        got, quick = ours.encode(texts), ours.encode(texts, 0)
        for i, (text, want) in enumerate(zip(texts, wanted)):
            expected = (want.ids, want.tokens, want.offsets, want.word_ids, want.type_ids,
                        want.special_tokens_mask)
            bad = [f for f, a, b in zip(FIELDS, got[i], expected) if list(a) != list(b)]
            if quick[i] != want.ids:
                bad.append("ids alone")
            skip = i % 2
            if i % 8 == 0 and ours.decode(want.ids, skip) != theirs.decode(
                    want.ids, skip_special_tokens=bool(skip)):
                bad.append("decoded")
            if bad:
                wrong += 1
                print(f"{name}: {ascii(text)}: {', '.join(bad)}")
                for f, a, b in zip(FIELDS, got[i], expected):
                    if f in bad[:1]:
                        print("   ours  ", ascii(a)[:300], "\n   theirs", ascii(b)[:300])
                if wrong >= 10:
                    break
        done += len(texts)
    print(f"{name}: {done} strings, {wrong} differences, {time.time() - start:.0f} s", flush=True)
    return wrong


def main():
    library, folder = sys.argv[1], sys.argv[2]
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 1000000
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    names = sys.argv[5:] or sorted(n for n in os.listdir(folder)
                                   if os.path.exists(os.path.join(folder, n, "golden.jsonl")))
    sys.exit(1 if sum(compare(library, folder, n, count, seed) for n in names) else 0)


if __name__ == "__main__":
    main()
