# test_sensitivity.py - mote sensitivity: figures against files of the same recipes run in onnxruntime, ranking, picture, wrong uses
# SPDX-License-Identifier: Apache-2.0
#
# Needs the data set at $MOTE_SHARED.
import json
import subprocess
import xml.etree.ElementTree as xml

from quantkit import check, data, done, mote, prep, report, tmp, tool

import numpy as np
import onnx
import onnxruntime as ort

keywords = data / "audio/keywords.onnx"
calibration = data / "audio/keywords-calibration.npz"
n = 24
words = [v.reshape(1, 1, 49, 10).astype(np.float32) for v in np.load(calibration)["input_1"][:n]]


def outputs(path):
    s = ort.InferenceSession(str(path))
    return np.stack([s.run(None, {s.get_inputs()[0].name: v})[0].ravel() for v in words]).astype(np.float64)


def figures(a, b):
    soft = lambda x: np.exp(x - x.max(1, keepdims=True)) / np.exp(x - x.max(1, keepdims=True)).sum(1, keepdims=True)
    p, q = soft(a), soft(b)
    return (10 * np.log10((a**2).sum() / ((a - b) ** 2).sum()), (p * np.log(p / q)).sum(1).mean(), (a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum()))


def record_bytes(path):
    """What `mote quantize` adds about its samples: figures of recipes leave it out."""
    return sum(1 + (1 if n < 128 else 2) + n for n in (e.ByteSize() for e in onnx.load(path).metadata_props if e.key == "mote.preprocess"))


args = ("sensitivity", keywords, "--data", calibration, "--limit", n, "--effort", 0, "--one-out", "--precisions", "int8,f16,int8-dynamic,weights-int4,weights-f16")
r = report(*args, "--svg", tmp / "k.svg")
check("layers", [l["node"] for l in r["layers"]] == [f"conv_{k}" for k in range(1, 18, 2)] + ["gemm_21"], len(r["layers"]))
model = onnx.shape_inference.infer_shapes(onnx.load(keywords))
shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in [*model.graph.value_info, *model.graph.output]}
weights = {i.name: list(i.dims) for i in model.graph.initializer}
for l in r["layers"]:
    node = next(k for k in model.graph.node if k.name == l["node"])
    w = weights[node.input[1]]
    want = np.prod(shapes[node.output[0]]) * np.prod(w[1:])
    check(f"{l['node']}: weights and multiplications", l["weights"] == np.prod(w) and l["multiplications"] == want, (l["weights"], l["multiplications"]))

original = outputs(keywords)
cases = [("one_in", "conv_1", "int8"), ("one_out", "conv_9", "int8"), ("one_in", "conv_13", "f16"), ("one_in", "conv_5", "int8-dynamic"), ("one_in", "gemm_21", "weights-int4"),
         ("one_out", "conv_1", "f16"), ("one_in", "conv_17", "weights-f16"), (None, None, "int8")]
for way, node, precision in cases:
    rest, own = ("f32", precision) if way == "one_in" else (precision, "f32")
    (tmp / "r.json").write_text(json.dumps({"default": rest, "rules": [{"node": node, "precision": own}] if node else []}))
    mote("quantize", keywords, "-o", tmp / "q.onnx", "--recipe", tmp / "r.json", "--data", calibration, "--limit", n, "--effort", 0, "--overwrite")
    sqnr, kl, cosine = figures(original, outputs(tmp / "q.onnx"))
    said = r["all"][precision] if node is None else next(l for l in r["layers"] if l["node"] == node)[way][precision]
    loose = 2 if precision != "weights-f16" else 0.1  # a quantized step more or less between runtimes; arithmetic of float16 rounds elsewhere
    check(f"{way or 'all'} {node or ''} {precision}", abs(said["sqnr_db"] - sqnr) <= loose and abs(said["kl"] - kl) <= 0.5 * kl + 1e-8 and abs(said["cosine"] - cosine) < 1e-3,
          f"{said['sqnr_db']:.1f} dB, {said['kl']:.2g}; onnxruntime {sqnr:.1f} dB, {kl:.2g}")
    check(f"{way or 'all'} {node or ''} {precision}: bytes", said["bytes"] + record_bytes(tmp / "q.onnx") == (tmp / "q.onnx").stat().st_size, said["bytes"])
