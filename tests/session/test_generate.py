# test_generate.py - an autoregressive model in a Loop: mote and onnxruntime sample for sample, until a sample where two classes are nearly tied
# SPDX-License-Identifier: Apache-2.0
#
# Usage: python tests/session/test_generate.py [MODEL.onnx [FRAMES]]
# MODEL (or $MOTE_GENERATE_MODEL) is wavenet_generate.onnx of the reference models' script: mel f32[F,80], noise f32[200 F] -> samples s64[200 F]. A sample
# is the number of classes whose cumulative probability is below the noise; a near-tie is a cumulative probability within TIE of the noise. After a
# sample that differs, everything may differ, so that only the first one is judged. Without the model, or onnxruntime: skipped.
import os
import subprocess
import sys
import tempfile

TIE = 2e-5
SKIP = 77


def inputs(frames):
    import numpy as np
    rng = np.random.default_rng(5)
    return {"mel": rng.standard_normal((frames, 80)).astype(np.float32), "noise": rng.random(200 * frames).astype(np.float32)}


def with_cumulative(path, folder):
    """The model with the cumulative probabilities of each step as a second output of its loop."""
    import onnx
    model = onnx.load(path)
    loop = next(n for n in model.graph.node if n.op_type == "Loop")
    body = next(a.g for a in loop.attribute if a.name == "body")
    less = next(n for n in body.node if n.op_type == "Less")
    body.output.append(onnx.helper.make_tensor_value_info(less.input[0], onnx.TensorProto.FLOAT, None))
    loop.output.append("cumulative_of_step")
    model.graph.output.append(onnx.helper.make_tensor_value_info("cumulative_of_step", onnx.TensorProto.FLOAT, None))
    out = os.path.join(folder, "cumulative.onnx")
    onnx.save(model, out)
    return out


def run_mote(tool, model, npz, out):
    subprocess.run([tool, "run", model, "--inputs", npz, "--outputs", out, "--threads", "1"], check=True, stdout=subprocess.DEVNULL)


def main():
    model = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("MOTE_GENERATE_MODEL", "")
    frames = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    tool = os.environ.get("MOTE_TOOL", "build/release/mote")
    if not os.path.exists(model) or not os.path.exists(tool):
        print("skipped: no model (MOTE_GENERATE_MODEL) or no tool (MOTE_TOOL)")
        return SKIP
    try:
        import numpy as np
        import onnx  # noqa: F401
        import onnxruntime as ort
    except ImportError as e:
        print(f"skipped: {e}")
        return SKIP
    with tempfile.TemporaryDirectory() as folder:
        feeds, npz = inputs(frames), os.path.join(folder, "in.npz")
        np.savez(npz, **feeds)
        shown = with_cumulative(model, folder)
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        want, cumulative = ort.InferenceSession(shown, options, providers=["CPUExecutionProvider"]).run(None, feeds)
        out = os.path.join(folder, "out.npz")
        run_mote(tool, model, npz, out)
        got = np.load(out)["samples"]
        if got.shape != want.shape:
            print(f"FAIL: mote gives {got.shape}, onnxruntime {want.shape}")
            return 1
        differ = np.flatnonzero(got != want)
        margins = np.abs(cumulative.reshape(len(want), -1) - feeds["noise"][:, None]).min(axis=1)
        if len(differ) == 0:
            print(f"{len(want)} samples, all equal; the nearest tie is {margins.min():.3g} at sample {margins.argmin()}")
            return 0
        first = differ[0]
        print(f"{len(want)} samples; the first difference is sample {first}: {got[first]}, onnxruntime {want[first]}, where the noise is "
              f"{margins[first]:.3g} from the nearest cumulative probability")
        if margins[first] > TIE:
            print(f"FAIL: that is no near-tie ({TIE:g})")
            return 1
        return 0


if __name__ == "__main__":
    sys.exit(main())
