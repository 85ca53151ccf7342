# test_answers.py - pictures, texts and sounds through small models made here: what goes in, what comes out, what is refused
# SPDX-License-Identifier: Apache-2.0
import struct
import wave

from clikit import *

rng = np.random.default_rng(1)
pixels = rng.integers(0, 256, (20, 30, 3), np.uint8)
Image.fromarray(pixels).save(tmp / "photo.png")
Image.fromarray(np.repeat(np.repeat(pixels, 8, 0), 8, 1)).save(tmp / "photo.jpg", quality=95)
identity = model("identity.onnx", [helper.make_node("Identity", ["x"], ["y"])], [("x", F, [1, 3, "h", "w"])], [("y", F, [1, 3, "h", "w"])])


def image_prep(name, output=None, inputs="x", **fields):
    d = {"version": 1, "inputs": {inputs: {"kind": "image", **fields}}}
    if output:
        d["output"] = output
    return write(name, d)


def picture_tensor(path, prep):
    check(mote("run", identity, "--input", path, "--prep", prep, "--outputs", tmp / "t.npz", "--overwrite")[0] == 0, f"run on {path.name} with {prep.name}")
    return np.load(tmp / "t.npz")["y"][0]


def test_pictures():
    x = pixels.astype(np.float32).transpose(2, 0, 1)
    check(np.array_equal(picture_tensor(tmp / "photo.png", image_prep("p.json")), x), "a PNG as it is")
    jpeg = np.asarray(Image.open(tmp / "photo.jpg")).astype(np.float32).transpose(2, 0, 1)
    check(np.array_equal(picture_tensor(tmp / "photo.jpg", image_prep("p.json")), jpeg), "a JPEG as Pillow reads it")
    inks = Image.fromarray(np.repeat(np.repeat(rng.integers(0, 256, (20, 30, 4), np.uint8), 4, 0), 4, 1), "CMYK")
    for name, more in (("cmyk.jpg", {}), ("cmyk_progressive.jpg", {"progressive": True}), ("cmyk_unmarked.jpg", {}), ("ycck.jpg", {})):
        inks.save(tmp / name, quality=90, **more)
        data = (tmp / name).read_bytes()
        at = data.find(b"Adobe")
        if name == "ycck.jpg":
            (tmp / name).write_bytes(data[:at + 11] + b"\x02" + data[at + 12:])
        elif name == "cmyk_unmarked.jpg":
            (tmp / name).write_bytes(data[:at - 4] + data[at + 12:])
        jpeg = np.asarray(Image.open(tmp / name).convert("RGB")).astype(np.float32).transpose(2, 0, 1)
        check(np.array_equal(picture_tensor(tmp / name, image_prep("p.json")), jpeg), f"{name} as Pillow reads it")
    full = dict(do_resize=True, size={"shortest_edge": 14}, resample=3, do_center_crop=True, crop_size=12, do_rescale=True, do_normalize=True, image_mean=[0.5, 0.4, 0.3],
                image_std=[0.2, 0.3, 0.4])
    r = np.asarray(Image.fromarray(pixels).resize((21, 14), Image.BICUBIC))[1:13, 4:16].astype(np.float32)
    want = ((r * np.float32(1 / 255) - np.float32(full["image_mean"])) / np.float32(full["image_std"])).transpose(2, 0, 1)
    got = picture_tensor(tmp / "photo.png", image_prep("p.json", **full))
    check(got.shape == want.shape and np.abs(got - want).max() < 1e-6, "resize, crop, rescale, normalize as Pillow and numpy")
    got = picture_tensor(tmp / "photo.png", image_prep("p.json", channels="bgr"))
    check(np.array_equal(got, x[::-1]), "BGR")
    got = picture_tensor(tmp / "photo.png", image_prep("p.json", do_resize=True, do_letterbox=True, size={"height": 20, "width": 20}, pad_value=7))
    check(got.shape == (3, 20, 20) and (got[:, :3] == 7).all() and (got[:, -3:] == 7).all() and not (got[:, 4:16] == 7).all(), "a letterbox")
    code, out, _ = mote("run", identity, "--input", "-", "--prep", image_prep("p.json"), "--json", stdin=(tmp / "photo.png").read_bytes())
    check(code == 0 and np.array_equal(np.array(json.loads(out)["results"][0]["outputs"][0]["values"], np.float32), x.reshape(-1)), "a picture from standard input")
    fixed = model("fixed.onnx", [helper.make_node("Identity", ["x"], ["y"])], [("x", F, [1, 3, 8, 8])], [("y", F, [1, 3, 8, 8])])
    fails("becomes a tensor of 30 x 20", "run", fixed, "--input", tmp / "photo.png", "--prep", image_prep("p.json"))
    fails("the model takes [3,8,8] without the batch, the description makes [3,9,8]", "run", fixed, "--input", tmp / "photo.png", "--prep",
          image_prep("p.json", do_resize=True, size={"height": 9, "width": 8}))
    fails("a picture of 30 x 20; the preprocessing declares at least 31 x 1", "run", identity, "--input", tmp / "photo.png", "--prep",
          image_prep("p.json", min_size={"height": 1, "width": 31}))
    fails("a picture of 30 x 20; the preprocessing declares at most 30 x 19", "run", identity, "--input", tmp / "photo.png", "--prep",
          image_prep("p.json", max_size={"height": 19, "width": 30}))
    fails("the declared range is [0, 1]", "run", identity, "--input", tmp / "photo.png", "--prep", image_prep("p.json", range=[0, 1]))
    fails("not a JPEG, PNG, BMP or PNM", "run", identity, "--input", write("no.png", "x"), "--prep", image_prep("p.json"))
    fails("inputs.x.size.width is 70000", "run", identity, "--input", tmp / "photo.png", "--prep", image_prep("p.json", do_resize=True, size={"height": 1, "width": 70000}))
    fails("inputs.x.do_reszie: there is no such field", "run", identity, "--input", tmp / "photo.png", "--prep", image_prep("p.json", do_reszie=True))
    fails("inputs.z: the model has no such input", "run", identity, "--input", tmp / "photo.png", "--prep", image_prep("p.json", inputs="z"))
    fails("no text input", "run", identity, "--input", write("a.txt", "a"), "--prep", image_prep("p.json"), code=2)
    fails("has no audio input", "run", identity, "--input", sound("a.wav", np.zeros(100)), "--prep", image_prep("p.json"), code=2)


