# test_ml_peers.py - the operators of ai.onnx.ml against onnxruntime; what must be refused
# SPDX-License-Identifier: Apache-2.0
import json
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
    from onnx import numpy_helper
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)
if not os.path.exists(TOOL):
    print("skipped: the tool is not built")
    sys.exit(77)

ort.set_default_logger_severity(4)
rng = np.random.default_rng(int(os.environ.get("MOTE_SEED", "7")))
pick = random.Random(11)
MAIN = {1: 13, 2: 13, 3: 15, 4: 19, 5: 21}  # an ai.onnx version of the time
failures = []


def info(name, x):
    return h.make_tensor_value_info(name, T.STRING if x.dtype.kind in "OUS" else h.np_dtype_to_tensor_dtype(x.dtype), x.shape)


def model(nodes, feeds, outputs, version):
    graph = h.make_graph(nodes, "g", [info(k, v) for k, v in feeds.items()], outputs)
    twice = [h.make_opsetid("", MAIN[version])] if version == 1 else []  # as skl2onnx 1.20 writes it
    return h.make_model(graph, opset_imports=[h.make_opsetid("ai.onnx.ml", version), h.make_opsetid("", MAIN[version]), *twice], ir_version=8)


def reference(op, version, x, types, **attrs):
    outs = [h.make_tensor_value_info(f"y{i}", t, None) for i, t in enumerate(types)]
    node = h.make_node(op, ["x"], [o.name for o in outs], domain="ai.onnx.ml", **attrs)
    return ort.InferenceSession(model([node], {"x": x}, outs, version).SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": x})


class Cases:
    """Nodes side by side. onnxruntime runs each by itself, mote all of one version together."""

    def __init__(self):
        self.all, self.want = {}, {}

    def add(self, op, version, xs, types, tolerance=2e-5, want=None, floats=False, ort_attrs=None, **attrs):
        """types: of the outputs; want: the answers where onnxruntime does not follow the standard; floats: it gets X so, having nothing for X's type"""
        i = len(self.want)
        feeds = {f"x{i}_{k}": np.asarray(x) for k, x in enumerate(xs)}
        outs = [f"y{i}_{k}" for k in range(len(types))]
        node = h.make_node(op, list(feeds), outs, domain="ai.onnx.ml", **attrs)
        infos = [h.make_tensor_value_info(o, t, None) for o, t in zip(outs, types)]
        what = f"{op}-{version} {[(str(x.dtype), x.shape) for x in feeds.values()]} {str(attrs)[:300]}"
        if want is None:
            if ort_attrs:
                node = h.make_node(op, list(feeds), outs, domain="ai.onnx.ml", **{**attrs, **ort_attrs})
            theirs = {k: v.astype("f4") if floats else v for k, v in feeds.items()}
            session = ort.InferenceSession(model([node], theirs, infos, version).SerializeToString(), providers=["CPUExecutionProvider"])
            want = session.run(None, {k: v.astype(object) if v.dtype.kind in "US" else v for k, v in theirs.items()})
            node = h.make_node(op, list(feeds), outs, domain="ai.onnx.ml", **attrs)
        self.all.setdefault(version, []).append((node, feeds, infos))
        self.want[i] = (outs, want, what, tolerance)

    def run(self):
        for way in [], ["--reference"]:
            self.compare(way, self.answers(way))
        print(f"{sys._getframe(1).f_code.co_name}: {len(self.want)} settings")

    def answers(self, way):
        got = {}
        with tempfile.TemporaryDirectory() as d:
            for version, cases in self.all.items():
                feeds = {k: v for c in cases for k, v in c[1].items()}
                onnx.save(model([c[0] for c in cases], feeds, [o for c in cases for o in c[2]], version), f"{d}/m.onnx")
                np.savez(f"{d}/x.npz", **{k: np.char.encode(v.astype("U"), "utf-8") if v.dtype.kind in "OU" else v for k, v in feeds.items()})
                r = subprocess.run([TOOL, "run", f"{d}/m.onnx", "--inputs", f"{d}/x.npz", "--outputs", f"{d}/y.npz", "--overwrite", *way], capture_output=True, text=True)
                if r.returncode:
                    failures.append(f"{way}: {r.stderr[:600]}")
                else:
                    got.update(np.load(f"{d}/y.npz"))
        return got

    def compare(self, way, got):
        for outs, want, what, tolerance in self.want.values():
            for o, w in zip(outs, want):
                g, w = got.get(o), np.asarray(w)
                if g is None:  # the run has failed, which is counted
                    continue
                if g.dtype.kind == "S":
                    same = g.shape == w.shape and (np.char.decode(g, "utf-8") == w.astype("U")).all()
                elif w.dtype.kind == "f":
                    same = g.shape == w.shape and g.dtype == w.dtype and np.allclose(g, w, rtol=tolerance, atol=tolerance, equal_nan=True)
                else:
                    same = g.shape == w.shape and g.dtype == w.dtype and (g == w).all()
                if not same:
                    if g.shape == w.shape and g.dtype == w.dtype:
                        at = (g != w) & (g == g)
                        g, w = g[at], w[at]
                    failures.append(f"{what} {way}: {o}\n  gives {g.dtype}{list(g.shape)} {str(g.flatten()[:12])}\n  onnxruntime {w.dtype}{list(w.shape)} {str(w.flatten()[:12])}")


def refused(words, op, version, xs, n_out=1, **attrs):
    feeds = {f"x{k}": np.asarray(x) for k, x in enumerate(xs)}
    outs = [f"y{k}" for k in range(n_out)]
    m = model([h.make_node(op, list(feeds), outs, domain="ai.onnx.ml", name="here", **attrs)], feeds, [onnx.ValueInfoProto(name=o) for o in outs], version)
    with tempfile.TemporaryDirectory() as d:
        onnx.save(m, f"{d}/m.onnx")
        np.savez(f"{d}/x.npz", **{k: np.char.encode(v.astype("U"), "utf-8") if v.dtype.kind in "OU" else v for k, v in feeds.items()})
        r = subprocess.run([TOOL, "run", f"{d}/m.onnx", "--inputs", f"{d}/x.npz", "--outputs", f"{d}/y.npz", "--overwrite"], capture_output=True, text=True)
    if r.returncode != 1 and r.returncode < 1 or r.returncode > 100 or words not in r.stderr or op not in r.stderr:
        failures.append(f"{op} {str(attrs)[:200]}: exit {r.returncode}, '{r.stderr.strip()[:300]}', expected an error with '{words}'")


def tensor(values, dtype):
    a = np.array(values, dtype=object if dtype == "U" else dtype)
    return numpy_helper.from_array(a) if dtype != "U" else h.make_tensor("t", T.STRING, [len(values)], [v.encode() for v in values])


# ---- encoders ----


def encoders():
    c = Cases()
    words = np.array(["a", "b", "", "ä", "cc", "b", "zz"])
    ints, floats = np.array([[3, 1], [7, 9], [-4, 1]]), np.array([1.5, np.nan, -0.0, 3.25, 2], np.float32)
    names = [f"w{i}" for i in range(50)]
    many = np.array([names[i % 50] if i % 3 else f"v{i}" for i in range(200)])
    for x in words, words[:2], many:
        c.add("LabelEncoder", 1, [x], [T.INT64], classes_strings=["b", "a", "ä", *names])
        c.add("LabelEncoder", 1, [x], [T.INT64], classes_strings=["b", "", *names], default_int64=77)
        c.add("CategoryMapper", 1, [x], [T.INT64], cats_strings=["b", "a", "", *names], cats_int64s=[5, 8, 9, *range(50)], default_int64=-3)
    c.add("LabelEncoder", 1, [np.array([0, 1, 2, 5, -1])], [T.STRING], classes_strings=["b", "a", "ä"], default_string="?")
    c.add("CategoryMapper", 1, [ints], [T.STRING], cats_strings=["b", "a"], cats_int64s=[3, 7], default_string="nö")
    kinds = {"strings": (["a", "", "cc", "ä", "b"], T.STRING, words), "int64s": ([3, 1, -4, 12, 0], T.INT64, ints), "floats": ([1.5, float("nan"), 0.0, 7.0, 2.0], T.FLOAT, floats)}
    for version in 2, 4:
        for k, (keys, _, x) in kinds.items():
            for v, (values, t, _) in kinds.items():
                if version == 2 and k == v == "floats":
                    continue
                if version == 2 and k == "floats":  # NaN among keys came with version 4
                    x = np.nan_to_num(x, nan=4)
                more = {} if pick.random() < 0.5 else {f"default_{v[:-1]}": {"strings": "none", "int64s": 99, "floats": 0.5}[v]}
                c.add("LabelEncoder", version, [x], [t], **{f"keys_{k}": keys, f"values_{v}": values}, **more)
    pairs = [("U", ["a", "cc"], words, "i8", [5, 6]), ("U", ["a", "cc"], words, "i2", [5, 6]), ("i8", [1, 7], ints, "U", ["x", "y"]), ("f8", [1.5, np.nan], floats.astype("f8"), "f8", [2.5, 3.5]),
             ("f4", [1.5, np.nan], floats, "U", ["x", "nan"])]
    for kt, keys, x, vt, values in pairs:
        t = T.STRING if vt == "U" else h.np_dtype_to_tensor_dtype(np.dtype(vt))
        default = tensor(["-"] if vt == "U" else [42], vt)
        c.add("LabelEncoder", 4, [x], [t], keys_tensor=tensor(keys, kt), values_tensor=tensor(values, vt), default_tensor=default)
    # of equal keys the last counts, says the standard; onnxruntime takes the first
    c.add("LabelEncoder", 4, [np.array([1, 2, 3, 1, 1])], [T.INT64], want=[np.array([9, 6, -1, 9, 9])], keys_int64s=[1, 2, 1, 5, 6], values_int64s=[5, 6, 9, 0, 0])
    c.add("OneHotEncoder", 1, [words], [T.FLOAT], cats_strings=["b", "ä", "q"])
    for t in "i8", "f4", "f8":
        c.add("OneHotEncoder", 1, [ints.astype(t)], [T.FLOAT], cats_int64s=[1, 3, 9, 12], zeros=1)
    c.add("OneHotEncoder", 1, [ints], [T.FLOAT], cats_int64s=[1, 3, 9, 12, 7, -4], zeros=0)
    c.run()
    refused("3 keys and 2 values", "LabelEncoder", 2, [words], keys_strings=["a", "b", "c"], values_int64s=[1, 2])
    refused("no values", "LabelEncoder", 2, [words], keys_strings=["a"])
    refused("both keys_strings and keys_int64s", "LabelEncoder", 2, [words], keys_strings=["a"], keys_int64s=[1], values_int64s=[1])
    refused("keys are int64", "LabelEncoder", 2, [words], keys_int64s=[1], values_int64s=[1])
    refused("default_tensor", "LabelEncoder", 4, [words], keys_strings=["a"], values_int64s=[1], default_tensor=tensor([1.0], "f4"))
    refused("cats_int64s", "CategoryMapper", 1, [words], cats_strings=["a"], cats_int64s=[1, 2])
    refused("none of the categories", "OneHotEncoder", 1, [ints], cats_int64s=[1], zeros=0)
    refused("categories are strings", "OneHotEncoder", 1, [ints], cats_strings=["1"])


# ---- features ----


def features():
    c = Cases()
    x = (rng.normal(size=(5, 4)) * 4).astype(np.float32)
    x[2] = 0
    for t in "f4", "f8", "i8", "i4":
        v, wide = x.astype(t), h.np_dtype_to_tensor_dtype(np.dtype(t))
        c.add("ArrayFeatureExtractor", 1, [v, np.array([[3, 0, 0]])], [wide])
        c.add("ArrayFeatureExtractor", 1, [v[0], np.array([2])], [wide])
        for norm in "MAX", "L1", "L2":
            # a row's largest element may be negative; the sign of L2 stays the element's
            c.add("Normalizer", 1, [v], [T.FLOAT], norm=norm)
        c.add("Normalizer", 1, [v[1]], [T.FLOAT], norm="L2")
        c.add("Scaler", 1, [v], [T.FLOAT], scale=[0.5, 2.0, -1.0, 3.0], offset=[0.1, 0.0, 2.0, -1.0])
        c.add("Scaler", 1, [v], [T.FLOAT], scale=[0.25], offset=[1.5])
        c.add("FeatureVectorizer", 1, [v, v[:, :2], v[:, 1:2]], [T.FLOAT], inputdimensions=[4, 2, 1])
        if t == "f4":
            c.add("Binarizer", 1, [v], [wide], threshold=0.5)
        else:
            c.add("Binarizer", 1, [v], [wide], want=[(v > 1).astype(t)], threshold=1.0)
    c.add("ArrayFeatureExtractor", 1, [np.array([["a", "b"], ["c", "d"]]), np.array([1, 1, 0])], [T.STRING])
    c.add("ArrayFeatureExtractor", 1, [rng.normal(size=(2, 3, 5)).astype("f4"), np.array([4, 2])], [T.FLOAT])
    y = x.copy()
    y[0, 1] = y[4, 3] = np.nan
    y[1, 1] = -7
    each, one = {"imputed_value_floats": [1.0, 2.0, 3.0, 4.0], "replaced_value_float": float("nan")}, {"imputed_value_floats": [9.5], "replaced_value_float": -7.0}
    c.add("Imputer", 1, [y], [T.FLOAT], **each)
    c.add("Imputer", 1, [y], [T.FLOAT], **one)
    c.add("Imputer", 1, [y.astype("f8")], [T.DOUBLE], want=[np.where(np.isnan(y), [1.0, 2.0, 3.0, 4.0], y)], **each)
    c.add("Imputer", 1, [np.array([[1, 2, 3], [3, 2, 1]])], [T.INT64], imputed_value_int64s=[7, 8, 9], replaced_value_int64=3)
    c.add("Imputer", 1, [np.array([[1, 2, 3], [3, 2, 1]])], [T.INT64], imputed_value_int64s=[7], replaced_value_int64=2)
    c.run()
    refused("Y[1] is 4", "ArrayFeatureExtractor", 1, [x, np.array([3, 4])])
    refused("Y[0] is -1", "ArrayFeatureExtractor", 1, [x, np.array([-1])])
    refused("norm is 'L3'", "Normalizer", 1, [x], norm="L3")
    refused("scale has 3 values", "Scaler", 1, [x], scale=[1.0, 2.0, 3.0])
    refused("2 imputed values", "Imputer", 1, [x], imputed_value_floats=[1.0, 2.0])
    refused("no value", "Imputer", 1, [x])
    refused("inputdimensions[0] is -1", "FeatureVectorizer", 1, [x], inputdimensions=[-1])


# ---- trees ----

MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]


