# test_mixed_audio.py - mixed precision for sound: a WaveNet-like amplifier, recurrent networks with carried states, inputs that are fixed; judged in onnxruntime
# SPDX-License-Identifier: Apache-2.0
#
# Needs the data set at $MOTE_SHARED. Calibration looks at the first half of the speech only.
import json
import subprocess
import wave

from quantkit import check, data, done, mote, prep, report, tmp, tool

import numpy as np
import onnx
import onnxruntime as ort

data = data / "audio"


def quantize(model, name, recipe, *args):
    (tmp / "r.json").write_text(json.dumps(recipe))
    q = tmp / f"{name}.onnx"
    mote("quantize", data / f"{model}.onnx", "-o", q, "--recipe", tmp / "r.json", "--prep", prep / f"{model}.json", "--overwrite", *args)
    onnx.checker.check_model(onnx.load(q), full_check=True)
    return q


def sound(path):
    w = wave.open(str(path))
    n, bytes_each = w.getnframes(), w.getsampwidth()
    raw = np.frombuffer(w.readframes(n), np.uint8).reshape(n, bytes_each)
    whole = sum(raw[:, i].astype(np.int64) << (8 * i) for i in range(bytes_each))
    top = 1 << (8 * bytes_each - 1)
    return (np.where(whole >= top, whole - 2 * top, whole) / top).astype(np.float32)


def write(path, x, rate):
    with wave.open(str(path), "wb") as w:
        w.setparams((1, 2, rate, 0, "NONE", ""))
        w.writeframes(np.round(x * 32768).clip(-32768, 32767).astype("<i2").tobytes())


def snr(a, b):
    a, b = a.astype(np.float64).ravel(), b.astype(np.float64).ravel()
    return 10 * np.log10((a**2).sum() / ((a - b) ** 2).sum())


def si_sdr(reference, x):
    scaled = (x @ reference) / (reference @ reference) * reference
    return 10 * np.log10((scaled**2).sum() / ((x - scaled) ** 2).sum())


# ---- wavenet-amp ----

guitar = sound(data / "guitar.wav").reshape(1, 1, -1)
amp = lambda path: ort.InferenceSession(path if isinstance(path, bytes) else str(path)).run(None, {"input": guitar})[0]
original = amp(data / "wavenet-amp.onnx")
rounded = onnx.load(data / "wavenet-amp.onnx")
for i in rounded.graph.initializer:
    a = onnx.numpy_helper.to_array(i)
    i.CopyFrom(onnx.numpy_helper.from_array(a.astype(np.float16).astype(a.dtype), i.name))
limit = snr(original, amp(rounded.SerializeToString()))
q = quantize("wavenet-amp", "wh", {"default": "weights-f16"})
own = snr(original, amp(q))
check("wavenet-amp: weights in float16 within 1 dB of rounding them", abs(own - limit) < 1 and q.stat().st_size < 0.75 * (data / "wavenet-amp.onnx").stat().st_size, f"{own:.1f} dB of {limit:.1f}")
q = tmp / "wi.onnx"
r = report("quantize", data / "wavenet-amp.onnx", "-o", q, "--data", data / "guitar.wav", "--prep", prep / "wavenet-amp.json", "--int8-share", 50, "--effort", 1)["search"]
taken, own = r["points"][r["taken"]], snr(original, amp(q))
check("wavenet-amp: half of the multiplications in INT8, 18 dB", taken["int8_multiplications"] >= 0.5 and own >= 18, f"{100 * taken['int8_multiplications']:.0f} %, {own:.1f} dB")
theirs = next(p for p in r["points"] if p["name"] == "int8")
check("wavenet-amp: the mix is more faithful than all INT8", r["sqnr_db"] > theirs["sqnr_db"] + 2, f"{r['sqnr_db']:.1f}, {theirs['sqnr_db']:.1f}")
ops = [n.op_type for n in onnx.load(q).graph.node]
check("wavenet-amp: integers in the file", ops.count("QuantizeLinear") > 10 and ops.count("DequantizeLinear") > 20, (ops.count("QuantizeLinear"), ops.count("DequantizeLinear")))

# ---- silero-vad: branches go with the fixed rate, states are carried ----

