# test_commands.py - every command: help, man page, completions, exit codes, documents, errors, outputs that appear whole or not at all
# SPDX-License-Identifier: Apache-2.0
import shutil
import signal
import time

from clikit import *

commands = [line.split()[0] for line in mote("help")[1].split("\n") if line.startswith("  ")]
add = model("add.onnx", [helper.make_node("Add", ["x", "c"], ["y"])], [("x", F, ["N", 3])], [("y", F, ["N", 3])], {"c": np.array([1, 2, 3], np.float32)}, note="kept")
np.savez(tmp / "in.npz", x=np.arange(6, dtype=np.float32).reshape(2, 3))
np.savez(tmp / "out.npz", y=np.arange(6, dtype=np.float32).reshape(2, 3) + np.float32([1, 2, 3]))
np.savez(tmp / "wrong.npz", y=np.zeros((2, 3), np.float32))


def test_help():
    code, out, err = mote()
    check(code == 2 and out == "" and "usage: mote COMMAND" in err, "no command: usage on stderr, 2")
    code, out, err = mote("help")
    check(code == 0 and err == "" and {"run", "eval", "bench", "check", "compare", "inspect", "meta", "dump", "tokens"} <= set(commands), f"help lists the commands: {commands}")
    check(mote("--version")[1].startswith("mote "), "--version")
    check(mote("nonsense")[0] == 2 and mote("help", "nonsense")[0] == 2, "an unknown command: 2")
    for c in commands:
        code, text, err = mote("help", c)
        check(code == 0 and err == "" and text.startswith(f"usage: mote {c} ") and "--json" in text, f"help {c}")
        check(mote(c, "--help")[:2] == (0, text), f"{c} --help is help {c}")
        check(max(map(len, text.split("\n"))) <= 120, f"help {c} fits 120 columns")
        code, page, err = mote("man", c)
        check(code == 0 and page.startswith(f".TH MOTE-{c} 1\n") and ".SH EXIT STATUS" in page, f"man {c}")
        options = [w[2:] for line in text.split("\n") if line.startswith("  --") for w in line.split()[:1]]
        check(all("\\-\\-" + o.replace("-", "\\-") in page for o in options), f"man {c} has the options of help")
        if shutil.which("groff"):
            p = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z"], input=page.encode(), stderr=subprocess.PIPE)
            check(p.returncode == 0 and p.stderr == b"", f"groff on man {c}: {p.stderr[:200]!r}")
        check(mote(c, "--no-such-option")[0] == 2, f"{c}: an unknown option: 2")
        fails("no-such-option", c, "--no-such-option", code=2)
    bash = mote("completion", "bash")[1]
    check(subprocess.run(["bash", "-n"], input=bash.encode()).returncode == 0, "bash reads the completions")
    words = subprocess.run(["bash", "-c", bash + "\nCOMP_WORDS=(mote run --pr); COMP_CWORD=2; _mote; echo ${COMPREPLY[@]}; COMP_WORDS=(mote e); COMP_CWORD=1; _mote; echo ${COMPREPLY[@]}"],
                           stdout=subprocess.PIPE).stdout.decode().split("\n")
    check(words[0].split() == ["--prep", "--precision", "--provider"] and words[1] == "eval", f"bash completes --pr and e: {words}")
    zsh = mote("completion", "zsh")[1]
    check(zsh.startswith("#compdef mote") and "--label-offset" in zsh, "zsh completions")
    if shutil.which("zsh"):
        check(subprocess.run(["zsh", "-n"], input=zsh.encode()).returncode == 0, "zsh reads the completions")
    check(mote("completion", "fish")[0] == 2, "completion fish: 2")


