# test_no_trips.py - scan outputs of a Loop that does not run, beside onnxruntime's
# SPDX-License-Identifier: Apache-2.0
import itertools
import os
import subprocess
import sys
import tempfile

TOOL = os.environ.get("MOTE_TOOL", "")
try:
    import numpy as np
    import onnx
    import onnxruntime as ort
    from onnx import TensorProto as T
    from onnx import helper as h
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)
if not os.path.exists(TOOL):
    print("skipped: the tool is not built")
    sys.exit(77)
ort.set_default_logger_severity(4)

BODIES = {
    "a captured value": [h.make_node("Neg", ["x"], ["scan"])],
    "a fixed shape": [h.make_node("Constant", [], ["scan"], value_floats=[1.0, 2.0, 3.0])],
    "an unknown rank": [h.make_node("Squeeze", ["x"], ["scan"])],
    "a rank from data": [h.make_node("NonZero", ["x"], ["where"]), h.make_node("Cast", ["where"], ["scan"], to=T.FLOAT)],
}
DECLARED = {"a captured value": ([2, 3], ["A", "B"], ["Q", 3], [None, None], None), "a fixed shape": ([3], ["K"], None), "an unknown rank": ([3], ["K"], [None, 4], None),
            "a rank from data": ([2, None], ["J", "K"], [None, 5], None)}


def loop(nodes, declared, inputs, trips_known):
    body = h.make_graph([h.make_node("Identity", ["go"], ["on"]), *nodes], "body",
                        [h.make_tensor_value_info("i", T.INT64, []), h.make_tensor_value_info("go", T.BOOL, [])],
                        [h.make_tensor_value_info("on", T.BOOL, []), h.make_tensor_value_info("scan", T.FLOAT, declared)])
    graph = h.make_graph([h.make_node("Loop", ["m", ""], ["y"], body=body)], "g",
                         [h.make_tensor_value_info("x", T.FLOAT, inputs)] + ([] if trips_known else [h.make_tensor_value_info("m", T.INT64, [])]),
                         [h.make_tensor_value_info("y", T.FLOAT, None)], [onnx.numpy_helper.from_array(np.array(0, np.int64), "m")] if trips_known else [])
    return h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8)


failures = count = 0
x = np.ones((2, 3), np.float32)
with tempfile.TemporaryDirectory() as folder:
    for (name, nodes), inputs, known in itertools.product(BODIES.items(), (["A", "B"], [2, 3]), (False, True)):
        for declared in DECLARED[name]:
            if name == "an unknown rank" and inputs == [2, 3] and declared is not None:
                continue  # then the rank is known, and another is declared
            model = loop(nodes, declared, inputs, known)
            feeds = {"x": x} if known else {"x": x, "m": np.array(0, np.int64)}
            want = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, feeds)[0]
            onnx.save(model, f"{folder}/m.onnx")
            np.savez(f"{folder}/in.npz", **feeds)
            for flags in ([], ["--reference"], ["--disable-passes", "all"]):
                count += 1
                p = subprocess.run([TOOL, "run", f"{folder}/m.onnx", "--inputs", f"{folder}/in.npz", "--outputs", f"{folder}/out.npz", "--overwrite", *flags],
                                   capture_output=True, text=True)
                got = np.load(f"{folder}/out.npz")["y"] if p.returncode == 0 else None
                if got is None or got.shape != want.shape or got.dtype != want.dtype:
                    failures += 1
                    print(f"{name}, declared {declared}, x {inputs}, trips {'known' if known else 'given'} {flags}: {want.shape} expected,",
                          p.stderr.strip() if got is None else got.shape)
print(f"{count} runs, {failures} differ")
sys.exit(1 if failures else 0)
