# ops.py - every operator on its common case, mote beside onnxruntime: float32, one thread, the shapes of real networks
# SPDX-License-Identifier: Apache-2.0
"""python ops.py MOTE [--only NAME,...] [--rounds 3] [--seconds 0.2] [--markdown FILE] [--limit 2.0]

For each row of CASES a model of one operator, its weights constant and its inputs fed. Rounds of both engines in turn, the least of each one's medians;
then the table, slowest against onnxruntime first. Ends with 1 when a row is beyond --limit times onnxruntime's time plus 10 us (a call of onnxruntime
from Python costs about as much, so rows of microseconds say little). On a shared machine: taskset -c 1 chrt -f 50 python ops.py ..."""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx
from onnx import helper, numpy_helper

rng = np.random.default_rng(0)
CASES = []
MS, ML = "com.microsoft", "ai.onnx.ml"


class W:
    """A constant input."""

    def __init__(self, *what):
        self.array = value(what[0] if len(what) == 1 and not isinstance(what[0], int) else what)


def value(v):
    if isinstance(v, np.ndarray):
        return v
    if isinstance(v, (list,)):
        return np.array(v, np.int64)
    return (rng.standard_normal(v) * 0.5).astype(np.float32)


def case(op, *inputs, out=1, domain="", opset=22, note="", **attrs):
    CASES.append((op, [None if i is None else i if isinstance(i, W) else value(i) for i in inputs], out, domain, opset, note, attrs))


def pos(*shape):
    return (np.abs(rng.standard_normal(shape)) + 0.1).astype(np.float32)


def flags(*shape):
    return rng.random(shape) > 0.5


def ids(n, *shape):
    return rng.integers(0, n, shape).astype(np.int64)


def u8(*shape):
    return rng.integers(0, 255, shape).astype(np.uint8)


F0, ACT, HID, MAP = np.float32(0), (1, 64, 56, 56), (1, 128, 768), (1, 32, 112, 112)
scalar = lambda v, t=np.float32: np.array(v, t)

# elementwise: an activation map, or BERT's hidden states
for name in ("Abs Ceil Floor Neg Relu Sigmoid Tanh Exp Erf Sign Round Reciprocal Softplus Softsign Sin Cos Tan Atan Sinh Cosh Asinh HardSwish Mish IsNaN IsInf Identity").split():
    case(name, ACT)
for name in "Elu Selu Celu LeakyRelu HardSigmoid ThresholdedRelu Gelu Shrink".split():
    case(name, ACT)
case("Gelu", HID, approximate="tanh", note="tanh")
case("Swish", ACT, opset=24)
for name in "Sqrt Log".split():
    case(name, pos(*ACT))
case("Acosh", pos(*ACT) + 1)
for name in "Acos Asin Atanh".split():
    case(name, np.clip(value(ACT), -0.9, 0.9))
for name in "Add Sub Mul Div".split():
    case(name, ACT, ACT)
    case(name, HID, (768,), note="bias")
case("Mul", ACT, (1, 64, 1, 1), note="gate")
case("Pow", pos(*HID), W(scalar(2)), note="2")
case("Pow", pos(*HID), W(scalar(0.5)), note="0.5")
case("Pow", pos(*HID), pos(*HID), note="tensors")
case("Mod", pos(*HID), pos(*HID), fmod=1)
case("Mod", ids(9999, *HID), ids(99, *HID) + 1, note="int64")
case("Mod", ids(9999, *HID).astype(np.int32), ids(99, *HID).astype(np.int32) + 1, note="int32")
case("Div", ids(9999, *HID), ids(99, *HID) + 1, note="int64")
case("PRelu", ACT, W(64, 1, 1))
for name in "Max Min Sum Mean".split():
    case(name, ACT, ACT)
case("Clip", ACT, W(scalar(0)), W(scalar(6)))
for name in "Equal Greater GreaterOrEqual Less LessOrEqual".split():
    case(name, HID, HID)
for name in "And Or Xor".split():
    case(name, flags(*HID), flags(*HID))
