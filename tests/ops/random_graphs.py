# random_graphs.py - random graphs from the operator table, through mote and through onnxruntime, node by node
# SPDX-License-Identifier: Apache-2.0
#
# Usage: random_graphs.py [--count N] [--seed S] [--only K] [--op Name] [--keep DIR] [-v]. The table comes from `op_peer dump`; tests/ops/random_ops.py says which shapes,
# attributes and values each operator takes. Each node is evaluated by onnxruntime in a model of its own (no rewriting there), or by onnx.reference where
# onnxruntime has no kernel for the types; mote runs the whole graph, with its passes and without (`op_peer serve`). A difference is cut down to its
# smallest form and printed with the seed and the number that make it again (--only).
import argparse
import collections
import json
import os
import struct
import subprocess
import sys
import warnings

warnings.filterwarnings("ignore")
os.environ["ALLOW_RELEASED_ONNX_OPSET_ONLY"] = "0"
try:
    import ml_dtypes
    import numpy as np
    import onnx
    import onnxruntime as ort
    from onnx import TensorProto as T
    from onnx import helper as h
    from onnx import numpy_helper
    from onnx.reference import ReferenceEvaluator
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)
np.seterr(all="ignore")
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import random_ops  # noqa: E402

PEER = os.path.join(os.environ.get("MOTE_BINARY_DIR", "build/release"), "tests/op_peer")
NP = {T.FLOAT: np.float32, T.UINT8: np.uint8, T.INT8: np.int8, T.UINT16: np.uint16, T.INT16: np.int16, T.INT32: np.int32, T.INT64: np.int64, T.STRING: object, T.BOOL: np.bool_,
      T.FLOAT16: np.float16, T.DOUBLE: np.float64, T.UINT32: np.uint32, T.UINT64: np.uint64, T.BFLOAT16: ml_dtypes.bfloat16, T.FLOAT8E4M3FN: ml_dtypes.float8_e4m3fn,
      T.FLOAT8E4M3FNUZ: ml_dtypes.float8_e4m3fnuz, T.FLOAT8E5M2: ml_dtypes.float8_e5m2, T.FLOAT8E5M2FNUZ: ml_dtypes.float8_e5m2fnuz, T.UINT4: ml_dtypes.uint4, T.INT4: ml_dtypes.int4,
      T.FLOAT4E2M1: ml_dtypes.float4_e2m1fn, 24: ml_dtypes.float8_e8m0fnu, 25: ml_dtypes.uint2, 26: ml_dtypes.int2}
CODE = {np.dtype(v): k for k, v in NP.items()}
BITS = {T.UINT4: 4, T.INT4: 4, T.FLOAT4E2M1: 4, 25: 2, 26: 2}
PLAIN = {np.dtype(NP[t]) for t in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13)}


def code(a):
    return CODE[a.dtype] if a.dtype.kind not in "UO" else T.STRING


class Node:
    def __init__(self, op, domain, inputs, outputs, attrs):
        self.op, self.domain, self.inputs, self.outputs, self.attrs = op, domain, list(inputs), list(outputs), dict(attrs)

    def proto(self):
        n = h.make_node(self.op, self.inputs, self.outputs, name=f"{self.op}_{self.outputs[0]}", domain=self.domain)
        for k, v in self.attrs.items():
            n.attribute.append(h.make_attribute(k, v) if not (isinstance(v, list) and not v) else onnx.AttributeProto(name=k, type=onnx.AttributeProto.INTS))
        return n


