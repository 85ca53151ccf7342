# random_ops.py - what each operator takes: shapes, attributes, values, for random_graphs.py
# SPDX-License-Identifier: Apache-2.0
#
# BUILD: operator -> function (maker, call) that gives (inputs, attributes, number of outputs). A function asks the call for the types that the table allows and the
# maker for values of a type, a shape and a domain; both come from one sequence of numbers. LEFT_OUT: operators without a function, and why. KNOWN: what
# onnxruntime or onnx.reference do against the standard.
import random
import re

import numpy as np

F32, U8, S8, U16, S16, S32, S64, STR, BOOL, F16, F64, U32, U64, BF16 = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16
FLOATS = (F32, F16, F64, BF16)
SIZES = (1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 33)
BUILD, LEFT_OUT = {}, {}
# Results are exact where inputs are: what follows may round, compare or sort them.
EXACT = set("""Abs And ArgMax ArgMin BitCast BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Cast CastLike Ceil CenterCropPad Clip Compress Concat Constant ConstantOfShape ConvInteger
 DepthToSpace Equal Expand EyeLike Flatten Floor Gather GatherElements GatherND GlobalMaxPool Greater GreaterOrEqual Hardmax Identity IsInf IsNaN Less LessOrEqual MatMulInteger Max MaxPool
 MaxUnpool Min Neg NonZero Not OneHot Or Pad Range ReduceMax ReduceMin Relu Reshape ReverseSequence Round Scatter Shape Sign Size Slice SpaceToDepth Split Squeeze
 ThresholdedRelu Tile TopK Transpose Trilu Unique Unsqueeze Where Xor TensorScatter StringConcat""".split())
# Inputs must be exact: a rounding would become a step.
STEPPED = set("""ArgMax ArgMin Cast CastLike Ceil Equal Floor Greater GreaterOrEqual Hardmax Less LessOrEqual Mod NonZero QuantizeLinear DynamicQuantizeLinear Round Sign TopK Unique IsInf IsNaN
 ThresholdedRelu Shrink NonMaxSuppression BitCast Resize QLinearConv QLinearMatMul QLinearAdd QLinearMul QLinearSigmoid QLinearLeakyRelu QLinearGlobalAveragePool QLinearAveragePool QLinearConcat Trilu MaxPool Compress ReduceProd GridSample RoiAlign MaxRoiPool Celu Range Dropout Upsample Pow Tan""".split())


# bfloat16 is computed as float32 and rounded once (onnx.reference sums in bfloat16), but not where types are made or read.
NOT_WIDENED = set("""Cast CastLike BitCast QuantizeLinear DequantizeLinear EyeLike Constant ConstantOfShape Pow BlackmanWindow HannWindow HammingWindow MelWeightMatrix Range
 GreaterOrEqual LessOrEqual Equal Greater Less IsNaN IsInf""".split())


def steps(node):
    """How many steps an integer result may be off by: rounding behind a product of scales."""
    return 1 if node.op.startswith("QLinear") or node.op == "DynamicQuantizeLinear" else 0


def op(*names):
    def put(f):
        for n in names:
            BUILD[n] = f
        return f
    return put


def has_nan(a):
    return a.dtype.kind in "fV" and bool(np.isnan(a.astype(np.float32)).any())


def fraction(n, a):
    """A Resize by scales whose outputs' lengths are not whole."""
    at = 2 if len(a) > 2 else 1
    return len(a) > at and a[at] is not None and a[at].size and bool(np.any(a[0].shape * a[at].astype(np.float64) % 1))


# ---- what the oracles do wrong: (operator, condition on node and arrays, reason). Such a node is not made. ----
KNOWN = [
    ("QLinearConv", lambda n, a: a[0].ndim != 4, "onnxruntime gives [N, M, M, ...] for one and three spatial dimensions"),
    ("Resize", lambda n, a: n.attrs.get("nearest_mode") in ("floor", "ceil") and len(a) > 3, "by sizes, the rounding of the scale decides at whole coordinates"),
    ("ConvTranspose", lambda n, a: a[0].dtype != np.float32 and n.attrs.get("group", 1) > 1, "onnx.reference adds the bias of the first group to all"),
    ("Shape", lambda n, a: n.attrs.get("end", 0) < -a[0].ndim, "onnx.reference counts an end before the first dimension from the end again"),
    ("Sign", lambda n, a: has_nan(a[0]), "onnxruntime gives 0 for NaN in float16; mote keeps it, as numpy does"),
    ("Resize", lambda n, a: n.attrs.get("coordinate_transformation_mode") == "pytorch_half_pixel" and fraction(n, a),
     "onnx.reference puts the one element of a length of 1 at -0.5, the standard at 0; onnxruntime rounds lengths first"),
    ("Shrink", lambda n, a: has_nan(a[0]), "mote's unary functions keep NaN (kernels/unary/unary.h); the formula says 0"),
    ("ThresholdedRelu", lambda n, a: has_nan(a[0]), "mote's unary functions keep NaN; the formula says 0"),
    ("Pad", lambda n, a: str(a[0].dtype) == "float8_e8m0fnu" and (len(a) < 3 or a[2] is None), "the type has no zero: onnx.reference pads with NaN"),
    ("BlackmanWindow", lambda n, a: a[0] == 1, "0 / 0 in the expansion"),
    ("HannWindow", lambda n, a: a[0] == 1, "0 / 0 in the expansion"),
    ("HammingWindow", lambda n, a: a[0] == 1, "0 / 0 in the expansion"),
    ("GlobalMaxPool", lambda n, a: a[0].dtype != np.float32 and a[0].ndim != 4, "onnx.reference loses a dimension of rank 3"),
    ("LpPool", lambda n, a: a[0].dtype != np.float32 and ("auto_pad" in n.attrs or "dilations" in n.attrs or "ceil_mode" in n.attrs), "onnx.reference forgets dilations and the end in the output's size and value"),
    ("LRN", lambda n, a: a[0].dtype != np.float32, "onnx.reference leaves channels at the end out"),
]
# onnxruntime has the kernel and computes something else than the standard says: onnx.reference answers.
# Results near zero that come of terms near 1.
ABSOLUTE = {"ReduceLogSum": 1e-6, "ReduceLogSumExp": 1e-6, "LSTM": 2e-6, "GRU": 2e-6, "RNN": 2e-6, "GroupNormalization": 1e-6, "LayerNormalization": 1e-6, "Elu": 1e-7, "Sigmoid": 2e-7, "Gelu": 5e-7, "Selu": 1e-7, "Celu": 1e-7,
            "HardSigmoid": 2e-7, "BlackmanWindow": 1e-7, "HannWindow": 1e-7, "HammingWindow": 1e-7}
# Sums: what is left when large terms cancel is as good as the largest.
SUMS = set("NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss ReduceMean ReduceSum Sum Mean ReduceL1 ReduceSumSquare CumSum Add Sub MatMul Gemm Conv ConvTranspose Einsum".split())


def absolute(nodes, producer, arrays):
    out = max([ABSOLUTE.get(n.op, 0) for n in nodes])
    if producer is not None and producer.op in SUMS:
        for i in producer.inputs:
            a = arrays.get(i)
            if a is not None and a.dtype.kind in "fV" and a.size:
                x = np.abs(a.astype(np.float64))
                out = max(out, x[np.isfinite(x)].max(initial=0) * {"float16": 1e-3, "float64": 1e-14}.get(str(a.dtype), 1e-2 if a.dtype.kind == "V" else 1e-6))
    return out


BY_REFERENCE = [
    ("GridSample", lambda n, a: "cubic" in n.attrs.get("mode", "") and n.attrs.get("padding_mode") == "border", "bicubic at the border"),
    ("Resize", lambda n, a: n.attrs.get("coordinate_transformation_mode") in ("align_corners", "pytorch_half_pixel") and fraction(n, a),
     "the standard's cases take the length before rounding down; onnxruntime the one behind"),
    ("QuantizeLinear", lambda n, a: a[0].dtype == np.float16, "onnxruntime divides float16 in float32; the standard in the scale's type"),
]
# onnxruntime refuses what the standard allows: onnx.reference answers.
ORT_REFUSES = [
    ("Pad", lambda n, a: len(a) > 3 and a[3].dtype == np.int32, "its shape inference reads axes as int64 only"),
    ("CenterCropPad", lambda n, a: a[1].dtype == np.int32, "its expansion takes int64 only"),
]
# Constants of the formula are float32 in one of the two: float64 agrees to float32's accuracy.
SINGLE = set("HardSwish Erf LRN BlackmanWindow HannWindow HammingWindow Selu Shrink GroupNormalization LayerNormalization RMSNormalization Gelu MelWeightMatrix".split())


def known(node, arrays):
    return next((why for name, test, why in KNOWN if name == node.op and test(node, [arrays.get(i) for i in node.inputs])), None)


def use_reference(node, arrays):
    return any(name == node.op and test(node, [arrays.get(i) for i in node.inputs]) for name, test, _ in BY_REFERENCE)


def ort_refuses(node, arrays):
    return any(name == node.op and test(node, [arrays.get(i) for i in node.inputs]) for name, test, _ in ORT_REFUSES)


class Table:
    def __init__(self, rows):
        self.by = {}
        for r in rows:
            self.by.setdefault((r["domain"], r["name"]), []).append(r)

    def missing(self, domain):
        return sorted({n for d, n in self.by if d == domain and n not in BUILD and n not in LEFT_OUT and d + "." + n not in LEFT_OUT})

    def rows(self, only=None):
        """(row, first opset, last opset)"""
        out = []
        for (domain, name), rows in self.by.items():
            if name not in BUILD or (only and name != only) or domain not in ("", "com.microsoft"):
                continue
            for k, r in enumerate(rows):
                last = rows[k + 1]["since"] - 1 if k + 1 < len(rows) else 28
                if domain:
                    out.append((r, 13, 21))
                elif not r["removed"] and last >= 7:
                    out.append((r, max(7, r["since"]), last))
        return out

    def at(self, name, opset, domain=""):
        found = None
        for r in self.by.get((domain, name), []):
            if domain or r["since"] <= opset:
                found = r
        return None if found is None or found["removed"] else found


