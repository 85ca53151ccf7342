# test_einsum_peers.py - random equations beside numpy: as the node is, and through the passes
# SPDX-License-Identifier: Apache-2.0
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

tool = os.environ.get("MOTE_TOOL", "build/release/mote")
if not Path(tool).exists():
    print("skipped: the tool is not built")
    sys.exit(77)
try:
    import numpy as np
    import onnx
    from onnx import TensorProto, helper
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)

rng = random.Random(7)
values = np.random.default_rng(7)
equations = ["ij->ji", "ii->i", "ii", "ij->", "i,i", "i,j->ij", "...ij,...jk->...ik", "...ii->...i", "bij,bjk->bik", "ij,jk,kl->il", "aab,b->a", "i,i,i->i", "...,...->...", "ijk,k", "Ab,bA"]
for _ in range(60):
    letters = "abcdeFG"[:rng.randint(2, 7)]
    terms = ["".join(rng.sample(letters, rng.randint(1, len(letters)))) for _ in range(rng.randint(1, 3))]
    have = sorted(set("".join(terms)))
    out = "".join(rng.sample(have, rng.randint(0, len(have))))
    equations.append(",".join(terms) + ("->" + out if rng.random() < 0.8 else ""))
models, cases = [], []
for k, eq in enumerate(equations):
    size = {c: rng.randint(1, 4) for c in "abcdefghijklmnopqrstuvwxyzABCDEFG"}
    xs = []
    for t in eq.split("->")[0].split(","):
        dims = [2, 3] * t.count("...") + [size[c] for c in t.replace("...", "")]
        xs.append(values.standard_normal(dims).astype(np.float32))
    cases.append((eq, xs, np.einsum(eq, *xs)))
wrong = 0
with tempfile.TemporaryDirectory() as tmp:
    nodes, inits, outs, inputs, feed = [], [], [], [], {}
    for k, (eq, xs, want) in enumerate(cases):
        names = [f"x{k}_{i}" for i in range(len(xs))]
        nodes.append(helper.make_node("Einsum", names, [f"y{k}"], equation=eq))
        inputs += [helper.make_tensor_value_info(n, TensorProto.FLOAT, x.shape) for n, x in zip(names, xs)]
        feed.update(zip(names, xs))
        outs.append(helper.make_tensor_value_info(f"y{k}", TensorProto.FLOAT, None))
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", inputs, outs), opset_imports=[helper.make_opsetid("", 13)], ir_version=8), f"{tmp}/m.onnx")
    np.savez(f"{tmp}/in.npz", **feed)
    for options in ((), ("--disable-passes", "all"), ("--reference",)):
        r = subprocess.run([tool, "run", f"{tmp}/m.onnx", "--inputs", f"{tmp}/in.npz", "--outputs", f"{tmp}/y.npz", "--overwrite", *options], capture_output=True, text=True)
        if r.returncode != 0:
            print("WRONG", options, r.stderr.strip())
            sys.exit(1)
        got = np.load(f"{tmp}/y.npz")
        for k, (eq, xs, want) in enumerate(cases):
            y = got[f"y{k}"]
            if y.shape != want.shape or not np.allclose(y, want, rtol=1e-4, atol=1e-5):
                wrong += 1
                print(f"WRONG {eq} {options}: {y.shape} {want.shape}")
    for eq, shapes in (("ij,jk->ik", [(2, 3), (4, 5)]), ("ij->ij", [(2,)]), ("ij->ik", [(2, 2)]), ("i.j->i", [(2, 2)]), ("ij,jk->ii", [(2, 2), (2, 2)]), ("i,j", [(2,)]), ("i1->i", [(2, 2)])):
        node = helper.make_node("Einsum", [f"x{i}" for i in range(len(shapes))], ["y"], equation=eq)
        g = helper.make_graph([node], "g", [helper.make_tensor_value_info(f"x{i}", TensorProto.FLOAT, s) for i, s in enumerate(shapes)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])
        onnx.save(helper.make_model(g, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), f"{tmp}/bad.onnx")
        r = subprocess.run([tool, "run", f"{tmp}/bad.onnx", "--random"], capture_output=True, text=True)
        if r.returncode != 1 or "Einsum" not in r.stderr:
            wrong += 1
            print(f"WRONG {eq} {shapes}: {r.stderr.strip()}")
print(f"{len(cases)} equations, {wrong} wrong")
sys.exit(1 if wrong else 0)
