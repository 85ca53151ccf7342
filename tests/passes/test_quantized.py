# test_quantized.py - quantized models in integers: small ones against onnxruntime with its rewrites off, real ones against their recorded answers
# SPDX-License-Identifier: Apache-2.0
import json, os, subprocess, sys, tempfile
from pathlib import Path

tool = os.environ.get("MOTE_TOOL")
if not tool or not Path(tool).exists():
    print("skipped: the tool is not built")
    sys.exit(77)
try:
    import numpy as np, onnx
    from onnx import helper, numpy_helper, TensorProto
    import onnxruntime as ort
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)

rng = np.random.default_rng(5)
failures = []


def run(*args):
    r = subprocess.run([tool, *map(str, args)], capture_output=True, text=True)
    if r.returncode:
        failures.append(f"{' '.join(map(str, args))}: {r.stdout}{r.stderr}")
    return r.stdout


class Net:
    """A graph under construction; tensors are (name of the quantized tensor, scale, zero point's name)."""

    def __init__(self, signed):
        self.nodes, self.inits, self.inputs, self.outputs, self.type = [], [], [], [], np.int8 if signed else np.uint8

    def const(self, value):
        name = f"c{len(self.inits)}"
        self.inits.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, op, inputs, **attrs):
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name=f"{op}_{len(self.nodes)}", **attrs))
        return name

    def zero(self):
        return int(rng.integers(np.iinfo(self.type).min, np.iinfo(self.type).max + 1))

    def input(self, shape):
        name = f"x{len(self.inputs)}"
        self.inputs.append((name, shape))
        return self.dequantize(name, rng.uniform(0.01, 0.1), self.zero())

    def dequantize(self, q, scale, zero):
        return self.node("DequantizeLinear", [q, self.const(np.float32(scale)), self.const(np.array(zero, self.type))])

    def quantize(self, x, scale, zero=None, keep=True):
        z = self.zero() if zero is None else zero
        y = self.node("QuantizeLinear", [x, self.const(np.float32(scale)), self.const(np.array(z, self.type))])
        if keep:
            self.outputs.append(y)
        return self.dequantize(y, scale, z)

    def weight(self, shape, axis, per_channel, transposed=False):
        w = self.const(rng.integers(-127, 128, shape).astype(np.int8))
        n = shape[axis]
        s = rng.uniform(0.002, 0.02, n if per_channel else ()).astype(np.float32)
        return self.node("DequantizeLinear", [w, self.const(s), self.const(np.zeros(n if per_channel else (), np.int8))], axis=axis), s

    def bias(self, n, unit, real):
        if real:
            return self.const((rng.integers(-3000, 3000, n) * unit).astype(np.float32))
        unit = np.asarray(unit, np.float32)
        return self.node("DequantizeLinear", [self.const(rng.integers(-3000, 3000, n).astype(np.int32)), self.const(unit)], axis=0)

    def check(self, name, folder, largest=1, share=0.002, floats=(), real=False):
        kind = TensorProto.FLOAT if real else helper.np_dtype_to_tensor_dtype(np.dtype(self.type))
        outputs = [helper.make_tensor_value_info(o, kind, None) for o in self.outputs]
        inputs = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(np.dtype(self.type)), s) for n, s in self.inputs]
        model = helper.make_model(helper.make_graph(self.nodes, name, inputs, outputs, self.inits), opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        model = onnx.shape_inference.infer_shapes(model)
        path = folder / f"{name}.onnx"
        onnx.save(model, path)
        info = np.iinfo(self.type)
        feeds = {n: rng.integers(info.min, info.max + 1, s).astype(self.type) for n, s in self.inputs}
        np.savez(folder / "in.npz", **feeds)
        so = ort.SessionOptions()
        so.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        so.intra_op_num_threads, so.log_severity_level = 1, 4
        want = ort.InferenceSession(model.SerializeToString(), so, providers=["CPUExecutionProvider"]).run(self.outputs, feeds)
        first = None
        for options in (), ("--cpu", "none"), ("--threads", "3"), ("--disable-passes", "qfloat"):
            run("run", path, "--inputs", folder / "in.npz", "--outputs", folder / "out.npz", "--overwrite", *options)
            got = dict(np.load(folder / "out.npz"))
            for o, w in zip(self.outputs, want):
                if real:
                    if got[o].shape != w.shape or not np.allclose(got[o], w, rtol=1e-5, atol=2e-6 * np.abs(w).max(initial=0)):
                        failures.append(f"{name} {options}: {o} differs by up to {np.abs(got[o] - w).max(initial=0)} of {np.abs(w).max(initial=0)}")
                    continue
                d = np.abs(got[o].astype(int) - w.astype(int))
                if got[o].shape != w.shape or d.max(initial=0) > largest or (d != 0).mean() > share + 1.5 / d.size:
                    failures.append(f"{name} {options}: {o} differs by up to {d.max()}, in {(d != 0).sum()} of {d.size}")
            if first is not None and any(not np.array_equal(first[o], got[o]) for o in self.outputs):
                failures.append(f"{name}: other bits with {options}")
            first = got
        seen = json.loads(run("inspect", path, "--json") or "{}").get("quantized", {})
        if sorted(f["op"] for f in seen.get("float", [])) != sorted(floats):
            failures.append(f"{name}: in float {seen.get('float')}, expected {floats}")


def convolutions(folder):
    cases = [dict(c=16, m=24, k=1, group=1), dict(c=3, m=16, k=3, group=1, strides=[2, 2], pads=[0, 0, 1, 1]), dict(c=24, m=24, k=3, group=24, pads=[1, 1, 1, 1]),
             dict(c=12, m=8, k=3, group=4, pads=[1, 1, 1, 1]), dict(c=16, m=16, k=5, group=16, strides=[2, 2], auto_pad="SAME_UPPER")]
    for i, case in enumerate(cases * 2):
        case = dict(case)
        c, m, k, group = (case.pop(x) for x in ("c", "m", "k", "group"))
        net = Net(i & 1)
        x = net.input([2, c, 13, 14])
        w, ws = net.weight([m, c // group, k, k], 0, i % 3 != 0)
        xs = numpy_helper.to_array(net.inits[0])
        unit = (xs.astype(np.float64) * ws.astype(np.float64))
        inputs = [x, w] + ([net.bias(m, unit, i % 4 == 1)] if i % 5 != 4 else [])
        v = net.node("Conv", inputs, group=group, kernel_shape=[k, k], **case)
        if i % 3 == 1:
            v = net.node("Relu", [v])
        if i % 3 == 2:
            v = net.node("Clip", [v, net.const(np.float32(0)), net.const(np.float32(6))])
        scale = 0.02 * (c // group * k * k) ** 0.5
        y = net.quantize(v, scale)
        if i % 2:
            net.quantize(net.node("HardSwish", [y]), 0.7 * scale)
        net.check(f"conv{i}", folder)


def products(folder):
    for i in range(6):
        net = Net(i & 1)
        x = net.input([5, 37] if i % 3 else [2, 5, 37])
        trans = i in (1, 4)
        w, ws = net.weight([19, 37] if trans else [37, 19], 0 if trans else 1, i % 2 == 0)
        unit = numpy_helper.to_array(net.inits[0]).astype(np.float64) * ws.astype(np.float64)
        b = net.bias(19, unit, i % 3 != 1)
        v = net.node("Gemm", [x, w, b], transB=int(trans)) if i % 3 else net.node("Add", [net.node("MatMul", [x, w]), b])
        net.quantize(v, 0.15)
        net.check(f"product{i}", folder)


def open_products(folder):
    """Products that nothing quantizes again: sums of integers, then float32. One whose sums could leave s32 stays in float."""
    for i in range(9):
        net = Net(i & 1)
        trans, gemm, channels, k = i in (1, 4), i % 3 == 1, i % 2 == 0, 70000 if i == 8 else 37
        x = net.input([5, k] if gemm or i == 8 else [2, 5, k])
        net.inits[0] = numpy_helper.from_array(np.float32(0.03 if i < 8 else 0.0003), "c0")
        n, kind = 19 if i < 8 else 3, np.uint8 if i in (2, 7) else np.int8
        info = np.iinfo(kind)
        shape = [n, k] if trans else [k, n]
        w = net.const(rng.integers(info.min, info.max + 1, shape).astype(kind))
        count = n if channels else ()
        zero = rng.integers(100, 150, count) if kind == np.uint8 else np.zeros(count)
        w = net.node("DequantizeLinear", [w, net.const(rng.uniform(0.002, 0.02, count).astype(np.float32)), net.const(zero.astype(kind))], axis=0 if trans else 1)
        b = net.const(rng.normal(size=n).astype(np.float32))
        v = net.node("Gemm", [x, w, b], transB=int(trans)) if gemm else net.node("MatMul", [x, w])
        if not gemm and i % 2:
            v = net.node("Add", [v, b])
        net.outputs.append(v)
        net.check(f"open{i}", folder, floats=["MatMul"] if i == 8 else [], real=True)
        graph = run("dump", folder / f"open{i}.onnx", "--stage", "qint")
        if ("MatMulInteger" in graph) != (i != 8):
            failures.append(f"open{i}: {graph}")
        graph = run("dump", folder / f"open{i}.onnx", "--stage", "qfloat")
        if i != 8 and ("MatMulIntegerToFloat" not in graph or "Cast(" in graph):
            failures.append(f"open{i}: {graph}")


def others(folder):
    for i in range(4):
        net = Net(i & 1)
        a, b, g, r = net.input([2, 8, 7, 6]), net.input([2, 8, 7, 6]), net.input([2, 8, 1, 1]), net.input([3, 11])
        net.quantize(net.node("Add", [a, b]), 0.09)
        net.quantize(net.node("Relu", [net.node("Add", [a, b])]), 0.05)
        net.quantize(net.node("Mul", [a, g]), 0.3)
        net.quantize(net.node("GlobalAveragePool", [a]), 0.03)
        net.quantize(net.node("AveragePool", [a], kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 1], count_include_pad=i & 1), 0.05)
        net.quantize(net.node("Softmax", [r], axis=-1), 1 / 256, np.iinfo(net.type).min)
        three, six, zero = (net.const(np.float32(v)) for v in (3, 6, 0))
        net.quantize(net.node("Div", [net.node("Clip", [net.node("Add", [a, three]), zero, six]), six]), 1 / 255)
        for op in "Sigmoid", "Tanh", "HardSigmoid", "LeakyRelu", "Elu", "Softplus", "Sqrt" if i < 0 else "Erf":
            net.quantize(net.node(op, [b]), 0.02)
        q = net.quantize(net.node("Concat", [a, b], axis=1), 0.08, 3, False)
        q = net.node("MaxPool", [q], kernel_shape=[2, 2], pads=[1, 1, 0, 0])
        q = net.node("Transpose", [net.node("Reshape", [q, net.const(np.array([4, 8, 42], np.int64))])], perm=[2, 0, 1])
        net.quantize(q, 0.08, 3)
        net.quantize(q, 0.11)
        net.check(f"others{i}", folder)


def chains(folder):
    """Elementwise operators with constants by channel, along an image's channels or the last axis."""
    f = lambda *shape: rng.uniform(0.2, 3, shape).astype(np.float32)
    for i in range(12):
        net = Net(i & 1)
        image, c = i % 3 != 2, (5, 70, 1100)[i % 3 if i < 9 else 0]
        v = net.input([2, c, 4, 3] if image else [2, 3, c])
        shape = (c, 1, 1) if i % 2 else (1, c, 1, 1)
        shape = shape if image else (c,)
        by = lambda: net.const(f(*shape) * rng.choice([-1, 1], shape).astype(np.float32))
        if i % 4 == 0:
            v = net.node("Mul", [net.node("HardSwish", [net.node("Add", [net.node("Mul", [v, by()]), by()])]), by()])
        elif i % 4 == 1:
            v = net.node("Sub", [net.node("PRelu", [v, net.const(f(*((c, 1, 1) if image else (c,))) / 4)]), net.const(np.float32(0.5))])
        elif i % 4 == 2:
            v = net.node("Div", [net.node("Clip", [net.node("Mul", [by(), v]), net.const(np.float32(-2)), net.const(np.float32(3))]), net.const(f(*shape))])
        else:
            v = net.node("Relu", [net.node("Add", [by(), net.node("Sigmoid", [v])])])
        net.quantize(v, 0.05)
        net.check(f"chain{i}", folder)
        graph = run("dump", folder / f"chain{i}.onnx", "--stage", "qint")
        if "QChain" not in graph:
            failures.append(f"chain{i}: {graph}")
    net = Net(False)  # one constant along the channels, one along the columns: no such form
    v = net.node("Add", [net.node("Mul", [net.input([1, 4, 3, 5]), net.const(f(4, 1, 1))]), net.const(f(5))])
    net.quantize(v, 0.05)
    net.check("chain_of_two_axes", folder, floats=["Add", "Mul"])


def floats(folder):
    """What has no integer form stays, right, and says so."""
    net = Net(False)
    a = net.input([2, 8, 7, 6])
    w, _ = net.weight([8, 8, 1, 1], 1, True)
    net.quantize(net.node("Conv", [a, w]), 0.2)
    net.quantize(net.node("Softmax", [a], axis=1), 1 / 256, 0)
    net.quantize(net.node("Sub", [a, net.const(rng.normal(size=[8, 7, 1]).astype(np.float32))]), 0.05)
    net.check("floats", folder, floats=["Conv", "Softmax", "Sub"])


def operators(folder):
    """QLinearConv, QLinearMatMul, and the integer operators of dynamic quantization."""
    u8, s8, f32 = TensorProto.UINT8, TensorProto.INT8, TensorProto.FLOAT
    c = lambda name, v, t: numpy_helper.from_array(np.asarray(v).astype(t), name)
    w = rng.integers(-63, 64, [12, 8, 3, 3])  # beyond, onnxruntime saturates where it has no better instruction than VPMADDUBSW
    inits = [c("xs", 0.03, "f"), c("xz", 120, "u1"), c("w", w, "i1"), c("ws", rng.uniform(0.001, 0.01, 12), "f"), c("wz", np.zeros(12), "i1"), c("ys", 0.1, "f"), c("yz", 99, "u1"),
             c("b", rng.integers(-2000, 2000, 12), "i4"), c("m", rng.integers(0, 256, [30, 17]), "u1"), c("mz", 130, "u1"), c("one", 0.004, "f")]
    nodes = [helper.make_node("QuantizeLinear", ["x", "xs", "xz"], ["q"]),
             helper.make_node("QLinearConv", ["q", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"], ["conv"], pads=[1, 1, 1, 1], strides=[2, 1]),
             helper.make_node("QuantizeLinear", ["a", "xs", "xz"], ["p"]),
             helper.make_node("QLinearMatMul", ["p", "xs", "xz", "m", "one", "mz", "ys", "yz"], ["product"]),
             helper.make_node("DynamicQuantizeLinear", ["a"], ["d", "ds", "dz"]),
             helper.make_node("MatMulInteger", ["d", "m", "dz", "mz"], ["sums"]),
             helper.make_node("DynamicQuantizeLinear", ["x"], ["e", "es", "ez"]),
             helper.make_node("ConvInteger", ["e", "w", "ez"], ["csums"], pads=[1, 1, 1, 1])]
    outputs = [("conv", u8), ("product", u8), ("sums", TensorProto.INT32), ("ds", f32), ("csums", TensorProto.INT32), ("ez", u8)]
    graph = helper.make_graph(nodes, "operators", [helper.make_tensor_value_info("x", f32, [2, 8, 9, 9]), helper.make_tensor_value_info("a", f32, [4, 30])],
                              [helper.make_tensor_value_info(n, t, None) for n, t in outputs], inits)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = folder / "operators.onnx"
    onnx.save(onnx.shape_inference.infer_shapes(model), path)
    feeds = {"x": rng.normal(size=[2, 8, 9, 9]).astype("f"), "a": rng.normal(size=[4, 30]).astype("f")}
    np.savez(folder / "in.npz", **feeds)
    want = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, feeds)
    for options in (), ("--cpu", "none"):
        run("run", path, "--inputs", folder / "in.npz", "--outputs", folder / "out.npz", "--overwrite", *options)
        got = dict(np.load(folder / "out.npz"))
        for (name, t), v in zip(outputs, want):
            d = np.abs(got[name].astype(float) - v.astype(float)).max()
            if d > (1 if t == u8 and name != "ez" else 0):
                failures.append(f"operators {options}: {name} differs by {d}")


def dynamic_images(folder):
    """Dynamically quantized convolutions, scales by channel that are computed: images stay channels last from the first to the last."""
    nodes, inits = [], []
    add = lambda op, inputs, outputs, **attrs: nodes.append(helper.make_node(op, inputs, outputs, **attrs))
    const = lambda name, v: inits.append(numpy_helper.from_array(np.asarray(v), name))
    const("shape", np.array([-1, 1, 1]))
    x = "x"
    for i, (c, m, k, group) in enumerate([(3, 16, 3, 1), (16, 16, 3, 16), (16, 24, 1, 1)]):
        n = lambda name: f"{name}{i}"
        const(n("w"), rng.integers(-60, 61, [m, c // group, k, k]).astype(np.int8))
        const(n("ws"), rng.uniform(0.005, 0.02, [m, 1, 1] if i != 1 else [m]).astype(np.float32))
        const(n("b"), rng.normal(size=[1, m, 1, 1]).astype(np.float32))
        add("DynamicQuantizeLinear", [x], [n("q"), n("s"), n("z")])
        add("ConvInteger", [n("q"), n("w"), n("z")], [n("sums")], pads=[k // 2] * 4, group=group)
        add("Cast", [n("sums")], [n("f")], to=TensorProto.FLOAT)
        add("Mul", [n("s"), n("ws")], [n("scale")])
        add("Reshape", [n("scale"), "shape"], [n("column")])
        add("Mul", [n("f"), n("column")], [n("y")])
        add("Add", [n("b"), n("y")], [n("sum")])
        add("HardSwish", [n("sum")], [n("h")])
        x = n("h")
    graph = helper.make_graph(nodes, "dynamic", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3, 12, 14])], [helper.make_tensor_value_info(x, TensorProto.FLOAT, None)], inits)
    model = onnx.shape_inference.infer_shapes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8))
    path = folder / "dynamic.onnx"
    onnx.save(model, path)
    feeds = {"x": rng.normal(size=[2, 3, 12, 14]).astype("f")}
    np.savez(folder / "in.npz", **feeds)
    want = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run([x], feeds)[0]
    for options in (), ("--cpu", "none"), ("--disable-passes", "transposes"):
        run("run", path, "--inputs", folder / "in.npz", "--outputs", folder / "out.npz", "--overwrite", *options)
        got = np.load(folder / "out.npz")[x]
        if got.shape != want.shape or not np.allclose(got, want, rtol=1e-4, atol=1e-4 * np.abs(want).max()):
            failures.append(f"dynamic {options}: differs by {np.abs(got - want).max()}")
    moved = run("dump", path, "--stage", "add_layernorm").count("Transpose")
    if moved > 2:
        failures.append(f"dynamic: {moved} transposes are left")


def real(folder):
    data = Path(os.environ.get("MOTE_SHARED", ""), "data")
    for name in "vision/mobilenetv2-int8-qdq", "vision/mobilenetv3-small-int8-qdq", "audio/keywords-int8-qdq":
        model = data / f"{name}.onnx"
        if not model.exists():
            print(f"skipped: {name} is not here")
            continue
        for options in (), ("--cpu", "none"), ("--threads", "2"):
            run("check", "--rms", "--rtol", "0.02", model, data / f"{name}.inputs.npz", data / f"{name}.outputs.npz", *options)
        quantized = json.loads(run("inspect", "--json", model))["quantized"]
        if quantized["float"] or not quantized["integer"]:
            failures.append(f"{name}: {quantized}")
        rows = json.loads(run("bench", "--json", "--profile", "--runs", 3, "--threads", 1, model))["profile"]["operators"]
        slow = [row for row in rows if row["kernel"] == "reference"]
        if slow or not rows:
            failures.append(f"{name}: by reference evaluation {slow}")


with tempfile.TemporaryDirectory() as d:
    for part in convolutions, products, open_products, chains, others, floats, operators, dynamic_images, real:
        part(Path(d))
for f in failures[:40]:
    print("FAIL", f)
sys.exit(bool(failures))
