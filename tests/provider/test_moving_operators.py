# test_moving_operators.py - small graphs of moving, reducing and choosing operators, shapes known before the run or only at it, beside onnxruntime
# SPDX-License-Identifier: Apache-2.0
import os, subprocess, sys, tempfile
from pathlib import Path

tool = os.environ.get("MOTE_TOOL")
try:
    import numpy as np
    import onnx
    import onnxruntime
    from onnx import TensorProto as T, helper as h, numpy_helper as nh
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)
if not tool or not Path(tool).exists():
    print("skipped: the tool is not built")
    sys.exit(77)

rng = np.random.default_rng(5)
f32 = lambda *s: rng.standard_normal(s).astype(np.float32)
i64 = lambda *v: np.array(v, np.int64)
TYPES = {np.dtype(np.float32): T.FLOAT, np.dtype(np.int64): T.INT64, np.dtype(bool): T.BOOL, np.dtype(np.int32): T.INT32, np.dtype(np.float16): T.FLOAT16}


def nms_inputs(n=200, classes=3):
    c, s = rng.random((2, n, 2), np.float32) * 40, rng.random((2, n, 2), np.float32) * 9 + 1
    boxes = np.concatenate([c - s, c + s], 2).astype(np.float32)
    scores = rng.random((2, classes, n), np.float32)
    scores[:, :, ::7] = 0.5  # equals
    return boxes, scores


boxes, scores = nms_inputs()
x4, x3 = f32(2, 6, 9, 8), f32(3, 40, 17)
# name, inputs, nodes "op in,in -> out attributes", outputs. Inputs that stand in `at_run` are inputs of the graph, the others constants.
CASES = [
    ("nonzero then gather", {"x": x3}, [("NonZero", "x", "at", {}), ("Transpose", "at", "t", {}), ("GatherND", "x t", "v", {}), ("CumSum", "v zero", "y", {})],
     ["at", "y"], {"zero": np.array(0, np.int64)}),
    ("slice at run", {"x": x4, "s": i64(1, -2), "e": i64(100, -9)}, [("Slice", "x s e axes steps", "y", {}), ("Reshape", "y flat", "z", {}), ("Relu", "z", "w", {})],
     ["y", "w"], {"axes": i64(1, 3), "steps": i64(2, -1), "flat": i64(2, -1)}),
    ("top k at run", {"x": x3, "k": i64(5)}, [("TopK", "x k", "v i", {"axis": 1, "largest": 0}), ("GatherElements", "x i", "y", {"axis": 1}), ("Sub", "v y", "z", {})],
     ["v", "i", "z"], {}),
    ("suppression", {"b": boxes, "s": scores}, [("NonMaxSuppression", "b s most iou least", "at", {}), ("Gather", "at one", "c", {"axis": 1}),
                                                ("ReduceSum", "c axes", "sum", {"keepdims": 0})], ["at", "sum"],
     {"most": i64(20), "iou": np.array([0.4], np.float32), "least": np.array([0.2], np.float32), "one": i64(2), "axes": i64(0)}),
    ("centered boxes", {"b": np.abs(boxes), "s": scores}, [("NonMaxSuppression", "b s most iou", "at", {"center_point_box": 1})], ["at"],
     {"most": i64(7), "iou": np.array([0.3], np.float32)}),
    ("made at run", {"s": i64(3, 5), "n": np.array(7, np.int64)}, [("ConstantOfShape", "s", "c", {"value": nh.from_array(np.array([2.5], np.float32))}), ("Shape", "c", "d", {}),
                                                                   ("Range", "zero n three", "r", {}), ("Size", "r", "m", {}), ("Expand", "row s", "y", {}), ("Tile", "c s", "t", {}),
                                                                   ("ReduceMax", "s", "top", {"keepdims": 0})],
     ["c", "d", "r", "m", "y", "t", "top"], {"zero": np.array(0, np.int64), "three": np.array(3, np.int64), "row": f32(1, 5)}),
    ("pads at run", {"x": x4, "p": i64(0, 0, 2, 1, 0, 0, -1, 3)}, [("Pad", "x p", "a", {"mode": "reflect"}), ("Pad", "x p v", "b", {}), ("Pad", "x p", "c", {"mode": "edge"})],
     ["a", "b", "c"], {"v": np.array(-3, np.float32)}),
    ("pads", {"x": x4}, [("Pad", "x p", "a", {"mode": "reflect"}), ("Pad", "x p v", "b", {}), ("Pad", "x p", "c", {"mode": "edge"}), ("Pad", "x p", "d", {"mode": "wrap"})],
     ["a", "b", "c", "d"], {"v": np.array(-3, np.float32), "p": i64(0, 1, 2, 1, 0, 0, 1, 3)}),
    ("scatter in place", {"x": x4, "i": i64(0, 1, 1, 0).reshape(2, 2), "u": f32(2, 9, 8)}, [("Neg", "x", "n", {}), ("ScatterND", "n i u", "y", {}), ("Neg", "y", "z", {})], ["z"], {}),
    ("normalizations", {"x": x4}, [("LayerNormalization", "x g b", "l", {"axis": 2}), ("InstanceNormalization", "l s c", "i", {}), ("Softmax", "i", "y", {"axis": 1}),
                                   ("LogSoftmax", "i", "z", {"axis": -1}), ("BatchNormalization", "l s c c v", "w", {}), ("ReduceMean", "w axes", "r", {}),
                                   ("ReduceLogSumExp", "i axes", "q", {"keepdims": 0}), ("ReduceL2", "x middle", "m", {})],
     ["l", "i", "y", "z", "w", "r", "q", "m"], {"g": f32(9, 8), "b": f32(9, 8), "s": f32(6), "c": f32(6), "v": np.abs(f32(6)) + 1, "axes": i64(1, 3), "middle": i64(1)}),
    ("blocks", {"x": f32(2, 12, 5, 7)}, [("DepthToSpace", "x", "a", {"blocksize": 2}), ("SpaceToDepth", "a", "b", {"blocksize": 2}), ("DepthToSpace", "x", "c", {"blocksize": 2, "mode": "CRD"}),
                                         ("Trilu", "c k", "t", {}), ("ArgMax", "t", "g", {"axis": 1}), ("ArgMin", "x", "m", {"axis": -1, "keepdims": 0, "select_last_index": 1})],
     ["a", "b", "c", "t", "g", "m"], {"k": np.array(-2, np.int64)}),
    ("parts", {"x": x4, "parts": i64(1, 0, 5)}, [("Split", "x parts", "a b c", {"axis": 1}), ("Concat", "c x a", "y", {"axis": 1}), ("Cast", "y", "i", {"to": T.INT64}), ("Cast", "i", "h", {"to": T.FLOAT16})],
     ["a", "b", "c", "y", "i", "h"], {}),
    ("dropout", {"x": x3}, [("Dropout", "x r no", "y m", {}), ("Squeeze", "y", "z", {})], ["y", "m", "z"], {"r": np.array(0.3, np.float32), "no": np.array(False)}),
]