def test_documents():
    check(len(document("inspect", add, schema="mote.inspect/1")["inputs"]) == 1, "inspect: one input")
    check("Add" in document("dump", add, schema="mote.dump/1")["text"], "dump: the text")
    check(document("meta", add, schema="mote.meta/1")["metadata"] == {"note": "kept"}, "meta: the metadata")
    r = document("run", add, "--inputs", tmp / "in.npz", schema="mote.run/1")
    check(r["outputs"][0]["values"] == [1, 3, 5, 4, 6, 8] and r["outputs"][0]["shape"] == [2, 3], "run: the values")
    check(set(document("bench", add, "--inputs", tmp / "in.npz", "--runs", 3, schema="mote.bench/1")) >= {"load_ms", "first_ms", "p50_ms", "min_ms", "peak_rss_mb"}, "bench: its figures")
    check(document("check", add, tmp / "in.npz", tmp / "out.npz", schema="mote.check/1")["passed"] == 1, "check: agrees")
    check(document("check", add, tmp / "in.npz", tmp / "wrong.npz", code=3, schema="mote.check/1")["failed"] == 1, "check: differs, 3")
    check(document("compare", add, add, schema="mote.compare/1")["within"], "compare: equal")
    vocab = write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\nhello\nworld\n")
    check(document("tokens", "--vocab", vocab, stdin=b"Hello world\n", schema="mote.tokens/1")["lines"][0]["ids"] == [2, 4, 5, 3], "tokens: the ids")
    check(document("run", add, "--random", "--dims", "N=4", schema="mote.run/1")["outputs"][0]["shape"] == [4, 3], "run --random: its shape")
    np.save(tmp / "x.npy", np.ones((1, 3), np.float32))
    for arg in (tmp / "x.npy", f"x={tmp / 'x.npy'}"):
        check(document("run", add, "--input", arg)["outputs"][0]["values"] == [2, 3, 4], f"run --input {arg}")


def test_errors():
    fails("No such file", "run", tmp / "nothing.onnx", "--random")
    (tmp / "bad.onnx").write_bytes(b"\xff" * 50)
    fails("", "run", tmp / "bad.onnx", "--random")
    for c in ("inspect", "dump", "meta", "bench"):
        document(c, tmp / "bad.onnx", code=1, schema="mote.error/1")
    fails("give one model", "run", code=2)
    fails("--inputs, --input", "run", add, code=2)
    fails("the model has no input 'y'", "run", add, "--inputs", tmp / "out.npz", code=2)
    np.savez_compressed(tmp / "bomb.npz", other=np.zeros((100, 512, 512), np.float32))  # 100 MB from 100 KB, refused by its name
    for command in (["run", add, "--inputs"], ["bench", add, "--inputs"], ["compare", add, add, "--data"]):
        fails("the model has no input 'other'", *command, tmp / "bomb.npz", code=2)
    np.savez_compressed(tmp / "bomb.npz", x=np.zeros((100, 512, 512), np.float32))
    fixed = model("six.onnx", [helper.make_node("Identity", ["x"], ["y"])], [("x", F, [2, 3])], [("y", F, [2, 3])])
    fails("the array 'x' has 26214400 elements, the input takes 6", "run", fixed, "--inputs", tmp / "bomb.npz")
    np.savez(tmp / "shape.npz", x=np.zeros((2, 4), np.float32))
    fails("", "run", add, "--inputs", tmp / "shape.npz")
    np.savez(tmp / "type.npz", x=np.zeros((2, 3), np.float64))
    fails("", "run", add, "--inputs", tmp / "type.npz")
    fails("not a value of the form N", "run", add, "--random", "--threads", "many", code=2)
    check(mote("run", add, "--inputs")[0] == 2 and "needs a value" in mote("run", add, "--inputs")[2], "an option without its value: 2")
    fails("a change needs --output", "meta", add, "--remove", "note", code=2)
    fails("no key 'other'", "meta", add, "--remove", "other", "--output", tmp / "never.onnx", code=2)
    check(not (tmp / "never.onnx").exists(), "meta: no output after a failure")
    fails("carries no preprocessing", "run", add, "--input", write("a.txt", "a"), code=2)
    fails("is no CPU feature", "run", add, "--random", "--cpu", "z80", code=2)


