# test_real_input.py - real pictures, sentences and sounds to answers, against onnxruntime with preprocessing by Pillow, tokenizers and numpy
# SPDX-License-Identifier: Apache-2.0
#
# Needs the data set at $MOTE_SHARED. A part of each set by default; MOTE_FULL=1 takes all of it.
import json
import os
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

source = Path(__file__).resolve().parent.parent.parent
tool = os.environ.get("MOTE_TOOL", str(source / "build/release/mote"))
data = Path(os.environ.get("MOTE_SHARED", str(source.parent / "shared"))) / "data"
prep = source / "examples/prep"
full = os.environ.get("MOTE_FULL") == "1"
if not data.is_dir() or not Path(tool).exists():
    print("skipped: no data set at $MOTE_SHARED/data, or the tool is not built")
    sys.exit(77)
try:
    import numpy as np
    import onnxruntime as ort
    import tokenizers
    from PIL import Image
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)

ort.set_default_logger_severity(3)
failures = []


def check(what, good, detail):
    print(f"{'ok    ' if good else 'WRONG '} {what}: {detail}", flush=True)
    if not good:
        failures.append(what)


def session(path):
    o = ort.SessionOptions()
    o.intra_op_num_threads = 1
    return ort.InferenceSession(str(path), o)


def mote(*args):
    return json.loads(subprocess.run([tool, *map(str, args), "--threads", "1", "--json"], stdout=subprocess.PIPE, check=True).stdout)


def classifiers():
    n = 500 if full else 20
    rows = [line.split(",") for line in (data / "vision/evaluation/labels.csv").read_text().split()[1 : n + 1]]
    crops = [np.asarray(Image.open(data / "vision/evaluation" / f).convert("RGB"))[1:225, 1:225].astype(np.float32).transpose(2, 0, 1)[None] for f, _ in rows]
    values = {
        "efficientnet-lite0": (lambda x: (x - 127) / 128, 0),
        "mobilenetv3-small": (lambda x: x / np.float32(255), 1),
        "mobilenetv3-large-minimalistic": (lambda x: (x - 128) * np.float32(0.007874), 1),
    }
    for name, (scale, offset) in values.items():
        s = session(data / f"vision/{name}.onnx")
        top = [int(s.run(None, {s.get_inputs()[0].name: scale(x)})[0].argmax()) - offset for x in crops]
        right = sum(t == int(c) for t, (_, c) in zip(top, rows))
        with tempfile.TemporaryDirectory() as d:
            r = mote("eval", data / f"vision/{name}.onnx", "--data", data / "vision/evaluation", "--prep", prep / f"{name}.json", "--limit", n, "--predictions", f"{d}/p.csv")
            answers = [int(line.split(",")[2]) for line in Path(f"{d}/p.csv").read_text().split()[1:]]
        differ = sum(a != t for a, t in zip(answers, top))
        check(f"{name} top-1", abs(r["correct"] - right) <= 1 and r["n"] == n, f"{r['correct']} of {r['n']}, onnxruntime {right}; answers that differ: {differ}")


def sentences():
    out, now = [], []
    for line in (data / "text/ner/en_ewt-ud-test.iob2").read_text(encoding="utf8").split("\n"):
        if line and not line.startswith("# "):
            now.append(line.split("\t")[1:3])
        elif not line and now:
            out.append(now)
            now = []
    return out if full else out[:60]


def strict_entities(tags):
    found, now = set(), None
    for i, t in enumerate(tags + ["O"]):
        if now and t == "I-" + now[1]:
            continue
        if now:
            found.add((now[0], i, now[1]))
        now = (i, t[2:]) if t.startswith("B-") else None
    return found