def test_image_keys():
    keys = model("keys.onnx", [helper.make_node("Identity", ["x"], ["y"])], [("x", F, [1, 3, 20, 30])], [("y", F, [1, 3, 20, 30])],
                 Image__BitmapPixelFormat="Bgr8", Image__NominalPixelRange="Normalized_0_1")
    code, _, err = mote("run", keys, "--input", tmp / "photo.png", "--outputs", tmp / "k.npz", "--overwrite")
    want = pixels.astype(np.float32).transpose(2, 0, 1)[::-1] * np.float32(1 / 255)
    check(code == 0 and "warning" not in err and np.abs(np.load(tmp / "k.npz")["y"][0] - want).max() < 1e-6, "Image.* keys alone say what to do")
    code, _, err = mote("run", keys, "--input", tmp / "photo.png", "--prep", image_prep("p.json"))
    check(code == 0 and "Image.BitmapPixelFormat is Bgr8" in err and "Image.NominalPixelRange is Normalized_0_1" in err, f"both, and a warning where they disagree: {err}")
    code, _, err = mote("run", keys, "--input", tmp / "photo.png", "--prep", image_prep("p.json", channels="bgr", do_rescale=True))
    check(code == 0 and "warning" not in err, f"both, and they agree: {err}")


head = model("head.onnx", [helper.make_node("GlobalAveragePool", ["x"], ["p"]), helper.make_node("Flatten", ["p"], ["f"]), helper.make_node("Gemm", ["f", "w"], ["y"])],
             [("x", F, [1, 3, "h", "w"])], [("y", F, [1, 5])], {"w": np.array([[0, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0]], np.float32) / 64})


