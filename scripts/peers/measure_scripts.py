#!/usr/bin/env python3
"""Prints src/text/script_tables.h: which code points UnicodeScripts of the tokenizers package
holds to be of one script, found by asking it. Needs the package; no part of the build."""
from tokenizers import pre_tokenizers

split = pre_tokenizers.UnicodeScripts().pre_tokenize_str
points = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
# A text of characters of any script alone has no pieces.
scripted = [c for c in points if split(chr(c))]
text = "".join(map(chr, scripted))
numbers, samples = {}, []
for _, (start, stop) in split(text):
    run = scripted[start:stop]
    for number, sample in enumerate(samples, 1):
        if len(split(chr(sample) + chr(run[0]))) == 1:
            break
    else:
        samples.append(run[0])
        number = len(samples)
    for c in run:
        numbers[c] = number

first, script, last = [], [], None
for c in range(0x110000):
    number = numbers.get(c, 0)
    if number != last:
        first.append(c)
        script.append(number)
        last = number


def emit(kind, name, values, form):
    print(f"static const {kind} {name}[{len(values)}] = {{")
    line = "   "
    for value in values:
        item = " " + form % value + ","
        if len(line) + len(item) > 100:
            print(line)
            line = "   "
        line += item
    print(line + "\n};\n")


print("""/* clang-format off */
/* Made by scripts/peers/measure_scripts.py; do not edit.
 * Scripts as UnicodeScripts of the tokenizers library tells them apart: where each run of code
 * points begins, and its script's number (0: any, which never ends a piece). */
""")
emit("uint32_t", "yo_script_first", first, "0x%x")
emit("uint8_t", "yo_script_number", script, "%d")
