"""Both sides of a comparison of tokenizers: libyoso.so through its C interface, and the
tokenizers package."""
import ctypes as ct
import os

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors


class Options(ct.Structure):  # yoso_encode_options
    _fields_ = [("add_special_tokens", ct.c_int32), ("encode_special_tokens", ct.c_int32),
                ("full", ct.c_int32), ("overflow", ct.c_int32), ("codepoints", ct.c_int32),
                ("max_length", ct.c_int64), ("stride", ct.c_int64), ("strategy", ct.c_int32),
                ("truncate_left", ct.c_int32), ("padding", ct.c_int32), ("pad_length", ct.c_int64),
                ("pad_multiple", ct.c_int64), ("pad_left", ct.c_int32), ("pad_id", ct.c_int32),
                ("pad_type_id", ct.c_int32), ("pad_token", ct.c_char_p)]


STRATEGIES = ("longest_first", "only_first", "only_second")


def native_options(options, full):
    cut, pad = options["truncation"], options["padding"]
    native = Options(add_special_tokens=options["special"], encode_special_tokens=options["skip"],
                     full=full, overflow=1, codepoints=1, max_length=-1)
    if cut:
        native.max_length, native.stride = cut["max_length"], cut["stride"]
        native.strategy = STRATEGIES.index(cut["strategy"])
        native.truncate_left = cut["direction"] == "left"
    if pad:
        native.padding, native.pad_length = 2 if pad["length"] else 1, pad["length"] or 0
        native.pad_multiple, native.pad_left = (pad["pad_to_multiple_of"] or 0,
                                                pad["direction"] == "left")
        native.pad_id, native.pad_type_id = pad["pad_id"], pad["pad_type_id"]
        native.pad_token = pad["pad_token"].encode()
    return native


def texts_of(strings):
    """A list of strings as C arrays of texts and lengths."""
    data = [s.encode() for s in strings]
    return (ct.c_char_p * len(data))(*data), (ct.c_int64 * len(data))(*map(len, data))