speech = sound(data / "jfk.wav")
write(tmp / "half.wav", speech[: len(speech) // 2], 16000)
fixed = ("--fix", "sr=16000;input=[1,576];state=[2,1,128]")


def probabilities(path):
    s = ort.InferenceSession(str(path))
    state, context, out = np.zeros((2, 1, 128), np.float32), np.zeros(64, np.float32), []
    for k in range(len(speech) // 512):
        x = np.concatenate([context, speech[k * 512 : (k + 1) * 512]])[None]
        y, state = s.run(None, {"input": x, "state": state, "sr": np.array(16000, np.int64)})
        context = x[0, -64:]
        out.append(float(y.ravel()[0]))
    return np.array(out)


def spans(path):
    r = report("run", path, "--input", data / "jfk.wav", "--prep", prep / "silero-vad.json")["results"][0]
    return [(s["start"], s["end"]) for s in r["spans"]], np.array(r["probabilities"])


before, before_spans = probabilities(data / "silero-vad.onnx"), spans(data / "silero-vad.onnx")[0]
q = quantize("silero-vad", "sf", {"default": "f16"}, *fixed)
check("silero-vad: branches are gone", all(n.op_type != "If" for n in onnx.load(q).graph.node))
difference, own = np.abs(probabilities(q) - before).max(), spans(q)
check("silero-vad in float16: the same spans, probabilities within 0.02", own[0] == before_spans and difference < 0.02, f"{difference:.4f}")
q = quantize("silero-vad", "sh", {"default": "f16", "rules": [{"node": "*encoder/3/*", "op": "Conv", "precision": "int8"}]}, *fixed, "--data", tmp / "half.wav")
difference, own = np.abs(probabilities(q) - before).max(), spans(q)
lstm = next(n for n in onnx.load(q).graph.node if n.op_type == "LSTM")
types = {i.data_type for i in onnx.load(q).graph.initializer if i.name in lstm.input}
check("silero-vad, recurrent part in float16, last convolution INT8: the same spans", own[0] == before_spans and difference < 0.06 and types == {onnx.TensorProto.FLOAT16},
      f"{difference:.4f}; by mote {np.abs(own[1][: len(before)] - before).max():.4f}")
try:
    ort.InferenceSession(str(q)).run(None, {"input": np.zeros((1, 576), np.float32), "state": np.zeros((2, 1, 128), np.float32), "sr": np.array(8000, np.int64)})
    check("silero-vad: another rate is an error in onnxruntime", False)
except Exception as e:
    check("silero-vad: another rate is an error in onnxruntime", "8000" in str(e))
np.savez(tmp / "wrong.npz", input=np.zeros((1, 576), np.float32), state=np.zeros((2, 1, 128), np.float32), sr=np.array(8000, np.int64))
check("silero-vad: another rate is an error in mote", "8000" in mote("run", q, "--inputs", tmp / "wrong.npz", code=1).stderr)
for what, fix in (("no input of that name", "rate=16000"), ("no value", "sr="), ("not a number", "sr=fast"), ("a shape of another rank", "input=[576]"), ("a shape that is none", "input=[1,x]"),
                  ("a value for a tensor", "input=3"), ("no equals", "sr"), ("another size than declared", "state=[3,1,128]"), ("too large a number", "sr=99999999999999999999")):
    r = subprocess.run([tool, "quantize", str(data / "silero-vad.onnx"), "-o", str(tmp / "none.onnx"), "--fp16", "--fix", fix], capture_output=True, text=True)
    check("refused: --fix with " + what, r.returncode in (1, 2) and "fix" in r.stderr and not (tmp / "none.onnx").exists(), r.stderr.strip()[:120])

# ---- dtln: two networks, each step's states from the one before ----


def denoised(first, second):
    a, b = ort.InferenceSession(str(first)), ort.InferenceSession(str(second))
    state = [np.zeros((1, 2, 128, 2), np.float32), np.zeros((1, 2, 128, 2), np.float32)]
    window, out = np.zeros(512, np.float32), np.zeros(len(speech) + 512)
    for k in range(len(speech) // 128):
        window = np.concatenate([window[128:], speech[k * 128 : (k + 1) * 128]])
        f = np.fft.rfft(window)
        mask, state[0] = a.run(None, {"input_2": np.abs(f).astype(np.float32)[None, None], "input_3": state[0]})
        y, state[1] = b.run(None, {"input_4": np.fft.irfft(mask[0, 0] * f).astype(np.float32)[None, None], "input_5": state[1]})
        out[k * 128 : k * 128 + 512] += y[0, 0]
    return out[len(speech) // 2 :]


before = denoised(data / "dtln-1.onnx", data / "dtln-2.onnx")
first = quantize("dtln-1", "d1", {"default": "int8", "rules": [{"op": "LSTM", "precision": "f16"}]}, "--data", tmp / "half.wav", "--limit", 600)
second = quantize("dtln-2", "d2", {"default": "int8", "rules": [{"node": "*lstm*", "precision": "f16"}, {"node": "conv1d_2", "precision": "f16"}]}, "--data", tmp / "half.wav", "--limit", 600)
own = si_sdr(before, denoised(first, second))
check("dtln, hybrid of both: SI-SDR to float32 of 30 dB on what was not seen", own >= 30, f"{own:.1f} dB, {first.stat().st_size} and {second.stat().st_size} bytes")

for what, args in (("sound at another rate", ("wavenet-amp.onnx", "--data", data / "jfk.wav", "--prep", prep / "wavenet-amp.json")), ("sound without a description", ("wavenet-amp.onnx", "--data", data / "guitar.wav")),
                   ("sound for pictures", ("keywords.onnx", "--data", data / "jfk.wav", "--prep", prep / "keywords.json")), ("no sound", ("wavenet-amp.onnx", "--data", tmp / "empty.wav", "--prep", prep / "wavenet-amp.json"))):
    (tmp / "empty.wav").write_bytes(b"RIFF")
    r = subprocess.run([tool, "quantize", str(data / args[0]), "-o", str(tmp / "none.onnx"), "--int8", "static", *map(str, args[1:])], capture_output=True, text=True)
    check("refused: " + what, r.returncode in (1, 2) and r.stderr.strip() != "" and not (tmp / "none.onnx").exists(), r.stderr.strip()[:120])

done()