bad = 0
with tempfile.TemporaryDirectory() as folder:
    for number, (name, inputs, nodes, outputs, constants) in enumerate(CASES):
        graph = h.make_graph([h.make_node(op, i.split(), o.split(), **a) for op, i, o, a in nodes], "g",
                             [h.make_tensor_value_info(k, TYPES[v.dtype], v.shape) for k, v in inputs.items()],
                             [h.make_empty_tensor_value_info(k) for k in outputs], [nh.from_array(v, k) for k, v in constants.items()])
        model = h.make_model(graph, opset_imports=[h.make_opsetid("", 21)], ir_version=10)
        path, given, got = (str(Path(folder, f"{number}.{e}")) for e in ("onnx", "in.npz", "out.npz"))
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 3
        typed = onnx.shape_inference.infer_shapes(model)
        known = {v.name: v for v in [*typed.graph.value_info, *typed.graph.output]}
        for o in model.graph.output:
            o.CopyFrom(known[o.name])
        onnx.save(model, path)
        np.savez(given, **inputs)
        want = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"]).run(outputs, inputs)
        for settings in ([], ["--threads", "3"], ["--disable-passes", "all"], ["--reference"]):
            run = subprocess.run([tool, "run", path, "--inputs", given, "--outputs", got, "--overwrite", *settings], capture_output=True, text=True)
            if run.returncode != 0:
                print(f"FAIL {name} {settings}: {run.stderr.strip()}")
                bad += 1
                continue
            found = np.load(got)
            for key, w in zip(outputs, want):
                y = found[key]
                same = y.dtype == w.dtype and y.shape == w.shape and np.allclose(y.astype(np.float64), w.astype(np.float64), rtol=1e-4, atol=2e-5)
                if not same:
                    bad += 1
                    print(f"FAIL {name} {settings}: {key} is {y.dtype}{y.shape}, expected {w.dtype}{w.shape}"
                          + (f", largest difference {np.abs(y.astype(np.float64) - w.astype(np.float64)).max()}" if y.shape == w.shape else ""))
print(f"{len(CASES)} graphs, {bad} failures")
sys.exit(1 if bad else 0)
