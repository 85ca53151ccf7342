# test_reader.py - mote's reader and writer against the `onnx` package: random models, their bytes rearranged as protobuf allows, read and written back
# SPDX-License-Identifier: Apache-2.0
import os, random, subprocess, sys, tempfile
from pathlib import Path

tool = os.environ.get("MOTE_TOOL")
try:
    import numpy as np
    import onnx, onnx.inliner
    from onnx import TensorProto as T, helper as h, numpy_helper as nh
except ImportError:
    print("skipped: the package onnx is not installed")
    sys.exit(77)
if not tool or not Path(tool).exists():
    print("skipped: the tool is not built")
    sys.exit(77)
try:
    import onnxruntime
except ImportError:
    onnxruntime = None

MODELS = int(os.environ.get("MOTE_READER_MODELS", "60"))
rng = random.Random(11)

# ---- random models ------------------------------------------------------------------------------------------------

TYPES = [t for t in range(1, 27) if t != T.STRING]


def text():
    return "".join(rng.choice(["a", "B", "_", "/", ":", "0", "\u00e9", "\u4e2d", " "]) for _ in range(rng.randint(1, 9)))


def bits_of(t):
    return {T.UINT4: 4, T.INT4: 4, T.FLOAT4E2M1: 4, T.UINT2: 2, T.INT2: 2, T.COMPLEX128: 128, T.COMPLEX64: 64}.get(t) or \
        h.tensor_dtype_to_np_dtype(t).itemsize * 8


def tensor(name, t=None, dims=None):
    """Raw or typed data, of any type."""
    t = t or rng.choice(TYPES + [T.STRING])
    dims = dims if dims is not None else [rng.randint(0, 4) for _ in range(rng.randint(0, 3))]
    n = int(np.prod(dims, dtype=np.int64))
    p = onnx.TensorProto(name=name, data_type=t, dims=dims)
    if t == T.STRING:
        p.string_data.extend([text().encode() for _ in range(n)])
        return p
    size = (n * bits_of(t) + 7) // 8
    data = bytes(rng.randrange(2 if t == T.BOOL else 256) for _ in range(size))
    if t in (T.FLOAT, T.DOUBLE, T.COMPLEX64, T.COMPLEX128, T.FLOAT16, T.BFLOAT16):
        data = np.array([rng.uniform(-9, 9) for _ in range(size)], np.float32).tobytes()[:size]  # no NaN: they are compared by value below
    if rng.random() < 0.5:
        p.raw_data = data
    elif t in (T.FLOAT, T.COMPLEX64):
        p.float_data.extend(np.frombuffer(data, np.float32).tolist())
    elif t in (T.DOUBLE, T.COMPLEX128):
        p.double_data.extend(np.frombuffer(data, np.float64).tolist())
    elif t == T.INT64:
        p.int64_data.extend(np.frombuffer(data, np.int64).tolist())
    elif t in (T.UINT32, T.UINT64):
        p.uint64_data.extend(np.frombuffer(data, np.uint32 if t == T.UINT32 else np.uint64).tolist())
    else:
        kind = {T.INT32: np.int32, T.INT16: np.int16, T.INT8: np.int8, T.UINT16: np.uint16, T.FLOAT16: np.uint16, T.BFLOAT16: np.uint16}.get(t, np.uint8)
        p.int32_data.extend(np.frombuffer(data, kind).tolist())
    if rng.random() < 0.3:
        p.doc_string = text()
    if rng.random() < 0.2:
        p.metadata_props.add(key=text(), value=text())
    return p


def value(name, shape=(2, 3)):
    return h.make_tensor_value_info(name, T.FLOAT, shape, doc_string=text() if rng.random() < 0.3 else "")