def test_dims():
    two = model("dims.onnx", [helper.make_node("Add", ["x", "z"], ["y"])], [("x", F, ["N", 3]), ("z", F, ["N", "L"])], [("y", F, ["N", 3])])
    fixed = model("fixed.onnx", [helper.make_node("Add", ["x", "x"], ["y"])], [("x", F, [1, 3])], [("y", F, [1, 3])])
    shape = lambda dims: document("run", two, "--random", "--dims", dims)["outputs"][0]["shape"]
    check(shape("N=2,L=3") == [2, 3] and shape("L=3") == [1, 3] and shape("N=0") == [0, 3], "--dims: sizes that are named, 1 for the rest")
    for dims, says in {"N=-1,L=5": "'N=-1' gives no size", "N=": "'N=' gives no size", "N=2x": "'N=2x' gives no size", "N= 2": "'N= 2' gives no size",
                       "N=99999999999999999999": "gives no size", "=3": "'=3' is not of the form", "N": "'N' is not of the form", "N=1,": "'' is not of the form",
                       "N=1,L=3,N=2": "'N' is given twice", "Q=4": "no input has a dimension named 'Q'", "N=2,n=2": "named 'n'"}.items():
        for c in (["run", two, "--random"], ["bench", two, "--runs", 3], ["compare", two], ["inspect", two]):
            j = fails(says, *c, "--dims", dims, code=2)
            check("the model has N, L" in j.get("message", ""), f"{c[0]} --dims {dims}: names the dimensions: {j.get('message')!r}")
    fails("the model has no named dimension", "run", fixed, "--random", "--dims", "N=1", code=2)
    check(document("compare", fixed, add, "--dims", "N=1", schema="mote.compare/1")["inputs"] == 1, "compare --dims: a dimension that one of the two has")
    fails("the model has N", "compare", fixed, add, "--dims", "M=1", code=2)


def test_defaults():
    """An initializer that is an input too: folded unless an array is named as it."""
    over = model("over.onnx", [helper.make_node("Neg", ["w"], ["v"]), helper.make_node("Add", ["x", "v"], ["y"])], [("x", F, [2]), ("w", F, [2])], [("y", F, [2])],
                 {"w": np.array([1, 2], np.float32)}, mote__preprocess=json.dumps({"version": 1, "inputs": {"x": {"kind": "array", "range": [0, 100]}}}))
    x, w = np.array([10, 20], np.float32), np.array([3, 5], np.float32)
    (tmp / "sets").mkdir()
    np.savez(tmp / "sets/one.npz", x=x)
    np.savez(tmp / "sets/two.npz", x=x, w=w)
    np.savez(tmp / "default.npz", y=x - np.float32([1, 2]))
    np.savez(tmp / "over.npz", y=x - w)
    np.save(tmp / "ox.npy", x)
    np.save(tmp / "ow.npy", w)
    one, two = tmp / "sets/one.npz", tmp / "sets/two.npz"
    values = lambda *a: document("run", over, *a, schema="mote.run/1")["outputs"][0]["values"]
    check(values("--inputs", one) == [9, 18] and values("--inputs", two) == [7, 15], "run --inputs: a default that is left, and one that is given")
    check(values("--input", f"x={tmp / 'ox.npy'}", "--input", f"w={tmp / 'ow.npy'}") == [7, 15], "run --input NAME=: a default that is given")
    check(values("--inputs", one, "--input", f"w={tmp / 'ow.npy'}") == [7, 15] and values("--input", tmp / "ox.npy") == [9, 18], "run: both ways at once, and neither")
    np.savez(tmp / "range.npz", x=-x, w=w)
    fails("range", "run", over, "--inputs", tmp / "range.npz")
    for i, o, good in ((one, "default", True), (two, "over", True), (two, "default", False)):
        check(document("check", over, i, tmp / f"{o}.npz", code=0 if good else 3)["passed"] == good, f"check: {i.name} against {o}")
    operators = lambda i: {r["op"] for r in document("bench", over, "--inputs", i, "--runs", 3, "--profile")["profile"]["nodes"]}
    check(operators(one) == {"Add"} and operators(two) == {"Add", "Neg"}, f"bench: a default is folded unless it is given: {operators(one)} {operators(two)}")
    check(document("compare", over, "--data", two, "--b-reference", "--rtol", 0)["within"] and document("compare", over, "--data", tmp / "sets")["inputs"] == 2, "compare: defaults that are given")
    np.savez(tmp / "dtype.npz", x=x, w=np.zeros(2))
    fails("'w'", "run", over, "--inputs", tmp / "dtype.npz")


