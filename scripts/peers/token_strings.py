"""Random strings for comparing tokenizers: characters of all blocks, mutated real text."""
import json
import os
import random

BLOCKS = [(0x20, 0x7F), (0xA0, 0x250), (0x250, 0x370), (0x370, 0x590), (0x590, 0x900),
          (0x900, 0x1100), (0x1100, 0x1380), (0x1380, 0x2000), (0x2000, 0x2070), (0x2070, 0x2C00),
          (0x2C00, 0x3000), (0x3000, 0x3400), (0x3400, 0xA000), (0xA000, 0xAC00),
          (0xAC00, 0xD7B0), (0xE000, 0xFB00), (0xFB00, 0x10000), (0x10000, 0x11000),
          (0x11000, 0x12000), (0x12000, 0x1D000), (0x1D000, 0x1F000), (0x1F000, 0x1FB00),
          (0x20000, 0x32400), (0xE0000, 0xE0200), (0, 0x20), (0x300, 0x370)]
PIECES = (" ", "  ", "\u0301", "\u200d", "'s", "'LL", "\n", "\r\n", "\t", "▁", "##", "…", "ﬁ", "İ",
          "\u3000", "``", "''", ".", ",", "--", "12", "½", "한국", "中文", "ﷺ", "\ufeff", "</w>")


def golden_texts(folder):
    """The texts of all golden.jsonl files below a folder."""
    texts = set()
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name, "golden.jsonl")
        if os.path.exists(path):
            with open(path, encoding="utf-8") as lines:
                for line in lines:
                    text = json.loads(line).get("text")
                    if isinstance(text, str) and len(text) < 3000:
                        texts.add(text)
    return sorted(texts)


class Strings:
    """next() gives one string after another; `extra` are strings worth putting in."""

    def __init__(self, folder, seed):
        self.random = random.Random(seed)
        self.texts = golden_texts(folder)
        self.extra = []

    def character(self, blocks=BLOCKS):
        low, high = self.random.choice(blocks)
        c = low + int(self.random.random() * (high - low))
        return " " if 0xD800 <= c < 0xE000 else chr(c)

    def characters(self):
        r = self.random
        blocks = [r.choice(BLOCKS) for _ in range(r.randint(1, 3))]
        return "".join(" " if r.random() < 0.15 else self.character(blocks)
                       for _ in range(r.choice((1, 2, 3, 5, 8, 13, 21, 60))))

    def ascii(self):
        r = self.random
        letters = r.choice(("ab", "abcdefgh .,", "aA'`\"-_ ", "0123456789., ", "\t\n\r ax"))
        return "".join(r.choice(letters) for _ in range(r.choice((2, 5, 12, 40, 120))))

    def mutated(self):
        r = self.random
        text = r.choice(self.texts)
        start = r.randrange(len(text) + 1)
        text = list(text[start:start + r.choice((4, 10, 30, 80, 200))])
        for _ in range(r.randint(0, 4)):
            at, action = r.randrange(len(text) + 1), r.random()
            if action < 0.25:
                text.insert(at, self.character())
            elif action < 0.45:
                text.insert(at, r.choice(PIECES))
            elif action < 0.6 and self.extra:
                text.insert(at, r.choice(self.extra))
            elif action < 0.8 and text:
                del text[min(at, len(text) - 1)]
            elif text:
                k = r.randrange(len(text))
                text[k] = text[k].upper() if r.random() < 0.5 else self.character()
        return "".join(text)

    def next(self):
        kind = self.random.random()
        if kind < 0.3:
            return self.characters()
        if kind < 0.4:
            return "".join(self.character() for _ in range(self.random.randint(0, 12)))
        if kind < 0.5:
            return self.ascii()
        if kind < 0.505:  # long: past every limit of a word
            return self.mutated().replace(" ", "") * 5 + self.characters() * 3
        return self.mutated()
