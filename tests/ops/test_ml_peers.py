# test_ml_peers.py - the operators of ai.onnx.ml against onnxruntime; what must be refused
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
    return h.make_model(graph, opset_imports=[h.make_opsetid("", MAIN[version]), h.make_opsetid("ai.onnx.ml", version)], ir_version=8)


class Cases:
    """Nodes side by side. onnxruntime runs each by itself, mote all of one version together."""

    def __init__(self):
        self.all, self.want = {}, {}

    def add(self, op, version, xs, types, tolerance=2e-5, want=None, **attrs):
        """types: of the outputs; want: the answers where onnxruntime does not follow the standard"""
        i = len(self.want)
        feeds = {f"x{i}_{k}": np.asarray(x) for k, x in enumerate(xs)}
        outs = [f"y{i}_{k}" for k in range(len(types))]
        node = h.make_node(op, list(feeds), outs, domain="ai.onnx.ml", **attrs)
        infos = [h.make_tensor_value_info(o, t, None) for o, t in zip(outs, types)]
        what = f"{op}-{version} {[(str(x.dtype), x.shape) for x in feeds.values()]} {str(attrs)[:300]}"
        if want is None:
            session = ort.InferenceSession(model([node], feeds, infos, version).SerializeToString(), providers=["CPUExecutionProvider"])
            want = session.run(None, {k: v.astype(object) if v.dtype.kind in "US" else v for k, v in feeds.items()})
        self.all.setdefault(version, []).append((node, feeds, infos))
        self.want[i] = (outs, want, what, tolerance)

    def run(self):
        got = {}
        with tempfile.TemporaryDirectory() as d:
            for version, cases in self.all.items():
                feeds = {k: v for c in cases for k, v in c[1].items()}
                onnx.save(model([c[0] for c in cases], feeds, [o for c in cases for o in c[2]], version), f"{d}/m.onnx")
                np.savez(f"{d}/x.npz", **{k: np.char.encode(v.astype("U"), "utf-8") if v.dtype.kind in "OU" else v for k, v in feeds.items()})
                r = subprocess.run([TOOL, "run", f"{d}/m.onnx", "--inputs", f"{d}/x.npz", "--outputs", f"{d}/y.npz", "--overwrite"], capture_output=True, text=True)
                if r.returncode:
                    failures.append(r.stderr[:600])
                else:
                    got.update(np.load(f"{d}/y.npz"))
        for outs, want, what, tolerance in self.want.values():
            for o, w in zip(outs, want):
                g, w = got.get(o), np.asarray(w)
                if g is None:
                    continue
                if g.dtype.kind == "S":
                    same = g.shape == w.shape and (np.char.decode(g, "utf-8") == w.astype("U")).all()
                elif w.dtype.kind == "f":
                    same = g.shape == w.shape and g.dtype == w.dtype and np.allclose(g, w, rtol=tolerance, atol=tolerance, equal_nan=True)
                else:
                    same = g.shape == w.shape and g.dtype == w.dtype and (g == w).all()
                if not same:
                    failures.append(f"{what}: {o}\n  gives {g.dtype}{list(g.shape)} {str(g.flatten()[:12])}\n  onnxruntime {w.dtype}{list(w.shape)} {str(w.flatten()[:12])}")
        print(f"{sys._getframe(1).f_code.co_name}: {len(self.want)} settings")


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


def main():
    for part in encoders, features:
        part()
    for f in failures[:40]:
        print("FAIL", f)
    print(f"{len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
