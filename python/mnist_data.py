"""MNIST as the mnist program finds it: IDX files, plain or .gz, in $MNIST_DATA_DIR or the program's cache."""
import gzip
import os
import pathlib
import sys

import numpy

NAMES = {"train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
         "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")}


def data_folder():
    if folder := os.environ.get("MNIST_DATA_DIR"):
        return pathlib.Path(folder)
    if folder := os.environ.get("MNIST_CACHE_DIR"):
        return pathlib.Path(folder) / "mnist"
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(cache) / "mnist.cpp" / "mnist"


def read_idx(folder, name):
    """The array in NAME or NAME.gz."""
    for path in (folder / name, folder / (name + ".gz")):
        if path.exists():
            opened = gzip.open(path) if path.suffix == ".gz" else open(path, "rb")
            break
    else:
        sys.exit(f"{folder / name}: neither this file nor its .gz is there: set MNIST_DATA_DIR, "
                 "or run: mnist data fetch mnist")
    with opened as file:
        content = file.read()
    dimensions = content[3]
    shape = numpy.frombuffer(content, ">u4", dimensions, 4)
    return numpy.frombuffer(content, numpy.uint8, offset=4 + 4 * dimensions).reshape(shape)


def load(half):
    """Images (count, 28, 28) as float32 within [0, 1], and labels."""
    images, labels = (read_idx(data_folder(), name) for name in NAMES[half])
    return images.astype(numpy.float32) / numpy.float32(255), labels.astype(numpy.int64)


def report(losses, correct):
    """Prints the test loss and the accuracy, with the standard errors of both."""
    count = len(losses)
    loss = losses.mean()
    loss_error = losses.std(ddof=1) / count**0.5
    accuracy = correct.mean()
    accuracy_error = (accuracy * (1 - accuracy) / count) ** 0.5
    print(f"Test loss: {loss:.6f}+-{loss_error:.6f}, "
          f"test accuracy: {100 * accuracy:.2f}+-{100 * accuracy_error:.2f} %")
