# test_regex_peers.py - RegexFullMatch beside onnxruntime (RE2): the same answers, and the same patterns refused
# SPDX-License-Identifier: Apache-2.0
import os
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
print(f"{len(patterns)} patterns, {wrong} wrong")
sys.exit(1 if wrong else 0)
