# test_precision.py - products in bfloat16, asked for: near float32's answers, the same bits on any number of threads, refused where it cannot be
# SPDX-License-Identifier: Apache-2.0
import json, os, subprocess, sys, tempfile
from pathlib import Path

tool = os.environ.get("MOTE_TOOL")
if not tool or not Path(tool).exists():
    print("skipped: the tool is not built")
    sys.exit(77)
try:
    import numpy as np
    from onnx import helper, numpy_helper, TensorProto, save
    import onnxruntime as ort
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)

rng = np.random.default_rng(11)
failures = []


def run(*args, code=0):
    r = subprocess.run([tool, *map(str, args)], capture_output=True, text=True)
    if r.returncode != code:
        failures.append(f"{' '.join(map(str, args))}: {r.returncode}, expected {code}: {r.stdout}{r.stderr}")
    return r.stdout + r.stderr


def network(folder):
    """Convolutions of all kinds, products with bias, residual, activation and a batch; large enough that bfloat16 pays, some not."""
    weights, nodes = [], []

    def w(*shape):
        weights.append(numpy_helper.from_array((rng.normal(size=shape) / np.sqrt(np.prod(shape[1:]) if len(shape) > 1 else 1)).astype(np.float32), f"w{len(weights)}"))
        return weights[-1].name

    def node(op, *inputs, **attrs):
        nodes.append(helper.make_node(op, list(inputs), [f"t{len(nodes)}"], **attrs))
        return nodes[-1].output[0]

    a = node("Relu", node("Conv", "x", w(33, 3, 3, 3), w(33), strides=[2, 2], pads=[1, 1, 1, 1]))
    b = node("Conv", a, w(96, 33, 1, 1), w(96))
    c = node("Add", b, node("HardSwish", node("Conv", b, w(96, 96, 3, 3), pads=[2, 2, 2, 2], dilations=[2, 2])))
    d = node("Conv", c, w(96, 24, 3, 3), w(96), group=4, pads=[1, 1, 1, 1])
    e = node("Conv", d, w(96, 1, 5, 5), w(96), group=96, pads=[2, 2, 2, 2])
    f = node("Conv", e, w(130, 96, 1, 1), strides=[2, 2])
    g = node("Reshape", f, "flat")
    weights.append(numpy_helper.from_array(np.array([2, -1, 130]), "flat"))
    h = node("Gelu", node("Add", node("MatMul", g, w(130, 100)), w(100)))
    k = node("GlobalAveragePool", node("Transpose", node("Unsqueeze", h, "three"), perm=[0, 2, 1, 3]))
    weights.append(numpy_helper.from_array(np.array([3]), "three"))
    node("Gemm", node("Flatten", k), w(77, 100), w(77), transB=1)
    graph = helper.make_graph(nodes, "network", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3, 37, 41])],
                              [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    save(model, folder / "network.onnx")
    return nodes[-1].output[0]


with tempfile.TemporaryDirectory() as d:
    folder = Path(d)
    out = network(folder)
    x = rng.normal(size=[2, 3, 37, 41]).astype(np.float32)
    np.savez(folder / "in.npz", x=x)
    path = folder / "network.onnx"
    so = ort.SessionOptions()
    so.log_severity_level = 4
    want = ort.InferenceSession(str(path), so, providers=["CPUExecutionProvider"]).run([out], {"x": x})[0]

    text = run("run", path, "--random", "--precision", "bf16", "--cpu", "none", code=1)
    if "bfloat16" not in text or "avx512bf16" not in text:
        failures.append(f"refusal: {text}")
    run("run", path, "--random", "--precision", "f8", code=2)
    here = subprocess.run([tool, "inspect", path, "--precision", "bf16"], capture_output=True, text=True)
    if here.returncode != 0:
        if "bfloat16" not in here.stderr:
            failures.append(here.stderr)
        print("skipped: this machine has no bfloat16 arithmetic")
        for f in failures:
            print("FAIL", f)
        sys.exit(1 if failures else 77)

    got = []
    for options in ["--precision", "bf16"], ["--precision", "bf16", "--threads", "3"], ["--precision", "f32"]:
        run("run", path, "--inputs", folder / "in.npz", "--outputs", folder / "out.npz", "--overwrite", *options)
        got.append(np.load(folder / "out.npz")[out])
    scale = np.abs(want).max()
    if not np.array_equal(got[0], got[1]):
        failures.append("other bits on three threads")
    if np.abs(got[2] - want).max() > 1e-4 * scale:
        failures.append(f"f32: {np.abs(got[2] - want).max()} of {scale}")
    error = np.abs(got[0] - want).max() / scale
    if not 1e-5 < error < 0.03:
        failures.append(f"bf16: {error}")
    rows = json.loads(run("bench", path, "--precision", "bf16", "--profile", "--json", "--runs", 3, "--threads", 1))["profile"]["operators"]
    kernels = {r["kernel"] for r in rows}
    if not any("bf16" in k for k in kernels) or not any("gemm_f32_f32" in k for k in kernels):
        failures.append(f"kernels {kernels}")
    run("compile", path, "-o", folder / "network.mote")
    if "precision" not in run("run", folder / "network.mote", "--random", "--precision", "bf16", code=1):
        failures.append("a compiled model")

for f in failures:
    print("FAIL", f)
sys.exit(bool(failures))