class Call:
    """One node in the making: its row and the types chosen for its variables."""

    def __init__(self, maker, row):
        self.m, self.row, self.since, self.name = maker, row, row["since"], row["name"]
        self.chosen = {}

    def type(self, var, among=None):
        if var not in self.chosen:
            have = [t for t in self.row["types"][var]["dtypes"] if t in self.m.np and t != STR and (among is None or t in among)]
            if not have:
                raise Skip
            self.chosen[var] = F32 if F32 in have and self.m.r.random() < 0.6 else self.m.r.choice(have)
        return self.chosen[var]

    def has(self, attr):
        return attr in self.row["attrs"]


class Skip(Exception):
    pass


class Maker:
    def __init__(self, table, seed, k, rows, graph, node, oracle_node, rejected, np_types, one=False):
        self.table, self.Graph, self.Node, self.oracle_node, self.Rejected, self.np = table, graph, node, oracle_node, rejected, np_types
        self.r, self.rng = random.Random(seed * 1000003 + k), np.random.default_rng([seed, k])
        self.rows, self.k, self.one = rows, k, one
        self.rejected = []

    # -- values --
    def shape(self, lo=0, hi=4, cap=2000, zero=True):
        rank = self.r.randint(lo, hi)
        while True:
            s = [self.r.choice(SIZES) for _ in range(rank)]
            if zero and rank and self.r.random() < 0.02:
                s[self.r.randrange(rank)] = 0
            if np.prod(s, dtype=np.int64) <= cap:
                return s

    def array(self, t, shape, dom="any"):
        g, dt = self.rng, np.dtype(self.np[t])
        shape = tuple(int(d) for d in shape)
        if t == BOOL:
            return g.integers(0, 2, shape).astype(bool)
        if t == STR:
            out = np.empty(shape, object)
            flat = out.reshape(-1)
            for i in range(flat.size):
                flat[i] = self.r.choice(["", "a", "b", "cat", "Dog", "zebra", "\u00e9t\u00e9", "x y"])
            return out
        if t in (U8, S8, U16, S16, S32, S64, U32, U64) or t in (21, 22, 25, 26):
            lo, hi = {21: (0, 16), 22: (-8, 8), 25: (0, 4), 26: (-2, 2)}.get(t, (0 if dt.kind == "u" else -50, 51))
            if dom == "wild" and t not in (21, 22, 25, 26):
                i = np.iinfo(dt)
                a = g.integers(i.min, i.max, shape, dt, endpoint=True)
                return np.where(g.random(shape) < 0.3, g.choice(np.array([i.min, i.max, 0, 1, 2], dt), shape), a) if a.size else a
            if dom in ("pos", "ge1", "away"):
                lo = 1
            if dom in ("small", "unit"):
                lo, hi = max(lo, -3), min(hi, 4)
            return g.integers(lo, hi, shape).astype(dt)
        x = g.standard_normal(shape) * self.r.choice([0.1, 1, 1, 3])
        if dom == "pos":
            x = np.abs(x) + 0.1
        elif dom == "unit":
            x = np.clip(x, -0.95, 0.95)
        elif dom == "ge1":
            x = np.abs(x) + 1.01
        elif dom == "away":
            x = np.where(x < 0, x - 0.3, x + 0.3)
        elif dom == "small":
            x = np.clip(x, -3, 3)
        elif dom == "halves":
            x = np.round(x * 4) / 2
        elif dom == "wild" and x.size:
            top = 6e4 if t == F16 else 3e38
            x = np.where(g.random(shape) < 0.3, g.choice([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, top, -top, 1e-40], shape), x)
        if t == 24:
            x = 2.0 ** np.round(np.clip(x, -3, 3))
        if t == 23:
            x = np.clip(x, -6, 6)
        return np.asarray(x).astype(np.float32).astype(dt) if t not in (F32, F64, F16) else np.asarray(x).astype(dt)

    @staticmethod
    def fits(a, dom):
        if a.dtype.kind in "UOb" or a.size == 0:
            return dom in ("any", "wild")
        if dom == "wild":
            return True
        x = a.astype(np.float64)
        if not np.isfinite(x).all() or np.abs(x).max() > 300:
            return False
        return {"any": True, "pos": x.min() > 0.05, "unit": np.abs(x).max() <= 0.95, "ge1": x.min() > 1, "away": np.abs(x).min() > 0.2, "small": np.abs(x).max() <= 3,
                "halves": False}[dom]

    def fresh(self, a, const=None):
        name = f"x{len(self.values)}"
        if const is None:
            const = self.r.random() < 0.3
        (self.g.consts if const else self.g.inputs)[name] = a
        self.values[name] = a
        self.exact.add(name)
        return name

    def const(self, values, t=S64, runtime=0.12):
        """Shapes, axes, limits: mostly constants."""
        return self.fresh(np.array(values, self.np[t]), const=self.r.random() >= runtime)

    def t(self, t, shape, dom="any", reuse=0.75):
        shape = tuple(shape)
        if self.r.random() < reuse:
            names = [n for n, a in self.values.items() if n in self.made and self.code(a) == t and a.shape == shape and self.fits(a, dom) and (n in self.exact or not (self.stepped or t not in FLOATS))]
            if names:
                return self.r.choice(names)
        return self.fresh(self.array(t, shape, dom))

    def code(self, a):
        from random_graphs import code
        return code(a)

    def x(self, t, lo=0, hi=4, dom="any", cap=2000, zero=True):
        """A value of the type and any shape: one that a node made where there is one."""
        if self.r.random() < 0.75:
            names = [n for n in self.made if self.code(self.values[n]) == t and lo <= self.values[n].ndim <= hi and self.values[n].size <= cap and self.fits(self.values[n], dom) and
                     (zero or self.values[n].size) and (n in self.exact or not (self.stepped or t not in FLOATS))]
            if names:
                return self.r.choice(names[-4:])
        return self.fresh(self.array(t, self.shape(lo, hi, cap, zero), dom), const=None if self.g.inputs else False)

    def shape_of(self, name):
        return list(self.values[name].shape)

    def broadcast(self, shape):
        """A shape that broadcasts with this one."""
        s = list(shape)[self.r.randint(0, len(shape)) if self.r.random() < 0.4 else 0:]
        return [1 if self.r.random() < 0.25 else d for d in s]

    def axis(self, rank, since=99, negative_from=11):
        a = self.r.randrange(rank)
        return a - rank if since >= negative_from and self.r.random() < 0.4 else a

    def wild(self):
        return "wild" if self.r.random() < 0.06 else "any"

    def maybe(self, p=0.5):
        return self.r.random() < p

    # -- graphs --
    def make(self):
        row, first, last = self.rows[self.k % len(self.rows)] if self.rows else (None, 7, 28)
        opset = self.r.randint(first, last)
        self.g = self.Graph(opset)
        self.values, self.exact, self.made = {}, set(), []
        n = 1 if self.one else self.r.choice([1, 2, 3, 3, 4, 5, 6, 8])
        at = self.r.randrange(n)
        names = sorted({nm for (d, nm) in self.table.by if d == "" and nm in BUILD})
        common = ["Add", "Mul", "Relu", "Reshape", "Transpose", "MatMul", "Conv", "Concat", "Sigmoid", "Softmax", "Gemm", "Clip", "Sub", "Div", "Slice", "Unsqueeze", "Squeeze", "HardSigmoid",
                  "QuantizeLinear", "DequantizeLinear", "BatchNormalization", "MaxPool", "ReduceMean", "Tanh", "Split", "Pad", "Cast", "Identity", "Gather", "HardSwish", "Resize"]
        for i in range(n):
            for _ in range(4 if i == at else 2):
                r = row if i == at else self.table.at(self.r.choice(common if self.maybe() else names), opset)
                if r is not None and self.add(r):
                    break
        used = {i for node in self.g.nodes for i in node.inputs}
        outs = [o for node in self.g.nodes for o in node.outputs if o and (o not in used or self.r.random() < 0.15)]
        self.g.outputs = outs
        if self.g.nodes:
            g = self.g.trimmed()
            if self.r.random() < 0.25:
                for name, a in g.inputs.items():
                    g.symbols[name] = [d if self.r.random() < 0.5 else f"s{d}" if self.r.random() < 0.5 else None for d in a.shape]
            return g, self.values
        return self.g, self.values

    def add(self, row):
        call = Call(self, row)
        self.stepped = row["name"] in STEPPED
        before = (dict(self.g.inputs), dict(self.g.consts), dict(self.values), set(self.exact))
        try:
            inputs, attrs, n_out = BUILD[row["name"]](self, call)
            attrs = {k: v for k, v in attrs.items() if k in row["attrs"] or v is None}
            attrs = {k: v for k, v in attrs.items() if v is not None}
            outs = [f"v{len(self.g.nodes)}_{i}" for i in range(n_out)] if isinstance(n_out, int) else [f"v{len(self.g.nodes)}_{i}" if o else "" for i, o in enumerate(n_out)]
            while inputs and inputs[-1] == "":
                inputs.pop()
            node = self.Node(row["name"], row["domain"], inputs, outs, attrs)
            if known(node, self.values) is not None:
                raise Skip
            got = self.oracle_node(node, self.values, self.g.opset, self.g.consts)
            if sum(a.size for a in got.values()) > 40000:
                raise Skip
        except (Skip, self.Rejected) as e:
            if isinstance(e, self.Rejected):
                self.rejected.append((f"{row['name']}-{row['since']}", f"{e} {[f'{self.code(self.values[i])}{list(self.values[i].shape)}' if i else '' for i in inputs]} {attrs}"))
            self.g.inputs, self.g.consts, self.values, self.exact = before
            return False
        self.g.nodes.append(node)
        self.values.update(got)
        self.made += list(got)
        integers = all(self.code(a) not in FLOATS for a in got.values())
        if all(i in self.exact for i in inputs if i) and (row["name"] in EXACT or (integers and steps(node) == 0)):
            self.exact.update(got)
        return True


