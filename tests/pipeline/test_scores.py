# test_scores.py - suppression of boxes, and frames of features, against numpy
# SPDX-License-Identifier: Apache-2.0
import os
import struct
import subprocess
import sys

try:
    import numpy as np
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)

program = os.path.join(os.environ.get("MOTE_BINARY_DIR", "build"), "tests", "test_scores")
rng = np.random.default_rng(3)
failures = 0


def greedy(boxes, scores, classes, iou, keep):
    kept = []
    for i in np.argsort(-scores, kind="stable"):
        same = [k for k in kept if classes[k] == classes[i]]
        if same:
            other = boxes[same]
            w = np.clip(np.minimum(other[:, 2], boxes[i, 2]) - np.maximum(other[:, 0], boxes[i, 0]), 0, None)
            h = np.clip(np.minimum(other[:, 3], boxes[i, 3]) - np.maximum(other[:, 1], boxes[i, 1]), 0, None)
            area = lambda b: np.clip(b[..., 2] - b[..., 0], 0, None) * np.clip(b[..., 3] - b[..., 1], 0, None)
            if np.any(w * h / (area(other) + area(boxes[i]) - w * h) > iou):
                continue
        kept.append(i)
        if len(kept) == keep:
            break
    return kept


server = subprocess.Popen([program, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
for t in range(200):
    n, keep = int(rng.integers(1, 200)), int(rng.integers(1, 120))
    iou = np.float32(rng.uniform(0.1, 0.8))
    corner, side = rng.uniform(0, 100, (n, 2)), rng.uniform(1, 40, (n, 2))
    boxes = np.concatenate([corner, corner + side], 1).astype(np.float32)
    scores = rng.permutation(n).astype(np.float32) / n
    classes = rng.integers(0, 3, n).astype(np.int32)
    record = np.zeros(n, np.dtype([("b", "<f4", 4), ("s", "<f4"), ("c", "<i4")]))
    record["b"], record["s"], record["c"] = boxes, scores, classes
    server.stdin.write(struct.pack("<IfI", n, iou, keep) + record.tobytes())
    server.stdin.flush()
    count = struct.unpack("<I", server.stdout.read(4))[0]
    got = np.frombuffer(server.stdout.read(count * record.itemsize), record.dtype)
    want = record[greedy(boxes, scores, classes, iou, keep)]
    if not np.array_equal(got, want):
        failures += 1
        print(f"round {t}: {count} boxes, expected {len(want)}")
server.stdin.close()
server.wait()


def mel_filters(n_mels, n_fft, rate=16000):
    to = lambda f: 2595 * np.log10(1 + f / 700)
    edges = 700 * (10 ** (np.linspace(to(0), to(rate / 2), n_mels + 2) / 2595) - 1)
    f = np.arange(n_fft // 2 + 1) * rate / n_fft
    up = (f - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    down = (edges[2:, None] - f) / (edges[2:] - edges[1:-1])[:, None]
    return np.clip(np.minimum(up, down), 0, None)


x = rng.uniform(-1, 1, 6000).astype(np.float32)
for n_fft, win, hop, mels, mfcc, power, ortho, added in [(512, 480, 320, 40, 10, 1, 0, 1), (400, 400, 160, 80, 0, 2, 1, 0), (512, 400, 160, 64, 13, 2, 1, 0), (256, 200, 100, 20, 20, 1, 1, 1)]:
    frames = np.lib.stride_tricks.sliding_window_view(x, win)[::hop]
    spectrum = np.abs(np.fft.rfft(frames * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(win) / win)), n_fft)) ** power
    mel = spectrum @ mel_filters(mels, n_fft).T
    want = np.log(mel + 1e-6) if added else np.log(np.maximum(mel, 1e-6))
    if mfcc:
        k, m = np.arange(mfcc)[:, None], np.arange(mels)
        dct = np.sqrt(2 / mels) * np.cos(np.pi * k * (2 * m + 1) / (2 * mels))
        if ortho:
            dct[0] *= np.sqrt(0.5)
        want = want @ dct.T
    out = subprocess.run([program, "frames"] + [str(v) for v in (n_fft, win, hop, mels, mfcc, power, ortho, added)], input=x.tobytes(), stdout=subprocess.PIPE, check=True).stdout
    got = np.frombuffer(out, np.float32)
    if got.size != want.size or np.abs(got.reshape(want.shape) - want).max() > 2e-4:
        failures += 1
        print(f"frames {n_fft} {win} {hop}: {got.size} values, expected {want.size}; " + (f"largest difference {np.abs(got.reshape(want.shape) - want).max()}" if got.size == want.size else ""))
print(f"200 sets of boxes, 4 kinds of frames, {failures} differ")
sys.exit(1 if failures else 0)
