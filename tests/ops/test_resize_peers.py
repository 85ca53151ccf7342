# test_resize_peers.py - Resize and ConvTranspose against onnxruntime on random settings
# SPDX-License-Identifier: Apache-2.0
import os
import random
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

rng = random.Random(int(os.environ.get("MOTE_SEED", "3")))


class Model:
    """Nodes side by side in one model: each reads an input of its own and gives an output."""

    def __init__(self):
        self.nodes, self.inits, self.inputs, self.outputs, self.feeds, self.what = [], [], [], [], {}, {}

    def const(self, value):
        name = f"c{len(self.inits)}"
        self.inits.append(onnx.numpy_helper.from_array(np.asarray(value), name))
        return name

    def add(self, op, x, more, **attrs):
        i = len(self.nodes)
        self.inputs.append(h.make_tensor_value_info(f"x{i}", h.np_dtype_to_tensor_dtype(x.dtype), x.shape))
        self.outputs.append(h.make_tensor_value_info(f"y{i}", h.np_dtype_to_tensor_dtype(x.dtype), [None] * x.ndim))
        self.feeds[f"x{i}"] = x
        self.what[f"y{i}"] = f"{op} {x.dtype}{list(x.shape)} {attrs}"
        self.nodes.append(h.make_node(op, [f"x{i}", *more], [f"y{i}"], **attrs))

    def run(self, folder):
        model = h.make_model(h.make_graph(self.nodes, "g", self.inputs, self.outputs, self.inits), opset_imports=[h.make_opsetid("", 19)], ir_version=9)
        path, npz, out = (os.path.join(folder, n) for n in ("m.onnx", "in.npz", "out.npz"))
        onnx.save(model, path)
        np.savez(npz, **self.feeds)
        options = ort.SessionOptions()
        options.log_severity_level = 4
        session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        want = dict(zip([o.name for o in session.get_outputs()], session.run(None, self.feeds)))
        subprocess.run([TOOL, "run", path, "--inputs", npz, "--outputs", out, "--overwrite"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return dict(np.load(out)), want


def data(shape, dtype):
    x = np.random.default_rng(rng.randrange(1 << 30)).standard_normal(shape)
    return (x * 60 + 100).clip(0, 255).astype(np.uint8) if dtype == np.uint8 else x.astype(dtype)


def resizes(m):
    modes = ["half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel", "half_pixel_symmetric"]
    for k in range(160):
        mode = ["nearest", "linear", "cubic"][k % 3]
        c, hh, ww = rng.randrange(1, 5), rng.randrange(4, 24), rng.randrange(4, 24)
        dtype = np.uint8 if k % 7 == 0 and mode != "cubic" else np.float32
        # half_pixel_symmetric with floor and ceil: positions that are whole up to rounding fall on either side, so only what interpolates
        attrs = {"mode": mode, "coordinate_transformation_mode": rng.choice(modes[:4] if mode == "nearest" else modes)}
        if mode == "nearest":
            attrs["nearest_mode"] = rng.choice(["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"])
        if mode == "cubic":
            attrs["cubic_coeff_a"], attrs["exclude_outside"] = rng.choice([-0.75, -0.5]), rng.randrange(2)
        # with align_corners and scales onnxruntime takes the rounded size for the length, the standard the exact product
        if rng.random() < 0.5 and attrs["coordinate_transformation_mode"] != "align_corners":
            scales = np.array([1, 1, rng.choice([0.5, 0.6, 1, 1.5, 2, 2.6, 3]), rng.choice([0.5, 0.75, 2, 2.2, 4])], np.float32)
            more = ["", m.const(scales)]
        else:
            more = ["", "", m.const(np.array([1, c, rng.randrange(1, 40), rng.randrange(1, 40)], np.int64))]
        m.add("Resize", data((1, c, hh, ww), dtype), more, **attrs)


def transposed(m):
    for k in range(60):
        r = 1 + k % 3
        group = rng.choice([1, 1, 2, 3])
        c, mg = group * rng.randrange(1, 6), rng.randrange(1, 7)
        size, kernel = [rng.randrange(1, 8) for _ in range(r)], [rng.randrange(1, 5) for _ in range(r)]
        strides, dilations = [rng.randrange(1, 4) for _ in range(r)], [rng.randrange(1, 3) for _ in range(r)]
        attrs = {"strides": strides, "dilations": dilations, "group": group, "kernel_shape": kernel}
        full = [(n - 1) * s + (q - 1) * d + 1 for n, s, q, d in zip(size, strides, kernel, dilations)]
        how = rng.randrange(3)
        if how == 0:
            begin = [rng.randrange(0, (f + 1) // 2) for f in full]
            end = [rng.randrange(0, f - b) if f - b > 1 else 0 for f, b in zip(full, begin)]
            attrs["pads"] = begin + end
            attrs["output_padding"] = [rng.randrange(0, s) for s in strides]
        elif how == 1:
            attrs["output_shape"] = [max(1, f - rng.randrange(0, 3)) for f in full]
            attrs["auto_pad"] = rng.choice(["SAME_UPPER", "SAME_LOWER"])
        more = [m.const(data((c, mg, *kernel), np.float32))]
        if rng.random() < 0.6:
            more.append(m.const(data((group * mg,), np.float32)))
        m.add("ConvTranspose", data((rng.randrange(1, 3), c, *size), np.float32), more, **attrs)


def main():
    bad = 0
    for make in (resizes, transposed):
        m = Model()
        make(m)
        with tempfile.TemporaryDirectory() as folder:
            got, want = m.run(folder)
        for name, w in want.items():
            g = got[name]
            if g.shape != w.shape:
                print(f"FAIL {m.what[name]}: {g.shape}, onnxruntime {w.shape}")
                bad += 1
                continue
            limit = 1 if w.dtype == np.uint8 and "nearest" not in m.what[name] else 0 if "nearest" in m.what[name] else 2e-5 * max(1, np.abs(w).max(initial=0))
            error = np.abs(g.astype(np.float64) - w.astype(np.float64)).max(initial=0)
            if error > limit:
                print(f"FAIL {m.what[name]} -> {list(w.shape)}: differs by {error:.3g}")
                bad += 1
        print(f"{make.__name__}: {len(want)} settings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
