# case_table.py - src/ops/case_table.inc: simple case mappings of Unicode, as ranges
# SPDX-License-Identifier: Apache-2.0
#
# Usage: python tools/gen/case_table.py > src/ops/case_table.inc   (the Unicode version is that of the Python)
import unicodedata


def mapping(change):
    out = {}
    for i in range(0x110000):
        c = chr(i)
        d = getattr(c, change)()
        if len(d) == 1 and d != c:
            out[i] = ord(d) - i
    return out


def ranges(m):
    """Runs of one difference, with steps of 1 or 2."""
    out, keys, at = [], sorted(m), 0
    while at < len(keys):
        best = at + 1
        step = 1
        for s in (1, 2):
            end = at + 1
            while end < len(keys) and keys[end] == keys[end - 1] + s and m[keys[end]] == m[keys[at]]:
                end += 1
            if end > best:
                best, step = end, s
        out.append((keys[at], keys[best - 1], step, m[keys[at]]))
        at = best
    return out


print(f"/* case_table.inc - simple case mappings of Unicode {unicodedata.unidata_version}, made by tools/gen/case_table.py: first, span, by two, difference")
print(" * SPDX-License-Identifier: Apache-2.0 */")
for name in ("lower", "upper"):
    print(f"static const case_range to_{name}[] = {{")
    for r in ranges(mapping(name)):
        print("    {0x%x, %d, %d, %d}," % (r[0], r[1] - r[0], r[2] == 2, r[3]))
    print("};")
