# test_regex_peers.py - RegexFullMatch beside onnxruntime (RE2): the same answers, and the same patterns refused
# SPDX-License-Identifier: Apache-2.0
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

tool = os.environ.get("MOTE_TOOL", "build/release/mote")
if not Path(tool).exists():
    print("skipped: the tool is not built")
    sys.exit(77)
try:
    import numpy as np
    import onnx
    import onnxruntime as ort
    from onnx import TensorProto, helper
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)

ort.set_default_logger_severity(4)
patterns = [
    r"(\W|^)[\w.\-]{0,25}@(yahoo|gmail)\.com(\W|$)", r"a*b+c?", r"(a|bc)*d{2,4}", r"[^a-c]+", r"\d{3}-\d{4}", r"(?i)hello", r".*x.*", r"(?s).*x.*", r"^abc$",
    r"\bfoo\b.*", r"[[:alpha:]]+[[:digit:]]*", r"(ab?c){2,}", r"", r"\u00e4+\u00f6?", "\u00e4+\u00f6?", "[\u03b1-\u03c9]+", "(?i)stra\u00dfe|\u00c4\u00d6", r"a{,3}", r"x{2}y",
    r"\x41\x{42}\103", r"(?P<n>a)(?:b)c", r"a|b|", r"(a*)*b", r"\Qa.b\E+", r"[\]\-a]+", r"(?-i)a(?i:b)c", r"\s+\S+", r"(?m)^a$\n^b$", r"((((a?){3}){3}){3}){3}b", r"[^\D5]+",
    r"a**", r"(a", r"a)", r"[b-a]", r"a{2,1}", r"a{1001}", r"\1", r"\y", r"*a", r"[a", r"(?z)a", r"\x4", r"(?P<>a)", r"[[:foo:]]"]
words = ["", "a", "b", "abc", "aabbc", "bcbcdd", "ddd", "xyz", "123-4567", "HELLO", "hello", "a\nxb", "axb", "abc\n", "foo bar", "foobar", "Ab9", "abcac", "acac", "\u00e4\u00f6",
         "\u00e4\u00e4\u00f6", "\u03b1\u03b2\u03b3", "STRASSE", "stra\u00dfe", "\u00c4\u00d6", "a{,3}", "xxy", "ABC", "aab", "a.b", "a.bb", "]-a", "aBc", "ABc", "  foo", "me@gmail.com",
         "x me@gmail.com y", "me@yahoo.com", "a\nb", "1234", "aaaab"]
wrong = 0
with tempfile.TemporaryDirectory() as tmp:
    for p in patterns:
        y = helper.make_tensor_value_info("y", TensorProto.BOOL, [len(words)])
        node = helper.make_node("RegexFullMatch", ["x"], ["y"], pattern=p)
        ids = {"opset_imports": [helper.make_opsetid("", 20)], "ir_version": 10}
        theirs = helper.make_model(helper.make_graph([node], "g", [helper.make_tensor_value_info("x", TensorProto.STRING, [len(words)])], [y]), **ids)
        try:
            want = ort.InferenceSession(theirs.SerializeToString()).run(None, {"x": np.array(words, dtype=object)})[0]
        except Exception:
            want = None
        words_tensor = helper.make_tensor("x", TensorProto.STRING, [len(words)], [w.encode() for w in words])
        onnx.save(helper.make_model(helper.make_graph([node], "g", [], [y], [words_tensor]), **ids), f"{tmp}/m.onnx")
        r = subprocess.run([tool, "run", f"{tmp}/m.onnx", "--random", "--outputs", f"{tmp}/y.npz", "--overwrite"], capture_output=True, text=True)
        got = np.load(f"{tmp}/y.npz")["y"].astype(bool) if r.returncode == 0 else None
        if (want is None) != (got is None) or (want is not None and (want != got).any()):
            wrong += 1
            differ = [w for w, a, b in zip(words, want, got) if a != b] if want is not None and got is not None else ""
            print(f"WRONG {p!r}: onnxruntime {'refuses' if want is None else 'takes'} it, mote {r.stderr.strip()[:120] if got is None else 'takes it'} {differ}")
        elif got is None and "RegexFullMatch" not in r.stderr:
            wrong += 1
            print(f"WRONG {p!r}: the error does not name the operator: {r.stderr.strip()}")


# Random patterns side by side in one model; letters that are several without regard to case among them. The Kelvin sign is U+212A.
rng = random.Random(5)
ATOMS = ["a", "b", "c", ".", r"\d", r"\w", r"\s", r"\W", r"\D", "[a-c]", "[^b]", r"[\d_]", "[[:alpha:]]", "[^[:digit:]a]", "\u00e9", "\u00df", "k", "s", r"\b", r"\B", "^", "$", r"\x41",
         r"\n", "-", "\u017f", "[k-s]", "[^K]", "\u03a3", "[\u03b1-\u03c9]", "[[:^word:]]", r"[\W\d]", "\u0130", "[\u00b5-\u00e5]"]


def grown(depth):
    r = rng.random()
    if depth == 0 or r < 0.4:
        return rng.choice(ATOMS)
    if r < 0.6:
        return grown(depth - 1) + grown(depth - 1)
    if r < 0.7:
        return "(" + grown(depth - 1) + "|" + grown(depth - 1) + ")"
    if r < 0.8:
        return rng.choice(["(?:", "(?i:", "(?s:", "(?m:", "(?im:", "(?-i:"]) + grown(depth - 1) + ")"
    if r < 0.83:
        return "(" + rng.choice(["", "|" + grown(depth - 1), grown(depth - 1) + "|"]) + ")"
    return "(" + grown(depth - 1) + ")" + rng.choice(["*", "+", "?", "{2}", "{0,2}", "{1,3}", "{2,}", "*?", "{0}"])


words = ["".join(rng.choice("abckKsSA1_ \n\u017f\u00df\u00c9\u00e9\u03c3\u03c2\u03a3-\u212ax\u0130i\u0131\u00b5\u03bc") for _ in range(rng.randint(0, 6))) for _ in range(150)]
grown_patterns = [rng.choice(["", "(?i)", "(?i)"]) + grown(4) for _ in range(500)]
nodes = [helper.make_node("RegexFullMatch", ["x"], [f"y{i}"], pattern=p) for i, p in enumerate(grown_patterns)]
tensor = helper.make_tensor("x", TensorProto.STRING, [len(words)], [w.encode() for w in words])
outs = [helper.make_tensor_value_info(n.output[0], TensorProto.BOOL, [len(words)]) for n in nodes]
both = helper.make_model(helper.make_graph(nodes, "g", [], outs, [tensor]), opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
want = ort.InferenceSession(both.SerializeToString()).run(None, {})
with tempfile.TemporaryDirectory() as tmp:
    onnx.save(both, f"{tmp}/m.onnx")
    r = subprocess.run([tool, "run", f"{tmp}/m.onnx", "--random", "--outputs", f"{tmp}/y.npz"], capture_output=True, text=True)
    if r.returncode != 0:
        sys.exit(f"WRONG: {r.stderr}")
    got = np.load(f"{tmp}/y.npz")
    for n, p, w in zip(nodes, grown_patterns, want):
        differ = [x for x, a, b in zip(words, w, got[n.output[0]].astype(bool)) if a != b]
        if differ:
            wrong += 1
            print(f"WRONG {p!r}: {differ[:5]}")
print(f"{len(patterns) + len(grown_patterns)} patterns, {wrong} wrong")
sys.exit(1 if wrong else 0)
