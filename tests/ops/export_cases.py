# export_cases.py - ONNX's own test cases in the standard folder layout
# SPDX-License-Identifier: Apache-2.0
#
# Usage: python tests/ops/export_cases.py FOLDER   (needs the PyPI package onnx, see tests/requirements.txt)
# FOLDER/SET/CASE/model.onnx, test_data_set_0/input_0.pb ..., output_0.pb ...; SET is node (the Python cases), simple, pytorch-converted, pytorch-operator (the wheel's files) or
# light (the wheel's models without weights). tolerance.txt: "rtol atol" of a case.
# FOLDER/node.txt lists the node cases, when everything is there.
import fcntl
import os
import shutil
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

warnings.filterwarnings("ignore")


def tensor_of(value, want):
    """A TensorProto of this element type."""
    if isinstance(value, onnx.TensorProto):
        return value
    value = np.asarray(value)
    if want == onnx.TensorProto.STRING:
        return onnx.helper.make_tensor("", want, value.shape, [s if isinstance(s, bytes) else str(s).encode() for s in value.flatten()])
    tensor = numpy_helper.from_array(value)
    if tensor.data_type != want:  # 16-bit and smaller types that numpy does not name
        tensor = onnx.helper.make_tensor("", want, value.shape, value.astype(np.float64).flatten())
    return tensor


def proto_of(value, type_proto):
    """The message that holds a value of this type, and how many there are in an enclosing one."""
    kind = type_proto.WhichOneof("value")
    if kind == "sequence_type":
        out = onnx.SequenceProto()
        inner = type_proto.sequence_type.elem_type
        for item in value:
            p = proto_of(item, inner)
            (out.tensor_values if isinstance(p, onnx.TensorProto) else out.sequence_values).append(p)
        out.elem_type = 1 if inner.WhichOneof("value") == "tensor_type" else 3
        return out
    if kind == "optional_type":
        out = onnx.OptionalProto()
        inner = type_proto.optional_type.elem_type
        out.elem_type = 1 if inner.WhichOneof("value") == "tensor_type" else 3
        if value is not None:
            p = proto_of(value, inner)
            (out.tensor_value if isinstance(p, onnx.TensorProto) else out.sequence_value).CopyFrom(p)
        return out
    return tensor_of(value, type_proto.tensor_type.elem_type)


def write_case(here, model, inputs, outputs, rtol, atol):
    data = here / "test_data_set_0"
    data.mkdir(parents=True, exist_ok=True)
    (here / "model.onnx").write_bytes(model.SerializeToString())
    for name, values, infos in (("input", inputs, model.graph.input), ("output", outputs, model.graph.output)):
        for i, value in enumerate(values):
            if value is not None or infos[i].type.WhichOneof("value") == "optional_type":
                (data / f"{name}_{i}.pb").write_bytes(proto_of(value, infos[i].type).SerializeToString())
    (here / "tolerance.txt").write_text(f"{rtol:g} {atol:g}\n")


def node_cases():
    from onnx.backend.test.case.node import collect_testcases
    try:
        return collect_testcases(None)
    except TypeError:
        return collect_testcases()


def export_node(folder):
    names = []
    for case in node_cases():
        inputs, outputs = case.data_sets[0]
        try:
            write_case(folder / "node" / case.name, case.model, inputs, outputs, case.rtol, case.atol)
        except Exception as e:  # a type that numpy cannot hold: the case is left out, visibly
            print(f"{case.name}: not exported: {type(e).__name__}: {e}", file=sys.stderr)
            continue
        names.append(case.name)
    return names


def export_files(folder):
    root = Path(onnx.__file__).parent / "backend/test/data"
    for name in ("simple", "pytorch-converted", "pytorch-operator"):
        for case in sorted((root / name).iterdir()) if (root / name).is_dir() else []:
            if (case / "model.onnx").exists():
                shutil.copytree(case, folder / name / case.name, dirs_exist_ok=True)
    return root


def export_light(folder, root):
    """Models whose weights are ConstantOfShape; the input is a ramp, as onnx's own runner makes it, the output recorded beside."""
    for path in sorted((root / "light").glob("*.onnx")) if (root / "light").is_dir() else []:
        model = onnx.load(path)
        filled = {t.name for t in model.graph.initializer}
        inputs = []
        for i in model.graph.input:
            shape = [d.dim_value or 1 for d in i.type.tensor_type.shape.dim]
            if i.name not in filled:
                inputs.append((np.arange(int(np.prod(shape))).reshape(shape) / np.prod(shape)).astype(np.float32))
        here = folder / "light" / path.stem / "test_data_set_0"
        here.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, here.parent / "model.onnx")
        for k, x in enumerate(inputs):
            (here / f"input_{k}.pb").write_bytes(numpy_helper.from_array(x).SerializeToString())
        for k in range(len(model.graph.output)):
            shutil.copy(path.with_name(f"{path.stem}_output_{k}.pb"), here / f"output_{k}.pb")


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    lock = open(folder / "lock", "w")
    fcntl.flock(lock, fcntl.LOCK_EX)  # tests that need it run at the same time
    if (folder / "node.txt").exists():
        return
    names = export_node(folder)
    root = export_files(folder)
    export_light(folder, root)
    (folder / "node.txt.new").write_text("".join(n + "\n" for n in sorted(names)))
    os.replace(folder / "node.txt.new", folder / "node.txt")


main()
