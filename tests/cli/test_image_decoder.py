# test_image_decoder.py - ImageDecoder in the tool beside Pillow, and onnx's own cases
# SPDX-License-Identifier: Apache-2.0
import io
import struct

from clikit import *

U8 = TensorProto.UINT8


def decoder(pixel_format, name):
    node = helper.make_node("ImageDecoder", ["data"], ["image"], name="decode", **({"pixel_format": pixel_format} if pixel_format else {}))
    graph = helper.make_graph([node], "g", [helper.make_tensor_value_info("data", U8, ["N"])], [helper.make_tensor_value_info("image", U8, ["H", "W", "C"])])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9), tmp / name)
    return tmp / name


models = {f: decoder(f, f"{f}.onnx") for f in ("RGB", "BGR", "Grayscale")}


def decoded(data, model, expect=0):
    np.savez(tmp / "in.npz", data=np.frombuffer(data, np.uint8))
    code, out, err = mote("run", model, "--inputs", tmp / "in.npz", "--outputs", tmp / "out.npz", "--overwrite")
    check(code == expect, f"{model.name}: exit code {code}, expected {expect}: {err}")
    return np.load(tmp / "out.npz")["image"] if code == 0 else err


rng = np.random.default_rng(0)
smooth = np.stack([*np.meshgrid(np.linspace(0, 255, 37), np.linspace(255, 0, 21)), np.full((21, 37), 90.0)], -1)
rgb = np.clip(smooth + rng.normal(0, 8, smooth.shape), 0, 255).astype(np.uint8)
picture = Image.fromarray(rgb)


def saved(image, form, **options):
    f = io.BytesIO()
    image.save(f, format=form, **options)
    return f.getvalue()


def ascii_pnm(kind, a, most):
    body = " ".join(map(str, a.reshape(-1))) if kind != 1 else "".join(map(str, a.reshape(-1)))
    return f"P{kind}\n# a comment 1 2 3\n{a.shape[1]}#another\n {a.shape[0]}\n{'' if kind == 1 else most}\n{body}\n".encode()


