# test_calibration.py - calibration data judged: copies, outliers, whether more samples would change scales, production data beside them; against numpy and onnxruntime
# SPDX-License-Identifier: Apache-2.0
#
# Needs the data set at $MOTE_SHARED.
import json
import subprocess

from quantkit import check, data, done, mote, prep, report, tmp, tool

import numpy as np
import onnx
import onnxruntime as ort
from onnx import numpy_helper

keywords = data / "audio/keywords.onnx"
mode = ("--int8", "static", "--effort", 0, "--overwrite")
real = np.load(data / "audio/keywords-calibration.npz")["input_1"].astype(np.float32)
held_out = np.load(data / "audio/keywords-evaluation.npz")["input_1"].astype(np.float32)


def judged(samples, *args, name="q"):
    np.savez(tmp / f"{name}.npz", input_1=samples)
    return report("quantize", keywords, "-o", tmp / f"{name}.onnx", *mode, "--data", tmp / f"{name}.npz", *args)["calibration"]


def scales(path):
    g = onnx.load(path).graph
    c = {i.name: numpy_helper.to_array(i) for i in g.initializer}
    return {n.input[0]: (float(c[n.input[1]]), int(c[n.input[2]]), c[n.input[2]].dtype) for n in g.node if n.op_type == "QuantizeLinear"}


def tensors(names, samples):
    m = onnx.load(keywords)
    m.graph.output.extend(onnx.helper.make_empty_tensor_value_info(n) for n in names if n != "input_1")
    o = ort.SessionOptions()
    o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    s = ort.InferenceSession(m.SerializeToString(), o, providers=["CPUExecutionProvider"])
    each = [dict(zip([n for n in names if n != "input_1"], s.run([n for n in names if n != "input_1"], {"input_1": x.reshape(1, 1, 49, 10)}))) | {"input_1": x} for x in samples]
    return {n: [e[n].ravel().astype(float) for e in each] for n in names}


# findings
plain = real[:60].copy()
c = judged(plain)
check("plain samples", c["samples"] == 60 and c["copies"] == c["constant"] == 0 and c["ranges"] >= 10 and "others" not in c, c)
odd = plain.copy()
odd[40], odd[50], odd[30] = odd[7], 0.25, odd[30] * 20
c = judged(odd)
found = {(f["kind"], f["index"]): f for f in c["findings"]}
check("a copy is named", c["copies"] == 1 and found[("copy", 40)]["sample"] == "item 40" and found[("copy", 40)]["of"] == "item 7", c["findings"][:4])
check("a constant is named", c["constant"] == 1 and ("constant", 50) in found)
check("an outlier is named, with the ranges that it sets", found[("outlier", 30)]["ranges"] >= c["ranges"] - 2 and found[("outlier", 30)]["factor"] > 5 and
      c["findings"][0]["index"] == 30, found.get(("outlier", 30)))
text = mote("quantize", keywords, "-o", tmp / "q.onnx", *mode, "--data", tmp / "q.npz").stdout
check("and in the text", all(w in text for w in ("item 40 is item 7", "item 50", "item 30", "more samples would change")), text.split("\n")[1:6])
holes = plain.copy()
holes[5, 0, 3, 3] = np.nan
np.savez(tmp / "nan.npz", input_1=holes)
r = subprocess.run([tool, "quantize", str(keywords), "-o", str(tmp / "none.onnx"), *map(str, mode), "--data", str(tmp / "nan.npz")], capture_output=True, text=True)
check("a sample with NaN is named and refused", r.returncode == 1 and "item 5" in r.stderr and not (tmp / "none.onnx").exists(), r.stderr.strip()[:120])

# growth: against onnxruntime's tensors
c = judged(real[:100])
s = scales(tmp / "q.onnx")
known = {o for n in onnx.load(keywords).graph.node for o in n.output} | {"input_1"}
seen = tensors([n for n in s if n in known], real[:100])
grown = 0
for name, values in seen.items():
    lo, hi = np.minimum.accumulate([min(v.min(), 0) for v in values]), np.maximum.accumulate([max(v.max(), 0) for v in values])
    grown += (hi[-1] - lo[-1]) / (hi[74] - lo[74]) > 1.05
check("ranges that grew in the last quarter are onnxruntime's", abs(c["grown"] - grown) <= c["ranges"] - len(seen) + 1 and len(seen) >= 9, (c["grown"], grown, c["ranges"], len(seen)))

# what is said of as many samples again comes true
for n in (40, 75, 150):
    said = judged(real[:n], name="a")
    judged(real[: 2 * n], name="b")
    a, b = scales(tmp / "a.onnx"), scales(tmp / "b.onnx")
    changed = sum(abs(b[k][0] / a[k][0] - 1) > 0.05 for k in a)
    check(f"{n} more samples change about as many scales as was said", abs(said["unsettled"] - changed) <= 0.35 * len(a), (said["unsettled"], changed, len(a)))
check("samples that add nothing", judged(np.concatenate([real[:30], real[:30]]))["copies"] == 30)

