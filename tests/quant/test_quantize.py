# test_quantize.py - mote quantize on trained models: the files are sound ONNX, run as integers in onnxruntime, and keep the answers
# SPDX-License-Identifier: Apache-2.0
#
# Needs the data set at $MOTE_SHARED. A part of each set by default; MOTE_FULL=1 takes all of it.
import collections
import os
import subprocess
from pathlib import Path

from quantkit import check, data, done, prep, report, tmp, tool

import numpy as np
import onnx
import onnxruntime as ort

full = os.environ.get("MOTE_FULL") == "1"


def operators_in_ort(path):
    """What onnxruntime makes of the file, by operator."""
    o = ort.SessionOptions()
    o.optimized_model_filepath = str(tmp / "optimized.onnx")
    o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    ort.InferenceSession(str(path), o)
    return collections.Counter(n.op_type for n in onnx.load(tmp / "optimized.onnx").graph.node)


def sound(path, opset=13):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    return max(o.version for o in model.opset_import if o.domain == "") >= opset


def pictures(name, least_same, most_lost, options=()):
    n = 500 if full else 120
    q = tmp / f"{name}.onnx"
    r = report("quantize", data / f"vision/{name}.onnx", "-o", q, "--int8", "static", "--data", data / "vision/calibration", "--prep", prep / f"{name}.json",
             "--limit", 300 if full else 100, "--overwrite", *options)
    answers = []
    for path in (data / f"vision/{name}.onnx", q):
        e = report("eval", path, "--data", data / "vision/evaluation", "--prep", prep / f"{name}.json", "--limit", n, "--predictions", tmp / "p.csv", "--overwrite")
        answers.append((e["correct"], [line.split(",")[2] for line in (tmp / "p.csv").read_text().splitlines()[1:]]))
    same = sum(a == b for a, b in zip(answers[0][1], answers[1][1])) / n
    lost = (answers[0][0] - answers[1][0]) / n
    check(f"{name} {' '.join(options)}", sound(q) and same >= least_same and lost <= most_lost,
          f"{same * 100:.1f} % of the answers, {lost * 100:+.1f} % lost, {r['bytes_before'] / r['bytes']:.2f} times smaller")
    ops = operators_in_ort(q)
    check(f"{name}: integer kernels in onnxruntime", ops["Conv"] == 0 and ops["QLinearConv"] > 0, str({k: v for k, v in ops.items() if "Conv" in k or "Gemm" in k}))


def keywords():
    e = np.load(data / "audio/keywords-evaluation.npz")
    x = e["input_1"].reshape(len(e["label"]), 1, 1, 49, 10).astype(np.float32)
    original = report("eval", data / "audio/keywords.onnx", "--data", data / "audio/keywords-evaluation.npz", "--prep", prep / "keywords.json")["correct"]
    cases = [(("--int8", "static", "--data", data / "audio/keywords-calibration.npz"), 3), (("--int8", "dynamic"), 3), (("--weights-only", "int8"), 2),
             (("--fp16",), 1), (("--fp16", "--data", data / "audio/keywords-calibration.npz"), 1), (("--weights-only", "int4", "--block", 16), 40)]
    for ranges in ("minmax", "percentile", "entropy"):
        cases.append((("--int8", "static", "--data", data / "audio/keywords-calibration.npz", "--ranges", ranges, "--effort", 0), 12))
    for activations in ("s8", "u16", "s16"):
        cases.append((("--int8", "static", "--data", data / "audio/keywords-calibration.npz", "--activations", activations), 3))
    for options, most in cases:
        q = tmp / "k.onnx"
        report("quantize", data / "audio/keywords.onnx", "-o", q, "--overwrite", *options)
        ours = report("eval", q, "--data", data / "audio/keywords-evaluation.npz", "--prep", prep / "keywords.json")["correct"]
        s = ort.InferenceSession(str(q))
        theirs = sum(int(s.run(None, {s.get_inputs()[0].name: v})[0].argmax()) == l for v, l in zip(x, e["label"]))
        check("keywords " + " ".join(str(o) for o in options if not isinstance(o, Path)), sound(q) and abs(ours - theirs) <= 2 and original - ours <= most,
              f"{ours} right, {theirs} in onnxruntime, {original} before")


def same_bytes():
    files = []
    for k, (threads, cpu) in enumerate(((1, None), (2, None), (2, "none"))):
        files.append(tmp / f"same{k}.onnx")
        report("quantize", data / "audio/keywords.onnx", "-o", files[-1], "--int8", "static", "--data", data / "audio/keywords-calibration.npz", "--limit", 40, "--threads",
             threads, *(("--cpu", cpu) if cpu else ()))
    check("the same bytes with any threads and kernels", len({f.read_bytes() for f in files}) == 1)


def refused():
    bad = tmp / "bad.onnx"
    keywords_model = data / "audio/keywords.onnx"
    for what, args in (("no data", (keywords_model, "--int8", "static")), ("two modes", (keywords_model, "--fp16", "--int8", "dynamic")),
                       ("an unknown node", (keywords_model, "--int8", "dynamic", "--keep", "nobody")),
                       ("a missing folder", (keywords_model, "--int8", "static", "--data", tmp / "nothing.npz")),
                       ("quantized already", (data / "audio/keywords-int8-qdq.onnx", "--int8", "dynamic"))):
        r = subprocess.run([tool, "quantize", *map(str, args), "-o", str(bad)], capture_output=True, text=True)
        check("refused: " + what, r.returncode in (1, 2) and r.stderr.strip() != "" and not bad.exists(), r.stderr.strip().splitlines()[-1][:100] if r.stderr.strip() else "")
    np.savez(tmp / "nan.npz", input_1=np.full((3, 1, 49, 10), np.nan, np.float32))
    r = subprocess.run([tool, "quantize", str(keywords_model), "-o", str(bad), "--int8", "static", "--data", str(tmp / "nan.npz")], capture_output=True, text=True)
    check("refused: NaN in the samples", r.returncode == 1 and "NaN" in r.stderr and not bad.exists(), r.stderr.strip()[:100])


