# test_budget.py - mote quantize under budgets, mote profile: what is written keeps the budget, is what its recipe makes, and is the same on any machine
# SPDX-License-Identifier: Apache-2.0
#
# Needs the data set at $MOTE_SHARED.
import json
import subprocess

from quantkit import check, data, done, mote, prep, report, tmp, tool

import numpy as np
import onnx
import onnxruntime as ort

keywords = data / "audio/keywords.onnx"
samples = ("--data", data / "audio/keywords-calibration.npz", "--limit", 40)
scored = ("--eval", data / "audio/keywords-evaluation.npz", "--prep", prep / "keywords.json")
words = [v.reshape(1, 1, 49, 10).astype(np.float32) for v in np.load(data / "audio/keywords-calibration.npz")["input_1"][:40]]


def outputs(path):
    s = ort.InferenceSession(str(path))
    return np.stack([s.run(None, {s.get_inputs()[0].name: v})[0].ravel() for v in words]).astype(np.float64)


def search(*args, model=keywords, name="q"):
    q, r = tmp / f"{name}.onnx", tmp / f"{name}.json"
    return q, r, report("quantize", model, "-o", q, *samples, *args, "--recipe-out", r, "--overwrite")


def sane(what, q, recipe, r, *described):
    points = r["search"]["points"]
    cost = "ms" if "ms" in points[0] else "bytes"
    check(f"{what}: sound, and in onnxruntime", onnx.checker.check_model(onnx.load(q), full_check=True) is None and np.isfinite(outputs(q)).all())
    mote("quantize", keywords, "-o", tmp / "again.onnx", "--recipe", recipe, *samples, *described, "--overwrite")
    check(f"{what}: the recipe makes the same file", (tmp / "again.onnx").read_bytes() == q.read_bytes())
    check(f"{what}: the curve is in order", [p[cost] for p in points] == sorted(p[cost] for p in points))
    db = lambda p: p["sqnr_db"] if p["sqnr_db"] is not None else np.inf
    for p in points:
        beaten = any(o[cost] <= p[cost] and db(o) >= db(p) and (o[cost] < p[cost] or db(o) > db(p)) for o in points)
        if beaten == p["pareto"]:
            check(f"{what}: {p['name']} is on the curve or not", False, p)
    check(f"{what}: plain recipes are among them", {"float32", "float16", "int8"} <= {p["name"] for p in points})
    return points[r["search"]["taken"]]


original = outputs(keywords)
q, recipe, r = search("--sqnr", 45)
taken = sane("--sqnr 45", q, recipe, r)
own = outputs(q)
db = 10 * np.log10((original**2).sum() / ((original - own) ** 2).sum())
check("--sqnr 45 keeps 45 dB, in onnxruntime too", r["search"]["sqnr_db"] >= 45 and db >= 44, f"{r['search']['sqnr_db']:.1f}, {db:.1f}")
cheaper = [p for p in r["search"]["points"] if p["sqnr_db"] is not None and p["sqnr_db"] >= 45 and p["bytes"] < taken["bytes"]]
check("--sqnr 45 takes the smallest", not cheaper or all(p["sqnr_db"] < 46.5 for p in cheaper), [p["name"] for p in cheaper])

q, recipe, r = search("--size", "45KB")
taken = sane("--size 45KB", q, recipe, r)
check("--size 45KB is kept", q.stat().st_size <= 45000 and r["bytes"] == q.stat().st_size, q.stat().st_size)

q, recipe, r = search("--drop", 0.3, *scored)
sane("--drop 0.3", q, recipe, r, "--prep", prep / "keywords.json")
score = report("eval", q, "--data", data / "audio/keywords-evaluation.npz", "--prep", prep / "keywords.json")["top1"]
before = report("eval", keywords, "--data", data / "audio/keywords-evaluation.npz", "--prep", prep / "keywords.json")["top1"]
check("--drop 0.3 is kept by the file", before - score <= 0.3 and abs(r["search"]["score"] - score) < 1e-6 and abs(r["search"]["original"] - before) < 1e-6, f"{before:.2f} to {score:.2f}")

# by milliseconds: the profile decides, not this machine
mote("profile", keywords, "-o", tmp / "p.json", "--runs", 3)
profile = json.loads((tmp / "p.json").read_text())
check("a profile has every layer and precision", [l["node"] for l in profile["layers"]] == [f"conv_{k}" for k in range(1, 18, 2)] + ["gemm_21"] and
      all(l[p] >= 0 for l in profile["layers"] for p in ("f32", "f16", "int8")) and all(v > 0 for v in profile["border_ns"].values()) and all(v > 0 for v in profile["total_ms"].values()))
for l in profile["layers"]:
    l.update({"f32": 1.0, "f16": 0.6, "int8": 0.3})