# production beside calibration
c = judged(real[:150], "--compare-data", data / "audio/keywords-evaluation.npz", name="p")
file = (tmp / "p.onnx").read_bytes()
judged(real[:150], name="p2")
check("others do not change the file", (tmp / "p2.onnx").read_bytes() == file)
check("speech beside speech is alike", c["others"] == len(held_out) and not c["differ"], [t["name"] for t in c["tensors"] if t["differs"]])
s = scales(tmp / "p.onnx")
mine, theirs = tensors([n for n in s if n in known], real[:150]), tensors([n for n in s if n in known], held_out)
compared = 0
for t in c["tensors"]:
    if t["name"] not in mine:
        continue
    a, b, (scale, zero, kind) = np.concatenate(mine[t["name"]]), np.concatenate(theirs[t["name"]]), s[t["name"]]
    lo, hi = (np.iinfo(kind).min - zero) * scale, (np.iinfo(kind).max - zero) * scale
    width = 2.0 ** np.ceil(np.log2(max(abs(a).max(), abs(b).max()) * 1.0000001)) / 1024
    between = lambda x, e: (((x < lo - e) | (x > hi + e)).mean() - 1e-9, ((x < lo + e) | (x > hi - e)).mean() + 1e-9)
    good = abs(t["lo"] - lo) < 1e-3 * (hi - lo) and abs(t["hi"] - hi) < 1e-3 * (hi - lo) and abs(t["others_hi"] - b.max()) < 1e-4 * (hi - lo) and abs(t["others_lo"] - b.min()) < 1e-4 * (hi - lo)
    good = good and all(l <= t[k] <= h for k, x in (("outside", a), ("others_outside", b)) for l, h in [between(x, width)])
    if t["input"] or not t["name"].startswith("conv"):  # channels of what convolutions read count by their weights
        good = good and (not t["input"] or (abs(t["mean"] - a.mean()) < width and abs(t["others_mean"] - b.mean()) < width and abs(t["deviation"] - a.std()) < width and abs(t["others_deviation"] - b.std()) < width))
    compared += 1
    check(f"beside: {t['name']} is onnxruntime's", good, {k: (round(v, 5) if isinstance(v, float) else v) for k, v in t.items()})
check("enough were compared", compared >= 5, compared)
for what, other in (("louder", held_out[:50] * 3), ("shifted", held_out[:50] + 10), ("noise", np.random.default_rng(1).normal(0, 1, (50, 1, 49, 10)).astype(np.float32))):
    np.savez(tmp / "other.npz", input_1=other)
    c = judged(real[:60], "--compare-data", tmp / "other.npz")
    text = mote("quantize", keywords, "-o", tmp / "q.onnx", *mode, "--data", tmp / "q.npz", "--compare-data", tmp / "other.npz").stdout
    check(f"a warning: {what}", c["differ"] and next(t for t in c["tensors"] if t["input"])["differs"] and "warning" in text)

# any threads and kernels
documents = [json.dumps(judged(odd, "--compare-data", tmp / "other.npz", *args)) for args in (("--threads", 1), ("--threads", 2), ("--threads", 2, "--cpu", "none"))]
check("the same judgement with any threads and kernels", len(set(documents)) == 1)

# pictures by their files, sounds by their steps, fp16
pictures = ("--data", data / "vision/calibration", "--limit", 8, "--prep", prep / "mobilenetv3-small.json")
c = report("quantize", data / "vision/mobilenetv3-small.onnx", "-o", tmp / "m.onnx", *mode, *pictures, "--compare-data", data / "vision/evaluation")["calibration"]
check("pictures", c["samples"] == c["others"] == 8 and c["ranges"] > 90 and all(f["sample"].endswith(".JPEG") for f in c["findings"]), c["findings"][:2])
c = report("quantize", data / "audio/dtln-1.onnx", "-o", tmp / "d.onnx", *mode, "--data", data / "audio/jfk.wav", "--limit", 40, "--prep", prep / "dtln-1.json")["calibration"]
check("steps of a sound", c["samples"] == 40 and all(f["sample"].startswith("jfk.wav, step ") for f in c["findings"]), c["findings"][:2])
c = report("quantize", keywords, "-o", tmp / "h.onnx", "--fp16", "--data", tmp / "q.npz", "--compare-data", tmp / "other.npz")["calibration"]
check("float16: ranges, no scales", c["samples"] == 60 and c["unsettled"] is None and c["ranges"] > 5, {k: c[k] for k in ("samples", "ranges", "grown", "unsettled")})

# not to be compared with
np.savez(tmp / "size.npz", input_1=real.reshape(len(real), -1)[:, :100])
np.savez(tmp / "name.npz", foo=real)
(tmp / "empty").mkdir()
for what in ("nothing-there", "empty", "size.npz", "name.npz"):
    r = subprocess.run([tool, "quantize", str(keywords), "-o", str(tmp / "none.onnx"), *map(str, mode), "--data", str(tmp / "q.npz"), "--compare-data", str(tmp / what)], capture_output=True, text=True)
    check(f"refused: {what}", r.returncode in (1, 2) and what in r.stderr and not (tmp / "none.onnx").exists(), r.stderr.strip()[:150])
r = subprocess.run([tool, "quantize", str(keywords), "-o", str(tmp / "none.onnx"), "--int8", "dynamic", "--compare-data", str(tmp / "q.npz")], capture_output=True, text=True)
check("refused: nothing to compare with", r.returncode == 2 and "--compare-data" in r.stderr)

done()