class Graph:
    """Arrays of inputs and constants, nodes, and which values are outputs."""

    def __init__(self, opset, inputs=None, consts=None, nodes=None, outputs=None, symbols=None):
        self.opset, self.inputs, self.consts, self.nodes, self.outputs = opset, dict(inputs or {}), dict(consts or {}), list(nodes or []), list(outputs or [])
        self.symbols = dict(symbols or {})  # input name -> list of sizes or names

    def model(self, types=None):
        inits = [numpy_helper.from_array(a, n) for n, a in self.consts.items()]
        ins = [h.make_tensor_value_info(n, code(a), self.symbols.get(n, a.shape)) for n, a in self.inputs.items()]
        outs = [h.make_tensor_value_info(o, types[o], None) if types and o in types else h.make_empty_tensor_value_info(o) for o in self.outputs]
        domains = {n.domain for n in self.nodes} - {""}
        ir = 8 if self.opset < 19 else 9 if self.opset < 21 else 10 if self.opset < 23 else 11 if self.opset < 24 else 13
        g = h.make_graph([n.proto() for n in self.nodes], "g", ins, outs, inits)
        return h.make_model(g, opset_imports=[h.make_opsetid("", self.opset)] + [h.make_opsetid(d, 1) for d in sorted(domains)], ir_version=ir)

    def trimmed(self):
        """Without what no output needs."""
        need, keep = set(self.outputs), []
        for n in reversed(self.nodes):
            if any(o in need for o in n.outputs):
                keep.append(n)
                need.update(i for i in n.inputs if i)
        return Graph(self.opset, {k: v for k, v in self.inputs.items() if k in need}, {k: v for k, v in self.consts.items() if k in need}, keep[::-1], self.outputs,
                     {k: v for k, v in self.symbols.items() if k in need})


# ---- the oracle ----

ort.set_default_logger_severity(4)
options = ort.SessionOptions()
options.log_severity_level = 4
options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
options.intra_op_num_threads = options.inter_op_num_threads = 1


class Rejected(Exception):
    pass


def oracle_node(node, arrays, opset, consts=()):
    """Outputs of one node on arrays ({name: array})."""
    ins = {i: arrays[i] for i in node.inputs if i}
    g = Graph(opset, {k: v for k, v in ins.items() if k not in consts}, {k: v for k, v in ins.items() if k in consts}, [node], [o for o in node.outputs if o])
    words = ""
    by_reference = random_ops.use_reference(node, ins)
    if node.op not in random_ops.NOT_WIDENED and any(a.dtype == NP[T.BFLOAT16] for a in ins.values()):
        wide = {k: v.astype(np.float32) if v.dtype == NP[T.BFLOAT16] else v for k, v in ins.items()}
        return {k: v.astype(NP[T.BFLOAT16]) if v.dtype == np.float32 else v for k, v in oracle_node(node, wide, opset, consts).items()}
    if not by_reference and all(a.dtype in PLAIN for a in ins.values()) and node.attrs.get("to", 1) < 14 and node.attrs.get("output_dtype", 1) < 14:
        try:
            s = ort.InferenceSession(g.model().SerializeToString(), options, providers=["CPUExecutionProvider"])
            return dict(zip(g.outputs, [np.asarray(o) for o in s.run(None, g.inputs)]))
        except Exception as e:
            words = str(e)
            if "NOT_IMPLEMENTED" not in words and "Could not find an implementation" not in words and "bfloat16" not in words and "No data type" not in words and not random_ops.ort_refuses(node, ins):
                raise Rejected(words)
    try:
        got = dict(zip(g.outputs, [np.asarray(o) for o in ReferenceEvaluator(g.model()).run(None, g.inputs)]))
        if node.op.startswith(("Reduce", "CumSum", "CumProd")):  # numpy widens integers
            got = {k: v.astype(ins[node.inputs[0]].dtype) for k, v in got.items()}
        return got
    except Exception as e:
        raise Rejected(f"onnxruntime: {words}; onnx.reference: {type(e).__name__} {e}")


def oracle(graph):
    values = dict(graph.inputs) | dict(graph.consts)
    for n in graph.nodes:
        values.update(oracle_node(n, values, graph.opset, graph.consts))
    return values


# ---- mote ----