profile["layers"][0]["int8"] = 5.0  # int8 is slow for one layer, here
profile["before_ms"] = {"f32": 0, "f16": 0, "int8": 0}
profile["border_ns"] = {"to_f16": 10, "to_f32": 10, "quantize": 10, "dequantize": 10}  # at most 8000 elements: 0.08 ms
(tmp / "p.json").write_text(json.dumps(profile))
q, recipe, r = search("--latency", "4.5ms", "--profile", tmp / "p.json")
taken = sane("--latency 4.5ms", q, recipe, r)
check("--latency 4.5ms is kept by the prediction", taken["ms"] <= 4.5 and taken["ms"] > 2, taken["ms"])
rules = {k["node"]: k["precision"] for k in taken["recipe"]["rules"]}
check("the layer that is slow in int8 is not", rules.get("conv_1", taken["recipe"]["default"]) != "int8", taken["recipe"])
profile["border_ns"] = {k: 200000 for k in profile["border_ns"]}  # borders that cost more than any layer gains
(tmp / "p2.json").write_text(json.dumps(profile))
r2 = search("--latency", "7ms", "--profile", tmp / "p2.json", name="b")[2]
mixed = [p["name"] for p in r2["search"]["points"] if p["name"].startswith("mix") and len({k["precision"] for k in p["recipe"]["rules"]}) > 0 and p["ms"] < 50]
check("where borders are dear nothing is mixed", mixed == [], mixed)

# the same choice and bytes with other threads and kernels
files = []
for k, args in enumerate((("--threads", 1), ("--threads", 2), ("--threads", 2, "--cpu", "none"))):
    q, recipe, r = search("--latency", "4.5ms", "--profile", tmp / "p.json", *args, name=f"t{k}")
    files.append((q.read_bytes(), recipe.read_bytes(), json.dumps(r["search"])))
check("the same bytes, recipe and curve with any threads and kernels", len(set(files)) == 1)

# recurrent layers: the hybrid is proposed
hybrid = tmp / "h.onnx"
r = report("quantize", data / "audio/dtln-1.onnx", "-o", hybrid, "--data", data / "audio/dtln-1.inputs.npz", "--size", "800KB", "--overwrite")
names = [p["name"] for p in r["search"]["points"]]
types = {n.op_type: {i.data_type for i in onnx.load(hybrid).graph.initializer if i.name in n.input} for n in onnx.load(hybrid).graph.node if n.op_type == "LSTM"}
check("dtln-1: the hybrid is proposed, the recurrent layers are float16", any(n.startswith("hybrid") for n in names) and types["LSTM"] == {onnx.TensorProto.FLOAT16}, (names, types))

bad = {"not JSON": "{", "another schema": json.dumps({**profile, "schema": "mote.profile/7"}), "a layer less": json.dumps({**profile, "layers": profile["layers"][1:]}),
       "another layer": json.dumps({**profile, "layers": [{**profile["layers"][0], "node": "conv"}, *profile["layers"][1:]]}),
       "a negative time": json.dumps({**profile, "layers": [{**profile["layers"][0], "f16": -1}, *profile["layers"][1:]]}), "no borders": json.dumps({**profile, "border_ns": {}}), "a list": "[]"}
for what, text in bad.items():
    (tmp / "bad.json").write_text(text)
    r = subprocess.run([tool, "quantize", str(keywords), "-o", str(tmp / "none.onnx"), *map(str, samples), "--latency", "3ms", "--profile", str(tmp / "bad.json")], capture_output=True, text=True)
    check("refused: a profile with " + what, r.returncode in (1, 2) and "bad.json" in r.stderr and not (tmp / "none.onnx").exists(), r.stderr.strip()[:120])
for what, args in (("a size that nothing has", ("--size", "1KB")), ("a drop without labels", ("--drop", 1, "--eval", data / "audio/keywords.inputs.npz")), ("a latency without profile", ("--latency", "3ms")),
                   ("no milliseconds", ("--latency", "fast", "--profile", tmp / "p.json")), ("a latency that nothing has", ("--latency", "0.001ms", "--profile", tmp / "p.json")),
                   ("a budget and a mode", ("--size", "1MB", "--fp16")), ("a negative drop", ("--drop", -1)), ("a profile without a budget", ("--fp16", "--profile", tmp / "p.json")),
                   ("a recipe file that exists", ("--size", "45KB", "--recipe-out", tmp / "p.json")), ("a ratio that only the model has", ("--sqnr", 500))):
    r = subprocess.run([tool, "quantize", str(keywords), "-o", str(tmp / "none.onnx"), *map(str, samples), *map(str, args)], capture_output=True, text=True)
    check("refused: " + what, r.returncode in (1, 2) and r.stderr.strip() != "" and not (tmp / "none.onnx").exists(), r.stderr.strip()[:150])

done()