worst = [max(v["ratio"] for v in r["layers"][i]["one_in"].values()) for i in r["order"]]
check("the most sensitive first", worst == sorted(worst, reverse=True) and sorted(r["order"]) == list(range(10)))
again = json.loads(mote(*args, "--json", "--threads", 1, "--cpu", "none").stdout)
check("the same figures with other threads and kernels", again["layers"] == r["layers"] and again["order"] == r["order"])

# values before a layer are kept where that pays: run from the beginning, the figures are the same but for how fusions round
vision = data / "vision/mobilenetv3-small.onnx"
common = ("sensitivity", vision, "--data", data / "vision/calibration", "--prep", prep / "mobilenetv3-small.json", "--limit", 2, "--effort", 0, "--json")
a, b = (json.loads(mote(*common, *more).stdout) for more in ((), ("--whole",)))
far = [(k["node"], p) for k, m in zip(a["layers"], b["layers"]) for p in k["one_in"]
       if abs((k["one_in"][p]["sqnr_db"] or 999) - (m["one_in"][p]["sqnr_db"] or 999)) > 0.02 or k["one_in"][p]["bytes"] != m["one_in"][p]["bytes"]]
check("kept values give what whole runs give", far == [] and len(a["layers"]) == 54 and a["all"] == b["all"], far)

tree = xml.parse(tmp / "k.svg").getroot()
bars = [e for e in tree.iter("{http://www.w3.org/2000/svg}rect") if e.find("{http://www.w3.org/2000/svg}title") is not None]
check("the picture has a bar a layer and precision", len(bars) == 50, len(bars))

# names that would be markup
evil = onnx.load(keywords)
evil.graph.node[0].name = '</text><script>alert("1")</script>\x07&'
onnx.save(evil, tmp / "evil.onnx")
mote("sensitivity", tmp / "evil.onnx", "--data", calibration, "--limit", 2, "--svg", tmp / "evil.svg", "--effort", 0)
text = (tmp / "evil.svg").read_text()
check("names are escaped", "<script" not in text and "\x07" not in text and xml.parse(tmp / "evil.svg") is not None)

# scores of finalists
s = json.loads(mote("sensitivity", keywords, "--data", calibration, "--limit", n, "--eval", data / "audio/keywords-evaluation.npz", "--prep", prep / "keywords.json", "--finalists", 2,
                    "--json").stdout)
scored = [(l["node"], p) for l in s["layers"] for p in l["one_in"] if "score" in l["one_in"][p]]
correct = report("eval", keywords, "--data", data / "audio/keywords-evaluation.npz", "--prep", prep / "keywords.json")["top1"]
check("finalists have scores", len(scored) == 4 and s["score"] == correct and s["metric"] == "top1" and "score" in s["all"]["int8"], scored)

for what, bad in (("no data", (keywords,)), ("an unknown precision", (keywords, "--data", calibration, "--precisions", "int3")), ("a precision twice", (keywords, "--data", calibration, "--precisions", "f16,f16")),
                  ("no such file", (tmp / "none.onnx", "--data", calibration)), ("quantized already", (data / "audio/keywords-int8-qdq.onnx", "--data", calibration)),
                  ("an existing picture", (keywords, "--data", calibration, "--svg", tmp / "k.svg"))):
    r = subprocess.run([tool, "sensitivity", *map(str, bad)], capture_output=True, text=True)
    check("refused: " + what, r.returncode in (1, 2) and r.stderr.strip() != "" and r.stdout == "", r.stderr.strip()[:110])

done()
