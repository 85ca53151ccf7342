# test_resize.py - resizing against Pillow, bit for bit; --record prints tests/pipeline/resize_recorded.inc
# SPDX-License-Identifier: Apache-2.0
import os
import random
import struct
import subprocess
import sys

try:
    import numpy as np
    import PIL
    from PIL import Image
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)

NEW = int(PIL.__version__.split(".")[0]) >= 13


def pillow(a, ow, oh, f, reference):
    """Pillow's answer; the old order of passes is had from a new Pillow by asking for the two passes one after the other."""
    im = Image.fromarray(a)
    if NEW and reference == 0 and f != 0:
        return np.asarray(im.resize((ow, im.height), f).resize((ow, oh), f))
    return np.asarray(im.resize((ow, oh), f))


def lcg(n):
    out, x = bytearray(n), 12345
    for i in range(n):
        x = (x * 1664525 + 1013904223) & 0xFFFFFFFF
        out[i] = x >> 24
    return np.frombuffer(bytes(out), np.uint8)


def record():
    print("/* resize_recorded.inc - sums of resized pictures (FNV-1a, 64 bits)\n * SPDX-License-Identifier: Apache-2.0 */")
    print("/* Made by test_resize.py --record with Pillow " + PIL.__version__ + ". */")
    for w, h, ow, oh, c in [(64, 48, 32, 24, 3), (37, 53, 101, 7, 3), (40, 90, 39, 11, 3), (5, 3, 64, 64, 1), (1, 1, 9, 9, 3), (120, 10, 1, 1, 1),
                            (33, 33, 33, 12, 3), (33, 33, 12, 33, 4), (262, 40, 175, 40, 1)]:
        a = lcg(w * h * c).reshape((h, w) if c == 1 else (h, w, c))
        for f in range(6):
            for reference in (0, 1):
                # Pillow multiplies by alpha: four channels are four pictures.
                p = np.stack([pillow(np.ascontiguousarray(a[..., k]), ow, oh, f, reference) for k in range(4)], -1) if c == 4 else pillow(a, ow, oh, f, reference)
                s = 14695981039346656037
                for b in p.tobytes():
                    s = (s ^ b) * 1099511628211 & 0xFFFFFFFFFFFFFFFF
                print(f"{{{w}, {h}, {ow}, {oh}, {c}, (mote_resample){f}, (mote_resize_reference){reference}, 0x{s:016x}u}},")


def compare(rounds=600):
    program = os.path.join(os.environ.get("MOTE_BINARY_DIR", "build"), "tests", "test_resize")
    server = subprocess.Popen([program, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    r = random.Random(7)
    wrong = 0
    for t in range(rounds):
        w, h, ow, oh = [r.choice([r.randint(1, 9), r.randint(1, 200), r.randint(1, 400)]) for _ in range(4)]
        f, c, reference = r.randrange(6), r.choice([1, 3]), r.choice([0, 1] if NEW else [0])
        a = np.random.default_rng(t).integers(0, 256, (h, w) if c == 1 else (h, w, c), np.uint8)
        if t % 3 == 0:  # extremes overshoot
            a = (a > 127).astype(np.uint8) * 255
        server.stdin.write(struct.pack("<8i", w, h, ow, oh, c, f, reference, 0) + a.tobytes())
        server.stdin.flush()
        got = np.frombuffer(server.stdout.read(ow * oh * c), np.uint8)
        if not np.array_equal(got, pillow(a, ow, oh, f, reference).reshape(-1)):
            wrong += 1
            print(f"{w}x{h} to {ow}x{oh}, {c} channels, filter {f}, reference {reference}: differs")
    server.stdin.close()
    server.wait()
    print(f"{rounds} sizes, {wrong} differ (Pillow {PIL.__version__})")
    return 1 if wrong or server.returncode else 0


if "--record" in sys.argv:
    record()
else:
    sys.exit(compare())
