#!/bin/sh
# demo.sh - a small trained model and two photos from public packages, classified by mote (called by ./run demo, which has built it)
# SPDX-License-Identifier: Apache-2.0
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
mote=$root/build/release/mote
out=$root/build/demo

say() { printf '\n$ %s\n' "$*"; "$@"; }

if [ ! -s "$out/efficientnet-lite0.onnx" ]; then
    echo "demo: getting EfficientNet-Lite0 (4.6 million parameters, trained on ImageNet) and two photos ..."
    mkdir -p "$out"
    [ -x "$out/venv/bin/python" ] || python3 -m venv "$out/venv"
    "$out/venv/bin/python" -m pip install -q --disable-pip-version-check numpy onnx
    "$out/venv/bin/python" "$here/fetch.py" "$out"
    "$out/venv/bin/python" "$here/export_efficientnet.py" "$out/weights.pth" "$out/exported.onnx"
    # The preprocessing travels inside the model.
    "$mote" meta "$out/exported.onnx" --set "$root/examples/prep/efficientnet-lite0.json" -o "$out/efficientnet-lite0.onnx" --overwrite
    rm -f "$out/exported.onnx" "$out/weights.pth"
fi
cd "$out"
PATH=$root/build/release:$PATH
say mote run efficientnet-lite0.onnx --input chelsea.png --labels labels.txt
say mote run efficientnet-lite0.onnx --input coffee.png --labels labels.txt
say mote bench efficientnet-lite0.onnx --threads 1 --seconds 2
echo
echo "The model, the photos and the tool are in build/demo and build/release. Next: README.md."
