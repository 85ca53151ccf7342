# quantkit.py - what the tests of this folder share: the data set, the tool, checks
# SPDX-License-Identifier: Apache-2.0
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

source = Path(__file__).resolve().parent.parent.parent
tool = os.environ.get("MOTE_TOOL", str(source / "build/release/mote"))
data = Path(os.environ.get("MOTE_SHARED", str(source.parent / "shared"))) / "data"
prep = source / "examples/prep"
if not data.is_dir() or not Path(tool).exists():
    print("skipped: no data set at $MOTE_SHARED/data, or the tool is not built")
    sys.exit(77)
try:  # all of what the tests need, or none
    import numpy  # noqa: F401
    import onnx  # noqa: F401
    import onnxruntime as ort
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)

ort.set_default_logger_severity(4)
folder = tempfile.TemporaryDirectory()
tmp = Path(folder.name)
failures = []


def check(what, good, detail=""):
    print(f"{'ok    ' if good else 'WRONG '} {what}: {detail}", flush=True)
    if not good:
        failures.append(what)


def mote(*args, code=0):
    """Runs the tool, which must end with this code."""
    r = subprocess.run([tool, *map(str, args)], capture_output=True, text=True, timeout=600)
    if r.returncode != code:
        print(args, r.returncode, r.stdout, r.stderr)
        sys.exit(1)
    return r


def report(*args):
    """What the tool says with --json."""
    return json.loads(mote(*args, "--json").stdout)


def done():
    print("wrong:", failures if failures else "nothing")
    sys.exit(1 if failures else 0)
