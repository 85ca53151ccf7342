# test_suite.py - ONNX's own test cases, each three ways, by `mote check --suite`: nothing may fail that tests/ops/suite.txt does not list, nothing pass that it does
# SPDX-License-Identifier: Apache-2.0
import json
import os
import subprocess
import sys
from pathlib import Path

source = Path(__file__).resolve().parent.parent.parent
tool = os.environ.get("MOTE_TOOL", str(source / "build/release/mote"))
root = Path(os.environ.get("MOTE_NODE_CASES", Path(os.environ.get("MOTE_BINARY_DIR", source / "build/release")) / "node_cases"))
if not Path(tool).exists():
    print("skipped: the tool is not built")
    sys.exit(77)
try:
    import onnx  # noqa: F401
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)
if not (root / "node.txt").exists():
    subprocess.run([sys.executable, source / "tests/ops/export_cases.py", root], check=True)
wrong = 0


def operators_of(graph, domain_of, out):
    for n in graph.node:
        out.add((domain_of(n.domain), n.op_type))
        for a in n.attribute:
            for g in ([a.g] if a.g.node else []) + list(a.graphs):
                operators_of(g, domain_of, out)


def check_coverage(cases):
    """tests/ops/coverage.txt: in how many node cases each operator stands, and how many of these pass; --write replaces it."""
    count = {}
    for name, passed in cases.items():
        used = set()
        operators_of(onnx.load(root / "node" / name / "model.onnx").graph, lambda d: d or "ai.onnx", used)
        for op in used:
            c = count.setdefault(op, [0, 0])
            c[0] += 1
            c[1] += passed
    text = "# coverage.txt - domain, operator, node cases in which it stands, those of them that pass; kept by test_suite.py --write\n"
    text += "".join(f"{d} {o} {a} {b}\n" for (d, o), (a, b) in sorted(count.items()))
    path = source / "tests/ops/coverage.txt"
    if "--write" in sys.argv:
        path.write_text(text)
    if path.read_text() != text:
        print("WRONG: tests/ops/coverage.txt is not what test_suite.py --write writes")
        return 1
    return 0


# whole networks by the reference evaluations take a minute: MOTE_FULL=1
light = () if os.environ.get("MOTE_FULL") == "1" else ("--ways", "optimised,round-trip")
for name, least, options in (("node", 1840, ()), ("simple", 21, ()), ("pytorch-converted", 82, ()), ("pytorch-operator", 35, ()), ("light", 9, light)):
    r = subprocess.run([tool, "check", "--suite", root / name, "--list", source / "tests/ops/suite.txt", "--json", *options], capture_output=True, text=True, timeout=900)
    report = json.loads(r.stdout)
    print(f"{name}: {report['passed']} passed, {report['listed']} listed; by way {report['ways']}")
    for case in report["cases"]:
        if case["verdict"] in ("failed", "passed though listed"):
            print("WRONG", case)
    if r.returncode != 0 or report["passed"] < least:
        wrong += 1
    if name == "node":
        wrong += check_coverage({c["case"]: c["verdict"] in ("passed", "passed though listed") for c in report["cases"]})
# the verdicts themselves: a case whose expected output is another's fails, a listed one that passes fails the run
case = root / "node/test_abs"
other = root / "node/test_add"
import shutil
import tempfile

with tempfile.TemporaryDirectory() as tmp:
    shutil.copytree(case, f"{tmp}/node/test_abs")
    (Path(tmp) / "list.txt").write_text("test_abs it passes\n")
    listed = subprocess.run([tool, "check", "--suite", f"{tmp}/node", "--list", f"{tmp}/list.txt"], capture_output=True, text=True)
    shutil.copy(other / "test_data_set_0/output_0.pb", f"{tmp}/node/test_abs/test_data_set_0/output_0.pb")
    failed = subprocess.run([tool, "check", "--suite", f"{tmp}/node"], capture_output=True, text=True)
    if listed.returncode != 3 or failed.returncode != 3 or "FAIL" not in failed.stdout:
        print("WRONG", listed.stdout, failed.stdout)
        wrong += 1
sys.exit(1 if wrong else 0)