def test_classes():
    means = pixels.reshape(-1, 3).mean(0) / 64
    scores = np.concatenate([[0], means, [0]])
    order = np.argsort(-scores, kind="stable")
    task = {"task": "classify", "output": "y", "softmax": True, "label_offset": 1, "labels": ["red", "green", "blue", "none"]}
    prep = image_prep("c.json", task)
    r = document("run", head, "--input", tmp / "photo.png", "--prep", prep, schema="mote.run/1")["results"][0]
    check(r["task"] == "classify" and [c["class"] for c in r["classes"]] == list(order - 1), "classes in order, offset taken off")
    soft = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
    check(np.abs(np.array([c["score"] for c in r["classes"]]) - soft[order]).max() < 1e-5, "scores are softmax")
    check([c["label"] for c in r["classes"]] == [None if i == 0 else task["labels"][i - 1] for i in order], "labels by class; what lies before the offset has none")
    code, out, _ = mote("run", head, "--input", tmp / "photo.png", "--prep", prep, "--top", 2)
    check(code == 0 and len(out.strip().split("\n")) == 2 and out.split()[2] in task["labels"], "as text, --top 2")
    labels = write("labels.txt", "a\nb\r\nc\nd")
    r = document("run", head, "--input", tmp / "photo.png", "--prep", prep, "--labels", labels)["results"][0]
    check({c["label"] for c in r["classes"]} == {None, "a", "b", "c", "d"}, "--labels")
    r = document("run", head, "--input", tmp / "photo.png", "--prep", image_prep("c.json", {"task": "classify", "output": "y", "labels_file": "labels.txt"}))["results"][0]
    check({c["label"] for c in r["classes"]} == {None, "a", "b", "c", "d"}, "labels_file, beside the description")
    document("run", head, "--input", tmp / "photo.png", "--input", tmp / "photo.jpg", "--prep", prep)
    code, out, _ = mote("run", head, "--input", tmp / "photo.png", "--input", tmp / "photo.jpg", "--prep", prep)
    check(code == 0 and "photo.png\n" in out and "photo.jpg\n" in out, "two pictures, each under its name")
    fails("--draw", "run", head, "--input", tmp / "photo.png", "--prep", prep, "--draw", tmp / "d.png", code=2)
    fails("output.labels has 3 names and label_offset is 1: output 'y' has 5 classes", "run", head, "--input", tmp / "photo.png", "--prep",
          image_prep("c.json", dict(task, labels=["a", "b", "c"])))
    fails("the model has no such output", "run", head, "--input", tmp / "photo.png", "--prep", image_prep("c.json", dict(task, output="z")))
    deep = model("deep.onnx", [helper.make_node("GlobalAveragePool", ["x"], ["p"]), helper.make_node("Concat", ["p", "p"], ["y"], axis=0)], [("x", F, [1, 3, "h", "w"])],
                 [("y", F, [2, 3, 1, 1])])
    r = document("run", deep, "--input", tmp / "photo.png", "--prep", image_prep("e.json", {"task": "classify", "output": "y", "labels": ["red", "green", "blue"]}))["results"][0]
    check([c["class"] for c in r["classes"]] == list(np.argsort(-means, kind="stable")), "classes along the second of four dimensions, the first of a batch of two")
    hostile = tmp / "hostile.onnx"
    check(mote("meta", head, "--set", image_prep("c.json", {"task": "classify", "output": "y", "labels_file": "../../../etc/passwd"}), "-o", hostile)[0] == 0, "meta --set")
    fails("outside the model's folder", "run", hostile, "--input", tmp / "photo.png")


