#!/usr/bin/env python3
"""Trains the models of models/: digit.gguf, which is part of the program, and the page's others.

usage: train_builtin.py MNIST_DIRECTORY [--program build/release/mnist] [--out models] [--only NAME]

MNIST's 60,000 training images and 20,000 that the program draws itself (whose ones have flags and whose
sevens have bars, as people outside the United States write them), both under strong augmentation. The
test images take no part.
"""
import argparse
import gzip
import pathlib
import struct
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
# name -> network, epochs, how its weights are stored
MODELS = {
    "digit": ("mnist-best", 8, "f32"),
    "mnist-cnn": ("mnist-cnn", 8, "f16"),
    "mnist-fc": ("mnist-fc", 12, "f16"),
}
DRAWN = 20_000
SEED = "77"


def read(folder, name):
    plain = pathlib.Path(folder) / name
    return plain.read_bytes() if plain.exists() else gzip.open(f"{plain}.gz").read()


def joined(folders, name, header):
    files = [read(folder, name) for folder in folders]
    count = sum(struct.unpack(">I", file[4:8])[0] for file in files)
    return files[0][:4] + struct.pack(">I", count) + files[0][8:header] + b"".join(f[header:] for f in files)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mnist")
    parser.add_argument("--program", default=str(ROOT / "build/release/mnist"))
    parser.add_argument("--out", default=str(ROOT / "models"))
    parser.add_argument("--only", choices=MODELS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        drawn = f"{work}/drawn"
        subprocess.run([arguments.program, "data", "draw", "--count", str(DRAWN), "--seed", SEED, "--out", drawn],
                       check=True, stdout=subprocess.DEVNULL)
        names = {"train-images-idx3-ubyte": 16, "train-labels-idx1-ubyte": 8}
        for name, header in names.items():
            pathlib.Path(work, name).write_bytes(joined([arguments.mnist, drawn], name, header))
        files = [f"{work}/{name}" for name in names]
        for name in [arguments.only] if arguments.only else MODELS:
            network, epochs, kind = MODELS[name]
            subprocess.run([arguments.program, "train", network, f"{work}/{name}.gguf", *files, "--augment", "strong",
                            "--epochs", str(epochs), "--seed", "1"], check=True)
            subprocess.run([arguments.program, "convert", f"{work}/{name}.gguf", f"{arguments.out}/{name}.gguf",
                            "--type", kind, "--data", "synthetic"], check=True)


if __name__ == "__main__":
    main()
