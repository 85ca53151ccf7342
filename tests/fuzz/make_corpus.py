#!/usr/bin/env python3
"""make_corpus.py - writes the seeds in tests/fuzz/corpus/: small models, arrays, pictures, sounds and texts, all made here
SPDX-License-Identifier: Apache-2.0

usage: make_corpus.py            Needs numpy, onnx, Pillow. Failures that fuzzing found stand beside the seeds under their own names.
"""
import io
import os
import struct
import subprocess
import numpy as np
import onnx
from onnx import TensorProto as T, helper as h, numpy_helper as nh
from PIL import Image

root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")


def put(target, name, data):
    folder = os.path.join(root, target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data)


def arr(name, a):
    return nh.from_array(np.asarray(a), name)


def f32(*shape):
    n = int(np.prod(shape))
    return ((np.arange(n) % 7 - 3) / 4).astype(np.float32).reshape(shape)


def vi(name, t, shape):
    return h.make_tensor_value_info(name, t, shape)


def model(name, nodes, inputs, outputs, initializers=(), opset=17, functions=(), **more):
    g = h.make_graph(nodes, name, inputs, outputs, list(initializers))
    imports = [h.make_opsetid("", opset)]
    if functions:
        imports.append(h.make_opsetid("local", 1))
    m = h.make_model(g, opset_imports=imports, functions=list(functions), producer_name="corpus", **more)
    m.ir_version = 8
    h.set_model_props(m, {"key": "value"})
    data = m.SerializeToString(deterministic=True)
    for target in ("fuzz_onnx", "fuzz_load"):
        put(target, name, data)


def regexes():
    for name, pattern, text in (("email", rb"(\W|^)[\w.\-]{0,25}@(yahoo|gmail)\.com(\W|$)", b"me@gmail.com"), ("quotes", rb"\Qa.b*\E+\x41\103\n(?P<n>x)(?:y|)", b"a.b*AC\nxy"),
                                ("classes", rb"[[:alpha:]]+[^\d\S_-]*[\]a-f\x{3b1}-\x{3c9}]", b"abc \xce\xb1"), ("counts", rb"((a?){3}|b{2,}|c{,3}|d{0}){1,4}?", b"aabb"),
                                ("flags", b"(?i)stra\xc3\x9fe(?-i:X)(?s:.)(?m:^a$)", b"STRA\xc3\x9fEX\na"), ("edges", rb"\A\bfoo\b|\Bx\B\z", b"foo"), ("not-utf8", b"a.", b"a\xff"),
                                ("bad", b"(a[\xff", b"")):
        put("fuzz_regex", name, pattern + b"\0" + text)