def test_boxes():
    corner, side = rng.uniform(0, 0.8, (60, 2)), rng.uniform(0.02, 0.3, (60, 2))
    boxes = np.concatenate([corner, corner + side], 1).astype(np.float32)
    scores = rng.uniform(0, 1, (60, 3)).astype(np.float32)
    nodes = [helper.make_node("ReduceMean", ["x"], ["m"], keepdims=0), helper.make_node("Mul", ["m", "zero"], ["z"]), helper.make_node("Add", ["z", "b"], ["boxes"]),
             helper.make_node("Add", ["z", "s"], ["scores"])]
    detect = model("detect.onnx", nodes, [("x", F, [1, 3, 40, 40])], [("boxes", F, [1, 60, 4]), ("scores", F, [1, 60, 3])],
                   {"zero": np.zeros((), np.float32), "b": boxes[None], "s": scores[None]})

    def expected(scale, offset):
        out = []
        for c in (1, 2):
            kept = []
            for i in np.argsort(-scores[:, c], kind="stable"):
                if scores[i, c] < 0.5:
                    break
                if all(iou(boxes[i], boxes[k]) <= 0.3 for k in kept):
                    kept.append(i)
                    b = (boxes[i].astype(np.float64) * 40 - offset) / scale
                    out.append((float(scores[i, c]), c, *np.clip(b, 0, [30, 20, 30, 20])))
        return sorted(out, reverse=True)

    def iou(a, b):
        w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
        both = max(w, 0) * max(h, 0)
        return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)

    task = {"task": "detect", "output": "scores", "boxes": "boxes", "background": 0, "score_threshold": 0.5, "iou_threshold": 0.3, "labels": ["none", "cat", "dog"]}
    for letterbox, scale, offset in ((False, np.array([40 / 30, 2, 40 / 30, 2]), 0), (True, np.array([4 / 3, 27 / 20, 4 / 3, 27 / 20]), np.array([0, 6, 0, 6]))):
        prep = image_prep("d.json", task, do_resize=True, do_letterbox=letterbox, size={"height": 40, "width": 40})
        r = document("run", detect, "--input", tmp / "photo.png", "--prep", prep, "--draw", tmp / f"d{letterbox}.png")["results"][0]
        got, want = [(b["score"], b["class"], *b["box"]) for b in r["boxes"]], expected(scale, offset)
        check(r["size"] == [30, 20] and len(got) == len(want) and np.abs(np.array(got) - np.array(want)).max() < 1e-3, f"boxes as numpy's, letterbox {letterbox}")
        check({b["label"] for b in r["boxes"]} == {"cat", "dog"}, "labels of boxes")
        check(np.asarray(Image.open(tmp / f"d{letterbox}.png")).shape == (20, 30, 3), "the drawn picture has the photo's size")
    fails("--overwrite", "run", detect, "--input", tmp / "photo.png", "--prep", prep, "--draw", tmp / "dTrue.png")
    centers = np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], 1) * 40
    pixel = model("pixel.onnx", nodes, [("x", F, [1, 3, 40, 40])], [("boxes", F, [1, 60, 4]), ("scores", F, [1, 60, 3])],
                  {"zero": np.zeros((), np.float32), "b": centers[None].astype(np.float32), "s": scores[None]})
    prep = image_prep("d.json", dict(task, box_format="cxcywh", box_scale="pixels"), do_resize=True, do_letterbox=True, size={"height": 40, "width": 40})
    r2 = document("run", pixel, "--input", tmp / "photo.png", "--prep", prep)["results"][0]
    check(np.abs(np.array([b["box"] for b in r2["boxes"]]) - np.array([b["box"] for b in r["boxes"]])).max() < 1e-3, "cxcywh in pixels gives the same")
    code, out, _ = mote("run", detect, "--input", tmp / "photo.png", "--prep", image_prep("d.json", dict(task, score_threshold=2), do_resize=True, size={"height": 40, "width": 40}))
    check(code == 0 and out == "nothing found\n", "nothing found")
    no_temporaries("boxes")


vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "ada", "love", "##lace", "lives", "in", "london", ".", "the"]
labels = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
best = [0, 0, 0, 0, 1, 2, 2, 0, 0, 3, 0, 0]


