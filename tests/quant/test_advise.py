# test_advise.py - mote advise: figures against the onnx package, what is advised for known kinds of models, and that the commands run
# SPDX-License-Identifier: Apache-2.0
#
# Needs the data set at $MOTE_SHARED.
import os
import shutil
import subprocess

from quantkit import check, data, done, mote, prep, report, tmp, tool

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

(tmp / "bin").mkdir()
(tmp / "bin/mote").symlink_to(os.path.abspath(tool))
path = f"{tmp / 'bin'}:{os.environ['PATH']}"


def advise(model, *args):
    r = report("advise", model, *args)
    return r, {a["kind"]: a for a in r["advice"]}


def run(what, commands, d, e, *more):
    """The commands as a shell takes them, with the data put in."""
    for k, c in enumerate(commands):
        c = c.replace(" --data D", f" --data {d}").replace(" --eval E", f" --eval {e}")
        if c.startswith("mote "):
            c += "".join(f" {m}" for m in more)
        r = subprocess.run(c, shell=True, cwd=tmp, env={**os.environ, "PATH": path}, capture_output=True, text=True)
        check(f"{what}: command {k + 1} runs", r.returncode in (0, 3) and (r.returncode == 0 or "not written" in r.stderr), f"{r.returncode} {r.stderr.strip()[:200]}")


# figures
r, a = advise(data / "text/ner-minilm.onnx")
m = onnx.load(data / "text/ner-minilm.onnx")
arrays = {i.name: numpy_helper.to_array(i) for i in m.graph.initializer}
tables = sum(arrays[n.input[0]].nbytes for n in m.graph.node if n.op_type == "Gather" and n.input[0] in arrays and arrays[n.input[0]].ndim > 1)
weights = sum(arrays[n.input[1]].nbytes for n in m.graph.node if n.op_type == "MatMul" and n.input[1] in arrays)
ops = {o["op"]: o for o in r["operators"]}
check("bytes by operator are the file's", r["bytes"] == (data / "text/ner-minilm.onnx").stat().st_size and r["table_bytes"] == tables and
      abs(ops["MatMul"]["bytes"] - weights) < 0.01 * weights and ops["MatMul"]["nodes"] == sum(n.op_type == "MatMul" for n in m.graph.node), (r["table_bytes"], tables, ops["MatMul"]["bytes"], weights))
check("words: float16, dynamic for varying lengths, tables", [k for k in a if a[k]["verdict"] == "yes"] == ["size", "float16", "int8-dynamic", "tables"] and r["open_lengths"] and
      "sequence" in r["open"] and "essential" in a["size"]["why"] and "int8-static" in a and a["int8-static"]["verdict"] == "maybe", a.keys())
features = r["machine"]
check("this machine is named", ("float16 arithmetic" in a["float16"]["why"]) and ("no float16" not in a["float16"]["why"]) == ("fp16" in features), (features, a["float16"]["why"][-160:]))
r, a = advise(data / "vision/efficientnet-lite0.onnx")
check("pictures: float16, then static", [k for k in a if a[k]["verdict"] == "yes"] == ["size", "float16", "int8-static"] and "int8-dynamic" not in a and not r["open_lengths"] and r["open_batch"], a.keys())
r, a = advise(data / "audio/wavenet-amp.onnx")
check("dilated sound: hybrid, not static", a["hybrid"]["verdict"] == "yes" and a["int8-static"]["verdict"] == "no" and a["int8-static"]["commands"] == [] and a["size"]["verdict"] == "maybe", a.keys())
r, a = advise(data / "audio/dtln-1.onnx")
check("recurrent sound: hybrid with a recipe", a["hybrid"]["verdict"] == "yes" and '"LSTM"' in a["hybrid"]["commands"][0], a["hybrid"]["commands"])
r, a = advise(data / "audio/silero-vad.onnx")
check("layers in branches: which input to fix", "--fix" in a["int8-static"]["why"] and "sr=" in a["int8-static"]["why"] and "hybrid" not in a, a["int8-static"]["why"])
r, a = advise(data / "audio/silero-vad.onnx", "--fix", "sr=16000")
check("and what comes of it", a["hybrid"]["verdict"] == "yes" and "--fix sr=16000" in a["hybrid"]["commands"][1], a.keys())
for q in ("vision/mobilenetv2-int8-qdq", "audio/keywords-int8-qdq"):
    r, a = advise(data / f"{q}.onnx", "--data", data / "audio/keywords-calibration.npz")
    check(f"{q}: quantized already", list(a) == ["nothing"] and "quantized already" in a["nothing"]["why"] and a["nothing"]["commands"] == [] and "calibration" not in r)
mote("quantize", data / "audio/keywords.onnx", "-o", tmp / "h.onnx", "--fp16")
check("float16 already", list(advise(tmp / "h.onnx")[1]) == ["nothing"])


def save(name, nodes, x, y, weights):
    g = helper.make_graph(nodes, "g", [x], [y], [numpy_helper.from_array(v, k) for k, v in weights.items()])
    onnx.save(helper.make_model(g, opset_imports=[helper.make_opsetid("", 17)]), tmp / name)
    return tmp / name


