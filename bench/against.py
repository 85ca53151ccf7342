# against.py - mote beside onnxruntime on one model: the same seeded inputs, the same threads, rounds in turn
# SPDX-License-Identifier: Apache-2.0
"""python against.py MOTE MODEL.onnx [--dims N=1,L=128] [--threads 1] [--rounds 5] [--seconds 2]

Each round runs one process of each engine, one after the other, so that a slow minute hits both. Prints the median over the rounds of load time,
first inference, warm p50 and minimum (ms) and peak resident memory (MB; of the whole process, Python and numpy included for onnxruntime), then
onnxruntime's p50 over mote's: above 1, mote is faster. A run in which p50 spreads by more than 5 % between rounds says so: repeat it."""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

FIELDS = ("load_ms", "first_ms", "p50_ms", "min_ms", "peak_rss_mb")


def inputs(path, dims):
    import onnx
    graph, rng, feeds = onnx.load(path, load_external_data=False).graph, np.random.default_rng(0), {}
    constants = {t.name for t in graph.initializer}
    for v in graph.input:
        if v.name in constants:
            continue
        t = v.type.tensor_type
        shape = [d.dim_value or dims.get(d.dim_param, 1) for d in t.shape.dim]
        dtype = onnx.helper.tensor_dtype_to_np_dtype(t.elem_type)
        feeds[v.name] = rng.standard_normal(shape).astype(dtype) if dtype.kind == "f" else np.ones(shape, dtype)
    return feeds


def onnxruntime_once(path, feeds_path, threads, seconds):
    """Runs in a process of its own: prints the figures as JSON."""
    import resource

    import onnxruntime as ort
    feeds, options = dict(np.load(feeds_path)), ort.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 4
    t0 = time.perf_counter()
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    t1 = time.perf_counter()
    session.run(None, feeds)
    times, t2 = [], time.perf_counter()
    while len(times) < 3 or time.perf_counter() - t2 < seconds:
        t = time.perf_counter()
        session.run(None, feeds)
        times.append(time.perf_counter() - t)
    times.sort()
    figures = [t1 - t0, t2 - t1, times[len(times) // 2], times[0]]
    print(json.dumps(dict(zip(FIELDS, [1e3 * f for f in figures] + [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))))


def main():
    if sys.argv[1:2] == ["--onnxruntime"]:
        return onnxruntime_once(sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5]))
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("mote")
    p.add_argument("model")
    p.add_argument("--dims", default="", help="sizes of named dimensions, as N=1,L=128")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--seconds", type=float, default=2)
    a = p.parse_args()
    dims = {k: int(v) for k, v in (d.split("=") for d in a.dims.split(",") if d)}
    with tempfile.TemporaryDirectory() as folder:
        feeds = str(pathlib.Path(folder) / "inputs.npz")
        np.savez(feeds, **inputs(a.model, dims))
        commands = {
            "mote": [a.mote, "bench", a.model, "--inputs", feeds, "--threads", str(a.threads), "--seconds", str(a.seconds), "--json"],
            "onnxruntime": [sys.executable, __file__, "--onnxruntime", a.model, feeds, str(a.threads), str(a.seconds)],
        }
        rounds = {name: [] for name in commands}
        for _ in range(a.rounds):
            for name, command in commands.items():
                done = subprocess.run(command, capture_output=True, text=True)
                if done.returncode != 0:
                    sys.exit(f"{name}: {done.stderr or done.stdout}")
                rounds[name].append(json.loads(done.stdout))
    print(f"{a.model}, {a.threads} thread(s), median of {a.rounds} rounds")
    print(f"{'':12}" + "".join(f"{f:>13}" for f in FIELDS))
    middle = {name: {f: statistics.median(r[f] for r in rs) for f in FIELDS} for name, rs in rounds.items()}
    for name, figures in middle.items():
        print(f"{name:12}" + "".join(f"{figures[f]:13.2f}" for f in FIELDS))
    spread = max(max(r["p50_ms"] for r in rs) / min(r["p50_ms"] for r in rs) for rs in rounds.values())
    print(f"onnxruntime / mote, p50: {middle['onnxruntime']['p50_ms'] / middle['mote']['p50_ms']:.2f}"
          + (f"   (rounds differ by {100 * (spread - 1):.0f} %)" if spread > 1.05 else ""))


if __name__ == "__main__":
    main()
