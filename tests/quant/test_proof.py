# test_proof.py - the proof of mote quantize: its figures beside onnxruntime's, what --require refuses, data that are no proof
# SPDX-License-Identifier: Apache-2.0
#
# Needs the data set at $MOTE_SHARED.
import json
import subprocess
from fractions import Fraction
from math import comb

from quantkit import check, data, done, mote, prep, report, tmp, tool

import numpy as np
import onnx
import onnxruntime as ort

keywords = data / "audio/keywords.onnx"
plain = ("--int8", "static", "--data", data / "audio/keywords-calibration.npz", "--limit", 40, "--effort", 0)
held_out = np.load(data / "audio/keywords-evaluation.npz")
labels = held_out["label"].reshape(-1)
words = held_out["input_1"].astype(np.float32).reshape(-1, 1, 1, 49, 10)


def outputs(path):
    o = ort.SessionOptions()
    o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    s = ort.InferenceSession(str(path), o, providers=["CPUExecutionProvider"])
    return np.concatenate([s.run(None, {s.get_inputs()[0].name: x})[0] for x in words])


def mcnemar(b, c):  # the binomial test, exactly
    n = b + c
    return float(min(1, 2 * sum(Fraction(comb(n, i), 2**n) for i in range(min(b, c) + 1))))


def refused(*args, model=keywords, code=3, calibrated=plain):
    """Runs a quantization that must end with this code and leave no file; what it says."""
    q = tmp / "none.onnx"
    r = subprocess.run([tool, "quantize", str(model), "-o", str(q), *map(str, calibrated), *map(str, args)], capture_output=True, text=True)
    good = r.returncode == code and not q.exists() and not list(tmp.glob("none.onnx*"))
    return r.stderr if good else f"!!! {r.returncode} {r.stdout} {r.stderr}"


# figures, beside onnxruntime's of the same two files
q = tmp / "k.onnx"
p = report("quantize", keywords, "-o", q, *plain, "--eval", data / "audio/keywords-evaluation.npz", "--prep", prep / "keywords.json", "--require", "smaller,drop=3,same=90,sqnr=10")
check("it is written", p["written"] and q.exists() and p["proof"]["refused"] == [])
a, b = outputs(keywords), outputs(q)
p = p["proof"]
right = [(o.argmax(1) == labels) for o in (a, b)]
only = [int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())]
check("scores are onnxruntime's", p["metric"] == "top1" and abs(p["original"]["score"] - 100 * right[0].mean()) < 1e-6 and abs(p["result"]["score"] - 100 * right[1].mean()) < 0.6,
      (p["original"]["score"], p["result"]["score"], 100 * right[1].mean()))
check("changed answers are onnxruntime's", p["answers"] == len(labels) and abs(p["same"] - int((a.argmax(1) == b.argmax(1)).sum())) <= 2, (p["same"], int((a.argmax(1) == b.argmax(1)).sum())))
check("so are those that one has right", p["items"] == len(labels) and all(abs(x - y) <= 2 for x, y in zip(p["right_in_one"], only)), (p["right_in_one"], only))
check("p is McNemar's", abs(p["p"] - mcnemar(*p["right_in_one"])) < 1e-9, p["p"])
db = 10 * np.log10((a.astype(float) ** 2).sum() / ((a.astype(float) - b) ** 2).sum())
check("SQNR is onnxruntime's", abs(p["outputs"][0]["sqnr_db"] - db) < 0.5, (p["outputs"][0]["sqnr_db"], db))
check("bytes are the files'", p["original"]["bytes"] == keywords.stat().st_size and p["result"]["bytes"] == q.stat().st_size)
check("latency and memory are there", all(p[k][f] > 0 for k in ("original", "result") for f in ("p50_ms", "weight_bytes", "tensor_bytes")))
file = q.read_bytes()
mote("quantize", keywords, "-o", tmp / "k2.onnx", *plain, "--prep", prep / "keywords.json")
check("the proof does not change the file", (tmp / "k2.onnx").read_bytes() == file)

# layers, beside onnxruntime's: what the result's DequantizeLinear says against the float model's tensor of that name
def inner(path, names):
    m = onnx.load(path)
    m.graph.output.extend(onnx.helper.make_empty_tensor_value_info(n) for n in names)
    o = ort.SessionOptions()
    o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    s = ort.InferenceSession(m.SerializeToString(), o, providers=["CPUExecutionProvider"])
    each = [s.run(names, {s.get_inputs()[0].name: x}) for x in words[:16]]
    return [np.concatenate([e[i] for e in each]).astype(float) for i in range(len(names))]