def nodes_of(graph_inputs, count, prefix, depth, functions):
    """A chain of nodes over float[2,3] values; returns the nodes and the values that stand at the end."""
    live, nodes = list(graph_inputs), []
    for i in range(count):
        out = f"{prefix}{i}"
        pick = rng.choice(["Relu", "Add", "Mul", "Clip", "Concat", "Constant", "If", "call", "LeakyRelu", "Transpose"])
        a, b = rng.choice(live), rng.choice(live)
        if pick in ("Add", "Mul"):
            n = [h.make_node(pick, [a, b], [out])]
        elif pick == "Clip":
            n = [h.make_node("Constant", [], [out + "lo"], value_float=-0.5), h.make_node("Clip", [a, out + "lo", ""], [out])]
        elif pick == "Concat":
            n = [h.make_node("Concat", [a, b], [out + "c"], axis=0), h.make_node("Split", [out + "c"], [out, out + "d"], axis=0)]
        elif pick == "Constant":
            n = [h.make_node("Constant", [], [out], value=tensor("", T.FLOAT, [2, 3]))]
        elif pick == "LeakyRelu":
            n = [h.make_node("LeakyRelu", [a], [out], alpha=rng.uniform(0, 1), doc_string=text())]
        elif pick == "Transpose":
            n = [h.make_node("Transpose", [a], [out + "t"], perm=[1, 0]), h.make_node("Transpose", [out + "t"], [out])]
        elif pick == "If" and depth < 2:
            branches = []
            for side in "te":
                inner, ends = nodes_of(live, rng.randint(1, 3), f"{out}{side}", depth + 1, functions)
                branches.append(h.make_graph(inner, side, [], [value(ends[-1])]))
            n = [h.make_node("If", ["cond"], [out], then_branch=branches[0], else_branch=branches[1])]
        elif pick == "call" and functions:
            f = rng.choice(functions)
            n = [h.make_node(f, [a, b], [out], domain="local")]
        else:
            n = [h.make_node("Relu", [a], [out])]
        for one in n:
            if rng.random() < 0.3:
                one.name = text() + out
            if rng.random() < 0.1:
                one.metadata_props.add(key=text(), value=text())
        nodes += n
        live.append(out)
    return nodes, live[len(graph_inputs):] or live


def function(name, others):
    nodes, ends = nodes_of(["p", "q"], rng.randint(1, 4), "f", 5, others)
    return h.make_function("local", name, ["p", "q"], [ends[-1]], nodes, [h.make_opsetid("", 17), h.make_opsetid("local", 1)])


def model():
    functions = []
    for k in range(rng.choice([0, 0, 1, 3])):
        functions.append(function(f"F{k}", [f.name for f in functions]))
    inputs = [value("x"), value("y", ("N", 3) if rng.random() < 0.5 else (2, 3)), h.make_tensor_value_info("cond", T.BOOL, [])]
    nodes, ends = nodes_of(["x", "y", "w"], rng.randint(1, 12), "v", 0, [f.name for f in functions])
    spare = [tensor(f"spare{k}") for k in range(rng.randint(0, 6))]
    g = h.make_graph(nodes, text(), inputs, [value(ends[-1]), value("x")] if rng.random() < 0.2 else [value(ends[-1])],
                     [tensor("w", T.FLOAT, [2, 3])] + spare, doc_string=text() if rng.random() < 0.5 else None)
    m = h.make_model(g, opset_imports=[h.make_opsetid("", 17)] + ([h.make_opsetid("local", 1)] if functions else []), functions=functions,
                     producer_name=text(), producer_version=text(), domain=text(), model_version=rng.randint(0, 9), doc_string=text())
    m.ir_version = rng.choice([8, 9, 10])
    for k in range(rng.randint(0, 3)):
        m.metadata_props.add(key=f"{k}{text()}", value=text())
    return m


# ---- the same model in other bytes --------------------------------------------------------------------------------

def varint(v):
    out = bytearray()
    while v > 127:
        out.append(v & 127 | 128)
        v >>= 7
    return bytes(out + bytes([v]))


def read_varint(b, at):
    v = shift = 0
    while True:
        v |= (b[at] & 127) << shift
        shift += 7
        at += 1
        if b[at - 1] < 128:
            return v, at


def fields(b):
    at = 0
    while at < len(b):
        start = at
        key, at = read_varint(b, at)
        kind = key & 7
        if kind == 0:
            _, end = read_varint(b, at)
        elif kind == 2:
            n, at = read_varint(b, at)
            end = at + n
        else:
            end = at + (8 if kind == 1 else 4)
        yield key >> 3, kind, b[start:end], b[at:end]
        at = end


def put(field, payload):
    return varint(field << 3 | 2) + varint(len(payload)) + payload


# field: (message, whether it stands once)
MESSAGES = {"model": {7: ("graph", True)}, "graph": {1: ("node", False), 5: ("tensor", False), 11: ("value", False), 12: ("value", False), 13: ("value", False)},
            "node": {5: ("attribute", False)}, "attribute": {5: ("tensor", True), 6: ("graph", True)}, "value": {2: ("type", True)}, "type": {1: ("tensortype", True)},
            "tensortype": {2: ("shape", True)}, "tensor": {}, "shape": {}}