f32 = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
large = save("large.onnx", [helper.make_node("MatMul", ["x", "w"], ["y"])], f32("x", ["N", 3600]), f32("y", ["N", 3600]), {"w": np.zeros((3600, 3600), np.float32)})
r, a = advise(large)
check("above 50 MB: essential; products: static or dynamic", "essential" in a["size"]["why"] and a["int8-static"]["verdict"] == "yes" and a["int8-dynamic"]["verdict"] == "maybe", a["size"]["why"])
none = save("none.onnx", [helper.make_node("Relu", ["x"], ["y"])], f32("x", ["N", 4]), f32("y", ["N", 4]), {})
check("nothing to quantize", list(advise(none)[1]) == ["nothing"])
step = helper.make_graph([helper.make_node("Add", ["s", "i"], ["s2"]), helper.make_node("Identity", ["s2"], ["o"])], "b", [f32("s", [4]), f32("i", [4])], [f32("s2", [4]), f32("o", [4])])
scan = save("scan.onnx", [helper.make_node("MatMul", ["x", "w"], ["t"]), helper.make_node("Scan", ["z", "t"], ["last", "y"], body=step, num_scan_inputs=1)], f32("x", ["T", 8]), f32("y", ["T", 4]),
            {"w": np.ones((8, 4), np.float32), "z": np.zeros(4, np.float32)})
check("a Scan is autoregressive", advise(scan)[1]["hybrid"]["verdict"] == "yes")

# samples
k = data / "audio/keywords.onnx"
r, a = advise(k, "--data", data / "audio/keywords-calibration.npz", "--limit", 40, "--compare-data", data / "audio/keywords-evaluation.npz")
check("samples are judged, and what they lack", r["calibration"]["samples"] == 40 and r["calibration"]["others"] == 40 and any("40 samples" in l for l in r["lacking"]), r["lacking"])
r2, _ = advise(k, "--data", data / "audio/keywords-calibration.npz")
check("more lack nothing", not any("samples: 100" in l for l in r2["lacking"]), r2["lacking"])
text = mote("advise", k, "--data", data / "audio/keywords-calibration.npz", "--limit", 40).stdout
check("the text has the same", all(x["why"] in text and all(c in text for c in x["commands"]) for x in advise(k, "--data", data / "audio/keywords-calibration.npz", "--limit", 40)[0]["advice"]) and "lacking" in text)

# the commands
odd = tmp / "a b'c$.onnx"
shutil.copy(k, odd)
sets = (data / "audio/keywords-calibration.npz", data / "audio/keywords-evaluation.npz")
r, a = advise(odd, "--prep", prep / "keywords.json")
for kind in a:
    run(f"an odd name, {kind}", a[kind]["commands"], *sets, "--limit 40" if kind == "int8-static" else "")
check("files are named after the model", (tmp / "a b'c$-fp16.onnx").exists(), [f.name for f in tmp.glob("*.onnx")])
(tmp / "w.iob2").write_text("\n\n".join((data / "text/ner/en_ewt-ud-test.iob2").read_text().split("\n\n")[:30]) + "\n")
r, a = advise(data / "text/ner-minilm.onnx", "--prep", prep / "ner-minilm.json", "--vocab", data / "text/vocab.txt")
run("tables", a["tables"]["commands"], data / "text/ner/en_ewt-ud-dev.iob2", tmp / "w.iob2")
size = (tmp / "ner-minilm-tables.onnx").stat().st_size / 1e6
check("tables: as small as was said", abs(size - float(a["tables"]["why"].split("about ")[1].split(" MB")[0])) < 0.03 * size, (size, a["tables"]["why"]))
for name in ("dtln-1", "wavenet-amp"):
    r, a = advise(data / f"audio/{name}.onnx", "--prep", prep / f"{name}.json")
    sound = data / ("audio/jfk.wav" if name == "dtln-1" else "audio/guitar.wav")
    run(f"{name}, hybrid", a["hybrid"]["commands"], sound, sound, "--limit 30" if name == "dtln-1" else "--limit 1", "--eval-limit 30" if name == "dtln-1" else "--eval-limit 1", "--effort 0")
    run(f"{name}, float16", a["float16"]["commands"], sound, sound, "--eval-limit 5")

# mistakes
mote("compile", k, "-o", tmp / "k.mote")
for what, args, code in (("no model", (), 2), ("two models", (k, k), 2), ("a missing model", (tmp / "none-there.onnx",), 1), ("a compiled model", (tmp / "k.mote",), 2), ("missing samples", (k, "--data", tmp / "nope"), 1),
                         ("samples of another model", (k, "--data", data / "vision/mnist.inputs.npz"), 2), ("nothing to compare with", (k, "--compare-data", sets[0]), 2),
                         ("a file that is no model", (data / "vision/imagenet-classes.txt",), 1)):
    x = subprocess.run([tool, "advise", *map(str, args)], capture_output=True, text=True)
    check("refused: " + what, x.returncode in (1, 2) and x.stderr.startswith("mote") and x.stdout == "", f"{x.returncode} {x.stderr.strip()[:120]}")

done()