def test_inputs_at_fault():
    """An input that cannot be read is what the error is of, in words and as a document, once."""
    def of(says, path, *args, code=1):
        j = fails(says, *args, code=code)
        err = mote(*args)[2]
        check(j.get("of") == str(path) and err.startswith(f"mote: {path}: ") and err.count(str(path)) == 1, f"{args[0]} {path}: of {j.get('of')}: {err!r}")

    pixels = model("pixels.onnx", [helper.make_node("Flatten", ["x"], ["y"])], [("x", F, [1, 3, 4, 4])], [("y", F, [1, 48])],
                   mote__preprocess=json.dumps({"version": 1, "inputs": {"x": {"kind": "image", "min_size": {"height": 2, "width": 2}, "do_resize": True, "size": {"height": 4, "width": 4}}}}))
    sound = model("sound.onnx", [helper.make_node("Neg", ["x"], ["y"])], [("x", F, [1, "L"])], [("y", F, [1, "L"])],
                  mote__preprocess=json.dumps({"version": 1, "inputs": {"x": {"kind": "audio", "sampling_rate": 8000}}}))
    empty = {n: write(n, "") for n in ("empty.jpg", "empty.npz", "empty.npy", "empty.wav")}
    of("not a JPEG, PNG, BMP or PNM", empty["empty.jpg"], "run", pixels, "--input", empty["empty.jpg"])
    of("not a JPEG, PNG, BMP or PNM", empty["empty.jpg"], "run", pixels, "--input", f"x={empty['empty.jpg']}")
    Image.new("RGB", (1, 1)).save(tmp / "small.png")
    of("", tmp / "small.png", "run", pixels, "--input", tmp / "small.png")
    of("", empty["empty.wav"], "run", sound, "--input", empty["empty.wav"])
    for n in ("empty.npz", "empty.npy"):
        of("neither .npy nor .npz", empty[n], "run", add, "--inputs", empty[n])
        of("neither .npy nor .npz", empty[n], "run", add, "--input", empty[n])
        of("neither .npy nor .npz", empty[n], "bench", add, "--inputs", empty[n])
        of("neither .npy nor .npz", empty[n], "compare", add, "--data", empty[n])
        of("neither .npy nor .npz", empty[n], "check", add, empty[n], tmp / "out.npz")
        of("neither .npy nor .npz", empty[n], "check", add, tmp / "in.npz", empty[n])
    of("neither .npy nor .npz", empty["empty.npz"], "eval", add, "--data", empty["empty.npz"])
    missing = tmp / "missing"
    for args in (["run", pixels, "--input", missing], ["run", add, "--inputs", missing], ["bench", add, "--inputs", missing], ["compare", add, "--data", missing], ["run", missing, "--random"]):
        of("No such file", missing, *args)
    (tmp / "npzs").mkdir()
    (tmp / "npzs/bad.npz").write_bytes(b"")
    of("neither .npy nor .npz", tmp / "npzs/bad.npz", "compare", add, "--data", tmp / "npzs")
    (tmp / "recorded").mkdir()
    (tmp / "recorded/input_0.pb").write_bytes(b"\xff" * 9)
    fails("recorded/input_0.pb: ", "check", add, tmp / "recorded")
    classes = write("classes.json", {"version": 1, "inputs": {"x": {"kind": "image", "do_resize": True, "size": {"height": 4, "width": 4}}}, "output": {"task": "classify", "output": "y"}})
    (tmp / "photos").mkdir()
    (tmp / "photos/labels.csv").write_text("a.jpg,0\n")
    (tmp / "photos/a.jpg").write_bytes(b"")
    of("not a JPEG, PNG, BMP or PNM", tmp / "photos/a.jpg", "eval", pixels, "--prep", classes, "--data", tmp / "photos")
    fails("not a JPEG, PNG, BMP or PNM", "run", pixels, "--input", "-")
    check("mote: standard input: " in mote("run", pixels, "--input", "-")[2], "standard input is named")