def tagger(name="tag.onnx", length="L"):
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["g"]), helper.make_node("Cast", ["attention_mask"], ["m"], to=F),
             helper.make_node("Unsqueeze", ["m", "last"], ["u"]), helper.make_node("Mul", ["g", "u"], ["logits"])]
    return model(name, nodes, [("input_ids", I, ["N", length]), ("attention_mask", I, ["N", length])], [("logits", F, ["N", length, 5])],
                 {"table": np.eye(5, dtype=np.float32)[best], "last": np.array([2])})


def text_prep(name, **fields):
    return write(name, {"version": 1, "inputs": {"input_ids": {"kind": "text", "part": "input_ids"}, "attention_mask": {"kind": "text", "part": "attention_mask"}},
                        "tokenizer": {"vocab": "v.txt", **fields}, "output": {"task": "tag", "output": "logits", "labels": labels}})


def test_words():
    write("v.txt", "\n".join(vocab) + "\n")
    tag, text = tagger(), "Ada Lovelace lives in London."
    r = document("run", tag, "--text", text, "--prep", text_prep("t.json"))["results"][0]
    check([w["label"] for w in r["words"]] == ["B-PER", "I-PER", "O", "O", "B-LOC", "O"], "a label for each word")
    check([w["text"] for w in r["words"]] == ["Ada", "Lovelace", "lives", "in", "London", "."], "words as they stand in the text")
    check([(e["type"], e["text"]) for e in r["entities"]] == [("PER", "Ada Lovelace"), ("LOC", "London")], "entities")
    want = "Ada\tB-PER\nLovelace\tI-PER\nlives\tO\nin\tO\nLondon\tB-LOC\n.\tO\n"
    check(mote("run", tag, "--text", text, "--prep", text_prep("t.json"))[1] == want, "as text")
    check(mote("run", tag, "--input", write("s.txt", text + "\n"), "--prep", text_prep("t.json"))[1] == want, "from a file")
    check(mote("run", tag, "--input", "-", "--prep", text_prep("t.json"), stdin=(text + "\n\n" + text).encode())[1] == want + "\n" + want, "two lines from standard input")
    check(mote("run", tagger("long.onnx", 16), "--text", text, "--prep", text_prep("t.json"))[1] == want, "a model of fixed length: filled up with [PAD]")
    fails("the text has 9 tokens, input 'input_ids' takes 6", "run", tagger("short.onnx", 6), "--text", text, "--prep", text_prep("t.json"))
    fails("the text has 9 tokens, tokenizer.model_max_length is 5", "run", tag, "--text", text, "--prep", text_prep("t.json", model_max_length=5, truncation=False))
    code, out, err = mote("run", tag, "--text", text, "--prep", text_prep("t.json", model_max_length=5))
    check(code == 0 and "cut after 5 tokens" in err and out == "Ada\tB-PER\nLovelace\tI-PER\n", "a longer text is cut, with a warning")
    fails("tokenizer.vocab_sha256 is " + "0" * 64, "run", tag, "--text", text, "--prep", text_prep("t.json", vocab_sha256="0" * 64))
    os.rename(tmp / "v.txt", tmp / "other.txt")
    fails("v.txt: No such file", "run", tag, "--text", text, "--prep", text_prep("t.json"))
    check(mote("run", tag, "--text", text, "--prep", text_prep("t.json"), "--vocab", tmp / "other.txt")[1] == want, "--vocab")
    os.rename(tmp / "other.txt", tmp / "v.txt")


def sound(name, x, rate=8000, channels=1):
    w = wave.open(str(tmp / name), "wb")
    w.setparams((channels, 2, rate, 0, "NONE", ""))
    w.writeframes((np.round(x * 32768).clip(-32768, 32767)).astype("<i2").tobytes())
    w.close()
    return tmp / name


def float_sound(name, x, rate=8000):
    data = np.asarray(x, "<f4").tobytes()
    head = b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 3, 1, rate, rate * 4, 4, 32) + b"data" + struct.pack("<I", len(data))
    (tmp / name).write_bytes(head + data)
    return tmp / name


def audio_prep(name, output, stream=None, **more):
    x = {"kind": "audio", "sampling_rate": 8000, **({"stream": stream} if stream else {}), **more}
    return write(name, {"version": 1, "inputs": {"x": x}, "output": output})


