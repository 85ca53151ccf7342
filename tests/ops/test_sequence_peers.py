# test_sequence_peers.py - operators of sequences and strings beside onnxruntime, at their edges: positions, splits, axes, empty parts
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
seed = int(os.environ.get("MOTE_SEED", "3"))
pick, rng = random.Random(seed), np.random.default_rng(seed)
failures = count = refused = 0
DTYPES = [np.float32, np.int64, np.int32, np.uint8, np.float64, np.bool_, np.float16, object]


def array(shape, dtype):
    if dtype is object:
        return np.array([pick.choice(["", "a", "bc", "\u00e9"]) for _ in range(int(np.prod(shape)))], dtype=object).reshape(shape)
    return rng.integers(0, 2 if dtype is np.bool_ else 100, shape).astype(dtype)


def elem(a):
    return T.STRING if a.dtype == object else h.np_dtype_to_tensor_dtype(a.dtype)


def check(what, nodes, constants, outputs, opset=21):
    """Everything is a constant of the model, as the tool reads no strings; outputs: (name, type)"""
    global failures, count, refused
    count += 1
    tensors = [h.make_tensor(k, T.STRING, v.shape, [s.encode() for s in v.flat]) if v.dtype == object else numpy_helper.from_array(v, k) for k, v in constants.items()]
    graph = h.make_graph(nodes, "g", [], [h.make_tensor_value_info(k, t, None) for k, t in outputs], tensors)
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", opset)], ir_version=10)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        want = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"]).run(None, {})
    except Exception as e:
        want = str(e)
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(model, f"{folder}/m.onnx")
        for flags in ([], ["--reference"], ["--disable-passes", "all"]):
            p = subprocess.run([TOOL, "run", f"{folder}/m.onnx", "--random", "--outputs", f"{folder}/y.npz", "--overwrite", *flags], capture_output=True, text=True)
            if isinstance(want, str) or p.returncode != 0:
                if isinstance(want, str) != (p.returncode != 0):
                    failures += 1
                    print(f"{what} {flags}: onnxruntime says {want[:150] if isinstance(want, str) else [w.shape for w in want]}, mote {p.stderr.strip()[-150:]}")
                elif p.returncode != 0:
                    refused += 1
                continue
            got = np.load(f"{folder}/y.npz", allow_pickle=False)
            for (name, _), w in zip(outputs, want):
                g = got[name]
                if g.shape != w.shape or (g.astype(w.dtype) if w.dtype != object else np.char.decode(g, "utf-8")).tolist() != w.tolist():
                    failures += 1
                    print(f"{what} {flags}: {name} {g.shape} {g.tolist() if g.size < 20 else ''}, expected {w.shape} {w.tolist() if w.size < 20 else ''}")


def made(prefix, arrays):
    """A SequenceConstruct of constants"""
    return h.make_node("SequenceConstruct", list(arrays), [prefix]), arrays


def position(p):
    return np.array(p, pick.choice([np.int64, np.int32]))