def models():
    n = h.make_node
    x4 = vi("x", T.FLOAT, [1, 2, 5, 5])
    model("conv", [n("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1], strides=[2, 2]), n("BatchNormalization", ["c", "s", "s", "s", "v"], ["n"]),
                   n("Relu", ["n"], ["r"]), n("Conv", ["r", "d"], ["e"], group=4, kernel_shape=[1, 1]), n("HardSwish", ["e"], ["hs"]),
                   n("GlobalAveragePool", ["hs"], ["p"]), n("Flatten", ["p"], ["f"]), n("Gemm", ["f", "m"], ["y"], transB=1)],
          [x4], [vi("y", T.FLOAT, [1, 3])],
          [arr("w", f32(4, 2, 3, 3)), arr("b", f32(4)), arr("s", f32(4)), arr("v", np.abs(f32(4))), arr("d", f32(4, 1, 1, 1)), arr("m", f32(3, 4))])
    model("pool", [n("MaxPool", ["x"], ["a", "i"], kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1), n("AveragePool", ["x"], ["b"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
                   n("Resize", ["b", "", "sc"], ["rs"], mode="linear"), n("ReduceMean", ["rs"], ["y"], axes=[2, 3]), n("LpPool", ["x"], ["l"], kernel_shape=[2, 2])],
          [x4], [vi("y", T.FLOAT, None), vi("a", T.FLOAT, None), vi("i", T.INT64, None), vi("l", T.FLOAT, None)], [arr("sc", np.array([1, 1, 2, 2], np.float32))])
    model("attention", [n("MatMul", ["x", "wq"], ["q"]), n("MatMul", ["x", "wk"], ["k"]), n("Transpose", ["k"], ["kt"], perm=[0, 2, 1]), n("MatMul", ["q", "kt"], ["s"]),
                        n("Div", ["s", "c"], ["sd"]), n("Softmax", ["sd"], ["p"], axis=-1), n("MatMul", ["p", "x"], ["o"]), n("Add", ["o", "x"], ["r"]),
                        n("ReduceMean", ["r"], ["mu"], axes=[-1]), n("Sub", ["r", "mu"], ["d"]), n("Pow", ["d", "two"], ["d2"]), n("ReduceMean", ["d2"], ["var"], axes=[-1]),
                        n("Add", ["var", "eps"], ["ve"]), n("Sqrt", ["ve"], ["sd2"]), n("Div", ["d", "sd2"], ["ln"]), n("Erf", ["ln"], ["e"]), n("Mul", ["ln", "e"], ["y"])],
          [vi("x", T.FLOAT, ["N", "L", 4])], [vi("y", T.FLOAT, ["N", "L", 4])],
          [arr("wq", f32(4, 4)), arr("wk", f32(4, 4)), arr("c", np.float32(2)), arr("two", np.float32(2)), arr("eps", np.float32(1e-5))])
    model("shapes", [n("Shape", ["x"], ["s"]), n("Gather", ["s", "zero"], ["d"], axis=0), n("Unsqueeze", ["d", "zeros"], ["u"]), n("Concat", ["u", "minus"], ["t"], axis=0),
                     n("Reshape", ["x", "t"], ["r"]), n("Slice", ["r", "zeros", "ones", "ones"], ["sl"]), n("Expand", ["sl", "ex"], ["e"]), n("Tile", ["e", "ex"], ["ti"]),
                     n("Pad", ["ti", "pads"], ["p"], mode="reflect"), n("Squeeze", ["u"], ["sq"]), n("Range", ["zero", "sq", "one"], ["ra"]), n("ConstantOfShape", ["u"], ["cs"]),
                     n("NonZero", ["x"], ["nz"]), n("Where", ["w", "x", "x"], ["wh"]), n("Split", ["x"], ["s1", "s2"], axis=1), n("Cast", ["ra"], ["ca"], to=T.FLOAT)],
          [vi("x", T.FLOAT, ["N", 4]), vi("w", T.BOOL, ["N", 4])], [vi(o, t, None) for o, t in (("p", T.FLOAT), ("ca", T.FLOAT), ("cs", T.FLOAT), ("nz", T.INT64), ("wh", T.FLOAT), ("s2", T.FLOAT))],
          [arr("zero", np.int64(0)), arr("one", np.int64(1)), arr("zeros", np.array([0], np.int64)), arr("ones", np.array([1], np.int64)), arr("minus", np.array([-1], np.int64)),
           arr("ex", np.array([2, 3], np.int64)), arr("pads", np.array([1, 0, 0, 1], np.int64))])
    body = h.make_graph([n("Add", ["a_in", "x"], ["a_out"]), n("Identity", ["a_out"], ["scan"]), n("Identity", ["cond"], ["c_out"])], "body",
                        [vi("i", T.INT64, []), vi("cond", T.BOOL, []), vi("a_in", T.FLOAT, [2])], [vi("c_out", T.BOOL, []), vi("a_out", T.FLOAT, [2]), vi("scan", T.FLOAT, [2])])
    model("loop", [n("Loop", ["trip", "true", "x"], ["last", "all"], body=body)], [vi("x", T.FLOAT, [2])], [vi("last", T.FLOAT, [2]), vi("all", T.FLOAT, None)],
          [arr("trip", np.int64(3)), arr("true", np.bool_(True))])
    then = h.make_graph([n("Relu", ["x"], ["t"])], "then", [], [vi("t", T.FLOAT, None)])
    other = h.make_graph([n("Neg", ["x"], ["e"])], "else", [], [vi("e", T.FLOAT, None)])
    model("if", [n("ReduceSum", ["x"], ["s"], keepdims=0), n("Greater", ["s", "z"], ["c"]), n("If", ["c"], ["y"], then_branch=then, else_branch=other)],
          [vi("x", T.FLOAT, [3])], [vi("y", T.FLOAT, None)], [arr("z", np.float32(0))], opset=13)
    scan = h.make_graph([n("Add", ["st", "el"], ["so"]), n("Mul", ["so", "so"], ["sc"])], "scan", [vi("st", T.FLOAT, [2]), vi("el", T.FLOAT, [2])], [vi("so", T.FLOAT, [2]), vi("sc", T.FLOAT, [2])])
    model("scan", [n("Scan", ["s0", "x"], ["s", "y"], body=scan, num_scan_inputs=1)], [vi("s0", T.FLOAT, [2]), vi("x", T.FLOAT, [3, 2])], [vi("s", T.FLOAT, [2]), vi("y", T.FLOAT, None)])
    model("qdq", [n("QuantizeLinear", ["x", "sc", "zp"], ["q"]), n("DequantizeLinear", ["q", "sc", "zp"], ["d"]), n("DequantizeLinear", ["wq", "ws", "wz"], ["w"], axis=0),
                  n("Conv", ["d", "w"], ["c"]), n("QuantizeLinear", ["c", "sc", "zp"], ["cq"]), n("DequantizeLinear", ["cq", "sc", "zp"], ["y"])],
          [x4], [vi("y", T.FLOAT, None)], [arr("sc", np.float32(0.05)), arr("zp", np.uint8(128)), arr("wq", np.arange(36, dtype=np.int8).reshape(2, 2, 3, 3)), arr("ws", np.array([.1, .2], np.float32)), arr("wz", np.zeros(2, np.int8))])
    model("integer", [n("ConvInteger", ["x", "w"], ["c"]), n("DynamicQuantizeLinear", ["f"], ["q", "qs", "qz"]), n("MatMulInteger", ["q", "m"], ["y"]),
                      n("QLinearMatMul", ["q", "qs", "qz", "m8", "qs", "qz", "qs", "qz"], ["ym"])],
          [vi("x", T.UINT8, [1, 1, 4, 4]), vi("f", T.FLOAT, [2, 3])], [vi("c", T.INT32, None), vi("y", T.INT32, None), vi("ym", T.UINT8, None)],
          [arr("w", np.ones((1, 1, 2, 2), np.uint8)), arr("m", np.ones((3, 2), np.int8)), arr("m8", np.ones((3, 2), np.uint8))])
    model("recurrent", [n("LSTM", ["x", "w", "r"], ["a", "b", "c"], hidden_size=2, direction="bidirectional"), n("GRU", ["x", "wg", "rg"], ["d", "e"], hidden_size=2)],
          [vi("x", T.FLOAT, [3, 1, 2])], [vi(o, T.FLOAT, None) for o in "abcde"],
          [arr("w", f32(2, 8, 2)), arr("r", f32(2, 8, 2)), arr("wg", f32(1, 6, 2)), arr("rg", f32(1, 6, 2))])
    model("strings", [n("Identity", ["s"], ["y"]), n("Reshape", ["s", "sh"], ["r"]), n("Concat", ["r", "r"], ["c"], axis=0), n("Gather", ["s", "i"], ["g"])],
          [], [vi(o, T.STRING, None) for o in "yrcg"], [h.make_tensor("s", T.STRING, [3], [b"one", b"", b"\xff\0"]), arr("sh", np.array([3, 1], np.int64)), arr("i", np.array([2, -1], np.int64))])
    fn = h.make_function("local", "Twice", ["a"], ["b"], [h.make_node("Mul", ["a", "k"], ["b"]), h.make_node("Constant", [], ["k"], value_float=2.0)][::-1], [h.make_opsetid("", 17)])
    outer = h.make_function("local", "Four", ["a"], ["b"], [n("Twice", ["a"], ["t"], domain="local"), n("Twice", ["t"], ["b"], domain="local")],
                            [h.make_opsetid("", 17), h.make_opsetid("local", 1)])
    leak = onnx.NodeProto()
    leak.CopyFrom(n("LeakyRelu", ["a"], ["b"]))
    at = leak.attribute.add()
    at.name, at.ref_attr_name, at.type = "alpha", "slope", onnx.AttributeProto.FLOAT
    slope = h.make_function("local", "Slope", ["a"], ["b"], [leak], [h.make_opsetid("", 17)], ["slope"])
    model("function", [n("Four", ["x"], ["f"], domain="local"), n("Slope", ["f"], ["y"], domain="local", slope=0.5)], [vi("x", T.FLOAT, [2])], [vi("y", T.FLOAT, [2])], functions=[fn, outer, slope])
    sparse = h.make_sparse_tensor(arr("sp", np.array([1, 2], np.float32)), arr("", np.array([0, 3], np.int64)), [2, 2])
    model("constants", [n("Constant", [], ["a"], sparse_value=sparse), n("Constant", [], ["b"], value_ints=[1, -1]), n("Constant", [], ["c"], value_string=b"x"),
                        n("Constant", [], ["d"], value=h.make_tensor("", T.INT4, [3], [1, -2, 3])), n("Cast", ["d"], ["e"], to=T.FLOAT), n("Add", ["a", "a"], ["y"])],
          [], [vi("y", T.FLOAT, None), vi("b", T.INT64, None), vi("c", T.STRING, None), vi("e", T.FLOAT, None)], opset=21)
    model("sequence", [n("SequenceConstruct", ["x", "x"], ["s"]), n("SequenceAt", ["s", "i"], ["a"]), n("ConcatFromSequence", ["s"], ["y"], axis=0), n("SequenceLength", ["s"], ["l"])],
          [vi("x", T.FLOAT, [2])], [vi("y", T.FLOAT, None), vi("a", T.FLOAT, None), vi("l", T.INT64, None)], [arr("i", np.int64(-1))])
    model("select", [n("TopK", ["x", "k"], ["v", "i"]), n("ArgMax", ["x"], ["am"], axis=1), n("GatherElements", ["x", "i"], ["ge"], axis=1), n("ScatterND", ["x", "si", "su"], ["sn"]),
                     n("OneHot", ["am", "dep", "ov"], ["oh"]), n("CumSum", ["x", "ax"], ["cu"]), n("GatherND", ["x", "si"], ["gn"]), n("Einsum", ["x", "x"], ["y"], equation="ij,kj->ik"),
                     n("Trilu", ["x"], ["tr"]), n("NonMaxSuppression", ["bx", "sr", "mx", "th"], ["nm"])],
          [vi("x", T.FLOAT, [3, 4]), vi("bx", T.FLOAT, [1, 3, 4]), vi("sr", T.FLOAT, [1, 1, 3])],
          [vi(o, t, None) for o, t in (("v", T.FLOAT), ("ge", T.FLOAT), ("sn", T.FLOAT), ("oh", T.FLOAT), ("cu", T.FLOAT), ("gn", T.FLOAT), ("y", T.FLOAT), ("tr", T.FLOAT), ("nm", T.INT64))],
          [arr("k", np.array([2], np.int64)), arr("si", np.array([[0, 1], [2, 3]], np.int64)), arr("su", np.array([5, 6], np.float32)), arr("dep", np.int64(4)),
           arr("ov", np.array([0, 1], np.float32)), arr("ax", np.int64(1)), arr("mx", np.array([2], np.int64)), arr("th", np.array([.5], np.float32))])
    binary = ["Add", "Sub", "Mul", "Div", "Mod", "BitShift", "Max", "Equal", "BitwiseXor"]
    model("whole_numbers", [n(op, ["x", "z"], [f"y{i}"], **({"direction": "LEFT"} if op == "BitShift" else {})) for i, op in enumerate(binary)],
          [vi("x", T.UINT8, [4]), vi("z", T.UINT8, [4])], [vi(f"y{i}", T.BOOL if op == "Equal" else T.UINT8, None) for i, op in enumerate(binary)], opset=18)


def arrays():
    for name, a in (("f32", f32(2, 3)), ("i64_fortran", np.asfortranarray(np.arange(6).reshape(2, 3))), ("big_endian", np.arange(3, dtype=">i2")), ("text", np.array(["a", "\u00e9\U0001f600"])),
                    ("bytes", np.array([b"ab", b""])), ("complex", np.ones(2, np.complex64)), ("empty", np.zeros((0, 3), np.float16)), ("scalar", np.bool_(True))):
        f = io.BytesIO()
        np.save(f, a)
        put("fuzz_npz", name + ".npy", f.getvalue())
    for name, save in (("stored", np.savez), ("deflated", np.savez_compressed)):
        f = io.BytesIO()
        save(f, x=f32(4), labels=np.arange(5), words=np.array(["no", "yes"]))
        put("fuzz_npz", name + ".npz", f.getvalue())


def pictures():
    rgb = Image.fromarray((np.arange(17 * 9 * 3) % 256).astype(np.uint8).reshape(9, 17, 3))
    for name, image, options in (("420.jpg", rgb, {}), ("444.jpg", rgb, {"subsampling": 0}), ("gray.jpg", rgb.convert("L"), {}), ("progressive.jpg", rgb, {"progressive": True, "quality": 30}),
                                 ("cmyk.jpg", rgb.convert("CMYK"), {}), ("rgb.png", rgb, {}), ("palette.png", rgb.quantize(8), {}), ("alpha.png", rgb.convert("RGBA"), {}),
                                 ("bits.png", rgb.convert("1"), {}), ("gray.png", rgb.convert("L"), {}), ("deep.png", Image.fromarray(np.arange(12, dtype=np.uint16).reshape(3, 4) * 5000), {})):
        f = io.BytesIO()
        image.save(f, "JPEG" if name.endswith("jpg") else "PNG", **options)
        put("fuzz_picture", name, f.getvalue())


def sounds():
    def wav(name, tag, bits, channels, payload, extra=b"", extensible=False):
        fmt = struct.pack("<HHIIHH", 0xfffe if extensible else tag, channels, 16000, 16000 * channels * bits // 8, channels * bits // 8, bits)
        if extensible:
            fmt += struct.pack("<HHIH", 22, bits, 0, tag) + bytes.fromhex("000000001000800000aa00389b71")
        body = b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt + extra + b"data" + struct.pack("<I", len(payload)) + payload
        put("fuzz_wav", name, b"RIFF" + struct.pack("<I", len(body)) + body)
    wav("u8", 1, 8, 1, bytes(range(20)))
    wav("s16", 1, 16, 2, bytes(range(40)), b"LIST\3\0\0\0abc\0")
    wav("s24", 1, 24, 1, bytes(range(30)), extensible=True)
    wav("s32", 1, 32, 1, bytes(range(16)))
    wav("f32", 3, 32, 1, struct.pack("<4f", 0, 1, -1, float("nan")))
    wav("f64", 3, 64, 1, struct.pack("<2d", 1e300, 0))


def texts():
    vocab = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nun\n##aff\n##able\nrunning\n,\n!\n\u4e2d\na\n##b\n"
    for name, rest in (("plain", "Unaffable running, ab!"), ("pair", "un\n\nrunning a"), ("accents", "\u00dcn a\u0301b \u4e2d\u6587 \U0001f600\u200d \ufffd"), ("special", "[CLS] [MASK] un[SEP]able")):
        put("fuzz_tokens", name, (vocab + "\n" + rest).encode())
    put("fuzz_tokens", "broken", (vocab + "\n").encode() + b"\xff\xc0\x80 \xed\xa0\x80 un\0able \xf4\x90\x80\x80")


def compiled():
    """The models, compiled for plain C by the tool ($MOTE_TOOL), with less of the zeros before their data than a page would take."""
    tool = os.environ.get("MOTE_TOOL", "build/release/mote")
    for name in ("conv", "attention", "qdq", "recurrent", "loop"):
        out = os.path.join(root, "fuzz_compiled.tmp")
        subprocess.run([tool, "compile", os.path.join(root, "fuzz_load", name), "-o", out, "--target", "plain", "--overwrite"], check=True, stderr=subprocess.DEVNULL)
        b = bytearray(open(out, "rb").read())
        os.remove(out)
        file_bytes, tensors, packs, graph, payload = struct.unpack_from("<5Q", b, 64)
        behind = 128 + 16 * tensors + 64 * packs + graph
        less = (payload - behind - 256) // 64 * 64
        for at in [128 + 16 * i for i in range(tensors)] + [128 + 16 * tensors + 64 * i for i in range(packs)]:
            place, = struct.unpack_from("<Q", b, at)
            if place != 2 ** 64 - 1:
                struct.pack_into("<Q", b, at, place - less)
        struct.pack_into("<Q", b, 64, file_bytes - less)
        struct.pack_into("<Q", b, 96, payload - less)
        put("fuzz_compiled", name, bytes(b[:payload - less] + b[payload:]))


for part in (models, arrays, pictures, sounds, texts, regexes, compiled):
    part()