ONCE = {"model": {1, 2, 3, 4, 5, 6}, "graph": {2, 10}, "node": {3, 4, 6, 7}, "attribute": {1, 2, 3, 4, 13, 20}, "tensor": {2, 8, 9, 12}, "value": {1, 3}, "tensortype": {1}}
PACKABLE = {"attribute": {8}, "tensor": {1, 5, 7, 11}}


def rearrange(b, message):
    """Scalars given twice (the last stands), messages in pieces, lists packed or not, unknown fields: a reader sees the same model."""
    out = b""
    for field, kind, whole, payload in fields(b):
        inner = MESSAGES[message].get(field)
        if inner:
            payload = rearrange(payload, inner[0])
            parts = [f[2] for f in fields(payload)]
            if inner[1] and rng.random() < 0.5:
                cut = rng.randint(0, len(parts))
                out += put(field, b"".join(parts[:cut])) + put(field, b"".join(parts[cut:]))
            else:
                out += put(field, payload)
            continue
        if field in ONCE.get(message, ()) and rng.random() < 0.15:
            out += put(field, b"zzz") if kind == 2 else varint(field << 3) + b"\x05" if kind == 0 else whole[:-1] + b"\x11"
        if field in PACKABLE.get(message, ()) and rng.random() < 0.5:
            if kind == 0:
                whole = put(field, payload)
            else:
                numbers, at = b"", 0
                while at < len(payload):
                    _, end = read_varint(payload, at)
                    numbers += varint(field << 3) + payload[at:end]
                    at = end
                whole = numbers
        out += whole
        if rng.random() < 0.02 and message not in ("shape", "type", "tensortype"):
            out += rng.choice(UNKNOWN)
    return out


UNKNOWN = [put(1234, b"unknown bytes \x00\xff"), varint(999 << 3) + b"\x81\x00", varint(321 << 3 | 1) + b"12345678", varint(322 << 3 | 5) + b"1234"]

# ---- what two files must agree in ---------------------------------------------------------------------------------


def tensor_facts(t):
    if t.data_type == T.STRING:
        return t.data_type, tuple(t.dims), tuple(t.string_data)
    c = onnx.TensorProto()
    c.CopyFrom(t)
    return t.data_type, tuple(t.dims), raw_of(c), t.doc_string, tuple((p.key, p.value) for p in t.metadata_props)


