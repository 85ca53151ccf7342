# test_recipe.py - mote quantize --recipe: precision by layer, borders, files that onnxruntime runs with the same answers, and recipes that are refused by name
# SPDX-License-Identifier: Apache-2.0
#
# Needs the data set at $MOTE_SHARED.
import collections
import json
import subprocess

from quantkit import check, data, done, mote, prep, report, tmp, tool

import numpy as np
import onnx
import onnxruntime as ort


def quantize(model, recipe, *args, code=0):
    out = tmp / "q.onnx"
    (tmp / "r.json").write_text(recipe if isinstance(recipe, str) else json.dumps(recipe))
    return out, mote("quantize", model, "-o", out, "--recipe", tmp / "r.json", "--overwrite", *args, code=code)


keywords = data / "audio/keywords.onnx"
calibration = ("--data", data / "audio/keywords-calibration.npz", "--limit", 80)
scored = np.load(data / "audio/keywords-evaluation.npz")
words = [v.reshape(1, 1, 49, 10) for v in scored["input_1"]]


def right_in_ort(path):
    s = ort.InferenceSession(str(path))
    return sum(int(s.run(None, {s.get_inputs()[0].name: v})[0].argmax()) == l for v, l in zip(words, scored["label"]))


def right(path):
    return report("eval", path, "--data", data / "audio/keywords-evaluation.npz", "--prep", prep / "keywords.json")["correct"]


def types(path):
    """Types of what the products compute on, by node name."""
    m = onnx.shape_inference.infer_shapes(onnx.load(path))
    made = {o: n for n in m.graph.node for o in n.output}
    of = {v.name: v.type.tensor_type.elem_type for v in [*m.graph.value_info, *m.graph.input, *m.graph.output]}
    kinds = {}
    for n in m.graph.node:
        if n.op_type in ("Conv", "Gemm", "MatMul", "LSTM"):
            x, w = made.get(n.input[0]), made.get(n.input[1])
            blocks = w is not None and any(a.name == "block_size" and a.i for a in w.attribute)
            kinds[n.name] = ("weights" if blocks else "int8" if x is not None and w is not None and x.op_type == w.op_type == "DequantizeLinear"
                             else "f16" if of.get(n.output[0]) == onnx.TensorProto.FLOAT16 else "f32")
        elif n.op_type in ("ConvInteger", "MatMulInteger"):
            kinds[n.name] = "dynamic"
    return kinds, collections.Counter(n.op_type for n in m.graph.node)


# every precision in one file, each node as its rule says
mixed = {"schema": "mote.recipe/1", "about": "one of each", "default": "int8", "rules": [
    {"node": "conv_1", "precision": "f32"}, {"node": "conv_5", "op": "Conv", "precision": "f16"},
    {"node": "conv_7", "precision": "f16"}, {"node": "conv_9", "precision": "int8-dynamic"}, {"node": "conv_11", "precision": "int8", "weights": "per-tensor"},
    {"node": "conv_13", "as": "conv_9"}, {"op": "Gemm", "precision": "weights-int8", "block": 16}]}
q, _ = quantize(keywords, mixed, *calibration)
onnx.checker.check_model(onnx.load(q), full_check=True)
kinds, ops = types(q)
want = {"conv_1": "f32", "conv_3": "int8", "conv_5": "f16", "conv_7": "f16", "conv_9": "dynamic", "conv_11": "int8", "conv_13": "dynamic", "conv_15": "int8", "conv_17": "int8", "gemm_21": "weights"}
check("each node as its rule says", kinds == want, kinds)
ours, theirs = right(q), right_in_ort(q)
check("one of each: the same answers in onnxruntime", abs(ours - theirs) <= 2 and ours >= 300, f"{ours}, {theirs} in onnxruntime")

# borders: between two float16 layers no Cast, between int8 and float16 one
q, _ = quantize(keywords, {"default": "int8", "rules": [{"node": "conv_5", "precision": "f16"}, {"node": "conv_7", "precision": "f16"}]}, *calibration)
kinds, ops = types(q)
check("one Cast into the float16 stretch and one out of it", ops["Cast"] == 2 and kinds["conv_5"] == kinds["conv_7"] == "f16", ops)
q, _ = quantize(keywords, {"default": "f16", "rules": [{"op": "Conv", "precision": "int8"}]}, *calibration)
kinds, ops = types(q)
check("int8 convolutions, the rest in float16", ops["Cast"] == 2 and kinds["gemm_21"] == "f16" and kinds["conv_3"] == "int8" and abs(right(q) - right_in_ort(q)) <= 2, ops)
q, _ = quantize(keywords, {"default": "f32", "rules": [{"op": "Conv", "precision": "f16"}]})
check("what stands between float16 layers follows them", types(q)[1]["Cast"] == 2, types(q)[1])

# a uniform recipe is the mode
for recipe, mode in (("int8", ("--int8", "static", *calibration)), ("f16", ("--fp16",)), ("int8-dynamic", ("--int8", "dynamic")), ("weights-int4", ("--weights-only", "int4"))):
    q, _ = quantize(keywords, {"default": recipe}, *(calibration if recipe == "int8" else ()))
    mote("quantize", keywords, "-o", tmp / "u.onnx", "--overwrite", *mode)
    check(f"the recipe of {recipe} alone is the mode", q.read_bytes() == (tmp / "u.onnx").read_bytes())