def test_sound():
    x = rng.uniform(-0.5, 0.5, 1000)
    path = sound("in.wav", x)
    half = model("half.onnx", [helper.make_node("Mul", ["x", "c"], ["y"])], [("x", F, [1, "T"])], [("y", F, [1, "T"])], {"c": np.array(0.5, np.float32)})
    prep = audio_prep("a.json", {"task": "sound", "output": "y"})
    r = document("run", half, "--input", path, "--prep", prep, "--outputs", tmp / "o.wav")["results"][0]
    w = wave.open(str(tmp / "o.wav"))
    got = np.frombuffer(w.readframes(w.getnframes()), "<i2")
    exact = np.round(x * 32768) / 2
    check(r["samples"] == 1000 and (w.getframerate(), w.getnchannels()) == (8000, 1) and np.array_equal(got, np.rint(exact).astype(int)), "a sound in, a WAV out")
    r = document("run", half, "--input", path, "--prep", audio_prep("a.json", {"task": "sound", "output": "y"}, {"window": 64, "context": 16}), "--outputs", tmp / "s.npz")
    check(np.array_equal(np.load(tmp / "s.npz")["sound"], (exact / 32768).astype(np.float32)), "streamed, the last step filled up and cut")
    r = document("run", half, "--input", path, "--prep", audio_prep("a.json", {"task": "sound", "output": "y", "overlap_add": True}, {"window": 64, "hop": 32}), "--outputs",
                 tmp / "l.npz")
    check(np.load(tmp / "l.npz")["sound"].shape == (1000,) and np.abs(np.load(tmp / "l.npz")["sound"][:960] - 2 * exact[:960] / 32768).max() < 1e-6, "windows added up")
    fails("the sound has 16000 Hz, inputs.x.sampling_rate is 8000", "run", half, "--input", sound("fast.wav", x, 16000), "--prep", prep)
    fails("inputs.x.max_samples is 10", "run", half, "--input", path, "--prep", audio_prep("m.json", {"task": "sound", "output": "y"}, max_samples=10))
    fails("the declared range is [-0.1, 0.1]", "run", half, "--input", path, "--prep", audio_prep("r.json", {"task": "sound", "output": "y"}, range=[-0.1, 0.1]))
    for stream, name in ((None, "w.json"), ({"window": 64, "hop": 32}, "st.json")):
        for bad, said in ((np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf")):
            y = x.astype("<f4")
            y[517] = bad
            fails(f"sample 517 of the sound is {said}", "run", half, "--input", float_sound("bad.wav", y), "--prep", audio_prep(name, {"task": "sound", "output": "y"}, stream))
        y = np.float32([-1, 1] * 300)
        check(mote("run", half, "--input", float_sound("full.wav", y), "--prep", audio_prep(name, {"task": "sound", "output": "y"}, stream, range=[-1, 1]))[0] == 0, "full scale")
        fails("input 'x' has values in [-100, 100], the declared range is [-1, 1]", "run", half, "--input", float_sound("bad.wav", y * 100), "--prep", tmp / name)
    spectrum = {"window": 64, "feature": "magnitude"}
    y = np.float32([1] * 640)
    check(mote("run", half, "--input", float_sound("full.wav", y), "--prep", audio_prep("st.json", {"task": "sound", "output": "y"}, spectrum, range=[0, 64]))[0] == 0, "a full spectrum")
    fails("has values in [0, 6400], the declared range is [0, 64]", "run", half, "--input", float_sound("bad.wav", y * 100), "--prep", tmp / "st.json")
    fails("not a WAV", "run", half, "--input", write("no.wav", "RIFF"), "--prep", prep)
    loud = model("loud.onnx", [helper.make_node("Mul", ["x", "c"], ["y"])], [("x", F, [1, "T"])], [("y", F, [1, "T"])], {"c": np.array(4, np.float32)})
    code, _, err = mote("run", loud, "--input", path, "--prep", prep, "--outputs", tmp / "loud.wav")
    check(code == 0 and "beyond full scale" in err, "samples beyond full scale are cut, with a warning")
    no_temporaries("sound")


def test_speech():
    """The model says: loud or not, by the mean of squares, and hands its count of steps on."""
    nodes = [helper.make_node("Mul", ["x", "x"], ["s"]), helper.make_node("ReduceMean", ["s"], ["m"], axes=[1]), helper.make_node("Mul", ["m", "k"], ["k1"]),
             helper.make_node("Clip", ["k1", "zero", "one"], ["p"]), helper.make_node("Add", ["state", "one"], ["state2"])]
    vad = model("vad.onnx", nodes, [("x", F, [1, "T"]), ("state", F, [1]), ("sr", I, [])], [("p", F, [1, 1]), ("state2", F, [1])],
                {"k": np.array([[100]], np.float32), "zero": np.zeros((), np.float32), "one": np.ones((), np.float32)})
    d = {"version": 1, "inputs": {"x": {"kind": "audio", "sampling_rate": 8000, "stream": {"window": 256, "context": 0}}, "state": {"kind": "state", "output": "state2"},
                                  "sr": {"kind": "sampling_rate"}},
         "output": {"task": "speech", "output": "p", "min_speech_ms": 100, "min_silence_ms": 100, "pad_ms": 0}}
    x = np.zeros(24000)
    x[8192:16384] = rng.uniform(-0.5, 0.5, 8192)
    path = sound("speech.wav", x)
    r = document("run", vad, "--input", path, "--prep", write("s.json", d))["results"][0]
    check([(s["start"], s["end"]) for s in r["spans"]] == [(8192, 16384)] and len(r["probabilities"]) == 94, f"one span, a probability a step: {r['spans']}")
    check("1.02 s to" in mote("run", vad, "--input", path, "--prep", tmp / "s.json")[1], "as text")
    check(mote("run", vad, "--input", sound("quiet.wav", x[:4000]), "--prep", tmp / "s.json")[1] == "no speech\n", "no speech")
    frames = model("frames.onnx", [helper.make_node("Identity", ["x"], ["y"])], [("x", F, [1, "f", 10])], [("y", F, [1, "f", 10])])
    f = {"version": 1, "inputs": {"x": {"kind": "audio", "sampling_rate": 8000, "frames": {"n_fft": 256, "hop_length": 128, "n_mels": 20, "n_mfcc": 10}}}}
    r = document("run", frames, "--input", path, "--prep", write("f.json", f))["results"][0]
    check(r["outputs"][0]["shape"] == [1, (24000 - 256) // 128 + 1, 10], "frames of cepstra")


def test_eval():
    prep = image_prep("c.json", {"task": "classify", "output": "y", "label_offset": 1, "labels": ["red", "green", "blue", "none"]})
    photos = tmp / "photos"
    photos.mkdir()
    rows = []
    for i in range(12):
        colour = [20, 20, 20]
        colour[i % 3] = 200
        Image.fromarray(np.full((4, 4, 3), colour, np.uint8)).save(photos / f"{i}.png")
        rows.append(f"{i}.png,{(i % 3) if i < 9 else (i + 1) % 3}")
    (photos / "labels.csv").write_text("file,class\n" + "\n".join(rows) + "\n")
    r = document("eval", head, "--data", photos, "--prep", prep, "--predictions", tmp / "p.csv", schema="mote.eval/1")
    check((r["n"], r["correct"], r["top1"], r["correct_top5"]) == (12, 9, 75.0, 12), f"pictures: 9 of 12: {r}")
    lines = (tmp / "p.csv").read_text().split("\n")
    check(lines[0] == "file,class,predicted,score" and lines[1].startswith("0.png,0,0,") and len(lines) == 14, "predictions")
    check("top-1 75.00 (9)" in mote("eval", head, "--data", photos, "--prep", prep)[1], "as text")
    check(document("eval", head, "--data", photos, "--prep", prep, "--limit", 9)["correct"] == 9, "--limit")
    check(document("eval", head, "--data", photos, "--prep", prep, "--label-offset", 0)["correct"] == 2, "--label-offset is taken: answers are one higher, two of them right")
    check(document("eval", head, "--data", photos, "--prep", prep, "--require", 75)["n"] == 12, "--require that is met: 0")
    document("eval", head, "--data", photos, "--prep", prep, "--require", 75.1, code=3)
    (photos / "labels.csv").write_text("0.png,red\n1.png,green\n")
    check(document("eval", head, "--data", photos, "--prep", prep)["correct"] == 2, "classes by name")
    (photos / "labels.csv").write_text("0.png,purple\n")
    fails("'purple' is neither a number nor a label", "eval", head, "--data", photos, "--prep", prep)
    (photos / "labels.csv").write_text("../photo.png,0\n")
    fails("outside its folder", "eval", head, "--data", photos, "--prep", prep)
    (photos / "labels.csv").write_text("")
    fails("names no picture", "eval", head, "--data", photos, "--prep", prep)

    np.savez(tmp / "d.npz", x=np.eye(3, dtype=np.float32)[[0, 1, 2, 0]].reshape(4, 3, 1, 1) * 64, label=np.array([0, 1, 2, 1]))
    r = document("eval", head, "--data", tmp / "d.npz", "--label-offset", 1, schema="mote.eval/1")
    check((r["n"], r["correct"]) == (4, 3), f"arrays without a description: {r}")
    np.savez(tmp / "e.npz", x=np.zeros((4, 3, 1, 1), np.float32), label=np.zeros(3, int))
    fails("'x' has 4 items, there are 3 labels", "eval", head, "--data", tmp / "e.npz")
    np.savez(tmp / "e.npz", x=np.zeros((4, 3, 1, 1), np.float32))
    fails("no integer array 'label'", "eval", head, "--data", tmp / "e.npz", code=2)

    write("v.txt", "\n".join(vocab) + "\n")
    iob = write("f.iob2", "# sent_id = 1\n1\tAda\tB-PER\t-\n2\tLovelace\tI-PER\t-\n3\tlives\tO\t-\n4\tin\tO\n5\tLondon\tI-LOC\n\n1\tthe\tB-MISC\n2\tAda\tB-PER\n3\tlondon\tB-LOC\n")
    r = document("eval", tagger(), "--data", iob, "--prep", text_prep("t.json"), "--predictions", tmp / "words.tsv")
    # found: PER 0-1, LOC 4, PER 1, LOC 2; gold, strictly: PER 0-1, PER 1, LOC 2 (I-LOC alone is none)
    check((r["n"], r["right"], r["predicted"], r["gold"], r["labels_as_o"]) == (2, 3, 4, 3, 1), f"entities: {r}")
    check(abs(r["f1"] - 600 / 7) < 1e-6 and abs(r["lenient"]["f1"] - 100) < 1e-6 and r["types"]["PER"]["f1"] == 100, "F1, strict and lenient, by type")
    check((tmp / "words.tsv").read_text().split("\n")[0] == "Ada\tB-PER\tB-PER", "predictions of words")
    two = write("g.conll", "Ada B-PER\nLovelace I-PER\n\nin O\nLondon B-LOC\n")
    check(document("eval", tagger(), "--data", two, "--prep", text_prep("t.json"))["f1"] == 100, "two columns")
    check(document("eval", tagger(), "--data", iob, "--prep", text_prep("t.json"), "--max-length", 4, "--limit", 1)["predicted"] == 1, "--max-length cuts sentences")
    fails("has 1 columns", "eval", tagger(), "--data", write("h.iob2", "word\n"), "--prep", text_prep("t.json"))
    fails("no sentence", "eval", tagger(), "--data", write("h.iob2", "\n"), "--prep", text_prep("t.json"))
    fails("give one model, and --data", "eval", head, code=2)
    fails("--overwrite", "eval", tagger(), "--data", two, "--prep", text_prep("t.json"), "--predictions", tmp / "words.tsv")
    no_temporaries("eval")


for name, test in sorted(globals().copy().items()):
    if name.startswith("test_"):
        test()
finish()
