# test_compile.py - mote compile: every command takes what it writes, with the same answers, on trained models too; what it refuses
# SPDX-License-Identifier: Apache-2.0
import shutil

from clikit import *

add = model("add.onnx", [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("Add", ["h", "c"], ["y"])], [("x", F, ["N", 64])], [("y", F, ["N", 64])],
            {"w": np.random.default_rng(1).standard_normal((64, 64)).astype(np.float32), "c": np.arange(64, dtype=np.float32)}, note="kept")
np.savez(tmp / "in.npz", x=np.random.default_rng(2).standard_normal((3, 64)).astype(np.float32))
family = ["x86-64-vnni", "x86-64-avx512", "x86-64-avx2", "arm64", "plain"]


def same(a, b):
    with np.load(a) as x, np.load(b) as y:
        return x.files == y.files and all(x[k].tobytes() == y[k].tobytes() and x[k].shape == y[k].shape for k in x.files)


def both(onnx_file, mote_file, what, *args):
    """The same command on both files: the same bits."""
    for path, out in ((onnx_file, "a.npz"), (mote_file, "b.npz")):
        code, _, err = mote("run", path, *args, "--outputs", tmp / out, "--overwrite")
        check(code == 0, f"{what}: run {path}: {err}")
    check(same(tmp / "a.npz", tmp / "b.npz"), f"{what}: the compiled model gives the same bits")


def test_commands():
    out = tmp / "add.mote"
    j = document("compile", add, "-o", out, schema="mote.compile/1")
    check(j.get("family") in family and j.get("bytes") == out.stat().st_size, f"compile: its document {j}")
    both(add, out, "a product", "--inputs", tmp / "in.npz")
    np.savez(tmp / "out.npz", **np.load(tmp / "a.npz"))
    check(document("check", out, tmp / "in.npz", tmp / "out.npz", schema="mote.check/1")["passed"] == 1, "check: a compiled model's outputs")
    check(document("check", out, schema="mote.check/1")["passed"] == 1, "check: a compiled model's data")
    check(document("compare", add, out, schema="mote.compare/1")["within"], "compare: the model and its compiled form")
    check(document("bench", out, "--runs", 3, schema="mote.bench/1")["runs"] == 3, "bench")
    check(document("meta", out, schema="mote.meta/1")["metadata"] == {"note": "kept"}, "meta: the metadata is inside")
    i = document("inspect", out, schema="mote.inspect/1")
    check(i["inputs"][0]["name"] == "x" and i["parameters"] >= 64 * 64, "inspect: inputs and parameters")
    check("mote::Gemm" in mote("dump", out)[1], "dump: the machine's forms")
    check("memory" in document("inspect", out, "--dims", "N=4", schema="mote.inspect/1"), "inspect --dims")
    # the same file each time, and for a family of one's choice
    document("compile", add, "-o", tmp / "again.mote", schema="mote.compile/1")
    check((tmp / "again.mote").read_bytes() == out.read_bytes(), "compile: the same bytes")
    plain = document("compile", add, "-o", tmp / "plain.mote", "--target", "plain", schema="mote.compile/1")
    check(plain.get("family") == "plain" and document("check", tmp / "plain.mote", "--cpu", "none", schema="mote.check/1")["passed"] == 1, "--target plain")
    code, _, err = mote("run", tmp / "plain.mote", "--random")
    check(code == 0 or ("plain" in err and j["family"] in err), f"another family: both names: {err}")
    document("compile", add, "-o", tmp / "arm.mote", "--target", "arm64", schema="mote.compile/1")
    if j["family"] != "arm64":
        code, _, err = mote("run", tmp / "arm.mote", "--random")
        check(code == 1 and "arm64" in err and j["family"] in err, f"another family: both names: {err}")
        a, p = (tmp / "arm.mote").read_bytes(), (tmp / "plain.mote").read_bytes()
        check(len(a) == len(p) and sum(x != y for x, y in zip(a, p)) < 64, "arm64 packs as plain C does")


def test_wrong():
    out = tmp / "wrong.mote"
    document("compile", add, code=2, schema=None)
    document("compile", add, "-o", out, "--target", "vax", code=2, schema="mote.error/1")
    document("compile", add, "-o", out, "--dims", "Q=3", code=2, schema="mote.error/1")
    document("compile", tmp / "none.onnx", "-o", out, code=1, schema="mote.error/1")
    document("compile", add, "-o", tmp / "no" / "where.mote", code=1, schema="mote.error/1")
    check(not out.exists(), "a failure leaves no file")
    document("compile", add, "-o", out, schema="mote.compile/1")
    document("compile", add, "-o", out, code=1, schema="mote.error/1")
    document("compile", add, "-o", out, "--overwrite", schema="mote.compile/1")
    document("compile", out, "-o", tmp / "twice.mote", code=2, schema="mote.error/1")
    document("quantize", out, "-o", tmp / "q.onnx", "--int8", "dynamic", code=1, schema="mote.error/1")
    document("meta", out, "--remove", "note", "-o", tmp / "m.onnx", code=1, schema="mote.error/1")
    document("dump", out, "--stage", "simplify", code=1, schema="mote.error/1")
    document("run", out, "--random", "--disable-passes", "all", code=1, schema="mote.error/1")
    whole = out.read_bytes()
    for n in (0, 1, 7, 8, 100, 127, 128, 5000, len(whole) - 1):
        (tmp / "cut.mote").write_bytes(whole[:n])
        document("run", tmp / "cut.mote", "--random", code=1, schema="mote.error/1")
    for at, seen in ((20, True), (130, True), (1000, True), (len(whole) - 1000, False)):
        b = bytearray(whole)
        b[at] ^= 4
        (tmp / "flipped.mote").write_bytes(b)
        document("check", tmp / "flipped.mote", code=1, schema="mote.error/1")
        code, _, err = mote("run", tmp / "flipped.mote", "--random", "--threads", 1)
        check((code == 1) == seen, f"byte {at} flipped: run ends with {code}: {err}")
    check(not list(tmp.glob("*.tmp*")), "no temporary file is left")


def test_trained():
    shared = Path(os.environ.get("MOTE_SHARED", "../shared")) / "data"
    if not shared.exists():
        print("without trained models")
        return
    for name, dims in (("vision/mobilenetv3-small", "1"), ("vision/mobilenetv2-int8-qdq", "1"), ("vision/ultraface-320", "1"), ("vision/mnist", "1"), ("text/ner-minilm", "1")):
        onnx_file, out = shared / f"{name}.onnx", tmp / (Path(name).name + ".mote")
        if not onnx_file.exists():
            continue
        document("compile", onnx_file, "-o", out, schema="mote.compile/1")
        inputs = shared / f"{name}.inputs.npz"
        both(onnx_file, out, name, "--inputs", inputs)
        check(document("check", out, schema="mote.check/1").get("passed") == 1, f"{name}: its data")
        small = document("bench", out, "--inputs", inputs, "--runs", 3, schema="mote.bench/1")
        large = document("bench", onnx_file, "--inputs", inputs, "--runs", 3, schema="mote.bench/1")
        check(small["peak_rss_mb"] <= large["peak_rss_mb"] + 1 and small["model_bytes"] < large["model_bytes"] / 2 + 1e6,
              f"{name}: resident {small['peak_rss_mb']} MB, {large['peak_rss_mb']} MB from the ONNX file; taken {small['model_bytes']}, {large['model_bytes']}")
        out.unlink()


for t in (test_commands, test_wrong, test_trained):
    t()
finish()
