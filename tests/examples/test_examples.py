# test_examples.py - the examples, run: on small models made here, and on real ones where the data set is there
# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "cli"))
from clikit import *

source = Path(__file__).resolve().parent.parent.parent
examples = Path(os.environ.get("MOTE_EXAMPLES", source / "build/release/examples"))
data = Path(os.environ.get("MOTE_SHARED", source.parent / "shared")) / "data"
if not examples.is_dir():
    print("skipped: the examples are not built")
    sys.exit(77)


def example(name, *args):
    p = subprocess.run([examples / name, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    return p.returncode, p.stdout.decode(), p.stderr.decode()


for name in ("classify", "tagger", "speech", "custom"):
    check(example(name)[0] == 2 and "usage: " + name in example(name)[2], f"{name}: usage")
    check(example(name, *["/nothing"] * {"classify": 3, "tagger": 4, "speech": 2, "custom": 2}[name])[0] in (1, 2), f"{name}: files that are not there")
    check(len((source / f"examples/{name}.c").read_text().split("\n")) <= 80, f"{name}.c: under 80 lines")
    check(all(line.startswith(("#include <mote/", "#include <std", "#include <string")) for line in (source / f"examples/{name}.c").read_text().split("\n") if line.startswith("#include")),
          f"{name}.c: public headers only")

# red, green or blue
head = model("head.onnx", [helper.make_node("GlobalAveragePool", ["x"], ["p"]), helper.make_node("Flatten", ["p"], ["y"])], [("x", F, [1, 3, 4, 4])], [("y", F, [1, 3])])
prep = write("p.json", {"version": 1, "inputs": {"x": {"kind": "image", "do_resize": True, "size": {"height": 4, "width": 4}}},
                        "output": {"task": "classify", "output": "y", "labels": ["red", "green", "blue"]}})
Image.fromarray(np.full((5, 7, 3), [10, 30, 20], np.uint8)).save(tmp / "p.ppm")
check(example("classify", head, prep, tmp / "p.ppm")[:2] == (0, "30.0000  1  green\n20.0000  2  blue\n10.0000  0  red\n"), "classify")
(tmp / "cut.ppm").write_bytes((tmp / "p.ppm").read_bytes()[:-1])
check("not a binary PPM" in example("classify", head, prep, tmp / "cut.ppm")[2], "classify: a cut picture")

vocab = write("v.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\nada\nlove\n##lace\nin\nlondon\n")
tag = model("tag.onnx", [helper.make_node("Gather", ["t", "ids"], ["y"])], [("ids", I, ["N", "L"])], [("y", F, ["N", "L", 4])],
            {"t": np.eye(4, dtype=np.float32)[[0, 0, 0, 0, 1, 2, 2, 0, 3]]})
prep = write("t.json", {"version": 1, "inputs": {"ids": {"kind": "text", "part": "input_ids"}}, "tokenizer": {},
                        "output": {"task": "tag", "output": "y", "labels": ["O", "B-PER", "I-PER", "B-LOC"]}})
check(example("tagger", tag, prep, vocab, "Ada  Lovelace in LONDON")[:2] == (0, "PER  Ada  Lovelace\nLOC  LONDON\n"), "tagger")

def swirl(name, **more):
    nodes = [helper.make_node("Swirl", ["x"], ["a"], domain="com.example", name="first", **more), helper.make_node("Relu", ["a"], ["b"]),
             helper.make_node("Swirl", ["b"], ["y"], domain="com.example", factor=2.0)]
    info = [helper.make_tensor_value_info(v, F, ["N"]) for v in "xy"]
    m = helper.make_model(helper.make_graph(nodes, "g", info[:1], info[1:]), opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.example", 1)], ir_version=8)
    onnx.save(m, tmp / name)
    return tmp / name


x = np.array([1, -4, 2.5, 3], np.float32)
a = np.maximum(x + np.float32(0.5) * np.roll(x, 1), 0)
check(example("custom", swirl("swirl.onnx"), *x)[:2] == (0, " ".join("%g" % v for v in a + 2 * np.roll(a, 1)) + "\n"), "custom")
check("Swirl 'first': attribute 'angle'" in example("custom", swirl("angle.onnx", angle=1.0), 1)[2], "custom: an attribute that the operator does not have")
fails("operator Swirl of domain com.example, which is not known", "run", swirl("swirl.onnx"), "--random")

if data.is_dir():
    Image.open(data / "vision/photos/dog1.jpg").convert("RGB").save(tmp / "dog.ppm")
    code, out, _ = example("classify", data / "vision/mobilenetv3-small.onnx", source / "examples/prep/mobilenetv3-small.json", tmp / "dog.ppm")
    check(code == 0 and out.split()[1] == "207", f"classify: a golden retriever: {out}")
    code, out, _ = example("tagger", data / "text/ner-minilm.onnx", source / "examples/prep/ner-minilm.json", data / "text/vocab.txt", "Ada Lovelace lived in London.")
    check((code, out) == (0, "PER  Ada Lovelace\nLOC  London\n"), f"tagger: {out}")
    code, out, _ = example("speech", data / "audio/silero-vad.onnx", data / "audio/jfk.wav")
    check(code == 0 and len(out.strip().split("\n")) == 4, f"speech: {out}")
finish()