def tags():
    n = 400 if full else 60
    common = ("--prep", prep / "ner-minilm.json", "--vocab", data / "text/vocab.txt", "--max-length", 200)
    model = data / "text/ner-minilm.onnx"
    answers = {}
    for options, least in (((), 1), (("--int8", "static", "--data", data / "text/ner/en_ewt-ud-dev.iob2", *common), 0.99), (("--int8", "dynamic"), 0.99), (("--fp16",), 0.999)):
        path = model
        if options:
            path = tmp / "ner.onnx"
            report("quantize", model, "-o", path, "--overwrite", *options, *(("--limit", 60) if "static" in options else ()))
            sound(path)
            ort.InferenceSession(str(path))
        report("eval", path, "--data", data / "text/ner/en_ewt-ud-test.iob2", *common, "--limit", n, "--predictions", tmp / "t.txt", "--overwrite")
        answers[options] = [line.split("\t")[2] for line in (tmp / "t.txt").read_text().splitlines() if line]
        same = sum(a == b for a, b in zip(answers[()], answers[options])) / len(answers[()])
        check("ner-minilm " + " ".join(str(o) for o in options[:2]), same >= least, f"{same * 100:.2f} % of the tags")


def streams():
    """Factors that pass sums, gates, pools and HardSwish leave the function as it is: with activations of 16 bits and weights of few values nothing else is lost."""
    random = np.random.default_rng(3)

    def weight(*shape):
        w = random.integers(-127, 128, shape).astype(np.float32) / 127
        w.reshape(shape[0], -1)[:, 0] = 1  # the scale of a channel is 1 / 127 times its factor
        return w * np.exp2(random.integers(-5, 4, (shape[0],) + (1,) * (len(shape) - 1))).astype(np.float32)

    constants, nodes = [], []

    def conv(x, y, *shape, **attributes):
        constants.append(onnx.numpy_helper.from_array(weight(*shape), y + "_w"))
        constants.append(onnx.numpy_helper.from_array(random.standard_normal(shape[0]).astype(np.float32), y + "_b"))
        nodes.append(onnx.helper.make_node("Conv", [x, y + "_w", y + "_b"], [y], y, **attributes))

    def node(op, x, y, **attributes):
        nodes.append(onnx.helper.make_node(op, x, [y], y, **attributes))

    conv("x", "a", 4, 3, 3, 3, pads=[1, 1, 1, 1])
    node("Relu", ["a"], "ar")
    conv("ar", "b", 4, 1, 3, 3, pads=[1, 1, 1, 1], group=4)
    node("HardSwish", ["b"], "bs")
    conv("bs", "c", 4, 4, 1, 1)
    node("Add", ["ar", "c"], "s1")  # a residual stream
    node("HardSwish", ["s1"], "h1")  # read by HardSwish, too
    node("GlobalAveragePool", ["h1"], "g")
    conv("g", "g1", 4, 4, 1, 1)
    node("HardSigmoid", ["g1"], "gate", alpha=1 / 6, beta=0.5)
    node("Mul", ["h1", "gate"], "h2")
    conv("h2", "d", 4, 4, 1, 1)
    node("Add", ["s1", "d"], "s2")
    conv("s2", "e", 4, 4, 3, 3, pads=[1, 1, 1, 1])
    conv("z", "f", 4, 2, 3, pads=[1, 1])  # [4, 4, 8]: its dimension 1 is the other's dimension 2
    node("Add", ["e", "f"], "s3")
    conv("s3", "y", 5, 4, 1, 1)
    info = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(nodes, "streams", [info("x", 1, [1, 3, 4, 8]), info("z", 1, [4, 2, 8])], [info("y", 1, [1, 5, 4, 8])], constants)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp / "streams.onnx")
    x, z = random.standard_normal((40, 1, 3, 4, 8)).astype(np.float32), random.standard_normal((40, 4, 2, 8)).astype(np.float32)
    (tmp / "streams").mkdir()
    for i in range(40):
        np.savez(tmp / f"streams/{i:02}.npz", x=x[i], z=z[i])
    q = tmp / "streams-q.onnx"
    report("quantize", tmp / "streams.onnx", "-o", q, "--int8", "static", "--activations", "u16", "--effort", 1, "--data", tmp / "streams", "--scope", "all")
    before, after = (ort.InferenceSession(str(p), providers=["CPUExecutionProvider"]) for p in (tmp / "streams.onnx", q))
    want = np.stack([before.run(None, {"x": a, "z": b})[0] for a, b in zip(x, z)])
    got = np.stack([after.run(None, {"x": a, "z": b})[0] for a, b in zip(x, z)])
    sqnr = 10 * np.log10((want**2).sum() / ((got - want) ** 2).sum())
    opened = sum(n.op_type == "HardSwish" for n in onnx.load(q).graph.node)
    check("factors through sums, gates, pools and HardSwish", sqnr > 38 and opened == 2, f"{sqnr:.1f} dB")


streams()
pictures("mobilenetv3-small", 0.88, 0.03)
pictures("mobilenetv3-large-minimalistic", 0.92, 0.03)
keywords()
same_bytes()
refused()
tags()
done()
