# test_recorded.py - the development data's trained models agree with their recorded outputs; the examples' descriptions fit them
# SPDX-License-Identifier: Apache-2.0
"""Reads the folder named by MOTE_SHARED (models with X.inputs.npz and X.outputs.npz beside X.onnx); skips where it is absent. Floating-point models agree
within 1e-3 of the output's largest value; quantized ones, in integers, to 2 % in the root mean square."""
import json
import os
import pathlib
import subprocess
import sys

tool, source = os.environ["MOTE_TOOL"], pathlib.Path(os.environ["MOTE_SOURCE_DIR"])
data = pathlib.Path(os.environ["MOTE_SHARED"]) / "data"
models = sorted(data.glob("*/*.onnx"))
if not models:
    print("skipped: no models at", data)
    sys.exit(77)

failed = 0
for model in models:
    stem, quantized = model.with_suffix(""), "int8" in model.name
    rule = ["--rms", "--rtol", "0.02"] if quantized else ["--of-largest", "--rtol", "1e-3", "--atol", "0"]
    for settings in ([], ["--cpu", "none"], ["--threads", "3"], ["--disable-passes", "all"]):
        if settings[:1] == ["--cpu"] and model.stat().st_size > 4 << 20:
            continue  # plain C takes a minute on the larger ones
        if settings[:1] == ["--disable-passes"] and quantized:
            continue  # then the islands run in float, whose order of summation decides ties
        r = subprocess.run([tool, "check", model, f"{stem}.inputs.npz", f"{stem}.outputs.npz", *rule, *settings, "--json"], capture_output=True, text=True)
        if r.returncode != 0:
            failed += 1
            print("FAILED", model.name, *settings, r.stdout, r.stderr)
    if quantized:
        r = subprocess.run([tool, "bench", model, "--runs", "3", "--profile", "--json"], capture_output=True, text=True, check=True)
        kernels = {k["kernel"] for k in json.loads(r.stdout)["profile"]["operators"]}
        if "reference" in kernels:
            failed += 1
            print("FAILED", model.name, "runs by reference evaluation:", kernels)
    description = source / "examples/prep" / (stem.name + ".json")
    if not description.exists():
        failed += 1
        print("FAILED", description, "is missing")
print(len(models), "models,", failed, "failed")
sys.exit(failed != 0)