for _ in range(int(os.environ.get("MOTE_ROUNDS", "12"))):
    dtype = pick.choice(DTYPES)
    # insert, erase, at, length
    n = pick.randint(1, 4)
    shapes = [tuple(pick.choice([0, 1, 2, 3]) for _ in range(pick.randint(0, 3))) for _ in range(n)]
    items = {f"a{i}": array(s, dtype) for i, s in enumerate(shapes)}
    p, q, r = (pick.randint(-n - 1, n + 1) for _ in range(3))
    node, constants = made("s", items)
    extra = array((2, 2), dtype)
    nodes = [node, h.make_node("SequenceInsert", ["s", "x", "p"] if pick.random() < 0.7 else ["s", "x"], ["t"]),
             h.make_node("SequenceErase", ["t", "q"] if pick.random() < 0.7 else ["t"], ["u"]), h.make_node("SequenceAt", ["u", "r"], ["y"]),
             h.make_node("SequenceLength", ["u"], ["k"])]
    check(f"insert {p}, erase {q}, at {r} of {n}", nodes, {**constants, "x": extra, "p": position(p), "q": position(q), "r": position(r)}, [("y", elem(extra)), ("k", T.INT64)])
    # concatenation
    rank = pick.randint(0, 3)
    base = [pick.randint(0, 3) for _ in range(rank)]
    axis, new_axis = pick.randint(-rank - 2, rank + 1), pick.randint(0, 1)
    parts = {}
    for i in range(n):
        shape = list(base)
        if not new_axis and rank and -rank <= axis < rank:
            shape[axis] = pick.randint(0, 3)
        parts[f"a{i}"] = array(tuple(shape), dtype)
    node, constants = made("s", parts)
    check(f"concat {[v.shape for v in parts.values()]} axis {axis} new {new_axis}", [node, h.make_node("ConcatFromSequence", ["s"], ["y"], axis=axis, new_axis=new_axis)],
          constants, [("y", elem(parts["a0"]))])
    # split and back
    rank = pick.randint(1, 3)
    x = array(tuple(pick.randint(1, 7) for _ in range(rank)), pick.choice([np.float32, np.int64, np.int32, np.float64, object]))
    axis, keep = pick.randint(-rank, rank - 1), 1
    length = x.shape[axis]
    how = pick.randint(0, 3)
    if how == 0:
        split, keep = None, pick.randint(0, 1)  # with split, the standard ignores keepdims
    elif how == 1:
        split = np.array(pick.choice([1, 2, 3, length, length + 2, 0, -1]), np.int64)
    else:
        cuts = sorted(pick.randint(0, length) for _ in range(pick.randint(0, 3)))
        split = np.diff([0, *cuts, length]).astype(np.int32 if how == 2 else np.int64)
        if pick.random() < 0.2:
            split[0] += 1
    nodes = [h.make_node("SplitToSequence", ["x"] + ([] if split is None else ["split"]), ["s"], axis=axis, keepdims=keep), h.make_node("SequenceLength", ["s"], ["k"]),
             h.make_node("SequenceAt", ["s", "zero"], ["first"]), h.make_node("ConcatFromSequence", ["s"], ["y"], axis=0 if split is None and not keep else axis, new_axis=int(split is None and not keep))]
    check(f"split {x.shape} axis {axis} keep {keep} by {split}", nodes, {"x": x, "zero": np.array(0, np.int64), **({} if split is None else {"split": split})},
          [("k", T.INT64), ("first", elem(x)), ("y", elem(x))])
    # strings
    texts = array((pick.randint(1, 3), pick.randint(1, 3)), object)
    for i in np.ndindex(texts.shape):
        texts[i] = pick.choice(["", "a", "a b", " a  b ", "a,b,,c", ",", "a--b-c", "A b"])
    split_attrs = {}  # onnxruntime splits at spaces alone, and an empty string into nothing; the standard as Python does: neither is here
    if pick.random() < 0.7:
        split_attrs["delimiter"] = pick.choice(["", ",", "--", " ", "b"])
    if pick.random() < 0.5:
        split_attrs["maxsplit"] = pick.randint(0, 3)
    whole = np.char.strip(texts.astype(str)).astype(object)  # what is left over keeps its spaces, in the standard
    whole[whole == ""] = "q"
    check(f"StringSplit {whole.tolist()} {split_attrs}", [h.make_node("StringSplit", ["x"], ["y", "z"], **split_attrs)], {"x": whole}, [("y", T.STRING), ("z", T.INT64)])
    flat = texts.reshape(-1) if pick.random() < 0.5 else texts.reshape(1, -1)
    attrs = {"case_change_action": pick.choice(["NONE", "LOWER", "UPPER"]), "is_case_sensitive": pick.randint(0, 1), "locale": "C"}
    if pick.random() < 0.7:
        attrs["stopwords"] = pick.sample(["a", "A B", "a b", "", "x"], pick.randint(1, 3))
    check(f"StringNormalizer {flat.tolist()} {attrs}", [h.make_node("StringNormalizer", ["x"], ["y"], **attrs)], {"x": flat}, [("y", T.STRING)])
    a, b = array((2, 1, 3), object), array(pick.choice([(3,), (4, 1), (2, 4, 3), (1,), (), (2,)]), object)
    check(f"StringConcat {b.shape}", [h.make_node("StringConcat", ["a", "b"], ["y"])], {"a": a, "b": b}, [("y", T.STRING)])
    # n-grams
    pool = sorted({tuple(pick.randint(1, 4) for _ in range(size)) for size in (1, 2, 3) for _ in range(3)}, key=lambda g: (len(g), g))
    counts = [0, sum(len(g) for g in pool if len(g) == 1), sum(len(g) for g in pool if len(g) <= 2)]
    low = pick.randint(1, 3)
    high = pick.randint(low, 3)
    attrs = {"mode": pick.choice(["TF", "IDF", "TFIDF"]), "min_gram_length": low, "max_gram_length": high, "max_skip_count": pick.randint(0, 4), "ngram_counts": counts,
             "ngram_indexes": pick.sample(range(len(pool)), len(pool)), "pool_int64s": [i for g in pool for i in g]}
    if pick.random() < 0.5:
        attrs["weights"] = [float(pick.randint(1, 5)) for _ in pool]
    x = rng.integers(1, 5, pick.choice([(9,), (2, 7), (1,), (1, 2), (0,)])).astype(pick.choice([np.int64, np.int32]))
    check(f"TfIdfVectorizer {x.tolist()} {attrs}", [h.make_node("TfIdfVectorizer", ["x"], ["y"], **attrs)], {"x": x}, [("y", T.FLOAT)])

print(f"{count} models three ways each, {refused} refused by both, {failures} differ")
sys.exit(1 if failures else 0)
