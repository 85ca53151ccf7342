# test_ms_quant_peers.py - com.microsoft's operators on quantized tensors against onnxruntime: as integer forms, in plain C, and by reference
# SPDX-License-Identifier: Apache-2.0
import json
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
    from onnx import numpy_helper
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)
if not os.path.exists(TOOL):
    print("skipped: the tool is not built")
    sys.exit(77)

ort.set_default_logger_severity(4)
rng = np.random.default_rng(int(os.environ.get("MOTE_SEED", "5")))
failures = []
WAYS = [], ["--cpu", "none"], ["--disable-passes", "all"], ["--reference"]


def kind(x):
    return h.np_dtype_to_tensor_dtype(x.dtype)


class Cases:
    """Nodes side by side. onnxruntime runs each by itself, mote all of them together."""

    def __init__(self):
        self.nodes, self.feeds, self.inits, self.outs, self.want = [], {}, {}, [], []

    def feed(self, x):
        name = f"x{len(self.feeds)}"
        self.feeds[name] = x
        return name

    def const(self, value, dtype):
        name = f"c{len(self.inits)}"
        self.inits[name] = np.asarray(value, dtype)
        return name

    def scale(self, low=0.01, high=0.1, n=()):
        return self.const(rng.uniform(low, high, n), np.float32)

    def zero(self, dtype, n=()):
        i = np.iinfo(dtype)
        return self.const(rng.integers(i.min // 2, i.max // 2 + 1, n), dtype)

    def q(self, shape, dtype=np.uint8):
        i = np.iinfo(dtype)
        return self.feed(rng.integers(i.min, i.max + 1, shape).astype(dtype))

    def weight(self, shape, dtype=np.int8):
        i = np.iinfo(dtype)
        return self.const(rng.integers(i.min // 2 + 1, i.max // 2, shape), dtype)  # beyond, onnxruntime saturates without VNNI

    def add(self, op, inputs, types, limit, want=None, **attrs):
        """limit: the largest difference of floats; of integers the share that may differ, by one. want: where onnxruntime has no implementation"""
        outs = [f"y{len(self.outs) + k}" if t else "" for k, t in enumerate(types)]
        node = h.make_node(op, inputs, outs, domain="com.microsoft", **attrs)
        infos = [h.make_tensor_value_info(o, t, None) for o, t in zip(outs, types) if t]
        names = {i for i in inputs if i}
        feeds = {k: v for k, v in self.feeds.items() if k in names}
        m = self.model([node], feeds, {k: v for k, v in self.inits.items() if k in names}, infos)
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        want = want or ort.InferenceSession(m.SerializeToString(), options, providers=["CPUExecutionProvider"]).run(None, feeds)
        self.nodes.append(node)
        self.outs += infos
        self.want += [(i.name, w, f"{op} {[str(self.feeds[k].shape) for k in feeds]} {attrs}", limit) for i, w in zip(infos, want)]

    @staticmethod
    def model(nodes, feeds, inits, outs):
        inputs = [h.make_tensor_value_info(k, kind(v), v.shape) for k, v in feeds.items()]
        graph = h.make_graph(nodes, "g", inputs, outs, [v if isinstance(v, onnx.TensorProto) else numpy_helper.from_array(v, k) for k, v in inits.items()])
        return h.make_model(graph, opset_imports=[h.make_opsetid("", 17), h.make_opsetid("com.microsoft", 1)], ir_version=8)

    def run(self):
        with tempfile.TemporaryDirectory() as d:
            onnx.save(self.model(self.nodes, self.feeds, self.inits, self.outs), f"{d}/m.onnx")
            np.savez(f"{d}/x.npz", **self.feeds)
            for way in WAYS:
                r = subprocess.run([TOOL, "run", f"{d}/m.onnx", "--inputs", f"{d}/x.npz", "--outputs", f"{d}/y.npz", "--overwrite", *way], capture_output=True, text=True)
                if r.returncode:
                    failures.append(f"{way}: {r.stderr[:600]}")
                    continue
                got = dict(np.load(f"{d}/y.npz"))
                for name, w, what, limit in self.want:
                    g = got[name]
                    if g.shape != w.shape or g.dtype != w.dtype:
                        failures.append(f"{what} {way}: {g.dtype}{list(g.shape)}, onnxruntime {w.dtype}{list(w.shape)}")
                        continue
                    diff = np.abs(g.astype(float) - w.astype(float))
                    if w.dtype.kind == "f":
                        bad = diff.max(initial=0) > limit * max(1, np.abs(w).max(initial=0))
                    else:
                        bad = diff.max(initial=0) > (limit > 0) or (diff != 0).mean() > limit + 1.5 / max(1, diff.size) * (limit > 0)
                    if bad:
                        failures.append(f"{what} {way}: differs by up to {diff.max():.4g} in {(diff != 0).sum()} of {diff.size}")
        print(f"{sys._getframe(1).f_code.co_name}: {len(self.want)} settings")


def elementwise():
    c = Cases()
    for i in range(12):
        t, ty = (np.uint8, T.UINT8) if i % 2 == 0 else (np.int8, T.INT8)
        a, b = [((2, 3, 5, 7), (2, 3, 5, 7)), ((2, 3, 5, 7), (7,)), ((3, 1, 7), (2, 1, 5, 1)), ((4, 9), ())][i // 2 % 4]
        zero = lambda: c.zero(t) if i % 3 else ""
        for op in "QLinearAdd", "QLinearMul":
            second = c.weight(b, t) if i % 4 == 3 and b != () else c.q(b, t)
            c.add(op, [c.q(a, t), c.scale(), c.zero(t), second, c.scale(), c.zero(t), c.scale(0.05, 0.4), c.zero(t)], [ty], 0.005)
        c.add("QLinearSigmoid", [c.q(a, t), c.scale(), zero(), c.scale(0.004, 0.005), c.const(0 if i % 2 == 0 else -128, t)], [ty], 0.01)
        c.add("QLinearLeakyRelu", [c.q(a, t), c.scale(), zero(), c.scale(), c.zero(t)], [ty], 0.01, alpha=0.1 * i)
    c.run()


def pools():
    c = Cases()
    for i in range(12):
        t, ty = (np.uint8, T.UINT8) if i % 2 == 0 else (np.int8, T.INT8)
        last = i // 2 % 2
        shape = (2, 9, 8, 5) if last else (2, 5, 9, 8)
        for op, attrs in ("QLinearGlobalAveragePool", {}), ("QLinearAveragePool", {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 1, 1], "count_include_pad": i // 4 % 2}):
            c.add(op, [c.q(shape, t), c.scale(), c.zero(t), c.scale(), c.zero(t)], [ty], 0.01, channels_last=last, **attrs)
        inputs, axes = [c.q((3, 4, 5, 6), t), c.scale(), c.zero(t), c.scale(), c.zero(t)], [[2, 3], [1], [-1], [0, 2]][i % 4]
        x, (xs, xz, ys, yz) = c.feeds[inputs[0]], (c.inits[k].astype(float) for k in inputs[1:])
        mean = np.rint(((x - xz) * xs).mean(tuple(axes), keepdims=bool(i // 4 % 2)) / ys) + yz
        c.add("QLinearReduceMean", inputs, [ty], 0.02, want=[mean.clip(np.iinfo(t).min, np.iinfo(t).max).astype(t)], axes=axes, keepdims=i // 4 % 2)
        axis, opset = [(-1, 13), (1, 13), (1, 11), (2, 12)][i % 4]
        c.add("QLinearSoftmax", [c.q((3, 4, 10), t), c.scale(), c.zero(t), c.const(1 / 256, np.float32), c.const(0 if i % 2 == 0 else -128, t)], [ty], 0.02, axis=axis, opset=opset)
    c.run()


def joins():
    c = Cases()
    for i in range(8):
        t, ty = (np.uint8, T.UINT8) if i % 2 == 0 else (np.int8, T.INT8)
        shared = (c.scale(), c.zero(t))
        parts = []
        for k in range(1 + i % 4):
            parts += [c.q((2, 3 + k, 4), t), *(shared if k % 2 else (c.scale(), c.zero(t)))]
        c.add("QLinearConcat", [*shared, *parts], [ty], 0.005, axis=1)
        cond = c.feed(rng.random((3, 1, 5)) < 0.5)
        c.add("QLinearWhere", [cond, c.q((3, 4, 5), t), c.scale(), c.zero(t), c.q((4, 1), t), c.scale(), c.zero(t), c.scale(), c.zero(t)], [ty], 0.005)
    c.run()


def products():
    c = Cases()
    for i in range(12):
        t, ty = (np.uint8, T.UINT8) if i % 2 == 0 else (np.int8, T.INT8)
        m, k, n, each = 5, 37, 12, i % 3 == 0
        ta, tb = i // 6 % 2, i // 2 % 2
        a, b = c.q((k, m) if ta else (m, k), t), c.weight((n, k) if tb else (k, n))
        bz = c.const(np.zeros(n if each else ()), np.int8)
        bias = c.const(rng.integers(-3000, 3000, n), np.int32) if i % 4 else ""
        head = [a, c.scale(), c.zero(t), b, c.scale(0.002, 0.02, n if each else ()), bz, bias]
        c.add("QGemm", [*head, c.scale(0.05, 0.2), c.zero(t)], [ty], 0.005, transA=ta, transB=tb)
        c.add("QGemm", [*head, c.scale(0.05, 0.2), c.zero(t)], [ty], 0.005, transA=ta, transB=tb, alpha=0.5)
        c.add("QGemm", head, [T.FLOAT], 1e-5, transA=ta, transB=tb)
        x, w = c.q((2, m, k), t), c.weight((k, n), np.uint8 if i // 2 % 2 and t is np.uint8 else np.int8)
        wt = c.inits[w].dtype
        wz = c.zero(wt, n if each else ()) if i % 4 else ""
        ws = c.scale(0.002, 0.02, n if each else ())
        fb = c.const(rng.normal(size=n), np.float32) if i % 2 else ""
        c.add("MatMulIntegerToFloat", [x, w, c.scale(), ws, c.zero(t) if i % 4 > 1 else "", wz, fb], [T.FLOAT], 1e-5)
        c.add("DynamicQuantizeMatMul", [c.feed(rng.normal(size=(3, m, k)).astype("f4")), w, ws, wz, fb], [T.FLOAT], 2e-5)
    c.run()


def convolutions():
    c = Cases()
    for i in range(8):
        t, ty = (np.uint8, T.UINT8) if i % 2 == 0 else (np.int8, T.INT8)
        last, group, cin, cout = i // 2 % 2, [1, 2][i // 4 % 2], 8, 12
        w = c.weight((cout, cin // group, 3, 3))
        each = i % 3 == 0
        bias = c.const(rng.integers(-2000, 2000, cout), np.int32)
        x = c.q((2, 9, 7, cin) if last else (2, cin, 9, 7), t)
        c.add("QLinearConv", [x, c.scale(), c.zero(t), w, c.scale(0.002, 0.02, cout if each else ()), c.const(np.zeros(cout if each else ()), np.int8), c.scale(0.1, 0.3), c.zero(t), bias],
              [ty], 0.005, channels_last=last, group=group, pads=[1, 1, 0, 1], strides=[2, 1], kernel_shape=[3, 3])
    c.run()


def lstms():
    """onnxruntime quantizes x and h at each step: the answers are near each other, not equal."""
    c = Cases()
    for i in range(4):
        directions, k, n, steps, batch = [1, 2][i % 2], 6, 8, 5, 3
        each = (directions, 4 * n) if i > 1 else (directions,)
        w = lambda rows: c.const(rng.integers(-80, 80, (directions, rows, 4 * n)), np.int8)
        zeros = lambda: c.const(np.zeros(each), np.int8)
        bias = c.const(rng.normal(size=(directions, 8 * n)) * 0.1, np.float32)
        x = c.feed(rng.normal(size=(steps, batch, k)).astype("f4"))
        c.add("DynamicQuantizeLSTM", [x, w(k), w(n), bias, "", "", "", "", c.scale(0.002, 0.006, each), zeros(), c.scale(0.002, 0.006, each), zeros()], [T.FLOAT, T.FLOAT, T.FLOAT], 0.02,
              direction=["forward", "bidirectional"][i % 2], hidden_size=n)
    c.run()


def attentions():
    c = Cases()
    for i in range(8):
        t = np.uint8
        batch, steps, heads, size = 2, 5, 4, 8
        width, each = heads * size, i // 2 % 2
        w = c.weight((width, 3 * width))
        mask = ["", c.feed((rng.random((batch, steps)) < 0.7).astype(np.int32)), c.feed(np.array([3, 5], np.int32)), c.feed((rng.random((batch, steps, steps)) < 0.7).astype(np.int32))][i // 2]
        inputs = [c.q((batch, steps, width), t), c.const(rng.normal(size=3 * width), np.float32), c.scale(), c.scale(0.002, 0.01, 3 * width if each else ())]
        inputs = [inputs[0], w, *inputs[1:], mask, c.zero(t), c.const(np.zeros(3 * width if each else ()), np.int8)]
        c.add("QAttention", inputs, [T.FLOAT], 5e-5, num_heads=heads, unidirectional=i // 4)
        past = c.feed(rng.normal(size=(2, batch, heads, 3, size)).astype("f4"))
        if i < 4:
            c.add("QAttention", [*inputs[:5], "", *inputs[6:], past], [T.FLOAT, T.FLOAT], 5e-5, num_heads=heads, unidirectional=1)
    c.run()


def linears():
    """QuantizeLinear and DequantizeLinear of that domain."""
    c = Cases()
    for t in np.uint8, np.int8, np.uint16, np.int16:
        ty = h.np_dtype_to_tensor_dtype(np.dtype(t))
        x = c.feed((rng.normal(size=(3, 4, 5)) * 50).astype("f4"))
        c.add("QuantizeLinear", [x, c.scale(), c.zero(t)], [ty], 0)
        c.add("QuantizeLinear", [x, c.scale(n=4), c.zero(t, 4)], [ty], 0, axis=1)
        c.add("DequantizeLinear", [c.q((3, 4, 5), t), c.scale(), c.zero(t)], [T.FLOAT], 0)
        c.add("DequantizeLinear", [c.q((3, 4, 5), t), c.scale(n=5), c.zero(t, 5)], [T.FLOAT], 0, axis=-1)
    for t, low in (T.INT4, -8), (T.UINT4, 0):
        values = rng.integers(low, low + 16, 24)
        c.inits[f"w{t}"] = h.make_tensor(f"w{t}", t, [4, 6], values)
        c.inits[f"z{t}"] = h.make_tensor(f"z{t}", t, [6], values[:6])
        c.add("DequantizeLinear", [f"w{t}", c.scale(n=6), f"z{t}"], [T.FLOAT], 0, axis=1)
    c.add("DequantizeLinear", [c.feed(rng.integers(-(1 << 20), 1 << 20, (4, 6)).astype(np.int32)), c.scale()], [T.FLOAT], 0)
    c.run()


def sixteen():
    """MatMulInteger16, which onnxruntime's CPU package does not have: by its formula."""
    a, b = rng.integers(-(1 << 15), 1 << 15, (3, 5, 40)).astype(np.int16), rng.integers(-(1 << 15), 1 << 15, (40, 6)).astype(np.int16)
    m = Cases.model([h.make_node("MatMulInteger16", ["a", "b"], ["y"], domain="com.microsoft")], {"a": a, "b": b}, {}, [h.make_tensor_value_info("y", T.INT32, None)])
    with tempfile.TemporaryDirectory() as d:
        onnx.save(m, f"{d}/m.onnx")
        np.savez(f"{d}/x.npz", a=a, b=b)
        r = subprocess.run([TOOL, "run", f"{d}/m.onnx", "--inputs", f"{d}/x.npz", "--outputs", f"{d}/y.npz"], capture_output=True, text=True)
        want = (a.astype(np.int64) @ b.astype(np.int64)).astype(np.int32)
        if r.returncode or not (np.load(f"{d}/y.npz")["y"] == want).all():
            failures.append(f"MatMulInteger16: {r.stderr}")


def check_file(path, feeds, limit, want):
    """mote's answers within limit of the largest; nothing but integer forms and kernels, if `want` says so."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    theirs = session.run(None, feeds)
    with tempfile.TemporaryDirectory() as d:
        np.savez(f"{d}/x.npz", **feeds)
        r = subprocess.run([TOOL, "run", path, "--inputs", f"{d}/x.npz", "--outputs", f"{d}/y.npz"], capture_output=True, text=True)
        if r.returncode:
            failures.append(f"{path}: {r.stderr[:300]}")
            return
        ours = np.load(f"{d}/y.npz")
        for o, w in zip(session.get_outputs(), theirs):
            diff = np.abs(ours[o.name].astype(float) - w).max()
            if diff > limit * np.abs(w).max():
                failures.append(f"{path}: {o.name} differs by {diff:.4g} of {np.abs(w).max():.4g}")
        profile = json.loads(subprocess.run([TOOL, "bench", "--json", "--profile", "--runs", "3", "--inputs", f"{d}/x.npz", path], capture_output=True, text=True).stdout)
    quantized = json.loads(subprocess.run([TOOL, "inspect", "--json", path], capture_output=True, text=True).stdout)["quantized"]
    slow = [row for row in profile["profile"]["operators"] if row["kernel"] == "reference"]
    if slow or (want and (quantized["float"] or not quantized["integer"])):
        failures.append(f"{path}: in float {quantized['float']}, by reference {slow}")


def quantizer():
    """What onnxruntime's quantizer writes in its QOperator format runs in integers throughout."""
    try:
        from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
    except ImportError as e:
        print(f"quantizer: skipped, {e}")
        return

    class Reader(CalibrationDataReader):
        def __init__(self, feeds):
            self.feeds = iter(feeds)

        def get_next(self):
            return next(self.feeds, None)

    f = lambda *shape: (rng.normal(size=shape) / np.sqrt(np.prod(shape[1:]))).astype("f4")
    inits = {"w0": f(8, 3, 3, 3), "b0": f(8), "w1": f(8, 1, 3, 3), "w2": f(8, 8, 1, 1), "w3": f(20, 10), "b3": f(10), "w4": f(10, 10)}
    nodes = [h.make_node("Conv", ["x", "w0", "b0"], ["c0"], pads=[1, 1, 1, 1]), h.make_node("Relu", ["c0"], ["r0"]), h.make_node("Conv", ["r0", "w1"], ["c1"], group=8, pads=[1, 1, 1, 1]),
             h.make_node("Sigmoid", ["c1"], ["s1"]), h.make_node("Mul", ["c1", "s1"], ["m1"]), h.make_node("Conv", ["m1", "w2"], ["c2"]), h.make_node("Add", ["c2", "r0"], ["a2"]),
             h.make_node("LeakyRelu", ["a2"], ["l2"], alpha=0.1), h.make_node("Concat", ["l2", "c1", "x4"], ["j2"], axis=1), h.make_node("AveragePool", ["j2"], ["p2"], kernel_shape=[2, 2], strides=[2, 2]),
             h.make_node("MaxPool", ["p2"], ["p3"], kernel_shape=[2, 2], strides=[2, 2]), h.make_node("GlobalAveragePool", ["p3"], ["g3"]), h.make_node("Flatten", ["g3"], ["f3"]),
             h.make_node("Gemm", ["f3", "w3", "b3"], ["d3"]), h.make_node("MatMul", ["d3", "w4"], ["d4"]), h.make_node("Softmax", ["d4"], ["y"], axis=-1)]
    inits["wx"] = f(4, 3, 1, 1)
    nodes.insert(0, h.make_node("Conv", ["x", "wx"], ["x4"]))
    x = {"x": np.zeros((1, 3, 12, 12), "f4")}
    data = [{"x": rng.normal(size=(1, 3, 12, 12)).astype("f4")} for _ in range(20)]
    shared = os.path.join(os.environ.get("MOTE_SHARED", ""), "data", "audio")
    with tempfile.TemporaryDirectory() as d:
        m = Cases.model(nodes, x, inits, [h.make_tensor_value_info("y", T.FLOAT, [1, 10])])
        onnx.save(m, f"{d}/m.onnx")
        sources = [(f"{d}/m.onnx", data)]
        if os.path.exists(f"{shared}/keywords.onnx"):
            words = np.load(f"{shared}/keywords-calibration.npz")["input_1"]
            sources.append((f"{shared}/keywords.onnx", [{"input_1": v[None]} for v in words[:60]]))
        for k, (source, feeds) in enumerate(sources):
            for each in False, True:
                for kind in QuantType.QUInt8, QuantType.QInt8:
                    path = f"{d}/static{k}{int(each)}{kind}.onnx"
                    quantize_static(source, path, Reader(feeds), quant_format=QuantFormat.QOperator, per_channel=each, activation_type=kind, weight_type=QuantType.QInt8,
                                    extra_options={"ActivationSymmetric": kind == QuantType.QInt8})
                    # with symmetric ranges the quantizer leaves a Relu in float, with a Reshape behind it: so does mote
                    check_file(path, feeds[0], 0.03, k == 0 or kind == QuantType.QUInt8)
            quantize_dynamic(source, f"{d}/dynamic{k}.onnx", weight_type=QuantType.QInt8)
            check_file(f"{d}/dynamic{k}.onnx", feeds[0], 1e-3, False)
        if os.path.exists(f"{shared}/dtln-1.onnx"):  # DynamicQuantizeLSTM
            quantize_dynamic(f"{shared}/dtln-1.onnx", f"{d}/lstm.onnx", weight_type=QuantType.QInt8)
            check_file(f"{d}/lstm.onnx", dict(np.load(f"{shared}/dtln-1.inputs.npz")), 0.05, False)
    print(f"quantizer: {len(sources)} models")


def refused():
    u8, f = np.uint8, np.float32
    x, s, z = np.zeros((2, 3, 4), u8), np.array(0.1, f), np.array(3, u8)

    def check(words, op, inits, feeds, **attrs):
        named = [f"a{i}" for i in range(len(inits))]
        m = Cases.model([h.make_node(op, ["x", *named], ["y"], domain="com.microsoft", name="here", **attrs)], {"x": feeds}, dict(zip(named, inits)), [onnx.ValueInfoProto(name="y")])
        with tempfile.TemporaryDirectory() as d:
            onnx.save(m, f"{d}/m.onnx")
            r = subprocess.run([TOOL, "run", f"{d}/m.onnx", "--random", "--outputs", f"{d}/y.npz"], capture_output=True, text=True)
        if not 0 < r.returncode < 100 or words not in r.stderr or op not in r.stderr:
            failures.append(f"{op}: exit {r.returncode}, '{r.stderr.strip()[:300]}', expected '{words}'")

    check("not one value", "QLinearSigmoid", [np.array([0.1, 0.2], f), z, s, z], x)
    check("axis", "QLinearSoftmax", [s, z, s, z], x, axis=3, opset=13)
    check("broadcast", "QLinearAdd", [s, z, np.zeros((5,), u8), s, z, s, z], x)
    check("expected 3 or more", "QLinearGlobalAveragePool", [s, z, s, z], x[0])
    check("axes", "QLinearReduceMean", [s, z, s, z], x, axes=[5], keepdims=1)


def main():
    for part in elementwise, pools, joins, products, convolutions, lstms, attentions, linears, sixteen, quantizer, refused:
        part()
    for f in failures[:40]:
        print("FAIL", f)
    print(f"{len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
