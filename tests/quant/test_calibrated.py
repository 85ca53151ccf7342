# test_calibrated.py - the description that quantize writes: what it says, what it refuses, and that it refuses nothing honest
# SPDX-License-Identifier: Apache-2.0
#
# Needs the data set at $MOTE_SHARED.
import hashlib
import json
import subprocess
import wave

from quantkit import check, data, done, mote, prep, report, tmp, tool

import numpy as np
import onnx
from PIL import Image

vision, audio, text = data / "vision", data / "audio", data / "text"


def quantize(model, name, samples, description=None, *args, how=("--int8", "static")):
    q = tmp / f"{name}.onnx"
    mote("quantize", model, "-o", q, *how, "--effort", 0, "--data", samples, *(("--prep", description) if description else ()), *args)
    return q


def own(path):
    return json.loads(next(p.value for p in onnx.load(path).metadata_props if p.key == "mote.preprocess"))


def refused(what, says, *args, code=1, insist=True):
    r = subprocess.run([tool, *map(str, args)], capture_output=True, text=True)
    check(what, r.returncode == code and all(s in r.stderr for s in says), r.stderr.strip()[:200])
    if insist:
        mote(*args, "--trust-input")


def changed(name, to, **fields):
    d = json.loads((prep / f"{name}.json").read_text())
    for i in d["inputs"].values():
        if i["kind"] in ("image", "audio"):
            for k, v in fields.items():
                i.pop(k, None) if v is None else i.update({k: v})
    (tmp / to).write_text(json.dumps(d))
    return tmp / to


