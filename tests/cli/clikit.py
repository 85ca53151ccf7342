# clikit.py - what the tests of the tool share: running it, small models, checks
# SPDX-License-Identifier: Apache-2.0
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

tool = os.environ.get("MOTE_TOOL", "build/release/mote")
if not Path(tool).exists():
    print("skipped: the tool is not built")
    sys.exit(77)
try:
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from PIL import Image
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)

folder = tempfile.TemporaryDirectory()
tmp = Path(folder.name)
failures = []
checks = 0


def check(good, what):
    global checks
    checks += 1
    if not good:
        failures.append(what)
        print(f"WRONG {what}", flush=True)


def finish():
    print(f"{checks} checks, {len(failures)} wrong")
    sys.exit(1 if failures else 0)


def mote(*args, stdin=b"", env=None):
    """Exit code, standard output, standard error."""
    p = subprocess.run([tool, *map(str, args)], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, env=env)
    return p.returncode, p.stdout.decode(), p.stderr.decode()


def document(*args, code=0, schema=None, **more):
    """The JSON document of a command that ends with `code`."""
    got, out, err = mote(*args, "--json", **more)
    name = " ".join(str(a).replace(str(tmp) + "/", "") for a in args)
    check(got == code, f"{name}: exit code {got}, expected {code}: {out[:300]} {err[:300]}")
    try:
        j = json.loads(out)
    except ValueError as e:
        check(False, f"{name}: not JSON: {e}: {out[:200]!r}")
        return {}
    check(schema is None or j.get("schema") == schema, f"{name}: schema {j.get('schema')}, expected {schema}")
    return j


def fails(says, *args, code=1, **more):
    """Ends with `code`; the message, as text and as a document, holds `says`."""
    j = document(*args, code=code, schema="mote.error/1", **more)
    name = " ".join(str(a).replace(str(tmp) + "/", "") for a in args)
    check(says in j.get("message", ""), f"{name}: says {j.get('message')!r}, expected {says!r}")
    got, out, err = mote(*args, **more)
    check(got == code and out == "" and says in err and err.startswith("mote"), f"{name}: as text: {got} {out[:100]!r} {err[:300]!r}")
    return j


def model(name, nodes, inputs, outputs, constants=None, **metadata):
    """Writes a model; inputs and outputs are (name, type, shape)."""
    value = lambda v: helper.make_tensor_value_info(v[0], v[1], v[2])
    init = [numpy_helper.from_array(a, k) for k, a in (constants or {}).items()]
    m = helper.make_model(helper.make_graph(nodes, "g", [value(v) for v in inputs], [value(v) for v in outputs], init), opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    for k, v in metadata.items():
        e = m.metadata_props.add()
        e.key, e.value = k.replace("__", "."), v
    onnx.checker.check_model(m)
    path = tmp / name
    onnx.save(m, path)
    return path


def write(name, content):
    path = tmp / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf8")
    return path


def no_temporaries(what):
    left = [p.name for p in tmp.iterdir() if ".tmp" in p.name]
    check(not left, f"{what}: left {left}")


F, I = TensorProto.FLOAT, TensorProto.INT64