def raw_of(t):
    if t.HasField("raw_data"):
        return t.raw_data
    n = int(np.prod(t.dims, dtype=np.int64))
    size = (n * bits_of(t.data_type) + 7) // 8
    if t.data_type in (T.FLOAT, T.COMPLEX64):
        return np.array(t.float_data, np.float32).tobytes()
    if t.data_type in (T.DOUBLE, T.COMPLEX128):
        return np.array(t.double_data, np.float64).tobytes()
    if t.data_type == T.INT64:
        return np.array(t.int64_data, np.int64).tobytes()
    if t.data_type in (T.UINT32, T.UINT64):
        return np.array(t.uint64_data, np.uint64).astype(np.uint32 if t.data_type == T.UINT32 else np.uint64).tobytes()
    width = max(bits_of(t.data_type) // 8, 1)
    data = b"".join((v & (1 << 8 * width) - 1).to_bytes(width, "little") for v in t.int32_data)
    assert len(data) == size
    return data


def attribute_facts(a):
    if a.type == onnx.AttributeProto.TENSOR:
        return a.name, tensor_facts(a.t)
    if a.type == onnx.AttributeProto.GRAPH:
        return a.name, graph_facts(a.g)
    return a.name, a.type, repr(h.get_attribute_value(a)), a.doc_string


def value_facts(v):
    return v.name, v.type.SerializeToString(deterministic=True), v.doc_string


def graph_facts(g):
    return {"name": g.name, "doc": g.doc_string, "inputs": [value_facts(v) for v in g.input], "outputs": [value_facts(v)[:1] for v in g.output],
            "initializers": {t.name: tensor_facts(t) for t in g.initializer},
            "nodes": [(n.op_type, n.domain, n.name, n.doc_string, tuple(n.input), tuple(n.output), tuple(attribute_facts(a) for a in n.attribute),
                       tuple((p.key, p.value) for p in n.metadata_props)) for n in g.node]}


def facts(m):
    return {"ir": m.ir_version, "producer": (m.producer_name, m.producer_version, m.domain, m.model_version, m.doc_string),
            "opsets": sorted((o.domain, o.version) for o in m.opset_import), "metadata": [(p.key, p.value) for p in m.metadata_props], "graph": graph_facts(m.graph)}


def names_aside(m):
    """For models whose functions were expanded: operators with their attributes, in order of the graphs."""
    def walk(g):
        return [(n.op_type, n.domain, sorted((a.name, walk(a.g) if a.type == onnx.AttributeProto.GRAPH else str(attribute_facts(a))) for a in n.attribute)) for n in g.node]
    return sorted(map(str, walk(m.graph)))


def first_difference(a, b, path=""):
    if type(a) is dict and type(b) is dict and a.keys() == b.keys():
        return next((d for d in (first_difference(a[k], b[k], f"{path}.{k}") for k in a) if d), None)
    if type(a) in (list, tuple) and type(a) is type(b) and len(a) == len(b):
        return next((d for d in (first_difference(x, y, f"{path}[{i}]") for i, (x, y) in enumerate(zip(a, b))) if d), None)
    return None if a == b else f"{path}: onnx has {a!r:.300}, mote {b!r:.300}"


def mote(*args):
    r = subprocess.run([tool, *map(str, args)], capture_output=True, text=True)
    if r.returncode:
        raise AssertionError(f"mote {' '.join(map(str, args))}: {r.stderr}")
    return r.stdout


def outputs_of(path, feeds):
    o = onnxruntime.SessionOptions()
    o.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    o.log_severity_level = 4
    return onnxruntime.InferenceSession(str(path), o, providers=["CPUExecutionProvider"]).run(None, feeds)


def one(folder, k):
    m = model()
    onnx.checker.check_model(m)
    plain = m.SerializeToString()
    changed = rearrange(plain, "model")
    unknown = [u for u in UNKNOWN if u in changed]
    seen = onnx.ModelProto.FromString(changed)
    first, second, third, prop = folder / "a.onnx", folder / "b.onnx", folder / "c.onnx", folder / "text"
    first.write_bytes(changed)
    prop.write_text("mote")
    for path in (second, third):
        mote("meta", first, "--set", prop, "--key", "written.by", "-o", path, "--overwrite")
    if second.read_bytes() != third.read_bytes():
        raise AssertionError("two writes differ")
    mote("meta", second, "--set", prop, "--key", "written.by", "-o", third, "--overwrite")
    if second.read_bytes() != third.read_bytes():
        raise AssertionError("what was written is written again to other bytes")
    back = onnx.ModelProto.FromString(second.read_bytes())
    onnx.checker.check_model(back)
    for u in unknown:
        if not m.functions and second.read_bytes().count(u) != changed.count(u):
            raise AssertionError(f"unknown field {u} stands {second.read_bytes().count(u)} times, {changed.count(u)} before")
    seen.metadata_props.add(key="written.by", value="mote")
    if m.functions:
        inlined = onnx.inliner.inline_local_functions(seen)
        a, b = names_aside(inlined), names_aside(back)
        # what hands a value through is an Identity in one and a name in the other
        a, b = ([x for x in v if not x.startswith("('Identity'")] for v in (a, b))
    else:
        a, b = facts(seen), facts(back)
    difference = first_difference(a, b)
    if difference:
        raise AssertionError(difference)
    if onnxruntime and not any(t.data_type in (T.UINT2, T.INT2, T.FLOAT4E2M1, T.FLOAT8E8M0, T.COMPLEX64, T.COMPLEX128) for t in m.graph.initializer):
        feeds = {"x": np.arange(6, dtype=np.float32).reshape(2, 3) - 2, "y": np.ones((2, 3), np.float32), "cond": np.array(k % 2 == 0)}
        first.write_bytes(plain)
        for x, y in zip(outputs_of(first, feeds), outputs_of(second, feeds)):
            if x.tobytes() != y.tobytes():
                raise AssertionError("the written model gives other outputs")


failed = 0
with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    for k in range(MODELS):
        rng.seed(k)
        try:
            one(folder, k)
        except Exception as e:
            failed += 1
            print(f"model {k}: {type(e).__name__}: {str(e)[:1500]}")
            if failed >= 5:
                break
print(f"{MODELS} models, {failed} failures")
sys.exit(failed != 0)
