# test_upgrade.py - models of operator sets 1 to 6 beside numpy's answers, as they are and written again
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
    from onnx import TensorProto, helper, numpy_helper
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)

rng = np.random.default_rng(3)
x = rng.standard_normal((2, 3, 4, 5)).astype(np.float32)
b34, b3, b1 = (rng.standard_normal(s).astype(np.float32) for s in ((3, 4), (3,), (1,)))
full = rng.standard_normal((2, 3, 4, 5)).astype(np.float32)


def node(op, n_in=1, outputs=1, **attrs):
    return lambda: helper.make_node(op, ["x"] + [f"c{i}" for i in range(n_in - 1)], [f"y{i}" for i in range(outputs)], **attrs)


selu = lambda v, a, g: g * np.where(v > 0, v, a * (np.exp(v) - 1))
cases = [  # operator set, node, constants, outputs
    (6, node("Add", 2, broadcast=1, axis=1), [b34], [x + b34[:, :, None]]),
    (6, node("Sub", 2, broadcast=1, axis=1), [b3], [x - b3[:, None, None]]),
    (1, node("Mul", 2, broadcast=1, axis=0, consumed_inputs=[0, 0]), [rng.standard_normal(2).astype(np.float32)], None),
    (6, node("Div", 2, broadcast=1), [x[0, 0, 0] + 3], [x / (x[0, 0, 0] + 3)]),
    (6, node("Add", 2), [full], [x + full]),
    (6, node("Greater", 2, broadcast=1, axis=2), [x[0, 0, :, 0]], [x > x[0, 0, :, 0][:, None]]),
    (6, node("PRelu", 2), [b3], [np.where(x < 0, x * b3[:, None, None], x)]),
    (6, node("PRelu", 2), [b1], [np.where(x < 0, x * b1, x)]),
    (1, node("Reshape", shape=[2, -1], consumed_inputs=[0]), [], [x.reshape(2, -1)]),
    (1, node("Pad", paddings=[0, 0, 1, 2, 0, 0, 0, 1], value=2.0), [], [np.pad(x, ((0, 0), (0, 0), (1, 0), (2, 1)), constant_values=2)]),
    (1, node("Upsample", height_scale=2.0, width_scale=3.0, mode="nearest"), [], [x.repeat(2, 2).repeat(3, 3)]),
    (1, node("Cast", to="INT32"), [], [x.astype(np.int32)]),
    (1, node("Selu"), [], [selu(x, np.float32(1.6732), np.float32(1.0507))]),
    (6, node("Selu"), [], [selu(x, np.float32(1.67326319217681884765625), np.float32(1.05070102214813232421875))]),
    (1, node("Split", 2, 2, axis=1), [np.array([1, 2], np.float32)], [x[:, :1], x[:, 1:]]),
    (2, node("Split", 1, 2, axis=2), [], [x[:, :, :2], x[:, :, 2:]]),
    (1, node("Concat", 2), [full], [np.concatenate([x, full], 1)]),
    (6, node("Dropout", is_test=1), [], [x]),
    (1, node("Clip", min=-0.5, max=0.5, consumed_inputs=[0]), [], [np.clip(x, -0.5, 0.5)]),
    (6, node("BatchNormalization", 5, is_test=1, epsilon=1e-3), [b3, b3 * 2, b3 + 1, b3 ** 2],
     [(x - (b3 + 1)[:, None, None]) / np.sqrt(b3 ** 2 + np.float32(1e-3))[:, None, None] * b3[:, None, None] + (b3 * 2)[:, None, None]]),
    (1, node("Max", 2, consumed_inputs=[0, 0]), [full], [np.maximum(x, full)]),
    (1, node("Pow", 2, broadcast=1), [np.array(2, np.float32)], [x ** 2]),
]
cases[2] = (*cases[2][:3], [x * cases[2][2][0][:, None, None, None]])
wrong = 0
with tempfile.TemporaryDirectory() as tmp:
    for k, (version, make, constants, want) in enumerate(cases):
        n = make()
        inits = [numpy_helper.from_array(c, f"c{i}") for i, c in enumerate(constants)]
        inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)] + [helper.make_tensor_value_info(t.name, t.data_type, t.dims) for t in inits]
        g = helper.make_graph([n], "g", inputs, [helper.make_tensor_value_info(o, TensorProto.FLOAT if want[0].dtype == np.float32 else TensorProto.BOOL if want[0].dtype == bool else
                                                                              TensorProto.INT32, None) for o in n.output], inits)
        onnx.save(helper.make_model(g, opset_imports=[helper.make_opsetid("", version)], ir_version=3), f"{tmp}/m.onnx")
        np.savez(f"{tmp}/in.npz", x=x)
        for options in ((), ("--reference", "--disable-passes", "all")):
            r = subprocess.run([tool, "run", f"{tmp}/m.onnx", "--inputs", f"{tmp}/in.npz", "--outputs", f"{tmp}/y.npz", "--overwrite", *options], capture_output=True, text=True)
            got = [np.load(f"{tmp}/y.npz")[o] for o in n.output] if r.returncode == 0 else []
            if len(got) != len(want) or not all(a.shape == b.shape and np.allclose(a, b, rtol=1e-5, atol=1e-6) for a, b in zip(got, want)):
                wrong += 1
                print(f"WRONG {n.op_type} of set {version} {options}: {r.stderr.strip()} {[a.shape for a in got]}")
    for version, make, says in ((1, node("Tile", 3), "Tile"), (1, node("Cast", to="NOTHING"), "to names no element type"), (1, node("Reshape"), "shape"),
                                (6, node("Add", 2, broadcast=1, axis=-1), "axis"), (1, node("Crop", border=[0, 0, 0, 0]), "Crop")):
        n = make()
        inits = [numpy_helper.from_array(b3, f"c{i}") for i in range(len(n.input) - 1)]
        g = helper.make_graph([n], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)], [helper.make_tensor_value_info("y0", TensorProto.FLOAT, None)], inits)
        onnx.save(helper.make_model(g, opset_imports=[helper.make_opsetid("", version)], ir_version=4), f"{tmp}/m.onnx")
        r = subprocess.run([tool, "run", f"{tmp}/m.onnx", "--random"], capture_output=True, text=True)
        if r.returncode != 1 or says not in r.stderr:
            wrong += 1
            print(f"WRONG {n.op_type} of set {version}: {r.stderr.strip()}")
print(f"{len(cases)} models, {wrong} wrong")
sys.exit(1 if wrong else 0)