# ---- elementwise ----

UNARY = {"Abs": "any", "Neg": "any", "Ceil": "any", "Floor": "any", "Round": "halves", "Sign": "any", "Relu": "any", "Sigmoid": "any", "Tanh": "any", "Exp": "small", "Log": "pos", "Sqrt": "pos",
         "Reciprocal": "away", "Erf": "any", "Sin": "small", "Cos": "small", "Tan": "unit", "Asin": "unit", "Acos": "unit", "Atan": "any", "Sinh": "small", "Cosh": "small", "Asinh": "any",
         "Acosh": "ge1", "Atanh": "unit", "Softplus": "any", "Softsign": "any", "HardSwish": "any", "Mish": "any", "Not": "any", "BitwiseNot": "wild", "IsNaN": "wild", "Identity": "any"}


def var_of(c):
    return re.search(r":(\w+)", c.row["in"]).group(1)


@op(*UNARY)
def unary(m, c):
    dom = UNARY[c.name]
    if m.maybe(0.06):
        dom = "wild"
    return [m.x(c.type(var_of(c), FLOATS if c.name in ("Erf",) else None), dom=dom)], {}, 1


@op("LeakyRelu", "Elu", "Celu", "Selu", "HardSigmoid", "ThresholdedRelu", "Shrink", "Gelu", "Swish", "IsInf", "QuickGelu")
def unary_attr(m, c):
    a = {}
    if m.maybe():
        a["alpha"] = m.r.choice([0.01, 0.5, 1.0, 1.7]) if c.name == "Celu" else m.r.choice([0.01, 0.5, 1.0, 1.7, -0.3])
    if m.maybe():
        a |= {"beta": 0.25, "gamma": 1.25, "bias": 0.5, "lambd": m.r.choice([0.25, 1.0]), "approximate": "tanh", "detect_negative": 0}
    if m.maybe(0.3):
        a["detect_positive"] = 0
    t = c.type(var_of(c))
    return [m.x(t, dom="wild" if c.name == "IsInf" else m.wild() if t in FLOATS else "small")], a, 1


def two(m, c, t, dom_a="any", dom_b="any", t_b=None, hi=4):
    a = m.x(t, 0, hi, dom_a)
    b = m.t(t_b or t, m.broadcast(m.shape_of(a)), dom_b)
    return [a, b]