def grow(depth, features, modes, integers):
    """A tree as nested tuples: (mode, feature, split, missing, yes, no), or None for a leaf."""
    if depth == 0 or (depth < 3 and rng.random() < 0.25):
        return None
    split = float(rng.integers(-2, 3)) if integers or rng.random() < 0.5 else float(np.float32(rng.normal()))
    return (str(rng.choice(modes)), int(rng.integers(features)), split, int(rng.integers(2)), grow(depth - 1, features, modes, integers), grow(depth - 1, features, modes, integers))


def flat(trees, weights_of, kind, missing=True):
    """The attributes of version 3. weights_of(): [(target, weight)] of a leaf."""
    a = {k: [] for k in ("treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids", "missing_value_tracks_true")}
    w = {k: [] for k in ("treeids", "nodeids", "ids", "weights")}
    for t, tree in enumerate(trees):
        rows, todo = [], [tree]
        while len(rows) < len(todo):
            n = todo[len(rows)]
            i = len(rows)
            if n is None:
                rows.append(("LEAF", 0, 0.0, 0, 0, 0))
                for target, weight in weights_of():
                    for k, v in zip(("treeids", "nodeids", "ids", "weights"), (t, i, target, weight)):
                        w[k].append(v)
            else:
                todo += [n[4], n[5]]
                rows.append((n[0], n[1], n[2], len(todo) - 2, len(todo) - 1, n[3]))
        for i, r in enumerate(rows):
            for k, v in zip(("treeids", "nodeids", "modes", "featureids", "values", "truenodeids", "falsenodeids", "missing_value_tracks_true"), (t, i, *r)):
                a[k].append(v)
    if not missing:
        del a["missing_value_tracks_true"]
    return {**{f"nodes_{k}": v for k, v in a.items()}, **{f"{kind}_{k}": v for k, v in w.items()}}