case("Not", flags(*HID))
case("Where", flags(1, 12, 128, 128), (1, 12, 128, 128), W(scalar(-1e4)))
case("BitwiseAnd", ids(99, *HID), ids(99, *HID))
case("BitwiseOr", ids(99, *HID), ids(99, *HID))
case("BitwiseXor", ids(99, *HID), ids(99, *HID))
case("BitwiseNot", ids(99, *HID))
case("BitShift", ids(99, *HID).astype(np.uint32), ids(8, *HID).astype(np.uint32), direction="LEFT")
case("Dropout", HID)
case("Cast", ACT, to=onnx.TensorProto.FLOAT16, note="to float16")
case("Cast", ACT, to=onnx.TensorProto.INT64, note="to int64")
case("Cast", ids(99, *HID), to=onnx.TensorProto.FLOAT, note="from int64")
case("CastLike", HID, W(value((1,)).astype(np.float16)))
# reductions and normalizations
for name in "ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSumExp ReduceSumSquare".split():
    case(name, HID, W([-1]), note="last axis")
    case(name, ACT, W([2, 3]), note="planes")
case("ReduceLogSum", pos(*HID), W([-1]))
case("ReduceMean", ACT, W([1]), note="channels")
case("ArgMax", (1, 19, 128, 128), axis=1)
case("ArgMax", (128, 1000), axis=-1, note="last axis")
case("ArgMin", (128, 1000), axis=-1)
case("Softmax", (1, 12, 128, 128))
case("Softmax", (1, 21, 64, 64), axis=1, note="channels")
case("LogSoftmax", (128, 1000))
case("Hardmax", (128, 1000))
case("LayerNormalization", HID, W(768), W(768))
case("RMSNormalization", HID, W(768), opset=23)
case("SimplifiedLayerNormalization", HID, W(768), opset=17)
case("BatchNormalization", ACT, W(64), W(64), W(64), W(pos(64)))
case("InstanceNormalization", ACT, W(64), W(64))
case("GroupNormalization", ACT, W(64), W(64), num_groups=32)
case("MeanVarianceNormalization", ACT)
case("LpNormalization", (128, 512), axis=-1, p=2)
case("LRN", (1, 96, 55, 55), size=5)
case("CumSum", (128, 1000), W(scalar(1, np.int64)))
case("CumSum", (1, 16000), W(scalar(1, np.int64)), note="a signal")
case("CumProd", (128, 1000), W(scalar(1, np.int64)), opset=26)
# products
case("MatMul", (1, 128, 768), W(768, 3072))
case("MatMul", (1, 12, 128, 64), (1, 12, 64, 128), note="attention")
case("Gemm", (1, 1024), W(1000, 1024), W(1000), transB=1)
case("Gemm", (128, 768), W(768, 768), W(768), note="128 rows")
case("Einsum", (1, 12, 128, 64), (1, 12, 128, 64), equation="bhid,bhjd->bhij")
case("MatMulInteger", u8(128, 768), W(u8(768, 768)))
case("QLinearMatMul", u8(128, 768), W(scalar(0.1)), W(scalar(3, np.uint8)), W(u8(768, 768)), W(scalar(0.1)), W(scalar(5, np.uint8)), W(scalar(9.0)), W(scalar(9, np.uint8)))
case("Det", (64, 8, 8))
case("Attention", (1, 12, 128, 64), (1, 12, 128, 64), (1, 12, 128, 64), opset=23)
case("RotaryEmbedding", (1, 12, 128, 64), W(1, 128, 32), W(1, 128, 32), opset=23)
# convolutions, pools, pictures
case("Conv", (1, 3, 224, 224), W(16, 3, 3, 3), W(16), strides=[2, 2], pads=[1] * 4, kernel_shape=[3, 3])
case("Conv", (1, 64, 56, 56), W(64, 64, 3, 3), W(64), pads=[1] * 4, kernel_shape=[3, 3], note="3x3")
case("Conv", (1, 64, 56, 56), W(128, 64, 1, 1), W(128), kernel_shape=[1, 1], note="1x1")
case("Conv", (1, 96, 56, 56), W(96, 1, 3, 3), W(96), group=96, pads=[1] * 4, kernel_shape=[3, 3], note="depthwise")
case("Conv", (1, 64, 4000), W(128, 64, 3), W(128), dilations=[8], pads=[16, 0], kernel_shape=[3], note="WaveNet")
case("ConvTranspose", (1, 64, 28, 28), W(64, 32, 2, 2), W(32), strides=[2, 2], kernel_shape=[2, 2])
case("ConvTranspose", (1, 64, 1000), W(64, 32, 16), W(32), strides=[8], pads=[4, 4], kernel_shape=[16], note="vocoder")
case("ConvInteger", u8(1, 32, 28, 28), W(u8(32, 32, 3, 3)), kernel_shape=[3, 3], pads=[1] * 4)
case("DeformConv", (1, 32, 28, 28), W(32, 32, 3, 3), (1, 18, 28, 28), kernel_shape=[3, 3], pads=[1] * 4)
case("MaxPool", MAP, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
case("AveragePool", ACT, kernel_shape=[2, 2], strides=[2, 2])
case("LpPool", ACT, kernel_shape=[2, 2], strides=[2, 2])
for name in "GlobalAveragePool GlobalMaxPool GlobalLpPool".split():
    case(name, ACT, opset=21)
case("Resize", (1, 32, 56, 56), None, W(np.array([1, 1, 2, 2], np.float32)), mode="linear", note="bilinear")
case("Resize", (1, 32, 56, 56), None, W(np.array([1, 1, 2, 2], np.float32)), mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor", note="nearest")
case("Resize", (1, 3, 128, 128), None, W(np.array([1, 1, 2, 2], np.float32)), mode="cubic", note="cubic")
case("Upsample", (1, 32, 56, 56), W(np.array([1, 1, 2, 2], np.float32)), mode="nearest", opset=9)
case("GridSample", (1, 16, 64, 64), np.clip(value((1, 64, 64, 2)), -1, 1))
case("AffineGrid", value((1, 2, 3)), W([1, 3, 128, 128]))
case("RoiAlign", (1, 64, 50, 50), (pos(64, 4) * 20).cumsum(1).astype(np.float32), W(np.zeros(64, np.int64)), output_height=7, output_width=7, sampling_ratio=2, opset=16)
case("MaxRoiPool", (1, 64, 50, 50), np.concatenate([np.zeros((32, 1)), (pos(32, 4) * 10).cumsum(1)], 1).astype(np.float32), pooled_shape=[7, 7], opset=21)
case("MaxUnpool", (1, 32, 28, 28), (np.arange(32 * 28 * 28) * 4).reshape(1, 32, 28, 28).astype(np.int64), kernel_shape=[2, 2], strides=[2, 2])
case("Col2Im", (1, 288, 784), W([28, 28]), W([3, 3]), pads=[1] * 4)
case("DepthToSpace", (1, 64, 56, 56), blocksize=2)
case("SpaceToDepth", (1, 16, 112, 112), blocksize=2)
case("CenterCropPad", (1, 3, 256, 256), W([224, 224]), axes=[2, 3])
case("NonMaxSuppression", np.concatenate([b := pos(1, 1000, 2), b + pos(1, 1000, 2)], 2), pos(1, 4, 1000), W([100]), W(np.array([0.5], np.float32)), W(np.array([0.2], np.float32)))
case("TopK", (1, 8400), W([100]), out=2)
case("TopK", (128, 1000), W([5]), out=2, note="5 of 1000")
# moves
case("Transpose", ACT, perm=[0, 2, 3, 1], note="to NHWC")
case("Transpose", (1, 128, 12, 64), perm=[0, 2, 1, 3], note="heads")
case("Transpose", (768, 3072), perm=[1, 0], note="matrix")
case("Reshape", ACT, W([1, 64, -1]))
case("Flatten", ACT)
case("Squeeze", ACT, W([0]))
case("Unsqueeze", ACT, W([0]))
case("Concat", ACT, ACT, axis=1)
case("Concat", HID, HID, axis=-1, note="last axis")
case("Split", ACT, axis=1, num_outputs=2, out=2)
case("Split", (1, 128, 2304), axis=-1, num_outputs=3, out=3, note="last axis")
case("Slice", ACT, W([0, 0]), W([28, 28]), W([2, 3]))
case("Slice", (1, 3, 224, 224), W([0, 0]), W([224, 224]), W([2, 3]), W([2, 2]), note="steps")
case("Pad", ACT, W([0, 0, 1, 1, 0, 0, 1, 1]))
case("Pad", (1, 1, 16000), W([0, 0, 200, 0, 0, 200]), mode="reflect", note="reflect")
case("Gather", W(30522, 768), ids(30522, 1, 128), note="embedding")
case("Gather", ACT, W([1, 3, 5]), axis=1)
case("GatherElements", (128, 1000), ids(1000, 128, 100), axis=1)
case("GatherND", (64, 128, 64), ids(64, 500, 2))
case("ScatterElements", (128, 1000), ids(1000, 128, 100), (128, 100), axis=1)
case("ScatterND", (64, 128, 64), np.stack(np.divmod(rng.permutation(64 * 128)[:500], 128), 1), (500, 64))
case("TensorScatter", (1, 12, 512, 64), (1, 12, 1, 64), W(np.array([100], np.int64)), opset=24)
case("Expand", (1, 1, 128, 128), W([1, 12, 128, 128]))
case("Tile", (1, 128, 64), W([1, 1, 12]))
case("OneHot", ids(1000, 128), W(scalar(1000, np.int64)), W(np.array([0, 1], np.float32)))
case("Trilu", (12, 128, 128), upper=0)
case("EyeLike", (512, 512))
case("Range", scalar(0), scalar(100000), scalar(1))
case("ConstantOfShape", np.array([64, 56, 56], np.int64))
case("NonZero", (flags(1, 128, 768)).astype(np.float32))
case("Compress", (1000, 256), flags(1000), axis=0)
case("Unique", ids(1000, 20000))
case("ReverseSequence", (128, 32, 64), np.full(32, 100, np.int64))
case("Shape", ACT)
case("Size", ACT)
# recurrent
case("LSTM", (64, 1, 256), W(1, 1024, 256), W(1, 1024, 256), W(1, 2048), hidden_size=256, out=3)
case("GRU", (64, 1, 256), W(1, 768, 256), W(1, 768, 256), W(1, 1536), hidden_size=256, out=2)
case("RNN", (64, 1, 256), W(1, 256, 256), W(1, 256, 256), W(1, 512), hidden_size=256, out=2)
# quantization
case("QuantizeLinear", ACT, W(scalar(0.02)), W(scalar(128, np.uint8)))
case("DequantizeLinear", u8(*ACT), W(scalar(0.02)), W(scalar(128, np.uint8)))
case("DynamicQuantizeLinear", HID, out=3)
case("QLinearConv", u8(1, 64, 28, 28), W(scalar(0.1)), W(scalar(3, np.uint8)), W(rng.integers(-127, 127, (64, 64, 3, 3)).astype(np.int8)), W(scalar(0.1)), W(scalar(0, np.int8)), W(scalar(9.0)), W(scalar(9, np.uint8)),
     pads=[1] * 4, kernel_shape=[3, 3])
# signals
case("DFT", (8, 512, 1), opset=17, axis=1)
case("STFT", (1, 16000, 1), W(scalar(160, np.int64)), W(400), opset=17)
case("MelWeightMatrix", *[scalar(v, np.int64) for v in (80, 400, 16000)], scalar(0), scalar(8000), opset=17)
for name in "HannWindow HammingWindow BlackmanWindow".split():
    case(name, scalar(4000, np.int64), opset=17)
# random, losses
case("RandomNormal", shape=[1, 64, 56, 56], dtype=1, opset=21)
case("RandomUniform", shape=[1, 64, 56, 56], dtype=1, opset=21)
case("RandomNormalLike", ACT, opset=21)
case("RandomUniformLike", ACT, opset=21)
case("Bernoulli", np.full(HID, 0.5, np.float32), opset=21)
case("Multinomial", (8, 1000), sample_size=100, opset=21)
case("SoftmaxCrossEntropyLoss", (128, 1000), ids(1000, 128))
case("NegativeLogLikelihoodLoss", (128, 1000), ids(1000, 128))
# com.microsoft
for name in "Gelu FastGelu QuickGelu".split():
    case(name, HID, domain=MS)
case("BiasGelu", HID, W(768), domain=MS)
case("FusedMatMul", (1, 12, 128, 64), (1, 12, 128, 64), transB=1, alpha=0.125, domain=MS)
case("FusedGemm", (1, 1024), W(1024, 1000), W(1000), activation="Relu", domain=MS)
case("FusedConv", (1, 64, 56, 56), W(64, 64, 3, 3), W(64), pads=[1] * 4, kernel_shape=[3, 3], activation="Relu", domain=MS)
case("SkipLayerNormalization", HID, HID, W(768), W(768), W(768), domain=MS)
case("SkipSimplifiedLayerNormalization", HID, HID, W(768), domain=MS)
case("EmbedLayerNormalization", ids(30522, 1, 128).astype(np.int32), ids(2, 1, 128).astype(np.int32), W(30522, 768), W(512, 768), W(2, 768), W(768), W(768), out=2, domain=MS)
case("Attention", HID, W(768, 2304), W(2304), num_heads=12, domain=MS, note=" ")
case("MultiHeadAttention", HID, HID, HID, num_heads=12, domain=MS)
case("RotaryEmbedding", (1, 128, 768), np.arange(128).reshape(1, 128), W(512, 32), W(512, 32), num_heads=12, domain=MS, note=" ")
case("MatMulNBits", (1, 768), W(u8(768, 24, 16)), W(768 * 24), K=768, N=768, bits=4, block_size=32, domain=MS)
case("DynamicQuantizeMatMul", (128, 768), W(u8(768, 768)), W(scalar(0.1)), W(scalar(128, np.uint8)), domain=MS)
case("MatMulIntegerToFloat", u8(128, 768), W(u8(768, 768)), W(scalar(0.1)), W(scalar(0.1)), W(scalar(3, np.uint8)), W(scalar(5, np.uint8)), domain=MS)
q = lambda z: [W(scalar(0.1)), W(scalar(z, np.uint8))]
for name in "QLinearAdd QLinearMul".split():
    case(name, u8(*ACT), *q(3), u8(*ACT), *q(5), *q(7), domain=MS)
for name in "QLinearSigmoid QLinearLeakyRelu".split():
    case(name, u8(*ACT), *q(3), *q(7), domain=MS)
case("QLinearAveragePool", u8(*ACT), *q(3), *q(7), kernel_shape=[2, 2], strides=[2, 2], domain=MS)
case("QLinearGlobalAveragePool", u8(*ACT), *q(3), *q(7), domain=MS)
case("QLinearConcat", *q(7), u8(*ACT), *q(3), u8(*ACT), *q(5), axis=1, domain=MS)
case("QLinearSoftmax", u8(1, 12, 128, 128), *q(3), *q(0), axis=-1, version=13, domain=MS)
case("QGemm", u8(1, 1024), *q(3), W(u8(1024, 1000)), *q(5), W(np.zeros(1000, np.int32)), *q(7), domain=MS)
# ai.onnx.ml
case("Scaler", (128, 100), offset=[0.5] * 100, scale=[2.0] * 100, domain=ML)
case("Normalizer", (128, 100), norm="L2", domain=ML)
case("LinearClassifier", (128, 100), coefficients=list(map(float, value((1000,)))), intercepts=[0.0] * 10, classlabels_ints=list(range(10)), post_transform="SOFTMAX", out=2, domain=ML)
case("LinearRegressor", (128, 100), coefficients=list(map(float, value((100,)))), intercepts=[0.0], domain=ML)
case("Binarizer", (128, 100), threshold=0.5, domain=ML)
case("Imputer", (128, 100), imputed_value_floats=[0.0], replaced_value_float=float("nan"), domain=ML)
case("ArrayFeatureExtractor", (128, 100), W([1, 5, 9]), domain=ML)


def model_of(op, inputs, n_out, domain, opset, note, attrs):
    names, feeds, constants = [], {}, []
    for i, v in enumerate(inputs):
        name = "" if v is None else f"i{i}"
        names.append(name)
        if isinstance(v, W):
            constants.append(numpy_helper.from_array(v.array, name))
        elif v is not None:
            feeds[name] = v
    outs = [f"o{k}" for k in range(n_out)]
    node = helper.make_node(op, names, outs, domain=domain, **{"opset" if k == "version" else k: v for k, v in attrs.items()})
    infos = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape) for n, a in feeds.items()]
    opsets = [helper.make_opsetid("", opset)]
    if domain:
        opsets.append(helper.make_opsetid(domain, 3 if domain == ML else 1))
    graph = helper.make_graph([node], "g", infos, [onnx.ValueInfoProto(name=o) for o in outs], constants)
    m = helper.make_model(graph, opset_imports=opsets, ir_version=10 if opset < 24 else 11)
    return m, feeds