def tagger():
    labels = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG"]
    t = tokenizers.BertWordPieceTokenizer(str(data / "text/vocab.txt"), lowercase=True, strip_accents=True)
    s, right, predicted, gold, differ, every = session(data / "text/ner-minilm.onnx"), 0, 0, 0, 0, sentences()
    with tempfile.TemporaryDirectory() as d:
        r = mote("eval", data / "text/ner-minilm.onnx", "--data", data / "text/ner/en_ewt-ud-test.iob2", "--prep", prep / "ner-minilm.json", "--max-length", 200, "--limit",
                 len(every), "--predictions", f"{d}/p")
        answers = [block.split("\n") for block in Path(f"{d}/p").read_text(encoding="utf8").strip("\n").split("\n\n")]
    for words, answer in zip(every, answers):
        ids, first = [t.token_to_id("[CLS]")], []
        for w, _ in words:
            first.append(len(ids))
            ids += t.encode(w, add_special_tokens=False).ids
        ids = ids[:199] + [t.token_to_id("[SEP]")]
        a = np.array([ids])
        y = s.run(["logits"], {"input_ids": a, "attention_mask": np.ones_like(a), "token_type_ids": np.zeros_like(a)})[0][0].argmax(1)
        tags = [labels[y[i]] if i < len(ids) - 1 else "O" for i in first]
        differ += tags != [line.split("\t")[2] for line in answer]
        g, p = strict_entities([l if l in labels else "O" for _, l in words]), strict_entities(tags)
        right, predicted, gold = right + len(g & p), predicted + len(p), gold + len(g)
    f1 = 200 * right / (predicted + gold)
    check("ner-minilm entity F1", abs(r["f1"] - f1) <= 0.1 and r["n"] == len(every), f"{r['f1']:.2f} on {r['n']} sentences, onnxruntime {f1:.2f}; sentences that differ: {differ}")


def speech():
    w = wave.open(str(data / "audio/jfk.wav"))
    x = np.frombuffer(w.readframes(w.getnframes()), "<i2").astype(np.float32) / 32768
    s, state, context, p = session(data / "audio/silero-vad.onnx"), np.zeros((2, 1, 128), np.float32), np.zeros(64, np.float32), []
    for at in range(0, len(x), 512):
        window = np.zeros(512, np.float32)
        window[: len(x[at : at + 512])] = x[at : at + 512]
        y, state = s.run(["output", "stateN"], {"input": np.concatenate([context, window])[None], "state": state, "sr": np.array(16000)})
        context = window[-64:]
        p.append(float(y[0, 0]))
    r = mote("run", data / "audio/silero-vad.onnx", "--prep", prep / "silero-vad.json", "--input", data / "audio/jfk.wav")["results"][0]
    worst = np.abs(np.array(r["probabilities"]) - p).max() if len(r["probabilities"]) == len(p) else 1
    check("silero-vad", worst < 1e-3 and len(r["spans"]) == 4, f"{len(p)} probabilities, largest difference {worst:.1e}; spans " + ", ".join(f"{v['start_s']:.2f}-{v['end_s']:.2f}" for v in r["spans"]))


def faces():
    s = session(data / "vision/ultraface-320.onnx")
    for photo in sorted((data / "vision/photos").glob("1*.jpg")):
        im = Image.open(photo).convert("RGB")
        x = (np.asarray(im.resize((320, 240), Image.BILINEAR)).astype(np.float32).transpose(2, 0, 1)[None] - 127) / 128
        scores, boxes = s.run(["scores", "boxes"], {"input": x})
        scores, boxes, kept = scores[0, :, 1], boxes[0] * [im.width, im.height, im.width, im.height], []
        for i in np.argsort(-scores, kind="stable"):
            if scores[i] < 0.7:
                break
            if all(iou(boxes[i], boxes[k]) <= 0.3 for k in kept):
                kept.append(i)
        with tempfile.TemporaryDirectory() as d:
            r = mote("run", data / "vision/ultraface-320.onnx", "--prep", prep / "ultraface-320.json", "--input", photo, "--draw", f"{d}/out.png")["results"][0]["boxes"]
            drawn = np.asarray(Image.open(f"{d}/out.png").convert("RGB")).astype(int)
        got = np.array([b["box"] for b in r]).reshape(-1, 4)
        want = np.clip(boxes[kept], 0, [im.width, im.height, im.width, im.height]).reshape(-1, 4)
        near = got.shape == want.shape and np.abs(got - want).max(initial=0) < 0.5
        changed = (drawn != np.asarray(im)).any(2)
        inside = np.zeros_like(changed)
        for x0, y0, x1, y1 in got.astype(int):
            inside[y0 : y1 + 1, x0 : x1 + 1] = True
        check(f"ultraface on {photo.name}", near and (not len(r) or changed.any()) and not (changed & ~inside).any(), f"{len(got)} faces, numpy {len(want)}; {changed.sum()} pixels drawn")