def leaf_of(tree, row):
    while tree is not None:
        mode, f, split, missing, yes, no = tree
        v = row[f]
        ok = {"BRANCH_LEQ": v <= split, "BRANCH_LT": v < split, "BRANCH_GTE": v >= split, "BRANCH_GT": v > split, "BRANCH_EQ": v == split, "BRANCH_NEQ": v != split}[mode]
        tree = yes if ok or (missing and v != v) else no
    return tree


def rows(n, features, dtype, nan=True):
    x = np.where(rng.random((n, features)) < 0.5, rng.integers(-2, 3, (n, features)), rng.normal(size=(n, features)))
    x = x.astype(dtype)
    if nan and np.dtype(dtype).kind == "f":
        x[rng.random(x.shape) < 0.1] = np.nan
    return x


def trees():
    c = Cases()
    weight = lambda low=-1.0: float(np.float32(rng.uniform(low, 1)))
    for k in range(60):
        features, n, targets = int(rng.integers(1, 9)), int(rng.choice([1, 2, 7, 30])), int(rng.integers(1, 4))
        dtype = ["f4", "f4", "f8", "i8", "i4"][k % 5]
        modes = [["BRANCH_LEQ"], MODES, [MODES[k % 6]]][k % 3]
        forest = [grow(int(rng.integers(0, 6)), features, modes, dtype[0] == "i") for _ in range(n)]
        attrs = flat(forest, lambda: [(t, weight()) for t in range(targets)], "target", k % 4 != 0)
        attrs.update(n_targets=targets, aggregate_function=["SUM", "AVERAGE", "MIN", "MAX"][k // 3 % 4])
        if k % 2 == 0:
            attrs["base_values"] = [weight() for _ in range(targets)]
        if targets > 1:  # onnxruntime transforms a single target with PROBIT only
            attrs["post_transform"] = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO"][k // 5 % 4]
        if dtype == "f8":
            for name in "nodes_values", "target_weights", "base_values":
                if name in attrs:
                    attrs[name + "_as_tensor"] = tensor(attrs.pop(name), "f8")
        c.add("TreeEnsembleRegressor", 3 if dtype == "f8" else int(rng.choice([1, 3])), [rows(17, features, dtype)], [T.FLOAT], floats=dtype[0] == "i", **attrs)
    for k in range(48):
        features, n, classes = int(rng.integers(2, 9)), int(rng.choice([1, 3, 20])), [2, 2, 3, 5][k % 4]
        forest = [grow(int(rng.integers(1, 6)), features, [["BRANCH_LEQ"], MODES][k % 2], False) for _ in range(n)]
        low = [-1.0, 0.0][k // 4 % 2]
        if k % 4 == 0:  # two classes, weights for one
            one = k // 8 % 2
            give = lambda: [(one, weight(low) / n)]
        else:
            give = lambda: list(enumerate((rng.dirichlet(np.ones(classes)) / n if low == 0 else rng.normal(size=classes)).astype("f4").tolist()))
        attrs = flat(forest, give, "class", k % 3 != 0)
        if rng.random() < 0.5:
            attrs["classlabels_strings"] = [f"class {i}" for i in range(classes)]
        else:
            attrs["classlabels_int64s"] = [int(v) for v in rng.permutation(classes) * 3]
        attrs["post_transform"] = ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT"][k // 4 % (5 if low == 0 and k % 4 == 0 else 4)]
        if k % 4 > 1 and k % 3 == 0:
            attrs["base_values"] = [weight() for _ in range(classes)]
        if k % 16 == 0:
            attrs["base_values"] = [0.25]
        x, version, want = rows(17, features, ["f4", "f8", "i8"][k % 3]), int(rng.choice([1, 3])), None
        labels = T.STRING if "classlabels_strings" in attrs else T.INT64
        if k % 4 == 1:  # of two classes that both have weights onnxruntime gives the second wherever its sum is above 0
            raw = {"target" + a[5:] if a.startswith("class_") else a: v for a, v in attrs.items() if a[:11] != "classlabels" and a != "post_transform"}
            sums = reference("TreeEnsembleRegressor", version, x.astype("f4"), [T.FLOAT], n_targets=2, **raw)[0]
            named = np.array(attrs.get("classlabels_strings") or attrs["classlabels_int64s"])
            want = [named[sums.argmax(1)], reference("TreeEnsembleClassifier", version, x, [labels, T.FLOAT], **attrs)[1]]
        c.add("TreeEnsembleClassifier", version, [x], [labels, T.FLOAT], 1e-4 if attrs["post_transform"] == "PROBIT" else 2e-5, want=want, **attrs)
    c.run()


def version_5(trees, weights, dtype, members=()):
    """The attributes of TreeEnsemble-5. A leaf of `trees` is (target, weight)."""
    a = {k: [] for k in ("featureids", "truenodeids", "falsenodeids", "trueleafs", "falseleafs", "missing_value_tracks_true")}
    modes, splits, leaves, roots = [], [], [], []

    def put(n):
        i = len(modes)
        modes.append(6 if n[0] == "MEMBER" else MODES.index(n[0]))
        splits.append(0.0 if n[0] == "MEMBER" else n[2])
        for v in a.values():
            v.append(0)
        a["featureids"][i], a["missing_value_tracks_true"][i] = n[1], n[3]
        if n[0] == "MEMBER":
            sets.append(n[2])
        for side, child in (("true", n[4]), ("false", n[5])):
            a[f"{side}leafs"][i] = int(child is None)
            if child is None:
                a[f"{side}nodeids"][i] = len(leaves)
                leaves.append(weights())
            else:
                a[f"{side}nodeids"][i] = put(child)
        return i

    sets = []
    for t in trees:
        roots.append(put(t))
    out = {f"nodes_{k}": v for k, v in a.items()}
    out.update(tree_roots=roots, nodes_modes=tensor(modes, "u1"), nodes_splits=tensor(splits, dtype), leaf_targetids=[t for t, _ in leaves], leaf_weights=tensor([w for _, w in leaves], dtype))
    if sets:
        out["membership_values"] = tensor([v for s in sets for v in (*s, np.nan)], dtype)
    return out


def with_sets(n, chance):
    if n is None:
        return None
    yes, no = with_sets(n[4], chance), with_sets(n[5], chance)
    return ("MEMBER", n[1], [float(v) for v in rng.integers(-2, 3, rng.integers(1, 4))], 0, yes, no) if rng.random() < chance else (*n[:4], yes, no)


def newest_trees():
    c = Cases()
    for k in range(40):
        features, targets, dtype = int(rng.integers(1, 9)), 1 + k % 3, ["f4", "f8"][k // 2 % 2]
        forest = []
        while len(forest) < [1, 4, 25][k % 3]:
            t = grow(int(rng.integers(1, 6)), features, [["BRANCH_LEQ"], MODES][k % 2], False)
            if t is not None:
                forest.append(with_sets(t, 0.3 if k % 4 == 3 else 0))
        attrs = version_5(forest, lambda: (int(rng.integers(targets)), float(np.float32(rng.normal()))), dtype)
        post = k // 4 % 4 if targets > 1 else 0
        attrs.update(n_targets=targets, aggregate_function=k // 2 % 4, post_transform=post)
        x, t = rows(17, features, dtype, k % 4 != 3), h.np_dtype_to_tensor_dtype(np.dtype(dtype))
        if k % 4 == 3:
            x = np.round(x)
        c.add("TreeEnsemble", 5, [x], [t], ort_attrs={"post_transform": [0, 2, 1, 3][post]}, **attrs)  # onnxruntime numbers them otherwise than the standard
    for post, f in enumerate([lambda v: v, lambda v: np.exp(v) / np.exp(v).sum(1, keepdims=True), lambda v: 1 / (1 + np.exp(-v))]):  # in double throughout
        x, attrs = rows(9, 4, "f8"), version_5([t for t in (grow(4, 4, MODES, False) for _ in range(9)) if t], lambda: (int(rng.integers(3)), float(rng.normal())), "f8")
        attrs["n_targets"] = 3
        sums = reference("TreeEnsemble", 5, x, [T.DOUBLE], **attrs)[0]
        c.add("TreeEnsemble", 5, [x], [T.DOUBLE], 1e-13, want=[f(sums)], post_transform=post, **attrs)
    c.run()

    x = np.zeros((1, 3), "f4")
    good = version_5([("BRANCH_LEQ", 2, 0.0, 0, ("BRANCH_LT", 0, 1.0, 0, None, None), None)], lambda: (0, 1.0), "f4")
    good["n_targets"] = 1
    bad = lambda words, **change: refused(words, "TreeEnsemble", 5, [x], **{**good, **change})
    bad("reached in two ways", nodes_truenodeids=[1, 1], nodes_trueleafs=[0, 0])
    bad("reached in two ways", nodes_truenodeids=[0, 0], nodes_trueleafs=[0, 1])
    bad("reached in two ways", tree_roots=[0, 0])
    bad("nodes_truenodeids[0] is 2", nodes_truenodeids=[2, 0])
    bad("nodes_falsenodeids[1] is -1", nodes_falsenodeids=[0, -1])
    bad("leaf_targetids[1] is 1", leaf_targetids=[0, 1, 0])
    bad("asks for column 3", nodes_featureids=[3, 0])
    bad("nodes_featureids[1] is -1", nodes_featureids=[2, -1])
    bad("nodes_modes[0] is 7", nodes_modes=tensor([7, 0], "u1"))
    bad("has 0 sets for 1 nodes", nodes_modes=tensor([6, 0], "u1"))
    bad("n_targets is 0", n_targets=0)
    bad("tree_roots[0] is 9", tree_roots=[9])
    bad("nodes_trueleafs has 1 values", nodes_trueleafs=[0])
    bad("aggregate_function is 4", aggregate_function=4)
    old = flat([("BRANCH_LEQ", 2, 0.0, 0, None, None)], lambda: [(0, 1.0)], "target")
    old["n_targets"] = 1
    bad = lambda words, **change: refused(words, "TreeEnsembleRegressor", 3, [x], **{**old, **change})
    bad("reached in two ways", nodes_truenodeids=[0, 0, 0])
    bad("nodes_truenodeids[0] is 3", nodes_truenodeids=[3, 0, 0])
    bad("'BRANCH_MAYBE'", nodes_modes=["BRANCH_MAYBE", "LEAF", "LEAF"])
    bad("node 1 twice", nodes_nodeids=[0, 1, 1])
    bad("target_nodeids[0] is 8", target_nodeids=[8, 2])
    bad("target_ids[1] is 1", target_ids=[0, 1])
    bad("base_values has 2 values", base_values=[1.0, 2.0])
    bad("'MEDIAN'", aggregate_function="MEDIAN")
    bad("'TANH'", post_transform="TANH")


def fast_trees():
    """Trees run by their kernel, whatever the labels are."""
    x = rows(5, 4, "f4")
    forest = [grow(5, 4, ["BRANCH_LEQ"], False) for _ in range(10)]
    attrs = flat(forest, lambda: [(0, 0.5), (1, 0.25)], "class")
    for labels in {"classlabels_int64s": [4, 5]}, {"classlabels_strings": ["no", "yes"]}:
        kind = T.STRING if "classlabels_strings" in labels else T.INT64
        outs = [h.make_tensor_value_info("y", kind, None), h.make_tensor_value_info("z", T.FLOAT, None)]
        with tempfile.TemporaryDirectory() as d:
            onnx.save(model([h.make_node("TreeEnsembleClassifier", ["x"], ["y", "z"], domain="ai.onnx.ml", **attrs, **labels)], {"x": x}, outs, 3), f"{d}/m.onnx")
            np.savez(f"{d}/x.npz", x=x)
            r = subprocess.run([TOOL, "bench", "--json", "--profile", "--runs", "3", "--inputs", f"{d}/x.npz", f"{d}/m.onnx"], capture_output=True, text=True)
        trees = [row for row in json.loads(r.stdout)["profile"]["operators"] if row["op"] == "TreeEnsembleClassifier"] if r.returncode == 0 else []
        if len(trees) != 1 or trees[0]["kernel"] != "mote_trees_rows":
            failures.append(f"trees with {labels}: {trees or r.stderr}")


# ---- linear models, support vectors ----


def linear():
    c = Cases()
    posts = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"]
    floats = lambda n: rng.normal(size=n).astype("f4").tolist()
    for k in range(30):
        f, n, post = int(rng.integers(1, 9)), [2, 3, 5][k % 3], posts[k // 2 % 5]
        x = rows(7, f, ["f4", "f8", "i8", "i4"][k % 4], False)
        attrs = {"coefficients": floats(n * f), "intercepts": floats(n), "post_transform": post}
        if post == "PROBIT":  # of what is between 0 and 1
            x, attrs["coefficients"], attrs["intercepts"] = np.abs(np.sin(x)).astype("f4") / f, (rng.random(n * f) * 0.5).astype("f4").tolist(), [0.25] * n
        c.add("LinearRegressor", 1, [x], [T.FLOAT], floats=True, tolerance=1e-4, targets=n, **attrs)
        attrs.update(classlabels_strings=[f"c{i}" for i in range(n)]) if k % 2 else attrs.update(classlabels_ints=[5 * i for i in range(n)])
        c.add("LinearClassifier", 1, [x], [T.STRING if k % 2 else T.INT64, T.FLOAT], 1e-4, **attrs)
    c.add("LinearRegressor", 1, [rows(4, 3, "f4", False)], [T.FLOAT], coefficients=floats(3), intercepts=[0.5])
    c.add("LinearRegressor", 1, [rows(4, 3, "f4", False)], [T.FLOAT], coefficients=floats(6), targets=2)
    c.add("LinearClassifier", 1, [rows(9, 3, "f4", False)], [T.INT64, T.FLOAT], coefficients=floats(3), intercepts=[0.5], classlabels_ints=[4, 2])
    x, w = rows(9, 3, "f4", False), floats(3)
    s = x @ np.array(w, "f4") + np.float32(0.5)
    p = 1 / (1 + np.exp(-s))  # onnxruntime leaves the logistic function out here
    c.add("LinearClassifier", 1, [x], [T.INT64, T.FLOAT], want=[np.where(s > 0, 2, 4), np.stack([1 - p, p], 1)], coefficients=w, intercepts=[0.5], classlabels_ints=[4, 2],
          post_transform="LOGISTIC")
    c.run()
    x = np.zeros((2, 3), "f4")
    refused("coefficients has 4 values", "LinearRegressor", 1, [x], coefficients=floats(4))
    refused("intercepts has 2 values", "LinearRegressor", 1, [x], coefficients=floats(3), intercepts=floats(2))
    refused("targets is 0", "LinearRegressor", 1, [x], coefficients=floats(3), targets=0)
    refused("neither classlabels_strings", "LinearClassifier", 1, [x], 2, coefficients=floats(6))
    refused("coefficients has 6 values", "LinearClassifier", 1, [x], 2, coefficients=floats(6), classlabels_ints=[1, 2, 3])


def vectors():
    c = Cases()
    floats = lambda n: (rng.normal(size=n) * 0.7).astype("f4").tolist()
    for k in range(32):
        f, kernel = int(rng.integers(1, 7)), ["LINEAR", "POLY", "RBF", "SIGMOID"][k % 4]
        x = rows(11, f, "f4", False)
        more = {"kernel_type": kernel, "kernel_params": [0.3, 0.5, 3.0 if k % 8 < 4 else 2.0]}
        n = int(rng.integers(1, 12))
        c.add("SVMRegressor", 1, [x], [T.FLOAT], 1e-4, coefficients=floats(n), support_vectors=floats(n * f), rho=[0.25], n_supports=n, one_class=k // 4 % 2, **more)
        classes = [2, 3, 5][k // 4 % 3]
        per_class = [int(v) for v in rng.integers(1, 5, classes)]
        n, pairs = sum(per_class), classes * (classes - 1) // 2
        attrs = dict(coefficients=floats(n * (classes - 1)), support_vectors=floats(n * f), rho=floats(pairs), vectors_per_class=per_class, **more)
        if k % 3 == 0:
            attrs.update(prob_a=[-1.5] * pairs, prob_b=floats(pairs))
        attrs["post_transform"] = "NONE" if k % 3 != 1 else ["SOFTMAX", "LOGISTIC"][k // 3 % 2]
        attrs.update(classlabels_strings=[f"c{i}" for i in range(classes)]) if k % 2 else attrs.update(classlabels_ints=[7 * i for i in range(classes)])
        x = rows(11, f, ["f4", "f8", "i8", "i4"][k % 4], False)
        c.add("SVMClassifier", 1, [x], [T.STRING if k % 2 else T.INT64, T.FLOAT], 2e-3 if k % 3 == 0 else 1e-4, **attrs)
    x = rows(6, 4, "f4", False)
    c.add("SVMRegressor", 1, [x], [T.FLOAT], coefficients=floats(4), rho=[0.5], kernel_params=[0.0, 0.0, 0.0])
    c.add("SVMClassifier", 1, [x], [T.INT64, T.FLOAT], coefficients=floats(12), rho=[0.5], classlabels_ints=[3, 1, 2], kernel_params=[0.0, 0.0, 0.0])
    c.run()
    good = dict(coefficients=[1.0, 2.0], support_vectors=[0.0] * 8, rho=[0.5], vectors_per_class=[1, 1], classlabels_ints=[0, 1])
    bad = lambda words, **change: refused(words, "SVMClassifier", 1, [x], 2, **{**good, **change})
    bad("kernel_type is 'COSINE'", kernel_type="COSINE")
    bad("kernel_params has 1 values", kernel_type="RBF", kernel_params=[1.0])
    bad("coefficients has 3 values", coefficients=[1.0, 2.0, 3.0])
    bad("support_vectors has 6 values", support_vectors=[0.0] * 6)
    bad("vectors_per_class[1] is -1", vectors_per_class=[1, -1])
    bad("vectors_per_class has 3 values", vectors_per_class=[1, 1, 1])
    bad("rho has 1 values", classlabels_ints=[0, 1, 2], vectors_per_class=[1, 1, 0], coefficients=[1.0] * 4)
    bad("prob_a and prob_b", prob_a=[1.0])
    refused("coefficients has 3 values", "SVMRegressor", 1, [x], coefficients=floats(3), rho=[0.5])


def imports():
    """Only ai.onnx.ml imported; one operator set in two versions."""
    x = np.zeros((2, 3), "f4")
    m = model([h.make_node("Scaler", ["x"], ["y"], domain="ai.onnx.ml", scale=[2.0], offset=[1.0])], {"x": x}, [info("y", x)], 1)
    for domains, words in ([("ai.onnx.ml", 1)], ""), ([("ai.onnx.ml", 1), ("", 17), ("", 18)], "as version 17 and as 18"):
        del m.opset_import[:]
        m.opset_import.extend(h.make_opsetid(*d) for d in domains)
        with tempfile.TemporaryDirectory() as d:
            onnx.save(m, f"{d}/m.onnx")
            np.savez(f"{d}/x.npz", x=x)
            r = subprocess.run([TOOL, "run", f"{d}/m.onnx", "--inputs", f"{d}/x.npz", "--outputs", f"{d}/y.npz"], capture_output=True, text=True)
            if (r.returncode != 0) != (words != "") or words not in r.stderr or (not words and not (np.load(f"{d}/y.npz")["y"] == -2).all()):
                failures.append(f"imports {domains}: exit {r.returncode}, {r.stderr}")


def maps():
    """What needs maps is refused, and the error says what to do."""
    value = h.make_value_info("y", h.make_sequence_type_proto(h.make_map_type_proto(T.INT64, h.make_tensor_type_proto(T.FLOAT, None))))
    x = np.zeros((2, 3), "f4")
    for nodes, outs in ([h.make_node("ZipMap", ["x0"], ["y"], domain="ai.onnx.ml", classlabels_int64s=[0, 1, 2])], [value]), (
            [h.make_node("ZipMap", ["x0"], ["m"], domain="ai.onnx.ml", classlabels_int64s=[0, 1, 2]), h.make_node("Identity", ["x0"], ["y"])], [info("y", x)]):
        with tempfile.TemporaryDirectory() as d:
            onnx.save(model(nodes, {"x0": x}, outs, 1), f"{d}/m.onnx")
            np.savez(f"{d}/x.npz", x0=x)
            r = subprocess.run([TOOL, "run", f"{d}/m.onnx", "--inputs", f"{d}/x.npz", "--outputs", f"{d}/y.npz"], capture_output=True, text=True)
        if r.returncode == 0 or "ZipMap" not in r.stderr or "zipmap=False" not in r.stderr:
            failures.append(f"ZipMap: exit {r.returncode}, '{r.stderr.strip()}'")


def main():
    for part in encoders, features, trees, newest_trees, fast_trees, linear, vectors, imports, maps:
        part()
    for f in failures[:40]:
        print("FAIL", f)
    print(f"{len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
