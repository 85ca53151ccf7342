# test_attention_peers.py - ONNX Attention on the kernels against the standard's reference evaluator, on random settings
# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
import sys
import tempfile

TOOL = os.environ.get("MOTE_TOOL", "")
try:
    import numpy as np
    import onnx
    from onnx import TensorProto as T
    from onnx import helper as h
    from onnx.reference import ReferenceEvaluator

    if onnx.defs.onnx_opset_version() < 25:
        raise ImportError("onnx without operator set 25")
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)
if not os.path.exists(TOOL):
    print("skipped: the tool is not built")
    sys.exit(77)

rng = np.random.default_rng(int(os.environ.get("MOTE_SEED", "5")))


def f(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def pick(*of):
    return of[rng.integers(len(of))]


def settings(k):
    """One call: version, inputs by place, number of outputs, attributes."""
    version = pick(23, 24, 25)
    b, kv, group = int(rng.integers(1, 4)), int(rng.integers(1, 4)), pick(1, 1, 2, 4)
    heads, d, e = kv * group, pick(4, 8, 33, 64), pick(4, 16, 40, 64, 100)
    l, new = int(pick(1, 1, 3, 17, 130, 300)), int(pick(1, 5, 64, 200))
    three = rng.random() < 0.5
    attrs, inputs, outs = {}, [None] * 7, 1

    def heads_of(n, rows, size):
        return f(b, rows, n * size) if three else f(b, n, rows, size)

    if three:
        attrs |= {"q_num_heads": heads, "kv_num_heads": kv}
    inputs[0], inputs[1], inputs[2] = heads_of(heads, l, d), heads_of(kv, new, d), heads_of(kv, new, e)
    total, past = new, 0
    how = rng.integers(3)
    if how == 0:
        past = int(rng.integers(1, 70))
        inputs[4], inputs[5] = f(b, kv, past, d), f(b, kv, past, e)
        outs = pick(1, 3)
        total += past
    elif how == 1 and version >= 24:
        inputs[6] = rng.integers(1, total + 1, b)
    elif rng.random() < 0.3:
        outs = 3
    if rng.random() < 0.5:
        attrs["is_causal"] = 1
    if rng.random() < 0.3:
        attrs["softcap"] = float(pick(0.5, 3.0))
    if rng.random() < 0.3:
        attrs["scale"] = float(pick(0.05, 0.3))
    if version >= 25 and rng.random() < 0.6:
        attrs["left_window_size"] = int(pick(0, 2, 20, 100))
        if rng.random() < 0.5:
            attrs["right_window_size"] = int(pick(0, 3, 50))
    if rng.random() < 0.6:
        shape = [pick(1, b), pick(1, heads), pick(1, l) if not attrs.get("is_causal") else l, total][-int(pick(2, 3, 4)):]
        if version >= 24 and rng.random() < 0.3 and inputs[6] is not None:
            shape[-1] = max(int(inputs[6].max()), total - 1, 1)
        inputs[3] = rng.random(shape) < 0.7 if rng.random() < 0.5 else f(*shape)
        if inputs[3].dtype != np.bool_ and rng.random() < 0.5:
            inputs[3][rng.random(shape) < 0.3] = -np.inf
        if shape[-2] > 1:
            inputs[3][..., 0, :] = False if inputs[3].dtype == np.bool_ else -np.inf  # a row that sees nothing
    while inputs[-1] is None:
        inputs.pop()
    return version, inputs, outs, attrs


def main():
    bad, count = 0, int(os.environ.get("MOTE_CASES", "150"))
    for k in range(count):
        version, inputs, outs, attrs = settings(k)
        names = ["" if x is None else f"x{i}" for i, x in enumerate(inputs)]
        feeds = {f"x{i}": x for i, x in enumerate(inputs) if x is not None}
        node = h.make_node("Attention", names, [f"y{i}" for i in range(outs)], **attrs)
        graph = h.make_graph([node], "g", [h.make_tensor_value_info(n, h.np_dtype_to_tensor_dtype(x.dtype), x.shape) for n, x in feeds.items()],
                             [h.make_tensor_value_info(f"y{i}", T.FLOAT, None) for i in range(outs)])
        model = h.make_model(graph, opset_imports=[h.make_opsetid("", version)], ir_version=11)
        what = f"Attention-{version} {[None if x is None else f'{x.dtype}{list(x.shape)}' for x in inputs]} {attrs}"
        with np.errstate(all="ignore"):
            want = ReferenceEvaluator(model).run(None, feeds)
        with tempfile.TemporaryDirectory() as folder:
            path, npz, out = (os.path.join(folder, n) for n in ("m.onnx", "in.npz", "out.npz"))
            onnx.save(model, path)
            np.savez(npz, **feeds)
            command = [TOOL, "run", path, "--inputs", npz, "--outputs", out, "--overwrite", "--threads", str(1 + k % 3)]
            ran = subprocess.run(command, capture_output=True, text=True)
            if ran.returncode != 0:
                print(f"FAIL {what}: {ran.stderr.strip()[:300]}")
                bad += 1
                continue
            got = dict(np.load(out))
        for i, w in enumerate(want):
            g = got[f"y{i}"]
            same = g.shape == w.shape and np.array_equal(np.isnan(g), np.isnan(w))
            error = np.nanmax(np.abs(g - w), initial=0) if same else np.inf
            if not error <= 2e-5 * max(1, np.nanmax(np.abs(w), initial=0)):
                print(f"FAIL {what}: y{i} {g.shape} differs by {error:.3g} from {w.shape}")
                bad += 1
    print(f"{count} cases, {bad} failures")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