bits = (rgb[:, :, 0] > 128).astype(np.uint8)
files = {
    "jpeg": saved(picture, "jpeg"), "jpeg gray": saved(picture.convert("L"), "jpeg"), "png": saved(picture, "png"), "png palette": saved(picture.quantize(16), "png"),
    "bmp 24": saved(picture, "bmp"), "bmp 8 palette": saved(picture.quantize(200), "bmp"), "bmp gray": saved(picture.convert("L"), "bmp"), "bmp 1": saved(picture.convert("1"), "bmp"),
    "bmp 32": saved(picture.convert("RGBA"), "bmp"), "ppm": saved(picture, "ppm"), "pgm": saved(picture.convert("L"), "ppm"), "pbm": saved(picture.convert("1"), "ppm"),
    "P1": ascii_pnm(1, bits, 1), "P2": ascii_pnm(2, rgb[:, :, 0] // 3, 85), "P3": ascii_pnm(3, rgb, 255), "P5 of 200": b"P5 4 2 200\n" + bytes([0, 1, 2, 99, 100, 101, 199, 200]),
}
for name, data in files.items():
    reference = Image.open(io.BytesIO(data)).convert("RGB")
    want = np.array(reference)
    check(np.array_equal(decoded(data, models["RGB"]), want), f"{name}: RGB as Pillow's")
    check(np.array_equal(decoded(data, models["BGR"]), want[:, :, ::-1]), f"{name}: BGR as Pillow's")
    check(np.array_equal(decoded(data, models["Grayscale"])[:, :, 0], np.array(reference.convert("L"))), f"{name}: gray as Pillow's")
    for cut in (0, 1, 2, 10, len(data) // 2):
        check("decode" in decoded(data[:cut], models["RGB"], 1), f"{name}, cut at {cut}: an error that names the node")
check(decoded(files["png"], decoder(None, "default.onnx")).shape == rgb.shape, "the default is RGB")

# a bitmap from top to bottom, of 4 bits, of OS/2, with masks
rows = [(row + b"\0" * 3)[:112] for row in (rgb[:, :, ::-1].reshape(21, -1)[k].tobytes() for k in range(21))]
head = lambda size, more: b"BM" + struct.pack("<IHHI", 0, 0, 0, 14 + size) + struct.pack("<I", size) + more
check(np.array_equal(decoded(head(40, struct.pack("<iiHHIIiiII", 37, -21, 1, 24, 0, 0, 0, 0, 0, 0)) + b"".join(rows), models["RGB"]), rgb), "bmp: from top to bottom")
check(np.array_equal(decoded(head(12, struct.pack("<HHHH", 37, 21, 1, 24)) + b"".join(rows[::-1]), models["RGB"]), rgb), "bmp: of OS/2")
four = head(40, struct.pack("<iiHHIIiiII", 3, 1, 1, 4, 0, 0, 0, 0, 2, 0)).replace(struct.pack("<IHHI", 0, 0, 0, 54), struct.pack("<IHHI", 0, 0, 0, 62)) + bytes([1, 2, 3, 0, 4, 5, 6, 0])
check(decoded(four + b"\x01\x10\0\0", models["RGB"]).tolist() == [[[3, 2, 1], [6, 5, 4], [6, 5, 4]]], "bmp: of 4 bits")
check("colour 2 of a palette of 2" in decoded(four + b"\x02\x10\0\0", models["RGB"], 1), "bmp: an index outside the palette")
masks = head(40, struct.pack("<iiHHIIiiII", 1, 1, 1, 32, 3, 0, 0, 0, 0, 0)).replace(struct.pack("<IHHI", 0, 0, 0, 54), struct.pack("<IHHI", 0, 0, 0, 66))
check(decoded(masks + struct.pack("<III", 0xff, 0xff00, 0xff0000) + b"\1\2\3\4", models["RGB"]).tolist() == [[[1, 2, 3]]], "bmp: masks")

wrong = {
    "a WebP, which is not decoded here": saved(picture, "webp"), "a TIFF, which": saved(picture, "tiff"), "a JPEG 2000, which": saved(picture, "jpeg2000"), "a GIF, which": saved(picture, "gif"),
    "not a JPEG, PNG, BMP or PNM": b"nothing at all", "a mask of 0x1f": masks + struct.pack("<III", 0x1f, 0xff00, 0xff0000) + b"\1\2\3\4",
    "16 bits a pixel": head(40, struct.pack("<iiHHIIiiII", 1, 1, 1, 16, 0, 0, 0, 0, 0, 0)) + b"\0" * 8, "compression 1": head(40, struct.pack("<iiHHIIiiII", 1, 1, 1, 8, 1, 0, 0, 0, 0, 0)) + b"\0" * 2000,
    "a side of 0x80000000": head(40, struct.pack("<iiHHIIiiII", 1, -2**31, 1, 24, 0, 0, 0, 0, 0, 0)) + b"\0" * 8,
    "65535 x 65535 pixels of 24 bits": head(12, struct.pack("<HHHH", 65535, 65535, 1, 24)) + b"\0" * 99, "pixels begin at byte": files["bmp 24"][:10] + b"\xff\xff\xff\xff" + files["bmp 24"][14:],
    "a header of 4294967295 bytes": files["bmp 24"][:14] + b"\xff\xff\xff\xff" + files["bmp 24"][18:], "a palette of 4000000000 colours": files["bmp 8 palette"][:46] + struct.pack("<I", 4000000000) + files["bmp 8 palette"][50:],
    "its sides are not two numbers": b"P6 99999999999 1 255\n", "values of two bytes": b"P6 1 1 65535\n" + b"\0" * 6, "its largest value": b"P6 1 1 0\n000", "30000 x 3000 pixels in 3 bytes": b"P6 30000 3000 255\n000",
    "pixel 1 of row 0": b"P2 2 1 9\n1 10", "a picture of 32768 x 32768": b"P1 32768 32768\n1",
}
for says, data in wrong.items():
    err = decoded(data, models["RGB"], 1)
    check(says in err and "ImageDecoder 'decode'" in err, f"{says!r}: {err}")
check("pixel_format is not RGB, BGR or Grayscale" in decoded(files["png"], decoder("rgb", "bad.onnx"), 1), "a format that there is not")

cases = Path(os.environ.get("MOTE_NODE_CASES", Path(os.environ.get("MOTE_BINARY_DIR", ".")) / "node_cases"))
ours = {"bmp_rgb", "jpeg_rgb", "jpeg_bgr", "jpeg_grayscale", "png_rgb", "pnm_rgb"}
theirs = {"jpeg2k_rgb": "JPEG 2000", "tiff_rgb": "TIFF", "webp_rgb": "WebP"}
for name in ours | set(theirs):
    case = cases / "node" / f"test_image_decoder_decode_{name}"
    if not case.is_dir():
        print(f"no {case}: left out")
        continue
    load = lambda f: numpy_helper.to_array(onnx.TensorProto.FromString((case / f).read_bytes()))
    np.savez(tmp / "in.npz", data=load("test_data_set_0/input_0.pb"))
    np.savez(tmp / "want.npz", output=load("test_data_set_0/output_0.pb"))
    code, out, err = mote("check", case / "model.onnx", tmp / "in.npz", tmp / "want.npz")
    check(code == (0 if name in ours else 1) and (name in ours or theirs[name] in out + err), f"{name}: {code} {out} {err}")
finish()