def test_outputs():
    target = tmp / "result.npz"
    check(mote("run", add, "--inputs", tmp / "in.npz", "--outputs", target)[0] == 0 and np.array_equal(np.load(target)["y"], np.load(tmp / "out.npz")["y"]), "outputs are written")
    parts = tmp / "parts.onnx"
    sequence = helper.make_value_info("s", helper.make_sequence_type_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, None)))
    onnx.save(helper.make_model(helper.make_graph([helper.make_node("SplitToSequence", ["x"], ["s"]), helper.make_node("SequenceLength", ["s"], ["n"])], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3])],
                                        [sequence, helper.make_tensor_value_info("n", TensorProto.INT64, [])]), opset_imports=[helper.make_opsetid("", 17)], ir_version=8), parts)
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.savez(tmp / "parts_in.npz", x=x)
    check(mote("run", parts, "--inputs", tmp / "parts_in.npz", "--outputs", tmp / "parts_out.npz")[0] == 0, "a sequence is written")
    got = np.load(tmp / "parts_out.npz")
    check(sorted(got) == ["n", "s[0]", "s[1]"] and np.array_equal(got["s[1]"], x[1:]), "its elements are named by their places")
    check(mote("check", parts, tmp / "parts_in.npz", tmp / "parts_out.npz")[0] == 0, "and checked")
    np.savez(tmp / "parts_bad.npz", **{**got, "s[1]": x[1:] + 1})
    code, out, _ = mote("check", parts, tmp / "parts_in.npz", tmp / "parts_bad.npz")
    check(code == 3 and "'s[1]'" in out, "a difference names the element")
    np.savez(tmp / "parts_bad.npz", **{**got, "s[2]": x[1:]})
    fails("no output 's[2]'", "check", parts, tmp / "parts_in.npz", tmp / "parts_bad.npz", code=2)
    before = target.read_bytes()
    fails("--overwrite", "run", add, "--random", "--dims", "N=2", "--outputs", target)
    check(target.read_bytes() == before, "an output that exists is kept")
    check(mote("run", add, "--random", "--outputs", target, "--overwrite")[0] == 0 and target.read_bytes() != before, "--overwrite replaces it")
    fails("", "run", add, "--random", "--outputs", tmp / "no/such/folder.npz")
    fails("not a regular file", "run", add, "--random", "--outputs", tmp, "--overwrite")
    trace = write("trace.json", "kept")
    fails("--overwrite", "bench", add, "--runs", 3, "--trace", trace)
    check("--overwrite" in mote("bench", tmp / "nothing.onnx", "--trace", trace)[2], "bench --trace: looked at before the work")
    check(trace.read_text() == "kept", "bench --trace: a file that exists is kept")
    check(mote("bench", add, "--runs", 3, "--trace", trace, "--overwrite")[0] == 0 and json.loads(trace.read_text())["traceEvents"], "bench --trace --overwrite")
    check(mote("bench", add, "--runs", 3, "--trace", tmp / "new.json")[0] == 0 and json.loads((tmp / "new.json").read_text())["traceEvents"], "bench --trace: a new file")
    no_temporaries("outputs")
    mask = os.umask(0)
    os.umask(mask)
    check(target.stat().st_mode & 0o777 == 0o666 & ~mask, "an output has the usual mode")
    a, b = tmp / "a.npz", tmp / "b.npz"
    for p in (a, b):
        mote("run", add, "--inputs", tmp / "in.npz", "--outputs", p)
    check(a.read_bytes() == b.read_bytes(), "the same outputs give the same bytes")
    with open("/dev/full", "w") as full:
        p = subprocess.run([tool, "run", str(add), "--inputs", str(tmp / "in.npz"), "--json"], stdout=full, stderr=subprocess.PIPE)
    check(p.returncode != 0, "a full standard output is a failure")