class Yoso:
    def __init__(self, library, path=None, json=None):
        self.lib = lib = ct.CDLL(library)
        lib.yoso_error_message.restype = ct.c_char_p
        pointer, number = ct.c_void_p, ct.c_int64
        for name, kind in (("ids", ct.c_int32), ("type_ids", ct.c_int32), ("word_ids", ct.c_int32),
                           ("sequence_ids", ct.c_int32), ("attention_mask", ct.c_uint8),
                           ("special_tokens_mask", ct.c_uint8), ("offsets", ct.c_uint32)):
            function = getattr(lib, "yoso_encoding_" + name)
            function.restype, function.argtypes = ct.POINTER(kind), [pointer, number, number]
        lib.yoso_encoding_length.restype = lib.yoso_encoding_windows.restype = number
        lib.yoso_encoding_length.argtypes = [pointer, number, number]
        lib.yoso_encoding_windows.argtypes = [pointer, number]
        lib.yoso_encoding_free.argtypes = lib.yoso_text_free.argtypes = [pointer]
        lib.yoso_encoding_token.restype = pointer
        lib.yoso_encoding_token.argtypes = [pointer, number, number, number, pointer]
        lib.yoso_tokenizer_decode.argtypes = [pointer] * 4 + [number, ct.c_int32]
        lib.yoso_encode.argtypes = [pointer] * 3 + [number] + [pointer] * 4
        lib.yoso_encode_words.argtypes = [pointer] * 5 + [number] + [pointer] * 2 + [number]
        lib.yoso_tokenizer_free.argtypes = [pointer]
        lib.yoso_tokenizer_from_json.argtypes = [pointer, ct.c_char_p, number]
        lib.yoso_set_threads(1)
        self.size, self.token = ct.c_int64(), lib.yoso_encoding_token
        self.place = ct.byref(self.size)
        self.handle = ct.c_void_p()
        status = (lib.yoso_tokenizer_load(ct.byref(self.handle), path.encode()) if path else
                  lib.yoso_tokenizer_from_json(ct.byref(self.handle), json, len(json)))
        if status:
            raise ValueError(self.message())

    def message(self):
        return self.lib.yoso_error_message().decode()

    def free(self):
        self.lib.yoso_tokenizer_free(self.handle)

    def run(self, inputs, kind, native):
        """The handle of an encoding of texts or pairs; None when they are refused."""
        out, n = ct.c_void_p(), len(inputs)
        first = texts_of([i[0] for i in inputs] if kind == "pair" else inputs)
        second = texts_of([i[1] for i in inputs]) if kind == "pair" else (None, None)
        failed = self.lib.yoso_encode(ct.byref(out), self.handle, ct.byref(native), n, *first,
                                      *second)
        return None if failed else out

    def run_words(self, one, kind, native):
        out = ct.c_void_p()
        words, pair = one if kind == "word pair" else (one, None)
        second = (*texts_of(pair), len(pair)) if pair is not None else (None, None, -1)
        failed = self.lib.yoso_encode_words(ct.byref(out), self.handle, ct.byref(native),
                                            *texts_of(words), len(words), *second)
        return None if failed else out

    def window(self, out, i, w):
        lib = self.lib
        n, tokens = lib.yoso_encoding_length(out, i, w), []
        for k in range(n):
            text = self.token(out, i, w, k, self.place)
            length = self.size.value
            tokens.append(ct.string_at(text, length).decode())
        flat = lib.yoso_encoding_offsets(out, i, w)[:2 * n]
        return {"ids": lib.yoso_encoding_ids(out, i, w)[:n], "tokens": tokens,
                "offsets": list(zip(flat[::2], flat[1::2])),
                "word_ids": [None if x < 0 else x for x in lib.yoso_encoding_word_ids(out, i, w)[:n]],
                "sequence_ids": [None if x < 0 else x
                                 for x in lib.yoso_encoding_sequence_ids(out, i, w)[:n]],
                "type_ids": lib.yoso_encoding_type_ids(out, i, w)[:n],
                "special_tokens_mask": lib.yoso_encoding_special_tokens_mask(out, i, w)[:n],
                "attention_mask": lib.yoso_encoding_attention_mask(out, i, w)[:n]}

    def windows(self, out, i):
        return [self.window(out, i, w) for w in range(self.lib.yoso_encoding_windows(out, i))]

    def encode(self, inputs, options):
        """The windows of every input, or the message of its refusal."""
        native, kind = native_options(options, 1), options["kind"]
        words = kind.startswith("word")
        if words and options["padding"] and not options["padding"]["length"]:
            self.set_length(inputs, options, native)
        out = None if words else self.run(inputs, kind, native)
        if out:
            records = [self.windows(out, i) for i in range(len(inputs))]
            self.lib.yoso_encoding_free(out)
            return records
        records = []
        for one in inputs:
            out = self.run_words(one, kind, native) if words else self.run([one], kind, native)
            records.append(self.windows(out, 0) if out else self.message())
            if out:
                self.lib.yoso_encoding_free(out)
        return records

    def set_length(self, inputs, options, native):
        """Lists of words are encoded one by one: the longest decides here."""
        plain, longest = native_options({**options, "padding": None}, 1), 0
        for one in inputs:
            out = self.run_words(one, options["kind"], plain)
            if out:
                longest = max(longest, self.lib.yoso_encoding_length(out, 0, 0))
                self.lib.yoso_encoding_free(out)
        native.padding, native.pad_length = 2, longest

    def encode_ids(self, texts, options):
        """Ids alone; None when the texts are refused."""
        out = self.run(texts, "text", native_options(options, 0))
        if not out:
            return None
        ids = [self.lib.yoso_encoding_ids(out, i, 0)[:self.lib.yoso_encoding_length(out, i, 0)]
               for i in range(len(texts))]
        self.lib.yoso_encoding_free(out)
        return ids

    def decode(self, ids, skip):
        text, size = ct.c_void_p(), ct.c_int64()
        array = (ct.c_int32 * max(1, len(ids)))(*ids)
        if self.lib.yoso_tokenizer_decode(ct.byref(text), ct.byref(size), self.handle, array,
                                          len(ids), skip):
            raise RuntimeError(self.message())
        result = ct.string_at(text, size.value).decode()
        self.lib.yoso_text_free(text)
        return result


def library_tokenizer(folder):
    """The package's tokenizer of a folder; GPT-2 has no tokenizer.json and is put together."""
    path = os.path.join(folder, "tokenizer.json")
    if os.path.exists(path):
        return Tokenizer.from_file(path)
    tokenizer = Tokenizer(models.BPE.from_file(folder + "/vocab.json", folder + "/merges.txt"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken("<|endoftext|>", normalized=True)])
    return tokenizer
