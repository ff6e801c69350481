#!/usr/bin/env python3
"""Trains models/digit.gguf, the model that is part of the program.

usage: train_builtin.py MNIST_DIRECTORY [--program build/release/mnist] [--out models/digit.gguf]

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
    parser.add_argument("--out", default=str(ROOT / "models/digit.gguf"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        drawn = f"{work}/drawn"
        subprocess.run([arguments.program, "data", "draw", "--count", str(DRAWN), "--seed", SEED, "--out", drawn],
                       check=True, stdout=subprocess.DEVNULL)
        names = {"train-images-idx3-ubyte": 16, "train-labels-idx1-ubyte": 8}
        for name, header in names.items():
            pathlib.Path(work, name).write_bytes(joined([arguments.mnist, drawn], name, header))
        files = [f"{work}/{name}" for name in names]
        subprocess.run([arguments.program, "train", "mnist-best", arguments.out, *files, "--augment", "strong",
                        "--epochs", "8", "--seed", "1"], check=True)


if __name__ == "__main__":
    main()
