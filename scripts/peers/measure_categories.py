#!/usr/bin/env python3
"""Prints src/text/category_tables.h: the general category, as regular expressions of the tokenizers
package see it, of characters to which this Python's Unicode 14 gives another or none, and old characters of the
same categories to stand for them. Needs the package; no part of the build."""
import unicodedata

from tokenizers import Regex, pre_tokenizers

CATEGORIES = ("Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps",
              "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Cf")
assert unicodedata.unidata_version == "14.0.0"
every = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
text, category = "".join(every), {}
for number, name in enumerate(CATEGORIES):
    split = pre_tokenizers.Split(Regex("\\p{%s}+" % name), "removed", invert=True)
    for _, (start, stop) in split.pre_tokenize_str(text):
        for c in every[start:stop]:
            if unicodedata.category(c) != name:
                category[ord(c)] = number

ranges = []
for c, number in sorted(category.items()):
    if ranges and ranges[-1][1] == c - 1 and ranges[-1][2] == number:
        ranges[-1][1] = c
    else:
        ranges.append([c, c, number])


def stand_in(name, low, high):
    """The first letter of its kind that has no case partner, or the first of all."""
    found = [c for c in range(low, high)
             if unicodedata.category(chr(c)) == name and not 0x3400 <= c < 0xA000]
    plain = [c for c in found if chr(c).upper() == chr(c).lower()]
    return (plain or found or [0])[0]


print("""/* clang-format off */
/* Made by scripts/peers/measure_categories.py; do not edit.
 * Characters that Unicode 14 does not know or knows otherwise: first, last and a place in the next table. */
""")
print(f"static const uint32_t yo_newer_category[{len(ranges)}][3] = {{")
line = "   "
for first, last, number in ranges:
    item = f" {{0x{first:X}, 0x{last:X}, {number}}},"
    if len(line) + len(item) > 100:
        print(line)
        line = "   "
    line += item
print(line + "\n};\n")
print("/* Old characters by category: of three bytes and of four; 0 for none. */")
print(f"static const uint32_t yo_category_sample[{len(CATEGORIES)}][2] = {{")
for name in CATEGORIES:
    three, four = stand_in(name, 0x800, 0x10000), stand_in(name, 0x10000, 0x110000)
    print(f"    {{0x{three:X}, 0x{four:X}}}, /* {name} */")
print("};")
