# test_wordpiece.py - `mote tokens` against the `tokenizers` package: ids and offsets, on random text and on a vocabulary made here
# SPDX-License-Identifier: Apache-2.0
import os, random, subprocess, sys, tempfile
from pathlib import Path

tool = os.environ.get("MOTE_TOOL")
try:
    import tokenizers
except ImportError:
    print("skipped: the package tokenizers is not installed")
    sys.exit(77)
if not tool or not Path(tool).exists():
    print("skipped: the tool is not built")
    sys.exit(77)

ROUNDS = int(os.environ.get("MOTE_WORDPIECE_LINES", "4000"))
shared = Path(os.environ.get("MOTE_SHARED", ""), "data/text")
rng = random.Random(7)
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def made_vocabulary():
    """Letters of many scripts, alone and as continuations, and some longer pieces."""
    letters = [chr(c) for c in [*range(33, 127), *range(0xA1, 0x180), *range(0x370, 0x400), *range(0x400, 0x460), *range(0x4E00, 0x4E80),
                                *range(0x1100, 0x1200), 0x300, 0x301, 0x1F600]]
    words = ["the", "##ing", "un", "##able", "caf", "##e", "str", "##asse", "new", "york", "##s"]
    return SPECIAL + letters + ["##" + x for x in letters] + words


def character():
    pick = rng.random()
    if pick < 0.45:
        return chr(rng.randrange(32, 127))
    if pick < 0.6:
        return chr(rng.randrange(0xA0, 0x250))
    if pick < 0.7:
        return chr(rng.choice([0x300, 0x301, 0x308, 0x327, 0x345, 0x5B0, 0x64B, 0x1D165, 0x302E, 0x20D0]))
    if pick < 0.8:
        return chr(rng.randrange(0x4E00, 0x9FFF))
    if pick < 0.85:
        return chr(rng.randrange(0xAC00, 0xD7A4))
    c = rng.randrange(0x20, 0x110000)
    return "x" if 0xD800 <= c < 0xE000 else chr(c)


def line():
    parts = []
    for _ in range(rng.randrange(1, 12)):
        pick = rng.random()
        parts.append(rng.choice(SPECIAL) if pick < 0.04 else "a" * rng.randrange(95, 106) if pick < 0.06 else
                     "".join(character() for _ in range(rng.randrange(1, 9))))
        parts.append(rng.choice([" ", " ", "", "\t", "\u00a0", "\u3000", "\u2028"]))
    return "".join(parts).replace("\n", " ").replace("\r", " ")


def compare(vocabulary, lowercase, strip, lines):
    with tempfile.TemporaryDirectory() as d:
        vocab, text = Path(d, "vocab.txt"), Path(d, "text.txt")
        vocab.write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
        text.write_bytes("\n".join(lines).encode() + b"\n")
        oracle = tokenizers.BertWordPieceTokenizer(str(vocab), lowercase=lowercase, strip_accents=strip)
        args = [tool, "tokens", "--vocab", str(vocab), str(text)] + ([] if lowercase else ["--cased"])
        args += [] if strip is None else ["--strip-accents", "yes" if strip else "no"]
        out = subprocess.run(args, check=True, capture_output=True).stdout.decode().split("\n")[:-1]
    assert len(out) == len(lines), (len(out), len(lines))
    wrong = 0
    for s, got in zip(lines, out):
        e = oracle.encode(s)
        at = [len(s[:i].encode()) for i in range(len(s) + 1)]
        want = " ".join(f"{i}:{at[a]}-{at[b]}" for i, (a, b) in zip(e.ids, e.offsets))
        if got != want:
            wrong += 1
            if wrong <= 5:
                print(f"lowercase={lowercase} strip={strip} {s!r}\n  want {want}\n  got  {got}")
    return wrong


def changed():
    """Every code point that the normalizers change, and the vocabulary of what they become."""
    forms = [tokenizers.normalizers.BertNormalizer(lowercase=low, strip_accents=strip) for low in (False, True) for strip in (False, True)]
    lines, into = [], set()
    for c in range(0xA0, 0x110000):
        if not 0xD800 <= c < 0xE000:
            to = {f.normalize_str(chr(c)).strip() for f in forms} - {""}
            if to != {chr(c)}:
                into.update("".join(to))
                lines.append(f"x{chr(c)}y {chr(c)}")
    return SPECIAL + sorted(into | {"x", "y"}) + ["##" + x for x in sorted(into | {"x", "y"})], lines


wrong = 0
vocabularies = [made_vocabulary()]
if (shared / "vocab.txt").exists():
    vocabularies.append((shared / "vocab.txt").read_text(encoding="utf-8").split("\n")[:-1])
else:
    print("without ../shared: the made vocabulary only")
for v in vocabularies:
    for lowercase, strip in ((True, None), (False, None), (True, False), (False, True)):
        wrong += compare(v, lowercase, strip, [line() for _ in range(ROUNDS)])
vocabulary, lines = changed()
assert len(lines) > 20000
for lowercase, strip in ((True, None), (False, None), (True, False), (False, True)):
    wrong += compare(vocabulary, lowercase, strip, lines)
print(f"{wrong} lines differ")
sys.exit(wrong != 0)
