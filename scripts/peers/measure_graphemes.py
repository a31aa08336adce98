#!/usr/bin/env python3
"""Prints src/text/grapheme_tables.h: which code points the tokenizers package attaches to the
character before them in a grapheme cluster, found by asking its Precompiled normalizer.

usage: measure_graphemes.py TOKENIZER_JSON    (one whose character map lowers the case)
Needs the package; no part of the build."""
import json
import sys

from tokenizers import normalizers


def charsmap(node):
    if isinstance(node, dict):
        if "precompiled_charsmap" in node:
            return node
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            found = charsmap(child)
            if found:
                return found
    return None


with open(sys.argv[1], encoding="utf-8") as file:
    spec = charsmap(json.load(file)["normalizer"])
normal = normalizers.Normalizer.from_str(json.dumps(spec)) if hasattr(
    normalizers.Normalizer, "from_str") else None
if normal is None:
    import base64
    normal = normalizers.Precompiled(base64.b64decode(spec["precompiled_charsmap"]))

# A cluster below six bytes is replaced by what its first character maps to: the rest is lost.
ranges = []
for c in range(0x80, 0x110000):
    if 0xD800 <= c < 0xE000 or normal.normalize_str("T" + chr(c)) != "t":
        continue
    if normal.normalize_str(chr(c)) == "":
        continue
    if ranges and ranges[-1][1] == c - 1:
        ranges[-1][1] = c
    else:
        ranges.append([c, c])

print("""/* clang-format off */
/* Made by scripts/peers/measure_graphemes.py; do not edit.
 * Characters that belong to the grapheme cluster of the one before, first and last of each run. */
""")
print(f"static const uint32_t yo_extending[{len(ranges)}][2] = {{")
line = "   "
for first, last in ranges:
    item = f" {{0x{first:x}, 0x{last:x}}},"
    if len(line) + len(item) > 100:
        print(line)
        line = "   "
    line += item
print(line + "\n};")