def ort_times(path, feeds, seconds):
    import onnxruntime as ort
    o = ort.SessionOptions()
    o.intra_op_num_threads, o.log_severity_level = 1, 4
    o.add_session_config_entry("session.intra_op.allow_spinning", "0")
    s = ort.InferenceSession(path, o, providers=["CPUExecutionProvider"])
    b = s.io_binding()
    for name, a in feeds.items():
        b.bind_cpu_input(name, a)
    for out in s.get_outputs():
        b.bind_output(out.name)
    times, t0 = [], time.perf_counter()
    s.run_with_iobinding(b)
    while len(times) < 5 or time.perf_counter() - t0 < seconds:
        t = time.perf_counter()
        s.run_with_iobinding(b)
        times.append(time.perf_counter() - t)
    return 1e6 * statistics.median(times)


def mote_times(mote, path, npz, seconds):
    done = subprocess.run([mote, "bench", path, "--inputs", npz, "--threads", "1", "--seconds", str(seconds), "--runs", "100000", "--json", "--profile"], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(json.loads(done.stdout)["message"] if done.stdout.startswith("{") else done.stderr.strip())
    j = json.loads(done.stdout)
    plain = subprocess.run([mote, "bench", path, "--inputs", npz, "--threads", "1", "--seconds", str(seconds), "--runs", "100000", "--json"], capture_output=True, text=True)
    kernels = [k["kernel"] for k in j["profile"]["operators"]] if isinstance(j.get("profile"), dict) and "operators" in j["profile"] else []
    return 1e3 * json.loads(plain.stdout)["p50_ms"], kernels


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("mote")
    p.add_argument("--only", default="")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--seconds", type=float, default=0.2)
    p.add_argument("--markdown")
    p.add_argument("--limit", type=float, default=2.0)
    a = p.parse_args()
    only = set(filter(None, a.only.split(",")))
    rows, missing = [], []
    with tempfile.TemporaryDirectory() as folder:
        path, npz = str(pathlib.Path(folder) / "m.onnx"), str(pathlib.Path(folder) / "i.npz")
        for c in CASES:
            op, domain, note = c[0], c[3], c[5]
            if only and op not in only:
                continue
            title = f"{domain + ':' if domain else ''}{op}{' (' + note + ')' if note.strip() else ''}"
            m, feeds = model_of(*c)
            onnx.save(m, path)
            np.savez(npz, **feeds)
            ours, theirs, kernels, why = [], [], [], ""
            for _ in range(a.rounds):
                try:
                    us, kernels = mote_times(a.mote, path, npz, a.seconds)
                    ours.append(us)
                except RuntimeError as e:
                    why = f"mote: {str(e)[:150]}"
                    break
                try:
                    theirs.append(ort_times(path, feeds, a.seconds))
                except Exception as e:
                    why = f"onnxruntime: {str(e).splitlines()[0][:150]}"
                    break
            if why:
                missing.append((title, why))
                print(f"{title:40} {why}", flush=True)
                continue
            shape = "x".join(map(str, next(iter(feeds.values())).shape)) if feeds else ""
            rows.append((min(ours) / min(theirs), min(ours), min(theirs), title, shape, ", ".join(dict.fromkeys(kernels))))
            print(f"{title:40} {shape:16} {min(ours):10.1f} {min(theirs):10.1f} {min(ours) / min(theirs):7.2f}  {rows[-1][5]}", flush=True)
    rows.sort(reverse=True)
    slow = [r for r in rows if r[1] > a.limit * r[2] + 10]
    print(f"\n{len(rows)} cases; mote is slower than {a.limit:g} times onnxruntime in {len(slow)}, faster in {sum(r[0] < 1 for r in rows)}; {len(missing)} not compared")
    for r in rows:
        print(f"{r[0]:7.2f} {r[1]:10.1f} {r[2]:10.1f}  {r[3]} {r[4]}  {r[5]}")
    if a.markdown:
        with open(a.markdown, "w") as f:
            f.write("| operator | first input | mote, us | onnxruntime, us | mote / onnxruntime |\n|---|---|---|---|---|\n")
            f.writelines(f"| {r[3]} | {r[4]} | {r[1]:.1f} | {r[2]:.1f} | {r[0]:.2f} |\n" for r in rows)
            f.writelines(f"| {t} | | | | {w} |\n" for t, w in missing)
    sys.exit(1 if slow else 0)


if __name__ == "__main__":
    main()