def iou(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(w, 0) * max(h, 0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def keywords():
    z = np.load(data / "audio/keywords-evaluation.npz")
    for name in ("keywords", "keywords-int8-qdq"):
        o = ort.SessionOptions()
        o.intra_op_num_threads = 1
        o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        s = ort.InferenceSession(str(data / f"audio/{name}.onnx"), o)
        right = sum(int(s.run(None, {"input_1": x[None]})[0].argmax()) == l for x, l in zip(z["input_1"], z["label"]))
        r = mote("eval", data / f"audio/{name}.onnx", "--data", data / "audio/keywords-evaluation.npz", "--prep", prep / f"{name}.json")
        check(name, abs(r["correct"] - right) <= (0 if name == "keywords" else 3), f"{r['correct']} of {r['n']}, onnxruntime {right}")


def sound():
    w = wave.open(str(data / "audio/guitar.wav"))
    raw = np.frombuffer(w.readframes(24000 if full else 6000), np.uint8).reshape(-1, 3).astype(np.int32)
    x = ((raw[:, 0] << 8 | raw[:, 1] << 16 | raw[:, 2] << 24) >> 8).astype(np.float32) / 8388608
    want = session(data / "audio/wavenet-amp.onnx").run(None, {"input": x[None, None]})[0][0, 0]
    with tempfile.TemporaryDirectory() as d:
        v = wave.open(f"{d}/in.wav", "wb")
        v.setparams((1, 3, 48000, 0, "NONE", ""))
        v.writeframes(raw.astype(np.uint8).tobytes())
        v.close()
        mote("run", data / "audio/wavenet-amp.onnx", "--prep", prep / "wavenet-amp.json", "--input", f"{d}/in.wav", "--outputs", f"{d}/out.npz")
        mote("run", data / "audio/wavenet-amp.onnx", "--prep", prep / "wavenet-amp.json", "--input", f"{d}/in.wav", "--outputs", f"{d}/out.wav")
        got = np.load(f"{d}/out.npz")["sound"]
        v = wave.open(f"{d}/out.wav")
        written = np.frombuffer(v.readframes(v.getnframes()), "<i2").astype(np.float32) / 32768
        shape = (v.getframerate(), v.getnchannels(), v.getsampwidth())
    worst = np.abs(got - want).max() / np.abs(want).max() if got.shape == want.shape else 1
    check("wavenet-amp", worst < 1e-3 and shape == (48000, 1, 2) and written.shape == got.shape and np.abs(written - got).max() <= 0.51 / 32768,
          f"{len(got)} samples, largest difference {worst:.1e} of the largest; WAV {shape}")


def descriptions():
    for path in sorted(prep.glob("*.json")):
        found = list(data.glob(f"*/{path.stem}.onnx"))
        with tempfile.TemporaryDirectory() as d:
            p = subprocess.run([tool, "meta", str(found[0]), "--set", str(path), "-o", f"{d}/m.onnx"], stderr=subprocess.PIPE) if found else None
        check(f"{path.name} goes with its model", p is not None and p.returncode == 0, p.stderr.decode() if p else "no such model")
    for name in ("mobilenetv2-int8-qdq", "mobilenetv3-small-int8-qdq"):
        r = mote("run", data / f"vision/{name}.onnx", "--prep", prep / f"{name}.json", "--input", data / "vision/photos/dog1.jpg")["results"][0]
        check(f"{name} on dog1.jpg", r["classes"][0]["class"] in (207, 208), f"{r['classes'][0]}: a retriever")
    Image.fromarray(np.pad(np.full((20, 4), 255, np.uint8), ((4, 4), (12, 12)))).save(tempfile.gettempdir() + "/mote-one.png")
    r = mote("run", data / "vision/mnist.onnx", "--prep", prep / "mnist.json", "--input", tempfile.gettempdir() + "/mote-one.png")["results"][0]
    os.unlink(tempfile.gettempdir() + "/mote-one.png")
    check("mnist on a stroke", r["classes"][0]["label"] == "1", f"{r['classes'][0]}")


for part in (descriptions, keywords, speech, faces, sound, tagger, classifiers):
    part()
print(f"{len(failures)} wrong")
sys.exit(1 if failures else 0)
