# export_cases.py - ONNX's node test cases as files that test_node_cases reads
# SPDX-License-Identifier: Apache-2.0
#
# Usage: python tests/ops/export_cases.py FOLDER   (needs the PyPI package onnx, see tests/requirements.txt)
# FOLDER/<case>/model.onnx, in_<i>, out_<i>: a tensor is one TensorProto (.pb); a sequence is a count (.seq) and its elements <name>_<k>; an optional the
# same (.opt, 0 or 1). FOLDER/cases.txt: "name rtol atol" lines.
import os
import sys
import warnings

import numpy as np
import onnx
from onnx import numpy_helper

warnings.filterwarnings("ignore")


def write(path, value, type_proto):
    kind = type_proto.WhichOneof("value")
    if kind in ("sequence_type", "optional_type"):
        inner = getattr(type_proto, kind).elem_type
        if kind == "optional_type":
            items = [] if value is None else [value]
        else:
            items = list(value)
        with open(path + (".seq" if kind == "sequence_type" else ".opt"), "w") as f:
            f.write(str(len(items)))
        for k, item in enumerate(items):
            write(f"{path}_{k}", item, inner)
        return
    if isinstance(value, onnx.TensorProto):
        tensor = value
    else:
        value = np.asarray(value)
        want = type_proto.tensor_type.elem_type
        if want == onnx.TensorProto.STRING:
            tensor = onnx.helper.make_tensor("", want, value.shape, [s if isinstance(s, bytes) else str(s).encode() for s in value.flatten()])
        else:
            tensor = numpy_helper.from_array(value)
            if tensor.data_type != want:  # 16-bit and smaller types that numpy does not name
                tensor = onnx.helper.make_tensor("", want, value.shape, value.astype(np.float64).flatten())
    with open(path + ".pb", "wb") as f:
        f.write(tensor.SerializeToString())


def cases():
    from onnx.backend.test.case.node import collect_testcases
    try:
        return collect_testcases(None)
    except TypeError:
        return collect_testcases()


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    names = []
    for case in cases():
        model = case.model
        here = os.path.join(folder, case.name)
        os.makedirs(here, exist_ok=True)
        try:
            with open(os.path.join(here, "model.onnx"), "wb") as f:
                f.write(model.SerializeToString())
            inputs, outputs = case.data_sets[0]
            for i, value in enumerate(inputs):
                write(os.path.join(here, f"in_{i}"), value, model.graph.input[i].type)
            for i, value in enumerate(outputs):
                write(os.path.join(here, f"out_{i}"), value, model.graph.output[i].type)
        except Exception as e:  # a type that numpy cannot hold: the case is left out, visibly
            print(f"{case.name}: not exported: {type(e).__name__}: {e}", file=sys.stderr)
            continue
        names.append(f"{case.name} {case.rtol:g} {case.atol:g}\n")
    with open(os.path.join(folder, "cases.txt.new"), "w") as f:
        f.writelines(sorted(names))
    os.replace(os.path.join(folder, "cases.txt.new"), os.path.join(folder, "cases.txt"))


main()