@op("Add", "Sub", "Mul", "And", "Or", "Xor", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual")
def binary(m, c):
    w = m.wild()
    pair = two(m, c, c.type("T"), w, w)
    if m.maybe(0.3) and c.name not in ("LeakyRelu",):
        pair.reverse()
    return pair, {}, 1


@op("Div")
def div(m, c):
    t = c.type("T")
    pair = two(m, c, t, "any", "away" if t not in FLOATS or m.maybe(0.9) else "any")
    if t not in FLOATS and not m.fits(m.values[pair[1]], "away"):
        raise Skip
    return pair, {}, 1


@op("Mod")
def mod(m, c):
    t = c.type("T")
    pair = two(m, c, t, "any", "away")
    return pair, {"fmod": 1} if t in FLOATS or m.maybe(0.3) else {}, 1


@op("Pow")
def power(m, c):
    t = c.type("T")
    u = c.type("T1") if "T1" in c.row["types"] else t
    if t in FLOATS:
        return two(m, c, t, "pos", "small", u), {}, 1
    return [m.x(t, dom="small"), m.fresh(m.rng.integers(0, 4, ()).astype(m.np[u]) if u not in FLOATS else np.array(2, m.np[u]))], {}, 1


@op("BitShift")
def bit_shift(m, c):
    t = c.type("T", (U8, U16, U32, U64))
    a = m.x(t, dom="wild")
    bits = np.dtype(m.np[t]).itemsize * 8
    return [a, m.fresh(m.rng.integers(0, bits, m.broadcast(m.shape_of(a))).astype(m.np[t]))], {"direction": m.r.choice(["LEFT", "RIGHT"])}, 1


@op("Max", "Min", "Sum", "Mean")
def nary(m, c):
    t = c.type("T")
    w = m.wild() if c.name in ("Sum", "Mean") else "any"
    a = m.x(t, dom=w)
    return [a] + [m.t(t, m.broadcast(m.shape_of(a)) if c.since >= 8 else m.shape_of(a), w) for _ in range(m.r.randint(0, 3))], {}, 1


@op("PRelu")
def prelu(m, c):
    t = c.type("T")
    a = m.x(t)
    s = m.shape_of(a)
    b = m.broadcast(s)
    return [a, m.t(t, b)], {}, 1


@op("Clip")
def clip(m, c):
    if c.since < 11:
        lo = m.r.choice([-1.0, 0.0, 0.25])
        return [m.x(c.type("T"))], {"min": lo if m.maybe(0.8) else None, "max": m.r.choice([lo, 1.0, 6.0]) if m.maybe(0.8) else None}, 1
    t = c.type("T")
    lo = m.r.choice([0, 1]) if t in (U8, U16, U32, U64) else m.r.choice([-1, 0])
    return [m.x(t), m.const(lo, t) if m.maybe(0.8) else "", m.const(m.r.choice([lo, 1, 6, 20]), t) if m.maybe(0.8) else ""], {}, 1


@op("Where")
def where(m, c):
    t = c.type("T")
    a = m.x(t)
    s = m.shape_of(a)
    return [m.t(BOOL, m.broadcast(s)), a, m.t(t, m.broadcast(s))], {}, 1


@op("Cast", "CastLike")
def cast(m, c):
    t, u = c.type("T1"), c.type("T2")
    x = m.x(t, dom="any" if t not in FLOATS or u in FLOATS else "halves")
    if u in (U8, U16, U32, U64, 21, 25) and t not in (BOOL, U8, U16, U32, U64, 21, 25) and (m.values[x].size and m.values[x].astype(np.float64).min() < 0):
        if t in FLOATS or t >= 17:
            x = m.fresh(np.abs(m.values[x].astype(np.float64)).astype(m.np[t]))
    if u in (21, 22, 23, 25, 26) or t in (21, 22, 25, 26) and u >= 17:
        x = m.fresh(m.array(t, m.shape(), "small") if t in (U8, S8, S16, S32, S64, U16, U32, U64) else m.array(t, m.shape(), "any"))
    if u in (24,) or t == 24:
        x = m.fresh(np.asarray(2.0 ** m.rng.integers(-3, 4, m.shape())).astype(np.float32).astype(m.np[t]) if t in FLOATS or t >= 17 and t not in (21, 22, 25, 26) else m.array(t, m.shape(), "pos"))
    a = {"saturate": m.r.choice([0, 1])} if 17 <= u <= 20 and m.maybe() else {}
    return ([x], a | {"to": u}, 1) if c.name == "Cast" else ([x, m.t(u, m.shape(0, 2))], a, 1)


@op("BitCast")
def bit_cast(m, c):
    t = c.type("T1", (F32, S32, U32, F64, S64, U64, F16, U16, S16, U8, S8))
    size = np.dtype(m.np[t]).itemsize
    return [m.x(t)], {"to": m.r.choice([u for u in (F32, S32, U32, F64, S64, U64, F16, U16, S16, U8, S8) if np.dtype(m.np[u]).itemsize == size])}, 1


# ---- reductions ----

@op("ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare")
def reduce(m, c):
    dom = {"ReduceLogSum": "pos", "ReduceProd": "unit", "ReduceLogSumExp": "small"}.get(c.name, "any")
    x = m.x(c.type("T", FLOATS if "Log" in c.name else None), dom=dom, zero=False)
    rank = len(m.shape_of(x))
    axes = sorted(m.r.sample(range(rank), m.r.randint(1, rank))) if rank and m.maybe(0.8) else None
    if axes is not None and (c.since >= 11 or m.g.opset >= 11):
        axes = [a - rank if m.maybe(0.4) else a for a in axes]
    a = {"keepdims": m.r.choice([0, 1])} if m.maybe() else {}
    if c.since >= 18 or (c.name == "ReduceSum" and c.since >= 13):
        if m.maybe(0.2):
            a["noop_with_empty_axes"] = 1
        if axes is None:
            return [x] + ([m.const(np.zeros(0))] if m.maybe(0.3) else []), a, 1
        return [x, m.const(axes)], a, 1
    return [x], a | {"axes": axes}, 1


@op("ArgMax", "ArgMin")
def arg(m, c):
    x = m.x(c.type("T"), 1, zero=False)
    return [x], {"axis": m.axis(len(m.shape_of(x)), c.since), "keepdims": m.r.choice([0, 1]), "select_last_index": m.r.choice([0, 0, 1])}, 1


@op("CumSum", "CumProd")
def cumulative(m, c):
    x = m.x(c.type("T" if "T" in c.row["types"] else "T1"), 1, dom="unit" if c.name == "CumProd" else "any")
    return [x, m.const(m.axis(len(m.shape_of(x))), m.r.choice([S32, S64]))], {"exclusive": m.r.choice([0, 1]), "reverse": m.r.choice([0, 1])}, 1


@op("Softmax", "LogSoftmax", "Hardmax", "LpNormalization")
def softmax(m, c):
    x = m.x(c.type("T", (F32, F64) if c.since < 13 and c.name != "Hardmax" else (F32,) if c.since < 13 else None), 1, dom="away" if c.name == "LpNormalization" else "any", zero=False)
    a = {"axis": m.axis(len(m.shape_of(x)), c.since)} if m.maybe(0.7) or len(m.shape_of(x)) < 2 else {}
    if m.maybe(0.4):
        a["p"] = m.r.choice([1, 2])
    return [x], a, 1


@op("TopK")
def topk(m, c):
    t = c.type("T")
    s = m.shape(1, 3, zero=False)
    axis = m.axis(len(s), c.since)
    x = m.fresh(m.array(t, s))
    k = m.r.randint(1, s[axis])
    if c.since < 10:
        return [x], {"axis": axis, "k": k}, 2
    return [x, m.const([k])], {"axis": axis} | ({"largest": m.r.choice([0, 1])} if m.maybe() else {}), 2


# ---- moves ----

def any_type(c, var="T"):
    return c.type(var)


@op("Reshape")
def reshape(m, c):
    x = m.x(any_type(c))
    s = m.shape_of(x)
    n = int(np.prod(s))
    out = []
    if n == 0:
        out = s[:]
    else:
        left = n
        while left > 1 and len(out) < 5:
            d = m.r.choice([d for d in range(1, left + 1) if left % d == 0]) if m.maybe(0.7) else left
            out.append(d)
            left //= d
        if left > 1:
            out[-1] *= left
        if out and m.maybe(0.4):
            out[m.r.randrange(len(out))] = -1
        elif out and m.maybe(0.3):
            out = [0 if i < len(s) and s[i] == d else d for i, d in enumerate(out)]
    return [x, m.const(np.array(out))], {}, 1


@op("Transpose")
def transpose(m, c):
    x = m.x(any_type(c), 0, 5)
    rank = len(m.shape_of(x))
    return [x], {"perm": m.r.sample(range(rank), rank)} if rank and m.maybe(0.85) else {}, 1


@op("Flatten")
def flatten(m, c):
    x = m.x(any_type(c), 1)
    rank = len(m.shape_of(x))
    return [x], {"axis": m.r.randint(0 if c.since < 11 else -rank, rank)} if m.maybe(0.7) or rank < 2 else {}, 1


@op("Squeeze")
def squeeze(m, c):
    t = any_type(c)
    s = m.shape(0, 3)
    for _ in range(m.r.randint(1, 2)):
        s.insert(m.r.randint(0, len(s)), 1)
    x = m.t(t, s)
    ones = [i for i, d in enumerate(s) if d == 1]
    axes = sorted(m.r.sample(ones, m.r.randint(1, len(ones)))) if m.maybe(0.8) else None
    if axes and c.since >= 11:
        axes = [a - len(s) if m.maybe(0.4) else a for a in axes]
    return ([x] + ([m.const(axes)] if axes else []), {}, 1) if c.since >= 13 else ([x], {"axes": axes}, 1)


@op("Unsqueeze")
def unsqueeze(m, c):
    x = m.x(any_type(c), 0, 3)
    rank = len(m.shape_of(x))
    k = m.r.randint(1, 2)
    axes = sorted(m.r.sample(range(rank + k), k))
    if c.since >= 11:
        axes = [a - rank - k if m.maybe(0.4) else a for a in axes]
    return ([x, m.const(axes)], {}, 1) if c.since >= 13 else ([x], {"axes": axes}, 1)


@op("Concat")
def concat(m, c):
    t = any_type(c)
    x = m.x(t, 1)
    s = m.shape_of(x)
    axis = m.axis(len(s), c.since)
    more = []
    for _ in range(m.r.randint(0, 3)):
        d = list(s)
        d[axis] = m.r.choice([1, 2, 3, s[axis]])
        more.append(m.t(t, d))
    ins = [x] + more
    m.r.shuffle(ins)
    return ins, {"axis": axis}, 1


@op("Split")
def split(m, c):
    x = m.x(any_type(c), 1, zero=False)
    s = m.shape_of(x)
    axis = m.axis(len(s), c.since)
    d = s[axis]
    a = {"axis": axis}
    if m.maybe():
        n = m.r.randint(1, min(4, d + 1))
        cuts = sorted(m.r.randint(0, d) for _ in range(n - 1))
        sizes = [b - a_ for a_, b in zip([0] + cuts, cuts + [d])]
        return ([x, m.const(sizes)], a, n) if c.since >= 13 else ([x], a | {"split": sizes}, n)
    n = m.r.choice([k for k in range(1, min(d, 6) + 1) if d % k == 0])
    if c.since >= 18:
        n = m.r.randint(1, min(d, 4))
        n = -(-d // -(-d // n))
        a["num_outputs"] = n
    return [x], a, n


@op("Slice")
def slice_(m, c):
    x = m.x(any_type(c), 1)
    s = m.shape_of(x)
    axes = m.r.sample(range(len(s)), m.r.randint(1, len(s)))
    starts, ends, steps_ = [], [], []
    for a in axes:
        step = 1 if c.since < 10 else m.r.choice([1, 1, 1, 2, 3, -1, -2])
        lo, hi = m.r.randint(-s[a] - 1, s[a] + 1), m.r.choice([m.r.randint(-s[a] - 1, s[a] + 1), 2**63 - 1 if step > 0 else -2**63])
        starts.append(lo), ends.append(hi), steps_.append(step)
    if c.since < 10:
        return [x], {"starts": starts, "ends": ends, "axes": axes}, 1
    t = m.r.choice([S32, S64])
    if t == S32:
        ends = [max(-2**31, min(2**31 - 1, e)) for e in ends]
    if c.since >= 11:
        axes = [a - len(s) if m.maybe(0.3) else a for a in axes]
    ins = [x, m.const(starts, t), m.const(ends, t)]
    if m.maybe(0.8) or axes != list(range(len(axes))):
        ins += [m.const(axes, t)]
    if any(k != 1 for k in steps_):
        ins += ([""] if len(ins) == 3 else []) + [m.const(steps_, t)]
    return ins, {}, 1


@op("Pad")
def pad(m, c):
    t = any_type(c)
    x = m.x(t, 1, zero=False)
    s = m.shape_of(x)
    mode = m.r.choice(["constant", "constant", "edge", "reflect"] + (["wrap"] if c.since >= 19 else []))
    rank = len(s)
    axes = sorted(m.r.sample(range(rank), m.r.randint(1, rank))) if c.since >= 18 and m.maybe(0.4) else list(range(rank))
    lim = [s[a] - 1 if mode == "reflect" else s[a] if mode == "wrap" else 3 for a in axes]
    pads = [m.r.randint(0, min(3, k)) for k in lim] + [m.r.randint(0, min(3, k)) for k in lim]
    if mode == "constant" and m.maybe(0.3):
        for i, a in enumerate(axes):
            if s[a] > 1 and m.maybe():
                pads[i + m.r.choice([0, len(axes)])] = -1
    a = {"mode": mode} if mode != "constant" or m.maybe() else {}
    if c.since < 11:
        return [x], a | {"pads": pads, "value": m.r.choice([0.0, 1.5])}, 1
    ins = [x, m.const(pads)]
    if mode == "constant" and m.maybe():
        ins.append(m.fresh(m.array(t, (), "any")))
    if len(axes) < rank or (c.since >= 18 and m.maybe(0.2)):
        ins += ([""] if len(ins) == 2 else []) + [m.const(axes, m.r.choice([S32, S64]))]
    return ins, a, 1


@op("Tile")
def tile(m, c):
    x = m.x(any_type(c), 1, 4, cap=300)
    return [x, m.const([m.r.choice([1, 1, 2, 3, 0] if m.maybe(0.1) else [1, 1, 2, 3]) for _ in m.shape_of(x)])], {}, 1


@op("Expand")
def expand(m, c):
    x = m.x(any_type(c), 0, 3, cap=300)
    s = m.shape_of(x)
    out = [m.r.choice([1, 2, 3]) if d == 1 else m.r.choice([d, 1]) for d in s]
    return [x, m.const(np.array(([m.r.choice([1, 2])] if m.maybe(0.3) else []) + out[m.r.choice([0, 0, len(out) // 2]):]))], {}, 1


@op("Gather")
def gather(m, c):
    x = m.x(any_type(c), 1, zero=False)
    s = m.shape_of(x)
    axis = m.axis(len(s), c.since)
    lo = -s[axis] if c.since >= 11 else 0
    return [x, m.const(m.rng.integers(lo, s[axis], m.shape(0, 2, 30)), m.r.choice([S32, S64]), 0.5)], {"axis": axis}, 1


@op("GatherElements")
def gather_elements(m, c):
    x = m.x(any_type(c), 1, zero=False)
    s = m.shape_of(x)
    axis = m.axis(len(s))
    out = [m.r.randint(1, d) for d in s]
    out[axis] = m.r.randint(1, 5)
    return [x, m.const(m.rng.integers(-s[axis], s[axis], out), m.r.choice([S32, S64]), 0.5)], {"axis": axis}, 1


@op("ScatterElements", "Scatter")
def scatter_elements(m, c):
    t = any_type(c)
    x = m.x(t, 1, zero=False)
    s = m.shape_of(x)
    axis = m.axis(len(s), c.since)
    out = [m.r.randint(1, d) for d in s]
    idx = np.argsort(m.rng.random([s[axis] if i == axis % len(s) else d for i, d in enumerate(out)]), axis=axis)
    idx = np.take(idx, range(out[axis]), axis)
    a = {"axis": axis}
    if c.since >= 16 and t not in (BOOL,) and t < 17 and m.maybe(0.4):
        a["reduction"] = m.r.choice(["add", "mul"] + (["max", "min"] if c.since >= 18 else []))
    return [x, m.const(idx, m.r.choice([S32, S64]), 0.5), m.t(t, out)], a, 1


@op("GatherND")
def gather_nd(m, c):
    x = m.x(any_type(c), 1, zero=False)
    s = m.shape_of(x)
    b = m.r.randint(0, min(1, len(s) - 1)) if c.since >= 12 else 0
    k = m.r.randint(1, len(s) - b)
    lead = s[:b] + m.shape(0, 2, 20, zero=False)
    lead = lead if len(lead) > b or m.maybe() else lead + [2]
    idx = np.stack([m.rng.integers(-s[b + i] if c.since >= 11 else 0, s[b + i], lead) for i in range(k)], -1)
    return [x, m.const(idx, S64, 0.5)], {"batch_dims": b} if b else {}, 1


@op("ScatterND")
def scatter_nd(m, c):
    t = any_type(c)
    x = m.x(t, 1, zero=False)
    s = m.shape_of(x)
    k = m.r.randint(1, len(s))
    count = int(np.prod(s[:k]))
    n = m.r.randint(1, min(count, 6))
    idx = np.stack(np.unravel_index(m.rng.permutation(count)[:n], s[:k]), -1)
    a = {"reduction": m.r.choice(["add", "mul"] + (["max", "min"] if c.since >= 18 else []))} if c.since >= 16 and t != BOOL and t < 17 and m.maybe(0.4) else {}
    return [x, m.const(idx, S64, 0.5), m.t(t, [n] + s[k:])], a, 1


@op("DepthToSpace")
def depth_to_space(m, c):
    b = m.r.choice([1, 2, 3])
    x = m.t(any_type(c), [m.r.randint(1, 2), b * b * m.r.randint(1, 4), m.r.randint(1, 5), m.r.randint(1, 5)])
    return [x], {"blocksize": b} | ({"mode": m.r.choice(["DCR", "CRD"])} if c.since >= 11 and m.maybe() else {}), 1


@op("SpaceToDepth")
def space_to_depth(m, c):
    b = m.r.choice([1, 2, 3])
    x = m.t(any_type(c), [m.r.randint(1, 2), m.r.randint(1, 4), b * m.r.randint(1, 4), b * m.r.randint(1, 4)])
    return [x], {"blocksize": b}, 1


@op("Compress")
def compress(m, c):
    x = m.x(any_type(c), 1, zero=False)
    s = m.shape_of(x)
    axis = m.axis(len(s), c.since) if m.maybe(0.7) else None
    n = int(np.prod(s)) if axis is None else s[axis]
    return [x, m.t(BOOL, [m.r.randint(1, n)])], {"axis": axis}, 1


@op("Trilu")
def trilu(m, c):
    x = m.x(any_type(c), 2)
    return [x] + ([m.const(m.r.randint(-4, 4))] if m.maybe() else []), {"upper": m.r.choice([0, 1])}, 1


@op("ReverseSequence")
def reverse_sequence(m, c):
    x = m.x(any_type(c), 2, zero=False)
    s = m.shape_of(x)
    time = m.r.choice([0, 1])
    return [x, m.const(m.rng.integers(1, s[time] + 1, s[1 - time]), S64, 0.5)], {"time_axis": time, "batch_axis": 1 - time}, 1


@op("CenterCropPad")
def center_crop_pad(m, c):
    x = m.x(any_type(c), 1, zero=False)
    s = m.shape_of(x)
    axes = m.r.sample(range(len(s)), m.r.randint(1, len(s))) if m.maybe() else None
    return [x, m.const([m.r.randint(1, 9) for _ in (axes or s)], m.r.choice([S32, S64]))], {"axes": axes}, 1


@op("Unique")
def unique(m, c):
    x = m.fresh(m.array(c.type("T", (F32, S64, S8, F64)), m.shape(1, 3, 60, False), "small"))
    if m.values[x].dtype.kind == "f":
        m.values[x][...] = np.round(m.values[x])
    return [x], {"axis": m.axis(len(m.shape_of(x))) if m.maybe() else None} | ({"sorted": 0} if m.maybe(0.3) else {}), 4


@op("NonZero")
def non_zero(m, c):
    return [m.x(c.type("T"), 1)], {}, 1


@op("Shape")
def shape(m, c):
    x = m.x(any_type(c))
    return [x], ({"start": m.r.randint(-3, 3)} if m.maybe(0.4) else {}) | ({"end": m.r.randint(-3, 4)} if m.maybe(0.4) else {}), 1


@op("Size")
def size(m, c):
    return [m.x(any_type(c))], {}, 1


@op("Constant")
def constant(m, c):
    from onnx import numpy_helper
    if c.since >= 12 and m.maybe():
        return [], m.r.choice([{"value_float": 1.5}, {"value_int": -3}, {"value_floats": [1.0, -2.5]}, {"value_ints": [1, 2, 3]}]), 1
    return [], {"value": numpy_helper.from_array(m.array(c.type("T", (F32, F16, F64, S32, S64, U8, S8, BOOL)), m.shape(0, 3)))}, 1


@op("ConstantOfShape")
def constant_of_shape(m, c):
    from onnx import numpy_helper
    return [m.const(np.array(m.shape(0, 3)))], {"value": numpy_helper.from_array(m.array(c.type("T2", (F32, F16, F64, S32, S64, U8, S8, BOOL)), [1]))} if m.maybe(0.7) else {}, 1


@op("EyeLike")
def eye_like(m, c):
    return [m.x(c.type("T1"), 2, 2)], ({"dtype": c.type("T2")} if m.maybe() else {}) | ({"k": m.r.randint(-3, 3)} if m.maybe() else {}), 1


@op("OneHot")
def one_hot(m, c):
    t = c.type("T3")
    x = m.fresh(m.rng.integers(-6 if c.since >= 11 else 0, 6, m.shape(1, 3, 60)).astype(np.int64))
    return [x, m.const(m.r.randint(1, 6), m.r.choice([S32, S64, F32])), m.fresh(m.array(t, [2]))], {"axis": m.r.choice([-1, 0])} if m.maybe() else {}, 1


@op("Range")
def range_(m, c):
    t = c.type("T", (F32, F64, S16, S32, S64))
    delta = m.r.choice([1, 2, 3, -1, -2])
    return [m.const(m.r.randint(-5, 5), t), m.const(m.r.randint(-20, 20), t), m.const(delta, t)], {}, 1


@op("TensorScatter")
def tensor_scatter(m, c):
    t = c.type("T")
    b, hd, n, d = m.r.randint(1, 3), m.r.randint(1, 2), m.r.randint(2, 6), m.r.randint(1, 4)
    k = m.r.randint(1, n)
    mode = m.r.choice(["linear", "circular"])
    at = m.rng.integers(0, n - k + 1 if mode == "linear" else n, b)
    return [m.t(t, [b, hd, n, d]), m.t(t, [b, hd, k, d])] + ([m.const(at, S64, 0.5)] if m.maybe(0.8) else []), {"mode": mode}, 1


# ---- products ----

@op("MatMul")
def matmul(m, c):
    t = c.type("T")
    a = m.x(t, 1, 4, zero=False)
    s = m.shape_of(a)
    k, n = s[-1], m.r.choice(SIZES)
    if len(s) == 1 or m.maybe(0.6):
        b = [k, n]
    else:
        b = m.broadcast(s[:-2]) + [k, n]
    if m.maybe(0.1):
        b = [k]
    return [a, m.t(t, b)], {}, 1


@op("MatMulInteger")
def matmul_integer(m, c):
    t, u = c.type("T1"), c.type("T2")
    a = m.x(t, 2, 3, dom="wild", zero=False)
    s = m.shape_of(a)
    n = m.r.choice(SIZES)
    ins = [a, m.t(u, [s[-1], n], "wild")]
    if m.maybe():
        ins += [m.fresh(m.array(t, (), "wild"), True), m.fresh(m.array(u, () if m.maybe() else [n], "wild"), True)]
    return ins, {}, 1


@op("Gemm")
def gemm(m, c):
    t = c.type("T")
    a = m.x(t, 2, 2, zero=False)
    s = m.shape_of(a)
    ta, tb = m.r.choice([0, 0, 1]), m.r.choice([0, 0, 1])
    mm, k = (s[1], s[0]) if ta else s
    n = m.r.choice(SIZES)
    ins = [a, m.t(t, [n, k] if tb else [k, n])]
    if c.since < 11 or m.maybe(0.7):
        ins.append(m.t(t, m.r.choice([[n], [mm, n], [1, n], [mm, 1], [1], []])))
    return ins, {"transA": ta, "transB": tb} | ({"alpha": 0.5} if t in FLOATS and m.maybe(0.3) else {}) | (
        {"beta": 0.25} if t in FLOATS and m.maybe(0.3) else {}), 1


def window(m, spatial, since=99, ceil=False, dil=True):
    kernel = [m.r.choice([1, 2, 3, 3, 5]) for _ in spatial]
    a = {"kernel_shape": kernel}
    d = [1] * len(kernel)
    if dil and m.maybe(0.25):
        d = a["dilations"] = [m.r.choice([1, 2, 3]) for _ in spatial]
    if m.maybe():
        a["strides"] = [m.r.choice([1, 2, 3]) for _ in spatial]
    r = m.r.random()
    if r < 0.2:
        a["auto_pad"] = m.r.choice(["SAME_UPPER", "SAME_LOWER", "VALID"])
        if a["auto_pad"] != "VALID":  # onnxruntime leaves dilations out there, and pads by less than nothing where strides pass the kernel
            a.pop("dilations", None)
            d = [1] * len(kernel)
            if "strides" in a:
                a["strides"] = [min(s, k) for s, k in zip(a["strides"], kernel)]
    elif r < 0.7:
        a["pads"] = [m.r.randint(0, k - 1) for k in kernel] + [m.r.randint(0, k - 1) for k in kernel]
    pads = a.get("pads", [0] * 2 * len(kernel))
    for i, x in enumerate(spatial):
        if x + pads[i] + pads[i + len(kernel)] < (kernel[i] - 1) * d[i] + 1:
            raise Skip
    if ceil and m.maybe(0.3):
        a["ceil_mode"] = 1
    return a


def image(m, t, dom="any", lo=3, hi=5):
    rank = m.r.choice([4, 4, 4, 3, 5])
    if m.maybe(0.6):
        names = [n for n in m.made if m.code(m.values[n]) == t and m.values[n].ndim == rank and m.fits(m.values[n], dom) and m.values[n].size and (n in m.exact or not (m.stepped or t not in FLOATS))]
        if names:
            return m.r.choice(names)
    s = [m.r.choice([1, 1, 2, 3]), m.r.choice([1, 2, 3, 4, 6, 8, 16])] + [m.r.choice([1, 3, 5, 7, 8, 9] if rank < 5 else [1, 3, 4]) for _ in range(rank - 2)]
    return m.fresh(m.array(t, s, dom), const=False)


def conv_shape(m, c, s, since):
    a = window(m, s[2:])
    g = m.r.choice([k for k in (1, 1, 1, 2, 3, 4, s[1]) if s[1] % k == 0])
    a["group"] = g
    n = g * m.r.choice([1, 1, 2, 3])
    if g == 1:
        n = m.r.choice([1, 3, 4, 8, 16, 17])
    w = [n, s[1] // g] + a["kernel_shape"]
    if m.maybe():
        del a["kernel_shape"]
    if "auto_pad" in a and "dilations" in a:
        del a["dilations"]
    return a, w, n


@op("Conv")
def conv(m, c):
    t = c.type("T")
    x = image(m, t)
    a, w, n = conv_shape(m, c, m.shape_of(x), c.since)
    return [x, m.t(t, w)] + ([m.t(t, [n])] if m.maybe() else []), a, 1


@op("ConvInteger")
def conv_integer(m, c):
    t, u = c.type("T1"), c.type("T2")
    x = image(m, t, "wild")
    a, w, n = conv_shape(m, c, m.shape_of(x), c.since)
    return [x, m.t(u, w, "wild")] + ([m.fresh(m.array(t, (), "wild"), True)] + ([m.fresh(m.array(u, (), "wild"), True)] if m.maybe() else []) if m.maybe() else []), a, 1


@op("QLinearConv")
def qlinear_conv(m, c):
    t, u = c.type("T1"), c.type("T2")
    x = image(m, t, "wild")
    a, w, n = conv_shape(m, c, m.shape_of(x), c.since)
    ws = m.rng.uniform(0.01, 0.1, [n] if m.maybe() else []).astype(np.float32)
    wz = np.zeros(ws.shape, np.int8) if u == S8 else np.full(ws.shape, m.r.choice([0, 128, 77]), np.uint8)
    o = t
    ins = [x, m.const(0.05, F32, 0), m.fresh(m.array(t, (), "wild"), True), m.t(u, w, "wild"), m.fresh(ws, True), m.fresh(wz, True), m.const(m.r.choice([0.3, 2.0]), F32, 0),
           m.fresh(m.array(o, (), "wild"), True)]
    c.chosen.setdefault("T3", o)
    return ins + ([m.fresh(m.rng.integers(-2000, 2000, n).astype(np.int32), True)] if m.maybe() else []), a, 1


@op("QLinearMatMul")
def qlinear_matmul(m, c):
    t = c.type("T1", (U8, S8))
    u = c.type("T2", (U8, S8))
    a = m.x(t, 2, 3, dom="wild", zero=False)
    k, n = m.shape_of(a)[-1], m.r.choice(SIZES)
    z = lambda q: m.fresh(m.array(q, (), "wild"), True)
    return [a, m.const(0.05, F32, 0), z(t), m.t(u, [k, n], "wild"), m.const(0.03, F32, 0), z(u), m.const(m.r.choice([0.3, 2.0]), F32, 0), z(t)], {}, 1


@op("ConvTranspose")
def conv_transpose(m, c):
    t = c.type("T")
    x = image(m, t)
    s = m.shape_of(x)
    k = [m.r.choice([1, 2, 3, 4]) for _ in s[2:]]
    a = {"kernel_shape": k if m.maybe() else None}
    st = [m.r.choice([1, 2, 3]) for _ in k]
    if m.maybe(0.7):
        a["strides"] = st
    else:
        st = [1] * len(k)
    if m.maybe(0.2):
        a["dilations"] = [m.r.choice([1, 2]) for _ in k]
    if m.maybe(0.4):
        a["pads"] = [m.r.randint(0, (q - 1) // 2) for q in k] * 2
    if m.maybe(0.3) and "strides" in a:
        a["output_padding"] = [m.r.randint(0, q - 1) for q in st]
    g = m.r.choice([q for q in (1, 1, 2, s[1]) if s[1] % q == 0])
    n = m.r.choice([1, 2, 3, 8])
    a["group"] = g
    return [x, m.t(t, [s[1], n] + k)] + ([m.t(t, [n * g])] if m.maybe() else []), a, 1


@op("AveragePool", "MaxPool", "LpPool")
def pool(m, c):
    v = c.since
    t = c.type("T", (F32,) if c.name == "MaxPool" and v < 8 else None)
    x = image(m, t)
    a = window(m, m.shape_of(x)[2:], ceil=c.has("ceil_mode"), dil=c.has("dilations"))
    if m.maybe(0.4):
        a["count_include_pad"] = 1
    if c.name == "LpPool" and m.maybe():
        a["p"] = m.r.choice([1, 2, 3])
    n = 1
    holes = max(a.get("dilations", [1])) > 1 and any(a.get("pads", [0]))  # windows of padding alone: which index they have is not defined
    if c.name == "MaxPool" and v >= 8 and not holes and m.maybe(0.4):
        n = 2
        if m.maybe(0.3):
            a["storage_order"] = 1
    return [x], a, n


@op("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
def global_pool(m, c):
    return [image(m, c.type("T"))], {"p": m.r.choice([1, 2, 3])} if c.name == "GlobalLpPool" and m.maybe() else {}, 1


@op("MaxUnpool")
def max_unpool(m, c):
    t = c.type("T1")
    n, ch, y, x = m.r.randint(1, 2), m.r.randint(1, 3), m.r.randint(1, 4), m.r.randint(1, 4)
    s = [n, ch, 2 * y, 2 * x]
    flat = np.arange(np.prod(s)).reshape(n, ch, y, 2, x, 2).transpose(0, 1, 2, 4, 3, 5).reshape(n, ch, y, x, 4)
    pick = np.take_along_axis(flat, m.rng.integers(0, 4, (n, ch, y, x, 1)), -1)[..., 0]
    return [m.t(t, [n, ch, y, x]), m.const(pick, S64, 0.5)], {"kernel_shape": [2, 2], "strides": [2, 2]}, 1


@op("Col2Im")
def col2im(m, c):
    t = c.type("T", FLOATS)
    k, im = [m.r.randint(1, 3), m.r.randint(1, 3)], [m.r.randint(3, 7), m.r.randint(3, 7)]
    st, p = [m.r.randint(1, 2)] * 2, [m.r.randint(0, 1)] * 4
    n = int(np.prod([(im[i] + p[i] + p[i + 2] - k[i]) // st[i] + 1 for i in range(2)]))
    ch = m.r.randint(1, 3)
    return [m.t(t, [m.r.randint(1, 2), ch * k[0] * k[1], n]), m.const(im), m.const(k)], {"strides": st, "pads": p}, 1


# ---- normalization ----

@op("BatchNormalization")
def batch_norm(m, c):
    t = c.type("T", (F32, F64, F16))
    for v in ("T1", "T2", "U"):
        if v in c.row["types"]:
            c.chosen[v] = t
    x = image(m, t) if m.maybe(0.8) else m.x(t, 2, 3, zero=False)
    n = [m.shape_of(x)[1]]
    return [x, m.t(t, n), m.t(t, n), m.t(t, n), m.t(t, n, "pos")], {"epsilon": 1e-3} if m.maybe() else {}, 1


@op("InstanceNormalization")
def instance_norm(m, c):
    t = c.type("T")
    s = [m.r.choice([1, 2]), m.r.choice([1, 3, 4])] + [m.r.choice([3, 5, 8]) for _ in range(m.r.randint(1, 2))]
    return [m.t(t, s), m.t(t, [s[1]]), m.t(t, [s[1]])], {"epsilon": 1e-3} if m.maybe() else {}, 1


@op("GroupNormalization")
def group_norm(m, c):
    t = c.type("T")
    g = m.r.choice([1, 2, 3])
    ch = g * m.r.choice([1, 2])
    n = [g if c.since < 21 else ch]
    return [m.t(t, [m.r.choice([1, 2]), ch, m.r.choice([3, 5]), m.r.choice([3, 4])]), m.t(t, n), m.t(t, n)], {"num_groups": g}, 1


@op("LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization")
def layer_norm(m, c):
    t = c.type("T", (F32, F16, F64) if c.name != "SimplifiedLayerNormalization" else (F32, F64))
    s = m.shape(1, 4, zero=False)
    s[-1] = max(s[-1], 2)
    axis = m.axis(len(s))
    if c.name == "SimplifiedLayerNormalization":
        axis = -1
        c.chosen["V"] = t
    if "V" in c.row["types"]:
        c.chosen["V"] = t
    w = s[axis:] if axis < 0 else s[axis:]
    ins = [m.t(t, s), m.t(t, w)]
    if c.name == "LayerNormalization" and m.maybe(0.7):
        ins.append(m.t(t, w))
    return ins, {"axis": axis} | ({"epsilon": 1e-3} if m.maybe() else {}), m.r.choice([1, 1, 3]) if c.name == "LayerNormalization" and t == F32 else 1


@op("LRN")
def lrn(m, c):
    return [image(m, c.type("T", (F32, F16, F64)))], {"size": m.r.choice([1, 3, 5])} | ({"alpha": 0.01, "beta": 0.5, "bias": 1.5} if m.maybe() else {}), 1


@op("MeanVarianceNormalization")
def mvn(m, c):
    return [m.t(c.type("T"), [2, m.r.choice([1, 3]), 5, m.r.choice([4, 7])])], {"axes": m.r.choice([[0, 2, 3], [2, 3], [0, 1, 2, 3]])} if m.maybe() else {}, 1


@op("Dropout")
def dropout(m, c):
    x = m.x(c.type("T"))
    return [x], {"ratio": 0.3} if c.since < 12 and m.maybe() else {}, 1


# ---- quantization ----

@op("QuantizeLinear")
def quantize_linear(m, c):
    outs = c.row["types"].get("T3", c.row["types"]["T2"])["dtypes"] if c.since >= 23 else c.row["types"]["T2"]["dtypes"]
    q = m.r.choice([t for t in outs if t in (U8, S8, U16, S16, 21, 22, 17, 19) and not c.row["domain"]] + [U8, S8, U8, S8])
    t = c.type("T1", (F32, F16))
    x = m.x(t, 1, zero=False)
    s = m.shape_of(x)
    if q not in outs:
        raise Skip
    shape, a = (), {}
    if c.since >= 13 and m.maybe():
        axis = m.axis(len(s))
        shape, a = (s[axis],), {"axis": axis}
    scale = m.fresh((2.0 ** m.rng.integers(-5, 1, shape)).astype(m.np[t]) if m.maybe() else m.rng.uniform(0.01, 0.2, shape).astype(m.np[t]), True)
    zero = m.fresh((np.zeros(shape) if q in (17, 19) else m.array(q, shape, "any")).astype(m.np[q]), True)
    return [x, scale, zero] if q != U8 or m.maybe(0.8) else [x, scale], a, 1


@op("DequantizeLinear")
def dequantize_linear(m, c):
    types = c.row["types"].get("T1", c.row["types"].get("T"))["dtypes"]
    q = m.r.choice([t for t in types if t in (U8, S8, U16, S16, S32, 21, 22, 17, 19) and not c.row["domain"]] + [U8, S8, U8, S8])
    x = m.x(q, 1, dom="any" if m.maybe() else "wild", zero=False)
    s = m.shape_of(x)
    t = F32
    if "T2" in c.row["types"] and F16 in c.row["types"]["T2"]["dtypes"] and m.maybe(0.2):
        t = F16
    shape, a = (), {}
    if c.since >= 13 and m.maybe():
        axis = m.axis(len(s))
        shape, a = (s[axis],), {"axis": axis}
    ins = [x, m.fresh(m.rng.uniform(0.01, 0.2, shape).astype(m.np[t]), True)]
    if q not in (S32, 17, 19) and m.maybe(0.8):
        ins.append(m.fresh(m.array(q, shape, "any"), True))
    return ins, a, 1


@op("DynamicQuantizeLinear")
def dynamic_quantize_linear(m, c):
    return [m.x(F32, 1, zero=False)], {}, 3


# ---- pictures ----

@op("Resize")
def resize(m, c):
    t = c.type("T" if c.since < 11 else "T1", (F32, F16, F64, U8, S8, S32))
    mode = m.r.choice(["nearest", "nearest", "linear", "linear", "cubic"])
    if c.since < 11:
        mode = "nearest"
    s = [m.r.choice([1, 2]), m.r.choice([1, 3]), m.r.choice([1, 3, 4, 6]), m.r.choice([1, 2, 4, 7])]
    x = m.t(t if mode == "nearest" else F32, s)
    scales = [1.0, 1.0, m.r.choice([1.0, 2.0, 0.5, 1.5, 3.0]), m.r.choice([1.0, 2.0, 0.5, 1.5, 3.0])]
    if c.since < 11:
        return [x, m.const(scales, F32)], {"mode": mode}, 1
    a = {"mode": mode, "coordinate_transformation_mode": m.r.choice(["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"] + (["half_pixel_symmetric"] if c.since >= 19 else []))}
    if mode == "nearest":
        a["nearest_mode"] = m.r.choice(["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"])
    if mode == "cubic" and m.maybe():
        a |= {"cubic_coeff_a": -0.5, "exclude_outside": m.r.choice([0, 1])}
    if c.since >= 18 and mode != "nearest" and m.maybe(0.25):
        a["antialias"] = 1
    sizes = [s[0], s[1], m.r.choice([1, 2, 5, 8]), m.r.choice([1, 3, 6, 9])]
    roi = "" if c.since >= 13 else m.const(np.zeros(0), F32, 0)
    if m.maybe():
        return [x, roi, m.const(scales, F32)], a, 1
    return [x, roi, "" if c.since >= 13 else m.const(np.zeros(0), F32, 0), m.const(sizes)], a, 1


@op("Upsample")
def upsample(m, c):
    x = m.t(c.type("T", (F32, S32, U8)), [m.r.choice([1, 2]), m.r.choice([1, 3]), m.r.choice([1, 3, 4]), m.r.choice([2, 5])])
    sc = [1.0, 1.0, m.r.choice([1.0, 2.0]), m.r.choice([1.0, 2.0, 3.0])]
    return ([x, m.const(sc, F32, 0)], {"mode": "nearest"}, 1) if c.since >= 9 else ([x], {"mode": "nearest", "scales": sc}, 1)


@op("GridSample")
def grid_sample(m, c):
    x = m.t(F32, [m.r.choice([1, 2]), m.r.choice([1, 3]), m.r.choice([3, 5]), m.r.choice([2, 4])])
    c.chosen |= {"T1": F32, "T2": F32}
    g = m.fresh(m.rng.uniform(-1.2, 1.2, (m.shape_of(x)[0], m.r.randint(1, 4), m.r.randint(1, 4), 2)).astype(np.float32))
    modes = ["bilinear", "nearest", "bicubic"] if c.since < 20 else ["linear", "nearest", "cubic"]
    return [x, g], {"mode": m.r.choice(modes), "padding_mode": m.r.choice(["zeros", "border", "reflection"]), "align_corners": m.r.choice([0, 1])}, 1


@op("AffineGrid")
def affine_grid(m, c):
    n, y, x = m.r.randint(1, 2), m.r.randint(2, 5), m.r.randint(2, 5)
    return [m.t(c.type("T1", (F32, F64)), [n, 2, 3]), m.const([n, 3, y, x])], {"align_corners": m.r.choice([0, 1])}, 1


@op("RoiAlign")
def roi_align(m, c):
    n, y, x = m.r.randint(1, 2), m.r.randint(4, 9), m.r.randint(4, 9)
    k = m.r.randint(1, 3)
    lo = m.rng.uniform(0, 3, (k, 2))
    roi = np.concatenate([lo, lo + m.rng.uniform(0.5, 5, (k, 2))], 1).astype(np.float32)
    c.chosen["T1"] = F32
    a = {"output_height": m.r.randint(1, 3), "output_width": m.r.randint(1, 3), "sampling_ratio": m.r.choice([0, 1, 2]), "mode": m.r.choice(["avg", "max"]), "spatial_scale": m.r.choice([1.0, 0.5])}
    if c.since >= 16 and m.maybe():
        a["coordinate_transformation_mode"] = "output_half_pixel"
    return [m.t(F32, [n, m.r.randint(1, 3), y, x]), m.fresh(roi), m.const(m.rng.integers(0, n, k), S64, 0.5)], a, 1


@op("NonMaxSuppression")
def nms(m, c):
    n, k, cl = m.r.randint(1, 2), m.r.randint(1, 12), m.r.randint(1, 2)
    lo = m.rng.uniform(0, 5, (n, k, 2))
    boxes = np.concatenate([lo, lo + m.rng.uniform(0.5, 5, (n, k, 2))], 2).astype(np.float32)
    ins = [m.fresh(boxes), m.fresh(m.rng.random((n, cl, k)).astype(np.float32)), m.const([m.r.randint(1, k)]), m.const([m.r.choice([0.2, 0.5, 0.9])], F32)]
    return ins + ([m.const([0.3], F32)] if m.maybe() else []), {"center_point_box": m.r.choice([0, 1])}, 1


# ---- recurrent ----

@op("LSTM", "GRU", "RNN")
def recurrent(m, c):
    t = c.type("T", (F32,))
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[c.name]
    direction = m.r.choice(["forward", "forward", "reverse", "bidirectional"])
    d = 2 if direction == "bidirectional" else 1
    n, b, i, k = m.r.randint(1, 5), m.r.randint(1, 3), m.r.choice([1, 3, 8]), m.r.choice([1, 2, 5, 16])
    bias = m.t(t, [d, 2 * gates * k]) if m.maybe() else ""
    lens = m.const(m.rng.integers(1, n + 1, b), S32, 0.5) if m.maybe(0.3) else ""
    h0 = m.t(t, [d, b, k]) if m.maybe(0.4) else ""
    w, r = (m.fresh((m.rng.standard_normal(s) * 0.4).astype(np.float32)) for s in ([d, gates * k, i], [d, gates * k, k]))
    ins = [m.t(t, [n, b, i]), w, r, bias, lens, h0]
    a = {"hidden_size": k, "direction": direction}
    if c.name == "LSTM" and m.maybe(0.3):
        ins.append(m.t(t, [d, b, k]))
        if m.maybe():
            ins.append(m.t(t, [d, 3 * k]))
    if c.name == "GRU" and m.maybe():
        a["linear_before_reset"] = 1
    if m.maybe(0.15):
        a["clip"] = 0.7
    return ins, a, 3 if c.name == "LSTM" else 2


# ---- the rest ----

@op("Det")
def det(m, c):
    k = m.r.randint(1, 4)
    return [m.t(c.type("T", (F32, F64)), m.shape(0, 2, 20, False) + [k, k])], {}, 1


@op("HannWindow", "HammingWindow", "BlackmanWindow")
def windows(m, c):
    return [m.const(m.r.randint(1, 12), c.type("T1"))], ({"periodic": m.r.choice([0, 1])} if m.maybe() else {}) | ({"output_datatype": c.type("T2", (F32, F64))} if m.maybe() else {}), 1


@op("DFT")
def dft(m, c):
    s = [m.r.choice([1, 2]), m.r.choice([1, 4, 5, 8, 12]), m.r.choice([1, 1, 2])]
    x = m.t(F32, s)
    c.chosen["T1"] = F32
    one = s[2] == 1 and m.maybe(0.3)
    a = {"onesided": 1} if one else {"inverse": 1} if m.maybe(0.3) else {}
    n = m.const(m.r.choice([3, 8, 10])) if m.maybe(0.3) else ""
    return ([x, n], a | {"axis": 1}, 1) if c.since < 20 else ([x, n, m.const(1)], a, 1)


@op("STFT")
def stft(m, c):
    n, k = m.r.choice([16, 33]), m.r.choice([4, 8])
    c.chosen["T1"] = F32
    return [m.t(F32, [m.r.choice([1, 2]), n, 1]), m.const(m.r.choice([2, 4])), m.t(F32, [k]) if m.maybe() else "", m.const(k)], {"onesided": m.r.choice([0, 1])}, 1


@op("MelWeightMatrix")
def mel(m, c):
    return [m.const(m.r.choice([4, 8])), m.const(m.r.choice([16, 32])), m.const(8000), m.const(0.0, F32), m.const(4000.0, F32)], {}, 1


@op("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss")
def loss(m, c):
    t = c.type("T", (F32, F64))
    n, k = m.r.randint(1, 4), m.r.randint(2, 5)
    more = m.shape(0, 2, 20, False)
    ins = [m.t(t, [n, k] + more), m.const(m.rng.integers(0, k, [n] + more), c.type("Tind"), 0.5)]
    if m.maybe():
        ins.append(m.t(t, [k], "pos"))
    return ins, {"reduction": m.r.choice(["mean", "sum", "none"])}, 1


@op("RotaryEmbedding")
def rotary(m, c):
    if c.row["domain"]:
        raise Skip
    t = F32
    c.chosen["T"] = t
    b, n, hd, d = m.r.randint(1, 2), m.r.randint(1, 4), m.r.randint(1, 3), m.r.choice([2, 4, 8])
    three = m.maybe()
    x = m.t(t, [b, n, hd * d] if three else [b, hd, n, d])
    a = {"num_heads": hd if three else None, "interleaved": m.r.choice([0, 1])}
    if m.maybe():
        return [x, m.t(t, [6, d // 2]), m.t(t, [6, d // 2]), m.const(m.rng.integers(0, 6, (b, n)), S64, 0.5)], a, 1
    return [x, m.t(t, [b, n, d // 2]), m.t(t, [b, n, d // 2])], a, 1


@op("Attention")
def attention(m, c):
    if c.row["domain"]:
        raise Skip
    t = F32
    c.chosen |= {"T1": t, "T2": t, "U": t}
    b, n, s, kv, d, e = m.r.randint(1, 2), m.r.randint(1, 4), m.r.randint(1, 5), m.r.choice([1, 2]), m.r.choice([2, 4, 8]), m.r.choice([2, 4])
    q = kv * m.r.choice([1, 1, 2])
    a = ({"is_causal": 1} if m.maybe(0.3) else {}) | ({"scale": 0.3} if m.maybe(0.3) else {}) | ({"softcap": 2.0} if m.maybe(0.2) else {})
    if m.maybe():
        ins = [m.t(t, [b, n, q * d]), m.t(t, [b, s, kv * d]), m.t(t, [b, s, kv * e])]
        a |= {"q_num_heads": q, "kv_num_heads": kv}
    else:
        ins = [m.t(t, [b, q, n, d]), m.t(t, [b, kv, s, d]), m.t(t, [b, kv, s, e])]
    if m.maybe(0.4) and "is_causal" not in a:
        ins.append(m.t(t, m.r.choice([[n, s], [b, 1, n, s], [1, q, n, s]])))
    return ins, a, 1


@op("StringConcat")
def string_concat(m, c):
    s = m.shape(0, 2, 20)
    return [m.fresh(m.array(STR, s), False), m.fresh(m.array(STR, m.broadcast(s)), False)], {}, 1


@op("Einsum")
def einsum(m, c):
    t = c.type("T", (F32, F64, S32, S64))
    text = m.r.choice(["ij,jk->ik", "bij,bjk->bik", "ij->ji", "ii->i", "ij->i", "ij,ij->", "i,j->ij", "...ij,...jk->...ik", "bhqd,bhkd->bhqk", "ij,jk", "abc->b"])
    sizes = {k: m.r.choice([1, 2, 3, 5]) for k in "abcdhijkq"}
    sizes["."] = m.r.choice([1, 2, 3])
    return [m.t(t, [sizes[k] for k in term.replace("...", ".")]) for term in text.split("->")[0].split(",")], {"equation": text}, 1


@op("DeformConv")
def deform_conv(m, c):
    t = c.type("T", (F32,))
    k, g = [m.r.choice([1, 2, 3]), m.r.choice([1, 2, 3])], m.r.choice([1, 2])
    ch, o, n, y, x = g * m.r.randint(1, 2), g * m.r.randint(1, 2), m.r.randint(1, 2), m.r.randint(3, 6), m.r.randint(3, 6)
    p = m.r.randint(0, 1)
    st = m.r.choice([1, 1, 2])
    out = [(y + 2 * p - k[0]) // st + 1, (x + 2 * p - k[1]) // st + 1]
    og = m.r.choice([d for d in (1, 2) if ch % d == 0])
    ins = [m.t(t, [n, ch, y, x]), m.t(t, [o, ch // g] + k), m.fresh(m.rng.uniform(-1, 1, [n, og * 2 * k[0] * k[1]] + out).astype(np.float32))]
    if m.maybe():
        ins.append(m.t(t, [o]) if m.maybe() else "")
        if m.maybe():
            ins.append(m.t(t, [n, og * k[0] * k[1]] + out))
    return ins, {"pads": [p] * 4, "strides": [st, st], "group": g, "offset_group": og, "kernel_shape": k}, 1


# ---- com.microsoft ----

@op("BiasGelu")
def bias_gelu(m, c):
    x = m.x(F32, 1, zero=False)
    return [x, m.t(F32, [m.shape_of(x)[-1]])], {}, 1


@op("FastGelu")
def fast_gelu(m, c):
    x = m.x(F32, 1, zero=False)
    return [x] + ([m.t(F32, [m.shape_of(x)[-1]])] if m.maybe() else []), {}, 1


@op("FusedMatMul")
def fused_matmul(m, c):
    a = m.x(F32, 2, 4, zero=False)
    s = m.shape_of(a)
    ta, tb = m.r.choice([0, 1]), m.r.choice([0, 1])
    k, n = s[-2] if ta else s[-1], m.r.choice(SIZES)
    return [a, m.t(F32, s[:-2] + ([n, k] if tb else [k, n]))], {"transA": ta, "transB": tb} | ({"alpha": 0.5} if m.maybe() else {}), 1


@op("FusedGemm")
def fused_gemm(m, c):
    ins, a, n = gemm(m, c)
    return ins, a | {"activation": m.r.choice(["Relu", "Sigmoid", "Tanh"])}, n


@op("SkipLayerNormalization", "SkipSimplifiedLayerNormalization")
def skip_norm(m, c):
    s = [m.r.randint(1, 3), m.r.randint(1, 4), m.r.choice([4, 8, 17])]
    ins = [m.t(F32, s), m.t(F32, s), m.t(F32, s[-1:])]
    if c.name == "SkipLayerNormalization":
        ins.append(m.t(F32, s[-1:]))
    if m.maybe():
        ins.append(m.t(F32, s[-1:]))
    return ins, {"epsilon": 1e-5}, 1


def quantized(m, t, s):
    """A tensor of 8 bits with its scale and zero point."""
    return [m.t(t, s, "wild"), m.const(m.r.choice([0.02, 0.05]), F32, 0), m.fresh(m.array(t, (), "any"), True)]


@op("QLinearAdd", "QLinearMul")
def qlinear_two(m, c):
    t = c.type("T")
    s = m.shape(1, 4, zero=False)
    return quantized(m, t, s) + quantized(m, t, m.broadcast(s)) + [m.const(m.r.choice([0.04, 0.3]), F32, 0), m.fresh(m.array(t, (), "any"), True)], {}, 1


@op("QLinearSigmoid", "QLinearLeakyRelu", "QLinearGlobalAveragePool", "QLinearAveragePool")
def qlinear_one(m, c):
    t = c.type("T")
    a, s = {}, m.shape(1, 4, zero=False)
    if "Pool" in c.name:
        s = [m.r.choice([1, 2]), m.r.choice([1, 3, 8]), m.r.choice([4, 7]), m.r.choice([3, 5])]
    if c.name == "QLinearAveragePool":
        a = {k: v for k, v in window(m, s[2:], dil=False).items()} | ({"count_include_pad": 1} if m.maybe() else {})
    if c.name == "QLinearLeakyRelu":
        a = {"alpha": 0.2}
    y = 1 / 256 if c.name == "QLinearSigmoid" else 0.04
    return quantized(m, t, s) + [m.const(y, F32, 0), m.fresh(m.array(t, (), "any"), True)], a, 1


@op("QLinearConcat")
def qlinear_concat(m, c):
    t = m.r.choice([U8, S8])
    s = m.shape(1, 3, zero=False)
    axis = m.axis(len(s))
    return [m.const(0.04, F32, 0), m.fresh(m.array(t, (), "any"), True)] + [x for _ in range(m.r.randint(1, 3)) for x in quantized(m, t, s)], {"axis": axis}, 1


LEFT_OUT.update({n: "subgraphs: tests/session/test_control.c and onnx's cases" for n in ("If", "Loop", "Scan", "SequenceMap")})
LEFT_OUT.update({n: "sequences and optionals: onnx's cases" for n in (
    "ConcatFromSequence", "Optional", "OptionalGetElement", "OptionalHasElement", "SequenceAt", "SequenceConstruct", "SequenceEmpty", "SequenceErase", "SequenceInsert", "SequenceLength",
    "SplitToSequence")})
LEFT_OUT.update({n: "text: tests/ops/test_regex_peers.py and onnx's cases" for n in ("RegexFullMatch", "StringNormalizer", "StringSplit", "TfIdfVectorizer")})
LEFT_OUT.update({n: "random numbers" for n in ("Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike")})
LEFT_OUT.update({n: "newer than onnxruntime 1.32 and not in onnx.reference's reach with random settings: onnx's cases" for n in ("CausalConvWithState", "LinearAttention", "SwiGLU")})
LEFT_OUT.update({n: "settings that depend on each other: tests/ops/test_ms_peers.py" for n in ("EmbedLayerNormalization", "GroupQueryAttention", "MultiHeadAttention", "FusedConv")})
LEFT_OUT.update({n: "onnx's cases" for n in ("MaxRoiPool",)})