graph = onnx.load(q).graph
made = {n.name or n.output[0]: n.output[0] for n in graph.node}
back = {n.input[0]: next(d.output[0] for d in graph.node if d.input[:1] == n.output[:1]) for n in graph.node if n.op_type == "QuantizeLinear"}
known = {o for n in onnx.load(keywords).graph.node for o in n.output}
pairs = [(l, made[l["node"]], back[made[l["node"]]]) for l in p["layers"] if made.get(l["node"]) in known and made[l["node"]] in back]
a, b = inner(keywords, [v for _, v, _ in pairs]), inner(q, [d for _, _, d in pairs])
dbs = [10 * np.log10((x**2).sum() / ((x - y) ** 2).sum()) for x, y in zip(a, b)]
check("layers' SQNR is onnxruntime's", len(pairs) >= 8 and all(abs(l["sqnr_db"] - x) < 0.3 for (l, _, _), x in zip(pairs, dbs)), [(l["node"], l["sqnr_db"], round(float(x), 2)) for (l, _, _), x in zip(pairs, dbs)])
check("the worst first", [l["sqnr_db"] for l in p["layers"]] == sorted(l["sqnr_db"] for l in p["layers"]))

# conditions
scored = ("--eval", data / "audio/keywords-evaluation.npz", "--prep", prep / "keywords.json", "--eval-limit", 100)
for condition, words_of in (("same=100", "less accurate than asked"), ("sqnr=60", "less accurate than asked"), ("smaller,faster,sqnr=60", "'output' keeps")):
    check(f"refused: {condition}", words_of in refused(*scored, "--require", condition), refused(*scored, "--require", condition).strip()[:120])
r = subprocess.run([tool, "quantize", str(keywords), "-o", str(q), *map(str, plain + scored), "--overwrite", "--require", "sqnr=60", "--json"], capture_output=True, text=True)
j = json.loads(r.stdout)
check("what was there stays, and the document says why", r.returncode == 3 and q.read_bytes() == file and not j["written"] and "asked 60" in j["proof"]["refused"][0] and j["bytes"] == len(file))
small = ("--weights-only", "int4", "--block", 16)
text = refused(*scored, "--sqnr", 20, "--require", "sqnr=70", "--recipe-out", tmp / "r.json", calibrated=plain[2:-2])
check("a search that is refused leaves no recipe either", "asked 70" in text and not text.startswith("!!!") and not (tmp / "r.json").exists(), text.strip()[-100:])
text = refused("--eval", data / "vision/mnist.inputs.npz", "--require", "smaller", model=data / "audio/wavenet-amp.onnx", calibrated=small, code=2)
check("inputs of another model", "no array" in text and not text.startswith("!!!"), text.strip()[:120])

sound = ("--eval", data / "audio/guitar.wav", "--prep", prep / "wavenet-amp.json", "--eval-limit", 1)
int8 = ("--int8", "static", "--data", data / "audio/guitar.wav", "--limit", 1, "--effort", 0)
text = refused(*sound, "--require", "sqnr=18", model=data / "audio/wavenet-amp.onnx", calibrated=int8)
check("wavenet-amp in INT8 is refused at 18 dB, with the figure", "less accurate than asked" in text and " dB, asked 18" in text, text.strip())
text = refused(*sound, "--require", "smaller", model=data / "audio/wavenet-amp.onnx", calibrated=int8)
check("and is not smaller", "not smaller" in text, text.strip())
text = refused(*sound, "--require", "same=99", model=data / "audio/wavenet-amp.onnx", calibrated=int8, code=2)
check("sounds have no answers", "no classes" in text, text.strip())

# words: F1 of both, word for word; without labels, and with them
lines = (data / "text/ner/en_ewt-ud-test.iob2").read_text().split("\n\n")[100:220]
(tmp / "w.iob2").write_text("\n\n".join(lines) + "\n")
(tmp / "bare.txt").write_text("\n\n".join("\n".join(l.split("\t")[1] for l in s.split("\n") if l[:1].isdigit()) for s in lines) + "\n")
ner = ("--prep", prep / "ner-minilm.json", "--vocab", data / "text/vocab.txt")
n = tmp / "n.onnx"
p = report("quantize", data / "text/ner-minilm.onnx", "-o", n, "--int8", "dynamic", "--eval", tmp / "w.iob2", *ner, "--require", "same=95")["proof"]
answers = []
for k, m in enumerate((data / "text/ner-minilm.onnx", n)):
    r = report("eval", m, "--data", tmp / "w.iob2", *ner, "--predictions", tmp / f"p{k}")
    answers.append([l.split("\t") for l in (tmp / f"p{k}").read_text().split("\n")])
    check(f"F1 is that of mote eval ({k})", abs(r["f1"] - p["original" if k == 0 else "result"]["score"]) < 1e-9, r["f1"])