# pictures
minimal, classes = prep / "mobilenetv3-large-minimalistic.json", vision / "imagenet-classes.txt"
v3 = prep / "mobilenetv3-small.json"
d = json.loads(v3.read_text())
d["output"]["labels_file"] = "names.txt"
(tmp / "names.txt").write_text("\n".join(f"name {i}" for i in range(1000)) + "\n")
(tmp / "v3.json").write_text(json.dumps(d))
q = quantize(vision / "mobilenetv3-small.onnx", "v3", vision / "calibration", tmp / "v3.json", "--limit", 12)
(tmp / "names.txt").unlink()
m = own(q)
(name, i), = m["inputs"].items()
given, = d["inputs"].values()
check("the description is in the result", all(i[k] == v for k, v in given.items()) and m["calibration_samples"] == 12, i)
check("with the range that was seen", 0 <= i["observed"][0] < 0.01 and 0.99 < i["observed"][1] <= 1, i["observed"])
check("and the labels of its file", len(m["output"]["labels"]) == 1000 and "labels_file" not in m["output"])
photo = vision / "photos/dog1.jpg"
check("a picture needs no --prep any more", "name " in mote("run", q, "--input", photo).stdout)
check("the same --prep is taken", mote("run", q, "--input", photo, "--prep", v3).returncode == 0)
half = {"do_rescale": True, "do_normalize": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
refused("pictures in [-1, 1] for a model calibrated on [0, 1]", ["[-1, 1]", "[0, 1]", name], "run", q, "--input", photo, "--prep", changed("mobilenetv3-small", "half.json", **half))
refused("and in [0, 255]", ["[0, 255]", "[0, 1]"], "run", q, "--input", photo, "--prep", changed("mobilenetv3-small", "raw.json", do_rescale=None, rescale_factor=None))
refused("eval, too", ["[-1, 1]", "[0, 1]"], "eval", q, "--data", vision / "evaluation", "--limit", 1, "--prep", tmp / "half.json")
x = np.asarray(Image.open(photo).convert("RGB").resize((224, 224)), np.float32).transpose(2, 0, 1)[None] / 255
for what, values, good in (("[0, 1]", x, True), ("black", x * 0, True), ("white", x * 0 + 1, True), ("noise by resizing", x * 1.1 - 0.05, True), ("[-1, 1]", 2 * x - 1, False), ("[0, 255]", 255 * x, False),
                           ("normalized as ImageNet", (x - 0.45) / 0.225, False)):
    np.savez(tmp / "x.npz", **{name: values})
    if good:
        check(f"arrays in {what} are taken", mote("run", q, "--inputs", tmp / "x.npz").returncode == 0)
    else:
        refused(f"arrays in {what}", ["calibrated on [0, 1]", name], "run", q, "--inputs", tmp / "x.npz")
x[0, 0, 0, 0] = np.nan
np.savez(tmp / "x.npz", **{name: x})
refused("NaN", ["element 0 is NaN"], "run", q, "--inputs", tmp / "x.npz")
q2 = quantize(vision / "mobilenetv3-large-minimalistic.onnx", "minimal", vision / "calibration", minimal, "--limit", 4)
refused("[0, 1] for [-1, 1]", ["[0, 1]", "[-1"], "run", q2, "--input", photo, "--prep", changed("mobilenetv3-large-minimalistic", "one.json", do_normalize=None, do_rescale=True, rescale_factor=1 / 255))
same = mote("quantize", vision / "mobilenetv3-small.onnx", "-o", tmp / "again.onnx", "--int8", "static", "--effort", 0, "--data", vision / "calibration", "--prep", tmp / "half.json", "--limit", 2)
check("another calibration says another range", next(iter(own(tmp / "again.onnx")["inputs"].values()))["observed"][0] < -0.9)
mote("meta", q, "--remove", "mote.preprocess", "-o", tmp / "without.onnx")
check("without the description nothing is compared", mote("run", tmp / "without.onnx", "--input", photo, "--prep", tmp / "half.json").returncode == 0)

# pictures whose model saw arrays alone
pictures = np.stack([np.asarray(Image.open(p).convert("RGB"), np.float32)[1:225, 1:225].transpose(2, 0, 1) / 255 for p in sorted((vision / "calibration").glob("*.JPEG"))[:8]])
np.savez(tmp / "stack.npz", **{name: pictures})
q3 = quantize(vision / "mobilenetv3-small.onnx", "arrays", tmp / "stack.npz")
check("arrays alone", own(q3)["inputs"][name]["kind"] == "array" and own(q3)["calibration_samples"] == 8)
check("then a description of pictures is taken", mote("run", q3, "--input", photo, "--prep", v3).returncode == 0)
refused("when it fits the range", ["[-1, 1]", "[0, 1]"], "run", q3, "--input", photo, "--prep", tmp / "half.json")
np.savez(tmp / "few.npz", **{name: pictures[:7]})
check("too few arrays say nothing", not any(p.key == "mote.preprocess" for p in onnx.load(quantize(vision / "mobilenetv3-small.onnx", "few", tmp / "few.npz")).metadata_props))

# words
vocab = text / "vocab.txt"
q = quantize(text / "ner-minilm.onnx", "ner", text / "ner/en_ewt-ud-dev.iob2", prep / "ner-minilm.json", "--vocab", vocab, "--limit", 4)
sha = hashlib.sha256(vocab.read_bytes()).hexdigest()
check("the vocabulary's hash", own(q)["tokenizer"]["vocab_sha256"] == sha)
check("the vocabulary", mote("run", q, "--text", "Ada Lovelace lived in London.", "--vocab", vocab).returncode == 0)
other = tmp / "other.txt"
words = vocab.read_text().splitlines()
words[2000], words[2001] = words[2001], words[2000]
other.write_text("\n".join(words) + "\n")
other_sha = hashlib.sha256(other.read_bytes()).hexdigest()
refused("another vocabulary", [sha, other_sha], "run", q, "--text", "Ada", "--vocab", other)
d = json.loads((prep / "ner-minilm.json").read_text())
d["tokenizer"]["vocab_sha256"] = other_sha
(tmp / "other.json").write_text(json.dumps(d))
refused("another in --prep", [sha, other_sha], "run", q, "--text", "Ada", "--vocab", other, "--prep", tmp / "other.json")
del d["tokenizer"]["vocab_sha256"]
(tmp / "other.json").write_text(json.dumps(d))
refused("another where --prep has no hash", [sha, other_sha], "run", q, "--text", "Ada", "--vocab", other, "--prep", tmp / "other.json")

# sounds
q = quantize(audio / "wavenet-amp.onnx", "amp", audio / "guitar.wav", prep / "wavenet-amp.json")
check("the sample rate", own(q)["inputs"]["input"]["sampling_rate"] == 48000)


def wav(name, x, rate):
    with wave.open(str(tmp / name), "wb") as w:
        w.setparams((1, 2, rate, 0, "NONE", ""))
        w.writeframes(np.round(x * 32767).astype("<i2").tobytes())
    return tmp / name


t = np.arange(4800) / 4800
for what, x in (("silence", t * 0), ("a quiet sound", 1e-4 * np.sin(800 * t)), ("full scale", np.sign(np.sin(900 * t)))):
    check(f"{what} is taken", mote("run", q, "--input", wav("s.wav", x, 48000)).returncode == 0)
refused("another sample rate", ["16000", "48000"], "run", q, "--input", wav("s.wav", x, 16000), "--prep", changed("wavenet-amp", "rate.json", sampling_rate=16000))
np.savez(tmp / "pcm.npz", input=(32767 * x).astype(np.float32).reshape(1, 1, -1))
refused("samples as integers", ["[-32767, 32767]", "calibrated on [-0.5, 0.5]"], "run", q, "--inputs", tmp / "pcm.npz", "--prep", changed("wavenet-amp", "open.json", range=None))
q = quantize(audio / "silero-vad.onnx", "vad", audio / "jfk.wav", prep / "silero-vad.json", how=("--fp16",))
check("a stream", mote("run", q, "--input", audio / "jfk.wav").returncode == 0 and own(q)["inputs"]["input"]["sampling_rate"] == 16000 and "observed" not in own(q)["inputs"]["state"])
refused("a stream at another rate", ["8000", "16000"], "run", q, "--input", wav("s.wav", np.sin(t), 8000), "--prep", changed("silero-vad", "slow.json", sampling_rate=8000), insist=False)

# features as arrays: few samples, others beyond what they reach
q = quantize(audio / "keywords.onnx", "words", audio / "keywords-calibration.npz", None, "--limit", 8)
check("features", "input_1" in own(q)["inputs"])
check("all others are taken", report("eval", q, "--data", audio / "keywords-evaluation.npz")["n"] == 350)
r = np.random.default_rng(1).random((10, 1, 49, 10), np.float32)
np.savez(tmp / "positive.npz", input_1=r.reshape(10, 1, 1, 49, 10)[:, 0])
q = quantize(audio / "keywords.onnx", "positive", tmp / "positive.npz")
np.savez(tmp / "x.npz", input_1=r[:1] * 2 - 1)
refused("values of the other sign", ["calibrated on", "input_1"], "run", q, "--inputs", tmp / "x.npz")
np.savez(tmp / "x.npz", input_1=r[:1] * 255)
refused("values of another scale", ["calibrated on", "input_1"], "run", q, "--inputs", tmp / "x.npz")
np.savez(tmp / "x.npz", input_1=r[:1] * 5 - 0.1)
check("an honest difference is taken", mote("run", q, "--inputs", tmp / "x.npz").returncode == 0)

# the proof goes through the same checks
refused("a proof on other data", ["calibrated on"], "quantize", audio / "keywords.onnx", "-o", tmp / "no.onnx", "--int8", "static", "--effort", 0, "--data", tmp / "positive.npz", "--overwrite", "--eval",
        audio / "keywords-evaluation.npz")

# nothing honest is refused: every sample there is, by models calibrated on few
for model, description in (("mobilenetv3-small", "mobilenetv3-small"), ("efficientnet-lite0", "efficientnet-lite0"), ("ultraface-320", "ultraface-320")):
    q = quantize(vision / f"{model}.onnx", model, vision / "photos", prep / f"{description}.json", "--limit", 2)
    if model == "ultraface-320":
        check(f"{model}: all photographs", report("eval", q, "--data", vision / "photos", "--against", vision / f"{model}.onnx", "--prep", prep / f"{description}.json")["n"] == 5)
    else:
        check(f"{model}: pictures", report("eval", q, "--data", vision / "evaluation", "--limit", 150)["n"] == 150)
for model in ("dtln-2",):
    q = quantize(audio / f"{model}.onnx", model, audio / "jfk.wav", prep / f"{model}.json", "--limit", 8, how=("--fp16",))
    check(f"{model}: all of the speech", mote("run", q, "--input", audio / "jfk.wav", "--outputs", tmp / f"{model}.wav").returncode == 0)
done()