def test_interrupt():
    body = helper.make_graph([helper.make_node("Identity", ["c"], ["c2"]), helper.make_node("Add", ["v", "one"], ["v2"])], "b",
                             [helper.make_tensor_value_info("i", I, []), helper.make_tensor_value_info("c", TensorProto.BOOL, []), helper.make_tensor_value_info("v", F, [1])],
                             [helper.make_tensor_value_info("c2", TensorProto.BOOL, []), helper.make_tensor_value_info("v2", F, [1])])
    loop = model("loop.onnx", [helper.make_node("Loop", ["n", "t", "x"], ["y"], body=body)], [("x", F, [1])], [("y", F, [1])],
                 {"n": np.array(1 << 60), "t": np.array(True), "one": np.ones(1, np.float32)})
    for json_flag in ([], ["--json"]):
        p = subprocess.Popen([tool, "run", str(loop), "--random", "--step-limit", str(1 << 60), "--outputs", str(tmp / "loop.npz"), *json_flag], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
        time.sleep(0.5)
        p.send_signal(signal.SIGINT)
        out, err = p.communicate(timeout=20)
        check(p.returncode == 130, f"Ctrl-C: exit code {p.returncode}: {err[:200]!r}")
        check(not json_flag or json.loads(out)["schema"] == "mote.error/1", f"Ctrl-C: a document: {out[:200]!r}")
        check(not (tmp / "loop.npz").exists(), "Ctrl-C: no output")
        no_temporaries("Ctrl-C")
    fails("step", "run", loop, "--random", "--step-limit", 1000)


def test_meta():
    prep = write("p.json", {"version": 1, "inputs": {"x": {"kind": "array", "range": [0, 10]}}, "output": {"task": "classify", "output": "y", "labels": ["a", "b", "c"]}})
    two = tmp / "two.onnx"
    check(mote("meta", add, "--set", prep, "-o", two)[0] == 0, "meta --set")
    metadata = document("meta", two)["metadata"]
    check(json.loads(metadata["mote.preprocess"]) == json.loads(prep.read_text()) and metadata["note"] == "kept", "meta --set: both keys are there")
    onnx.checker.check_model(onnx.load(two))
    check(document("inspect", two)["preprocessing"] == {"inputs": {"x": "array"}, "task": "classify"} and document("inspect", add)["preprocessing"] is None, "inspect: preprocessing")
    check("preprocessing\n            x: array, in [0, 10]\n            y: classify\n" in mote("inspect", two)[1], "inspect: preprocessing in words")
    wrong = model("wrong.onnx", [helper.make_node("Neg", ["x"], ["y"])], [("x", F, [1])], [("y", F, [1])], mote__preprocess='{"version": 9}')
    check("version is 9" in document("inspect", wrong)["preprocessing"]["error"] and "not usable" in mote("inspect", wrong)[1], "inspect: a description that does not hold")
    np.save(tmp / "row.npy", np.array([[1, 5, 2]], np.float32))
    r = document("run", two, "--input", tmp / "row.npy")["results"][0]
    check([c["label"] for c in r["classes"]] == ["b", "c", "a"], "the model's own preprocessing is used")
    np.save(tmp / "row.npy", np.array([[1, 11, 2]], np.float32))
    fails("input 'x' has values in [1, 11], the declared range is [0, 10]", "run", two, "--input", tmp / "row.npy")
    np.save(tmp / "row.npy", np.array([[1, np.nan, 2]], np.float32))
    fails("element 1 is NaN, the declared range is [0, 10]", "run", two, "--input", tmp / "row.npy")
    fails("inputs.z: the model has no such input", "meta", add, "--set", write("z.json", {"version": 1, "inputs": {"z": {"kind": "array"}}}), "-o", tmp / "never.onnx")
    fails("line 1", "meta", add, "--set", write("broken.json", "{"), "-o", tmp / "never.onnx")
    check(mote("meta", add, "--set", write("free.txt", "any text"), "--key", "author", "-o", tmp / "three.onnx")[0] == 0, "meta --key")
    check(document("meta", tmp / "three.onnx")["metadata"] == {"note": "kept", "author": "any text"}, "meta --key: the text")
    fails("--overwrite", "meta", add, "--set", prep, "-o", two)
    check(mote("meta", two, "--remove", "mote.preprocess", "-o", two, "--overwrite")[0] == 0 and document("meta", two)["metadata"] == {"note": "kept"}, "meta --remove, in place")
    no_temporaries("meta")


def test_names_cannot_command_a_terminal():
    node = helper.make_node("Relu", ["x"], ["y"], name="n\x1b[31m")
    value = [helper.make_tensor_value_info(v, TensorProto.FLOAT, ["N\x1b[0m", 3]) for v in "xy"]
    model = helper.make_model(helper.make_graph([node], "g", value[:1], value[1:]), ir_version=8, opset_imports=[helper.make_opsetid("", 17)],
                              producer_name="p\x07")
    entry = model.metadata_props.add()
    entry.key, entry.value = "k\x1b]0;t\x07", "v\x1b[2J\n\u009b1m \u00e9"
    path = tmp / "terminal.onnx"
    onnx.save(model, path)
    for args in (["inspect", path], ["inspect", path, "--nodes"], ["meta", path], ["bench", path, "--runs", "3", "--profile"], ["dump", path],
                 ["run", path, "--random"]):
        code, out, err = mote(*args)
        bad = [c for c in out + err if (ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160]
        check(code == 0 and not bad, f"{args[0]}: exit code {code}, control characters {bad}")
    check(mote("meta", path)[1] == "k\\x1b]0;t\\x07 = v\\x1b[2J\n\\xc2\\x9b1m \u00e9\n", "meta: a value's line ends and letters stay")


for name, test in sorted(globals().copy().items()):
    if name.startswith("test_"):
        test()
finish()