def pack(a):
    t = code(a)
    if t == T.STRING:
        data = b"".join(struct.pack("<I", len(s)) + s for s in (x.encode() if isinstance(x, str) else x for x in a.reshape(-1)))
    elif t in BITS:
        bits, flat = BITS[t], np.ascontiguousarray(a).reshape(-1).view(np.uint8) & ((1 << BITS[t]) - 1)
        per = 8 // bits
        flat = np.pad(flat, (0, -len(flat) % per)).reshape(-1, per)
        data = sum((flat[:, i].astype(np.uint8) << np.uint8(bits * i) for i in range(per)), np.zeros(len(flat), np.uint8)).tobytes()
    else:
        data = np.ascontiguousarray(a).tobytes()
    return struct.pack(f"<II{a.ndim}qQ", t, a.ndim, *a.shape, len(data)) + data


def unpack(t, shape, data):
    n = int(np.prod(shape, dtype=np.int64))
    if t == T.STRING:
        out, at = [], 0
        for _ in range(n):
            k = struct.unpack_from("<I", data, at)[0]
            out.append(data[at + 4:at + 4 + k].decode("utf-8", "replace"))
            at += 4 + k
        a = np.empty(n, object)
        a[:] = out
        return a.reshape(shape)
    if t in BITS:
        bits, raw = BITS[t], np.frombuffer(data, np.uint8)
        flat = np.stack([raw >> np.uint8(bits * i) & np.uint8((1 << bits) - 1) for i in range(8 // bits)], 1).reshape(-1)[:n].astype(np.uint8)
        if t in (T.INT4, 26):
            return flat.astype(np.int8).__sub__(np.where(flat >= 1 << (bits - 1), 1 << bits, 0).astype(np.int8)).astype(NP[t]).reshape(shape)
        return (flat.view(NP[t]) if t == T.FLOAT4E2M1 else flat.astype(NP[t])).reshape(shape)
    return np.frombuffer(data, NP[t]).reshape(shape)


class Mote:
    def __init__(self):
        self.process = None

    def run(self, graph, types, mode):
        """{output: array}, or a text that says what went wrong."""
        if self.process is None:
            self.process = subprocess.Popen([PEER, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        m = graph.model(types).SerializeToString()
        p = self.process
        try:
            p.stdin.write(struct.pack("<II", mode, len(m)) + m + struct.pack("<I", len(graph.inputs)) + b"".join(pack(a) for a in graph.inputs.values()))
            p.stdin.flush()

            def get(fmt):
                raw = p.stdout.read(struct.calcsize(fmt))
                if len(raw) != struct.calcsize(fmt):
                    raise EOFError
                return struct.unpack(fmt, raw)
            status, n = get("<II")
            text = p.stdout.read(n).decode("utf-8", "replace")
            out = {}
            for i in range(get("<I")[0]):
                t, rank = get("<II")
                shape = get(f"<{rank}q")
                out[graph.outputs[i]] = unpack(t, shape, p.stdout.read(get("<Q")[0]))
            return out if status == 0 else text
        except (EOFError, BrokenPipeError):
            self.process = None
            return f"died with status {p.wait()}"


# ---- comparison ----

RTOL = {T.FLOAT16: 4e-3, T.BFLOAT16: 2.5e-2, T.DOUBLE: 1e-9, T.FLOAT: 2e-5}


def differs(got, want, scale=1.0, steps=0, single=False, absolute=0.0):
    """Why they are not the same, or None."""
    if want.dtype.kind in "UO":
        want = want.astype(object)
    if got.shape != want.shape or (code(got) != code(want)):
        return f"{got.dtype}{list(got.shape)}, expected {want.dtype}{list(want.shape)}"
    if want.size == 0:
        return None
    t = code(want)
    if t == T.STRING:
        bad = np.array([str(x) != str(y) for x, y in zip(got.reshape(-1), want.reshape(-1))])
        return None if not bad.any() else f"element {bad.argmax()} is {got.reshape(-1)[bad.argmax()]!r}, expected {want.reshape(-1)[bad.argmax()]!r}"
    if t in RTOL:
        x, y = got.astype(np.float64).reshape(-1), want.astype(np.float64).reshape(-1)
        finite = np.isfinite(y)
        top = np.abs(y[finite]).max(initial=0)
        limit = scale * RTOL[T.FLOAT if single and t == T.DOUBLE else t] * np.maximum(np.abs(y), min(top, 1e30) * 0.5 if scale > 1 else top * 0.25) + (6e-8 if t == T.FLOAT16 else 1e-37 if t == T.FLOAT else 0) + absolute
        over = {T.FLOAT16: 65504.0 * (1 - 4e-3), T.BFLOAT16: 3.3e38, T.FLOAT: 3.4e38}.get(t, np.inf)
        same = (x == y) | (np.isnan(x) & np.isnan(y)) | (np.isinf(y) & (np.abs(x) >= over) & (np.sign(x) == np.sign(y))) | (np.isinf(x) & (np.abs(y) >= over) & (np.sign(x) == np.sign(y)))
        with np.errstate(all="ignore"):
            same |= finite & np.isfinite(x) & (np.abs(x - y) <= limit)
    else:
        if t >= 17 and t not in (21, 22, 25, 26):
            x, y = got.astype(np.float32).reshape(-1), want.astype(np.float32).reshape(-1)
            same = (x == y) | (np.isnan(x) & np.isnan(y))
        else:
            x, y = got.astype(object).reshape(-1), want.astype(object).reshape(-1)
            same = np.array([abs(int(p) - int(q)) <= steps for p, q in zip(x, y)])
    if same.all():
        return None
    k = int((~same).argmax())
    return f"element {k} is {x[k]!r}, expected {y[k]!r} ({int((~same).sum())} of {same.size})"


MODES = {0: "all passes", 2: "no passes", 1: "reference"}


class Checker:
    def __init__(self):
        self.mote = Mote()

    def compare(self, graph, values, mode, scale=1.0):
        got = self.mote.run(graph, {o: code(values[o]) for o in graph.outputs}, mode)
        if isinstance(got, str):
            return got
        for o in graph.outputs:
            producer = next((n for n in graph.nodes if o in n.outputs), None)
            why = differs(got[o], values[o], scale, random_ops.steps(producer) if producer else 0, any(n.op in random_ops.SINGLE for n in graph.nodes),
                          random_ops.absolute(graph.nodes, producer, values))
            if why:
                return f"{o} = {producer.op if producer else 'input'}: {why}"
        return None

    def check(self, graph, values, mode):
        """None, or (what, smallest graph, its values)."""
        why = self.compare(graph, values, mode)
        if why is None:
            return None
        # each node on what mote itself gives it
        wide = Graph(graph.opset, graph.inputs, graph.consts, graph.nodes, [o for n in graph.nodes for o in n.outputs if o], graph.symbols)
        got = self.mote.run(wide, {o: code(values[o]) for o in wide.outputs}, mode)
        if not isinstance(got, str):
            seen = dict(graph.inputs) | graph.consts | got
            for n in graph.nodes:
                try:
                    want = oracle_node(n, seen, graph.opset, graph.consts)
                except Rejected:
                    continue
                for o in n.outputs:
                    reason = o and differs(got[o], want[o], 1.0, random_ops.steps(n), n.op in random_ops.SINGLE, random_ops.absolute([n], n, seen))
                    if reason:
                        one = Graph(graph.opset, {i: seen[i] for i in n.inputs if i and i not in graph.consts}, {i: seen[i] for i in n.inputs if i in graph.consts}, [n],
                                    [x for x in n.outputs if x])
                        if self.compare(one, want, mode):
                            return self.shrink(one, want, mode)
                        return f"{o} = {n.op}: {reason}, in its graph only", graph, values
            # all nodes are right: rounding that grew, or a fusion; what rounding makes of the inputs says which
            noise = self.noise(graph, values)
            plain = self.mote.run(graph, {o: code(values[o]) for o in graph.outputs}, mode)
            if not isinstance(plain, str) and all(self.within(plain[o], values[o], noise.get(o)) for o in graph.outputs):
                return None
        return self.shrink(graph, values, mode)

    def noise(self, graph, values):
        """How far outputs move when each node's result is off by a little."""
        rng, most = np.random.default_rng(1), {}
        for _ in range(3):
            moved = dict(graph.inputs) | graph.consts
            try:
                for n in graph.nodes:
                    for o, a in oracle_node(n, moved, graph.opset, graph.consts).items():
                        if code(a) in RTOL and n.op not in random_ops.EXACT:
                            rest = random_ops.absolute([n], n, moved) * rng.uniform(-1, 1, a.shape)
                            a = np.asarray(a.astype(np.float64) * (1 + RTOL[code(a)] * 0.1 * rng.uniform(-1, 1, a.shape)) + rest).astype(a.dtype)
                        moved[o] = a
            except Rejected:
                continue
            for o in graph.outputs:
                if moved[o].shape == values[o].shape and code(values[o]) in RTOL:
                    d = np.abs(moved[o].astype(np.float64) - values[o].astype(np.float64))
                    most[o] = np.maximum(most.get(o, 0), d)
        return most

    def within(self, got, want, noise):
        if differs(got, want, 1.0) is None:
            return True
        if noise is None or got.shape != want.shape or got.dtype != want.dtype:
            return False
        x, y = got.astype(np.float64), want.astype(np.float64)
        same = (x == y) | (np.isnan(x) & np.isnan(y))
        return bool((same | (np.abs(x - y) <= 20 * np.nanmax(noise, initial=0) + RTOL.get(code(want), 0) * np.abs(y))).all())

    def fails(self, graph, mode):
        try:
            values = oracle(graph)
        except (Rejected, KeyError):
            return None
        why = self.compare(graph, values, mode, 4.0)
        return None if why is None else (why, graph, values)

    def shrink(self, graph, values, mode):
        best = (self.compare(graph, values, mode), graph, values)
        if best[0] is None:
            return "differs at times", graph, values
        kind = self.kind(best[0])
        steps = 0
        progress = True
        while progress and steps < 400:
            progress = False
            for candidate in self.smaller(best[1], best[2]):
                steps += 1
                got = self.fails(candidate, mode)
                if got is not None and self.kind(got[0]) == kind:
                    best, progress = got, True
                    break
                if steps >= 400:
                    break
        return best

    @staticmethod
    def kind(why):
        return why.split(":")[0] if not why.startswith(("y", "v")) else "value"

    def smaller(self, g, values):
        if len(g.outputs) > 1:
            for o in g.outputs:
                yield Graph(g.opset, g.inputs, g.consts, g.nodes, [o], g.symbols).trimmed()
        for n in g.nodes[:-1]:  # a node's results become inputs
            cut = {o: values[o] for o in n.outputs if o}
            yield Graph(g.opset, g.inputs | cut, g.consts, [m for m in g.nodes if m is not n], [o for o in g.outputs if o not in cut] or g.outputs[:1], g.symbols).trimmed()
        if len(g.nodes) > 1:  # an earlier output
            for n in g.nodes[:-1]:
                for o in n.outputs:
                    if o:
                        yield Graph(g.opset, g.inputs, g.consts, g.nodes, [o], g.symbols).trimmed()
        if g.symbols:
            yield Graph(g.opset, g.inputs, g.consts, g.nodes, g.outputs)
        for k, n in enumerate(g.nodes):
            for a in n.attrs:
                m = Node(n.op, n.domain, n.inputs, n.outputs, {x: y for x, y in n.attrs.items() if x != a})
                yield Graph(g.opset, g.inputs, g.consts, g.nodes[:k] + [m] + g.nodes[k + 1:], g.outputs, g.symbols)
            if n.inputs and len(g.nodes) == 1:
                m = Node(n.op, n.domain, n.inputs[:-1], n.outputs, n.attrs)
                yield Graph(g.opset, g.inputs, g.consts, g.nodes[:k] + [m] + g.nodes[k + 1:], g.outputs, g.symbols).trimmed()
        sizes = sorted({d for a in g.inputs.values() for d in a.shape if d > 1})
        for size in sizes:  # one size everywhere
            for to in {1, size // 2, size - 1}:
                def cut(a):
                    return a[tuple(slice(0, to) if d == size else slice(None) for d in a.shape)]
                yield Graph(g.opset, {k: cut(v) for k, v in g.inputs.items()}, {k: cut(v) if v.dtype.kind == "f" else v for k, v in g.consts.items()}, g.nodes, g.outputs)
        for where in ("inputs", "consts"):
            for name, a in getattr(g, where).items():
                if a.dtype.kind == "f" and a.size:
                    for simple in (np.round(a), np.ones_like(a)):
                        if not np.array_equal(simple, a, equal_nan=True):
                            changed = dict(getattr(g, where)) | {name: simple}
                            yield Graph(g.opset, changed if where == "inputs" else g.inputs, changed if where == "consts" else g.consts, g.nodes, g.outputs, g.symbols)


# ---- the run ----

def describe(graph):
    out = []

    def short(a):
        text = " ".join(np.array2string(a, threshold=24, precision=8, separator=",").split())
        return f"{a.dtype}{list(a.shape)} {text[:300]}"
    for word, arrays in (("input", graph.inputs), ("const", graph.consts)):
        for k, v in arrays.items():
            out.append(f"    {word} {k}: {short(v)} {graph.symbols.get(k, '')}")
    for n in graph.nodes:
        out.append(f"    {', '.join(n.outputs)} = {n.domain + '.' if n.domain else ''}{n.op}({', '.join(n.inputs)}) {n.attrs}")
    return "\n".join(out)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--count", type=int, default=300)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--only", type=int)
    p.add_argument("--op")
    p.add_argument("--keep", default=None)
    p.add_argument("-v", action="store_true")
    args = p.parse_args()
    if not os.path.exists(PEER):
        print("skipped: op_peer is not built")
        return 77
    table = random_ops.Table(json.loads(subprocess.run([PEER, "dump"], capture_output=True, text=True, check=True).stdout))
    checker = Checker()
    stats, rejected, words, failures, kinds = collections.Counter(), collections.Counter(), {}, 0, collections.Counter()
    missing = table.missing("com.microsoft")
    if missing and args.v:
        print(f"not covered of com.microsoft: {' '.join(missing)}")
    missing = table.missing("")
    if missing:
        print(f"FAIL operators of the table that neither random_ops.py's BUILD nor its LEFT_OUT names: {' '.join(missing)}")
        failures += 1
    rows = table.rows(args.op)
    for k in range(args.count):
        if args.only is not None and k != args.only:
            continue
        made = random_ops.Maker(table, args.seed, k, rows, Graph, Node, oracle_node, Rejected, NP, one=args.op is not None)
        graph, values = made.make()
        for op, text in made.rejected:
            rejected[op] += 1
            words.setdefault(op, text)
        if not graph.nodes:
            stats["empty"] += 1
            continue
        stats["graphs"] += 1
        stats["nodes"] += len(graph.nodes)
        for mode in (0, 1 if k % 2 else 2):
            bad = checker.check(graph, values, mode)
            if bad is None:
                continue
            why, small, its = bad
            failures += 1
            key = (small.nodes[-1].op, why[:30] if not why.startswith("v") else "value")
            kinds[key] += 1
            if kinds[key] <= (3 if args.v or args.only is not None else 1):
                print(f"FAIL random_graphs.py --seed {args.seed} --count {k + 1} --only {k}{' --op ' + args.op if args.op else ''} ({MODES[mode]}, opset {small.opset}): {why}\n{describe(small)}")
                if args.keep:
                    os.makedirs(args.keep, exist_ok=True)
                    with open(os.path.join(args.keep, f"{args.seed}-{k}.onnx"), "wb") as f:
                        f.write(small.model({o: code(its[o]) for o in small.outputs}).SerializeToString())
            break
    total = stats["graphs"]
    if args.v:
        for op, n in rejected.most_common():
            print(f"{n} times {op}: {words[op][:300]}")
    if args.v or failures:
        for key, n in kinds.most_common():
            print(f"{n} times {key}")
    print(f"{total} graphs with {stats['nodes']} nodes, {failures} failures; {sum(rejected.values())} nodes that the oracle did not take, {stats['empty']} empty graphs")
    if args.only is None and total < args.count * 0.9:
        print("FAIL too few graphs")
        return 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