# the same bytes on any number of threads and kernels
files = []
for args in (("--threads", 1), ("--threads", 2), ("--threads", 2, "--cpu", "none")):
    q, _ = quantize(keywords, mixed, *calibration, *args)
    files.append(q.read_bytes())
check("the same bytes with any threads and kernels", len(set(files)) == 1)

# what is refused, and by what name
rule = lambda **k: {"default": "int8", "rules": [k]}
for what, recipe, says in (
        ("not JSON", "{", "line 1"), ("an unknown key", '{\n"deflt": "f32"}', "line 2: a recipe has no 'deflt'"), ("an unknown key of a rule", rule(nodes="a", precision="f16"), "no 'nodes'"),
        ("an unknown precision", rule(node="conv_1", precision="f8"), '"f8"'), ("another schema", {"schema": "mote.recipe/9", "default": "f32"}, "mote.recipe/9"),
        ("an unknown layer", rule(node="nobody", precision="f16"), "'nobody' matches no node"), ("an unknown operator", rule(op="LSTM", precision="f16"), "'LSTM' matches no node"),
        ("a rule that never decides", {"rules": [{"op": "Conv", "precision": "f16"}, {"node": "conv_3", "precision": "f32"}]}, "'conv_3' never decides"),
        ("rules in a circle", {"rules": [{"node": "conv_1", "as": "conv_3"}, {"node": "conv_3", "as": "conv_5"}, {"node": "conv_5", "as": "conv_1"}]}, "circle"),
        ("as itself", rule(node="conv_1", **{"as": "conv_1"}), "circle"), ("as nobody", rule(node="conv_1", **{"as": "nobody"}), "'nobody'"),
        ("precision and as", {"rules": [{"node": "conv_1", "precision": "f16", "as": "conv_3"}]}, "both"), ("neither", {"rules": [{"node": "conv_1"}]}, "neither"),
        ("a rule about nothing", {"rules": [{"precision": "f16"}]}, "neither 'node' nor 'op'"), ("nothing", {}, "without 'default'"),
        ("a block for int8", rule(node="conv_1", precision="int8", block=32), "'block' does not go"), ("a block of 20", rule(node="conv_1", precision="weights-int8", block=20), "power of two"),
        ("activations for float16", rule(node="conv_1", precision="f16", activations="u8"), "'activations' does not go"),
        ("two types for one tensor", {"default": "int8", "rules": [{"node": "conv_5", "precision": "int8", "activations": "s8"}]}, "contradict"),
        ("too many rules", {"rules": [{"node": "conv_1", "precision": "f16"}] * 10001}, "at most 10000"), ("too long a pattern", rule(node="*a" * 600, precision="f16"), "more than 1000"),
        ("a list", [], "an array"), ("a number", {"default": 8}, "'default' is")):
    (tmp / "none.onnx").unlink(missing_ok=True)
    (tmp / "r.json").write_text(recipe if isinstance(recipe, str) else json.dumps(recipe))
    r = subprocess.run([tool, "quantize", str(keywords), "-o", str(tmp / "none.onnx"), "--recipe", str(tmp / "r.json"), *map(str, calibration)], capture_output=True, text=True)
    check("refused: " + what, r.returncode in (1, 2) and says in r.stderr and not (tmp / "none.onnx").exists(), r.stderr.strip()[:140])
r = quantize(keywords, {"default": "int8"}, code=2)[1]
check("refused: int8 without samples", "--data" in r.stderr or "sample" in r.stderr, r.stderr.strip()[:140])

# BERT: products in int8 but for some in float16; a pattern for each half
ner = data / "text/ner-minilm.onnx"
names = [n.name for n in onnx.load(ner).graph.node if n.op_type == "MatMul"]
q, _ = quantize(ner, {"default": "int8", "rules": [{"op": "LayerNormalization", "precision": "f16"}, {"op": "Softmax", "precision": "f16"}]}, "--data", data / "text/ner/en_ewt-ud-dev.iob2",
                "--prep", prep / "ner-minilm.json", "--vocab", data / "text/vocab.txt", "--max-length", 200, "--limit", 12, "--effort", 0)
onnx.checker.check_model(onnx.load(q), full_check=True)
given = dict(np.load(data / "text/ner-minilm.inputs.npz"))
s, original = ort.InferenceSession(str(q)), ort.InferenceSession(str(ner))
np.savez(tmp / "in.npz", **given)
mote("run", q, "--inputs", tmp / "in.npz", "--outputs", tmp / "out.npz", "--overwrite")
a, b, c = original.run(None, given)[0], s.run(None, given)[0], list(np.load(tmp / "out.npz").values())[0]
check("BERT, int8 products and float16 normalizations", np.abs(b - c).max() <= 0.05 * np.abs(a).max() and np.abs(a - c).max() <= 0.2 * np.abs(a).max(),
      f"{np.abs(b - c).max():.3g} from onnxruntime, {np.abs(a - c).max():.3g} from float32, of {np.abs(a).max():.3g}")

done()