tags = [(x[1], x[2], y[2]) for x, y in zip(*answers) if len(x) == 3]
check("dynamic: every layer is looked at", sum(l["op"] == "MatMul" for l in p["layers"]) >= 36 and all(l["sqnr_db"] is None or l["sqnr_db"] > 8 for l in p["layers"]), p["layers"][0])
check("the same answers, word for word", p["answers"] == len(tags) and p["same"] == sum(x[1] == x[2] for x in tags) and p["metric"] == "f1", (p["same"], p["answers"]))
p = report("quantize", data / "text/ner-minilm.onnx", "-o", n, "--int8", "dynamic", "--eval", tmp / "bare.txt", *ner, "--require", "same=95", "--overwrite")["proof"]
check("words without labels: pieces", "metric" not in p and p["answers"] > len(tags) and p["same"] >= 0.95 * p["answers"], (p["same"], p["answers"]))

# pictures without labels
(tmp / "pictures").mkdir()
for f in sorted((data / "vision/evaluation").glob("*.JPEG"))[:5]:
    (tmp / "pictures" / f.name).write_bytes(f.read_bytes())
p = report("quantize", data / "vision/efficientnet-lite0.onnx", "-o", tmp / "e.onnx", "--weights-only", "int8", "--eval", tmp / "pictures", "--prep", prep / "efficientnet-lite0.json", "--require", "same=60,smaller")["proof"]
check("pictures without labels", p["samples"] == 5 and p["answers"] == 5 and "metric" not in p, p["same"])

# data that are no proof: before the work, no file
x = held_out["input_1"][:20]
sets = {"short": {"input_1": x, "label": labels[:19]}, "classes": {"input_1": x, "label": np.full(20, 12)}, "float labels": {"input_1": x, "label": np.zeros(20, np.float32)},
        "size": {"input_1": x.reshape(20, -1)[:, :100], "label": labels[:20]}, "nothing": {"input_1": x[:0], "label": labels[:0]}, "name": {"foo": x, "label": labels[:20]},
        "unlabelled name": {"foo": x}, "NaN": {"input_1": np.full_like(x, np.nan), "label": labels[:20]}, "type": {"input_1": x.astype(np.float64), "label": labels[:20]}}
(tmp / "empty").mkdir()
(tmp / "empty.iob2").write_text("")
(tmp / "empty.npz").write_text("")
bad = [tmp / "nothing-there", tmp / "empty", tmp / "empty.iob2", tmp / "empty.npz", data / "vision/evaluation"]
for what, arrays in sets.items():
    bad.append(tmp / f"{what}.npz")
    np.savez(bad[-1], **arrays)
for e in bad:
    r = subprocess.run([tool, "quantize", str(keywords), "-o", str(tmp / "none.onnx"), *map(str, plain), "--eval", str(e)], capture_output=True, text=True)
    check(f"no proof: {e.name}", r.returncode in (1, 2) and r.stderr.startswith("mote: ") and not (tmp / "none.onnx").exists(), r.stderr.strip()[:150])
np.savez(tmp / "unlabelled.npz", input_1=x)
for what, args, code in (("drop without labels", ("--eval", tmp / "unlabelled.npz", "--require", "drop=1"), 2), ("an unknown word", (*scored, "--require", "larger"), 2),
                         ("an empty word", (*scored, "--require", "smaller,"), 2), ("no number", (*scored, "--require", "drop=x"), 2), ("a flag with a number", (*scored, "--require", "smaller=1"), 2),
                         ("a negative number", (*scored, "--require", "sqnr=-1"), 2), ("more than all", (*scored, "--require", "same=101"), 2), ("a word alone", (*scored, "--require", "sqnr"), 2),
                         ("nothing to judge on", ("--require", "smaller"), 2)):
    text = refused(*args, code=code)
    check("refused: " + what, "--require" in text and not text.startswith("!!!"), text.split("\n")[0][:120])

done()
