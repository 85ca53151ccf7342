# test_metrics.py - SNR, SI-SDR, STFT distance and mAP of mote eval and of the proof, against the formulas in numpy, and pycocotools where it is installed
# SPDX-License-Identifier: Apache-2.0
#
# Needs the data set at $MOTE_SHARED.
import json
import wave

from quantkit import check, data, done, mote, prep, report, tmp

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper
from PIL import Image

# ---- signals: the formulas ----


def snr(s, x):
    return 10 * np.log10((s**2).sum() / ((s - x) ** 2).sum())


def si_sdr(s, x):  # Le Roux et al. 2019
    target = (x @ s) / (s @ s) * s
    return 10 * np.log10((target**2).sum() / ((target - x) ** 2).sum())


def magnitudes(x, n):
    hop = n // 4
    frames = -(-len(x) // hop) + 1
    padded = np.zeros((frames - 1) * hop + n)
    padded[n // 2 : n // 2 + len(x)] = x
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
    spectra = np.fft.rfft(np.stack([padded[f * hop : f * hop + n] * window for f in range(frames)]), axis=1)
    return np.sqrt(np.maximum(np.abs(spectra) ** 2, 1e-7))


def stft_distance(s, x):  # Yamamoto et al. 2020, at three sizes
    parts = []
    for n in (512, 1024, 2048):
        a, b = magnitudes(s, n), magnitudes(x, n)
        parts.append(np.linalg.norm(a - b) / np.linalg.norm(a) + np.abs(np.log(a) - np.log(b)).mean())
    return np.mean(parts)


def near(got, s, x, tolerance=1e-5):
    s, x = (np.asarray(a, np.float64).reshape(len(a), -1) for a in (s, x))
    want = [np.mean([f(a, b) for a, b in zip(s, x)]) for f in (snr, si_sdr, stft_distance)]
    have = [got["snr_db"], got["si_sdr_db"], got["stft_distance"]]
    return all(abs(h - w) <= tolerance * max(1, abs(w)) for h, w in zip(have, want)), (have, want)


def model(name, nodes, inputs, outputs):
    value = lambda n, shape: helper.make_tensor_value_info(n, TensorProto.FLOAT, shape)
    m = helper.make_model(helper.make_graph(nodes, "g", [value(*v) for v in inputs], [value(*v) for v in outputs]), opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(m)
    onnx.save(m, tmp / name)
    return tmp / name


rng = np.random.default_rng(1)
same = model("same.onnx", [helper.make_node("Identity", ["x"], ["y"])], [("x", [1, "t"])], [("y", [1, "t"])])
for length in (2, 511, 512, 513, 2047, 2048, 5000):
    s = rng.normal(size=(3, length)).astype(np.float32)
    x = (1.5 * s + 0.1 * rng.normal(size=s.shape)).astype(np.float32)
    np.savez(tmp / "s.npz", x=x, y=s)
    r = report("eval", same, "--data", tmp / "s.npz")
    got = dict(r["outputs"][0])
    short = got["stft_distance"] is None and length < 512
    if short:
        got["stft_distance"] = np.mean([stft_distance(a, b) for a, b in zip(s.astype(float), x.astype(float))])
    check(f"arrays of {length} samples", r["n"] == 3 and (short or length >= 512) and near(got, s, x)[0], near(got, s, x)[1])
s[1] = 0
np.savez(tmp / "s.npz", x=x, y=s)
r = report("eval", same, "--data", tmp / "s.npz")["outputs"][0]
check("silence is left out", r["silent"] == 1 and near(r, s[[0, 2]], x[[0, 2]])[0])
np.savez(tmp / "s.npz", x=s, y=s)
r = report("eval", same, "--data", tmp / "s.npz", "--require", 100)["outputs"][0]
check("what is equal", r["equal"] and r["snr_db"] is None and r["stft_distance"] == 0 and ": equal" in mote("eval", same, "--data", tmp / "s.npz").stdout)
x[0, 7] = np.nan
np.savez(tmp / "s.npz", x=x, y=s)
check("NaN", report("eval", same, "--data", tmp / "s.npz")["outputs"][0]["broken"])
mote("eval", same, "--data", tmp / "s.npz", "--require", 1, code=3)
np.savez(tmp / "s.npz", x=s, y=s[:, :100])
check("another size", "items of 400 bytes" in mote("eval", same, "--data", tmp / "s.npz", code=1).stderr)
np.savez(tmp / "s.npz", x=s, y=s.astype(int))
check("another type", "expected outputs are float32" in mote("eval", same, "--data", tmp / "s.npz", code=1).stderr)

# ---- sounds: a real model and its quantized form ----

audio = data / "audio"


def sound(path):
    w = wave.open(str(path))
    n, bytes_each = w.getnframes(), w.getsampwidth()
    raw = np.frombuffer(w.readframes(n), np.uint8).reshape(n, bytes_each)
    whole = sum(raw[:, i].astype(np.int64) << (8 * i) for i in range(bytes_each))
    top = 1 << (8 * bytes_each - 1)
    return (np.where(whole >= top, whole - 2 * top, whole) / top).astype(np.float32)


q = tmp / "d2.onnx"
p = report("quantize", audio / "dtln-2.onnx", "-o", q, "--weights-only", "int4", "--prep", prep / "dtln-2.json", "--eval", audio / "jfk.wav")["proof"]["sound"]
speech = sound(audio / "jfk.wav")


def denoise(path):  # free-running: each model carries its own state
    session = ort.InferenceSession(str(path))
    names = [i.name for i in session.get_inputs()]
    state = np.zeros([d if isinstance(d, int) else 1 for d in session.get_inputs()[1].shape], np.float32)
    out, padded = np.zeros(len(speech) + 512), np.concatenate([np.zeros(384, np.float32), speech])
    for at in range(0, len(speech) // 128 * 128, 128):
        y, state = session.run(["conv1d_3", "tf_op_layer_stack_5"], {names[0]: padded[at : at + 512].reshape(1, 1, 512), names[1]: state})
        out[at : at + 512] += y.ravel()
    return out[384 : 384 + len(speech)]


r = report("eval", q, "--data", audio / "jfk.wav", "--against", audio / "dtln-2.onnx", "--prep", prep / "dtln-2.json")
a, b = denoise(audio / "dtln-2.onnx"), denoise(q)
got = r["outputs"][0]
check("a recording, beside onnxruntime's two", abs(got["snr_db"] - snr(a, b)) < 1 and abs(got["si_sdr_db"] - si_sdr(a, b)) < 1 and abs(got["stft_distance"] - stft_distance(a, b)) < 0.01,
      (got, snr(a, b), si_sdr(a, b), stft_distance(a, b)))
check("the proof says the same", p["sounds"] == 1 and all(abs(p[k] - got[k]) < 1e-6 for k in ("snr_db", "si_sdr_db", "stft_distance")), p)
(tmp / "speech").mkdir()
for i in range(3):
    with wave.open(str(tmp / f"speech/{i}.wav"), "wb") as w:
        w.setparams((1, 2, 16000, 0, "NONE", ""))
        w.writeframes(np.round(speech[i * 30000 : i * 30000 + 20000] * 32768).astype("<i2").tobytes())
check("a folder of recordings", report("eval", q, "--data", tmp / "speech", "--against", audio / "dtln-2.onnx", "--prep", prep / "dtln-2.json")["n"] == 3)
check("no original", "give --against" in mote("eval", q, "--data", audio / "jfk.wav", "--prep", prep / "dtln-2.json", code=2).stderr)
r = report("eval", audio / "keywords-int8-qdq.onnx", "--data", audio / "keywords-evaluation.npz", "--against", audio / "keywords.onnx")
x = np.load(audio / "keywords-evaluation.npz")["input_1"].astype(np.float32).reshape(-1, 1, 1, 49, 10)
answers = []
for name in ("keywords", "keywords-int8-qdq"):
    o = ort.SessionOptions()
    o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(str(audio / f"{name}.onnx"), o)
    answers.append(np.concatenate([session.run(None, {session.get_inputs()[0].name: i})[0] for i in x]).astype(float))
want = np.mean([snr(a, b) for a, b in zip(*answers)])
check("arrays against another model", r["n"] == len(x) and abs(r["outputs"][0]["snr_db"] - want) < 0.3, (r["outputs"][0]["snr_db"], want))

# ---- boxes ----


def coco_by_formula(truth, given):  # {(picture, class): boxes}; given: [(score, box)] in order
    thresholds, recalls = np.linspace(0.5, 0.95, 10), np.linspace(0, 1, 101)
    result = []
    for c in sorted({c for _, c in truth}):
        all_scores, all_right, total = [], [], sum(len(v) for (_, k), v in truth.items() if k == c)
        for picture in sorted({i for i, k in list(truth) + list(given) if k == c}):
            boxes = np.array(truth.get((picture, c), [])).reshape(-1, 4)
            found = sorted(given.get((picture, c), []), key=lambda f: -f[0])[:100]
            taken = np.zeros((10, len(boxes)), bool)
            for score, b in found:
                w = np.minimum(boxes[:, 2], b[2]) - np.maximum(boxes[:, 0], b[0])
                h = np.minimum(boxes[:, 3], b[3]) - np.maximum(boxes[:, 1], b[1])
                both = np.where((w > 0) & (h > 0), w * h, 0)
                union = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) + (b[2] - b[0]) * (b[3] - b[1]) - both
                iou = both / np.maximum(union, 1e-30)
                right = np.zeros(10, bool)
                for t, threshold in enumerate(thresholds):
                    free = np.where(taken[t], -1, iou)
                    if len(free) and free.max() >= min(threshold, 1 - 1e-10):
                        taken[t, len(free) - 1 - free[::-1].argmax()] = True
                        right[t] = True
                all_scores.append(score)
                all_right.append(right)
        row = np.zeros(10)
        order = np.argsort(-np.array(all_scores), kind="stable")
        for t in range(10):
            if not len(order):
                break
            right = np.array(all_right)[order, t]
            recall, precision = right.cumsum() / total, right.cumsum() / np.arange(1, len(right) + 1)
            precision = np.maximum.accumulate(precision[::-1])[::-1]
            at = np.searchsorted(recall, recalls, side="left")
            row[t] = np.where(at < len(precision), precision[np.minimum(at, len(precision) - 1)], 0).mean()
        result.append(row)
    return 100 * np.mean(result), 100 * np.mean(np.array(result)[:, 0]), 100 * np.mean(np.array(result)[:, 5])


def coco_by_pycocotools(pictures, truth, given):
    import contextlib
    import io

    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    corner = lambda b: [b[0], b[1], b[2] - b[0], b[3] - b[1]]
    with contextlib.redirect_stdout(io.StringIO()):
        gt = COCO()
        gt.dataset = {"info": {}, "images": [{"id": i + 1} for i in range(len(pictures))], "categories": [{"id": c} for c in sorted({c for _, c in truth})],
                      "annotations": [{"id": k + 1, "image_id": i + 1, "category_id": c, "bbox": corner(b), "area": (b[2] - b[0]) * (b[3] - b[1]), "iscrowd": 0}
                                      for k, (i, c, b) in enumerate((i, c, b) for (i, c), v in truth.items() for b in v)]}
        gt.createIndex()
        dt = gt.loadRes([{"image_id": i + 1, "category_id": c, "bbox": corner(b), "score": s} for (i, c), v in given.items() for s, b in v])
        e = COCOeval(gt, dt, "bbox")
        e.evaluate()
        e.accumulate()
        e.summarize()
    return tuple(100 * e.stats[:3])


def read(path, pictures, scores=False):
    out = {}
    for line in path.read_text().splitlines()[1:]:
        f = line.split(",")
        box = [float(v) for v in f[2:6]]
        out.setdefault((pictures.index(f[0]), int(f[1])), []).append((float(f[6]), box) if scores else box)
    return out


def oracle(truth, given, pictures):
    a = coco_by_formula(truth, given)
    try:
        b = coco_by_pycocotools(pictures, truth, given)
    except ImportError:
        b = a
    check("the two oracles agree", np.allclose(a, b, atol=1e-6), (a, b))
    return a


def matches(r, want):
    return all(abs(g - w) < 1e-6 for g, w in zip((r["map"], r["map50"], r["map75"]), want)), ((r["map"], r["map50"], r["map75"]), want)


# a detector that finds what the pixels say: a column a box, four rows of corners, then a row a class; 8 bits, so that scores tie
slices = lambda name, a, b: [helper.make_node("Constant", [], [f"{name}.{k}"], value_ints=[v]) for k, v in (("a", a), ("b", b), ("x", 2))] + [
    helper.make_node("Slice", ["first", f"{name}.a", f"{name}.b", f"{name}.x"], [f"{name}.s"]),
    helper.make_node("Squeeze", [f"{name}.s", "one"], [f"{name}.q"]), helper.make_node("Transpose", [f"{name}.q"], [name], perm=[0, 2, 1])]
classes = 3
nodes = [helper.make_node("Constant", [], ["zero"], value_ints=[0]), helper.make_node("Constant", [], ["one"], value_ints=[1]),
         helper.make_node("Slice", ["x", "zero", "one", "one"], ["first"])] + slices("boxes", 0, 4) + slices("scores", 4, 4 + classes)
detector = model("detector.onnx", nodes, [("x", [1, 3, 4 + classes, 150])], [("boxes", [1, 150, 4]), ("scores", [1, 150, classes])])
p = tmp / "detector.json"
p.write_text(json.dumps({"version": 1, "inputs": {"x": {"kind": "image", "do_rescale": True}},
                         "output": {"task": "detect", "output": "scores", "boxes": "boxes", "score_threshold": 0.5, "iou_threshold": 1, "max_boxes": 2000, "labels": ["a", "b", "c"]}}))
for round in range(6):
    folder = tmp / f"boxes{round}"
    folder.mkdir()
    pictures = [f"{i:02}.png" for i in range(5)]
    rows = ["image,class,x0,y0,x1,y1"]
    spread = [3, 20, 60, 255, 20, 20][round]
    for name in pictures:
        n = rng.integers(0, 12)
        true = np.sort(rng.integers(0, 256, size=(n, 2, 2)), axis=1).reshape(n, 4)  # x0 y0 x1 y1
        kind = rng.integers(0, 2 if round == 4 else classes, size=n)
        pixels = np.zeros((4 + classes, 150, 3), np.uint8)
        for k in range(150):
            near_one = n > 0 and rng.random() < 0.7
            b = true[k % n] + rng.integers(-spread, spread + 1, size=4) if near_one else rng.integers(0, 256, size=4)
            b = np.clip(b, 0, 255)
            b = [min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3])]
            pixels[:4, k, 0] = b
            pixels[4 + (kind[k % n] if near_one else rng.integers(classes)), k, 0] = rng.integers(0, 256 if near_one else 128) // (16 if round == 5 else 1) * (16 if round == 5 else 1)
        Image.fromarray(pixels).save(folder / name)
        size = [150 / 255, (4 + classes) / 255] * 2
        rows += [f"{name},{c if round % 2 else 'abc'[c]},{','.join(f'{v * s:.6f}' for v, s in zip(b, size))}" for b, c in zip(true.tolist(), kind)]
    (folder / "boxes.csv").write_text("\n".join(rows) + "\n")
    extra = ("--score-threshold", 0.3) if round == 3 else ()
    r = report("eval", detector, "--data", folder, "--prep", p, "--predictions", tmp / f"p{round}.csv", *extra)
    (folder / "n.csv").write_text("\n".join(l if i == 0 or round % 2 else ",".join([f if k != 1 else str("abc".index(f)) for k, f in enumerate(l.split(","))]) for i, l in enumerate(rows)))
    truth, given = read(folder / "n.csv", pictures), read(tmp / f"p{round}.csv", pictures, True)
    lowest = min(s for v in given.values() for s, _ in v)
    good, detail = matches(r, oracle(truth, given, pictures))
    check(f"mAP of random boxes, {spread} apart", good and r["n"] == 5 and lowest >= (0.3 if extra else 0.05), detail)
mote("eval", detector, "--data", folder, "--prep", p, "--require", r["map"] - 0.01)
mote("eval", detector, "--data", folder, "--prep", p, "--require", r["map"] + 0.01, code=3)
for text, says in (("00.png,0,1,2,3\n", "5 fields"), ("00.png,d,1,2,3,4\n", "neither a number nor a label"), ("00.png,0,1,nan,3,4\n", "no coordinate"), ("00.png,0,3,2,1,4\n", "the lesser corner"),
                   ("09.png,0,1,2,3,4\n", "not among the folder's pictures"), ("", "has no box"), ("00.png,0,1,2,3,4\n" * 10001, "more than 10000 boxes")):
    (folder / "boxes.csv").write_text(text)
    check(f"boxes.csv: {says}", says in mote("eval", detector, "--data", folder, "--prep", p, code=1).stderr)

# UltraFace and its quantized form, each in onnxruntime: what it finds, by the same rule
faces, photos = data / "vision/ultraface-320.onnx", data / "vision/photos"
q = tmp / "faces.onnx"
made = report("quantize", faces, "-o", q, "--int8", "static", "--effort", 0, "--data", data / "vision/calibration", "--limit", 20, "--prep", prep / "ultraface-320.json", "--eval", photos, "--require", "same=10")
r = report("eval", q, "--data", photos, "--against", faces, "--prep", prep / "ultraface-320.json", "--predictions", tmp / "f.csv")
pictures = sorted(f.name for f in photos.iterdir())


def found(path, threshold):
    o = ort.SessionOptions()
    o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session, out = ort.InferenceSession(str(path), o), {}
    for i, name in enumerate(pictures):
        picture = Image.open(photos / name).convert("RGB")
        x = (np.asarray(picture.resize((320, 240), Image.BILINEAR), np.float32).transpose(2, 0, 1)[None] - 127) / 128
        scores, boxes = session.run(["scores", "boxes"], {"input": x})
        scores, boxes = scores[0, :, 1], boxes[0]
        kept = []
        for k in np.argsort(-scores, kind="stable"):
            if scores[k] < threshold or len(kept) == 200:
                break
            b = boxes[k].astype(float)
            overlap = [max(0, min(b[2], c[2]) - max(b[0], c[0])) * max(0, min(b[3], c[3]) - max(b[1], c[1])) for _, c in kept]
            area = lambda b: (b[2] - b[0]) * (b[3] - b[1])
            if all(o <= 0.3 * (area(b) + area(c) - o) for o, (_, c) in zip(overlap, kept)):
                kept.append((float(scores[k]), b))
        size = np.array([picture.width, picture.height] * 2)
        out[(i, 1)] = [(s, np.clip(b, 0, 1) * size) for s, b in kept]
    return out


truth = {k: [b for _, b in v] for k, v in found(faces, 0.7).items()}
want = oracle(truth, read(tmp / "f.csv", pictures, True), pictures)
check("UltraFace against onnxruntime's boxes of the original", abs(r["map"] - want[0]) < 1e-3 and r["boxes"] == sum(len(v) for v in truth.values()), (r["map"], want[0]))
own = oracle(truth, found(q, 0.05), pictures)
check("and of both", abs(r["map"] - own[0]) < 5 and abs(r["map50"] - own[1]) < 2, (r["map"], own))
check("the proof says the same", abs(made["proof"]["boxes"]["map"] - r["map"]) < 1e-6 and "same" not in made["proof"])
own = report("eval", faces, "--data", photos, "--against", faces, "--prep", prep / "ultraface-320.json")
check("its own boxes are right", own["map"] > 100 - 1e-9 and own["n"] == len(pictures) and "mAP 100.00" in mote("eval", faces, "--data", photos, "--against", faces, "--prep", prep / "ultraface-320.json").stdout)
mote("quantize", faces, "-o", tmp / "no.onnx", "--int8", "static", "--effort", 0, "--data", data / "vision/calibration", "--limit", 2, "--prep", prep / "ultraface-320.json", "--eval", photos, "--require",
     "same=99.9", code=3)
folder = tmp / "faces"
folder.mkdir()
for name in pictures:
    (folder / name).symlink_to(photos / name)
(folder / "boxes.csv").write_text("".join(f"{pictures[i]},face,{b[0]},{b[1]},{b[2]},{b[3]}\n" for (i, _), v in truth.items() for b in v))
made = report("quantize", faces, "-o", tmp / "faces2.onnx", "--int8", "static", "--effort", 0, "--data", data / "vision/calibration", "--limit", 20, "--prep", prep / "ultraface-320.json", "--eval", folder,
              "--require", "drop=90")["proof"]
check("labels in the proof", made["metric"] == "mAP" and made["original"]["score"] > 99.9 and abs(made["result"]["score"] - r["map"]) < 0.5, made["result"])
check("--require drop without boxes", "needs labels" in mote("quantize", faces, "-o", tmp / "no.onnx", "--int8", "static", "--data", photos, "--prep", prep / "ultraface-320.json", "--eval", photos, "--require", "drop=1",
                                                             code=2).stderr)
done()
