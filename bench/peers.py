#!/usr/bin/env python3
"""Times mnist.cpp beside ONNX Runtime, PyTorch, TensorFlow and ggml: the same networks with the same
weights, exported by mnist.cpp, in one run, in turns, with two threads each. Writes README.md's table.

usage: peers.py [--rounds 7] [--program build/release/mnist] [--networks mnist-cnn,mnist-fc] [--dry]

Evaluation is of float32 inputs that lie in memory, at batches of 1, 64 and 10,000; ONNX Runtime, PyTorch
and TensorFlow are given the batch size that they are fastest with for the 10,000 (they say which); of ggml
it is what its mnist-eval prints, which takes all processors and 10,000 images in batches of 500. Training
is an epoch of 60,000 images in batches of 128 with SGD and momentum; mnist.cpp counts images a second.
Every figure is the median of the rounds. Run it with the Python of tests/peers (build/peers/bin/python).
"""
import argparse
import gzip
import json
import os
import pathlib
import re
import statistics
import struct
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
THREADS = 2
BATCHES = (1, 64, 10_000)
TRAIN_BATCH = 128
TRAIN_IMAGES = 60_000
BEGIN = "<!-- peers: written by bench/peers.py -->"
END = "<!-- end of peers -->"


def seconds(action, least=0.05):
    """Of one call, the mean of as many as fill `least` seconds."""
    action()
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < least:
        action()
        count += 1
    return (time.perf_counter() - start) / count


def images_of(count):
    """Images as a network sees them: MNIST where it lies here, else noise, which costs the same."""
    folder = os.environ.get("MNIST_DATA_DIR")
    path = pathlib.Path(folder) / "t10k-images-idx3-ubyte.gz" if folder else None
    if path and path.exists():
        pixels = np.frombuffer(gzip.open(path).read()[16:], np.uint8)
    else:
        pixels = np.random.default_rng(1).integers(0, 256, count * 784, np.uint8)
    return np.resize(pixels, (count, 1, 28, 28)).astype(np.float32) / 255


class OnnxRuntime:
    def __init__(self, network, folder):
        import onnxruntime

        self.name = f"ONNX Runtime {onnxruntime.__version__}"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(folder / f"{network}.onnx"), options)
        self.input = self.session.get_inputs()[0].name

    def run(self, images):
        return self.session.run(None, {self.input: images})[0]

    train = None


class PyTorch:
    def __init__(self, network, folder):
        import torch

        self.torch = torch
        self.name = f"PyTorch {torch.__version__.split('a')[0].split('+')[0]}"
        torch.set_num_threads(THREADS)
        nn = torch.nn
        if network == "mnist-fc":
            parts = {"flatten": nn.Flatten(), "fc1": nn.Linear(784, 500), "relu1": nn.ReLU(), "fc2": nn.Linear(500, 10)}
        else:
            parts = {"conv1": nn.Conv2d(1, 8, 3, padding=1), "relu1": nn.ReLU(), "pool1": nn.MaxPool2d(2),
                     "conv2": nn.Conv2d(8, 16, 3, padding=1), "relu2": nn.ReLU(), "pool2": nn.MaxPool2d(2),
                     "flatten": nn.Flatten(), "dense": nn.Linear(784, 10)}
        self.model = nn.Sequential()
        for name, part in parts.items():
            self.model.add_module(name, part)
        self.model.load_state_dict(torch.load(folder / f"{network}.pt", map_location="cpu"))

    def run(self, images):
        with self.torch.no_grad():
            return self.model(self.torch.from_numpy(images)).numpy()

    def train(self, images, labels):
        torch = self.torch
        optimizer = torch.optim.SGD(self.model.parameters(), lr=0.0, momentum=0.9)
        inputs, targets = torch.from_numpy(images), torch.from_numpy(labels)
        for first in range(0, len(images), TRAIN_BATCH):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(self.model(inputs[first:first + TRAIN_BATCH]),
                                                     targets[first:first + TRAIN_BATCH])
            loss.backward()
            optimizer.step()


class TensorFlow:
    def __init__(self, network, folder):
        import keras
        import tensorflow

        self.tensorflow = tensorflow
        self.name = f"TensorFlow {tensorflow.__version__}"
        tensorflow.config.threading.set_intra_op_parallelism_threads(THREADS)
        tensorflow.config.threading.set_inter_op_parallelism_threads(THREADS)
        self.model = keras.models.load_model(folder / f"{network}.keras")
        self.model.compile(optimizer=keras.optimizers.SGD(0.0, momentum=0.9),
                           loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        self.function = tensorflow.function(self.model, reduce_retracing=True)

    def layout(self, images):
        return images.reshape(-1, *self.model.input_shape[1:])

    def run(self, images):
        return self.function(self.tensorflow.constant(self.layout(images))).numpy()

    def train(self, images, labels):
        self.model.fit(self.layout(images), labels, batch_size=TRAIN_BATCH, epochs=1, verbose=0)


class Ggml:
    """Its example mnist-eval, which reads mnist.cpp's file as it is."""
    name = "ggml's mnist-eval (10,000 in batches of 500)"
    program = pathlib.Path(sys.executable).parent.parent / "ggml/mnist-eval"

    def __init__(self, images, folder):
        self.images, self.labels = folder / "images", folder / "labels"
        pixels = (images * 255).round().astype(np.uint8)
        self.images.write_bytes(struct.pack(">4i", 0x803, len(images), 28, 28) + pixels.tobytes())
        self.labels.write_bytes(struct.pack(">2i", 0x801, len(images)) + bytes(len(images)))

    def measure(self, model):
        text = subprocess.run([self.program, model, self.images, self.labels], check=True, capture_output=True,
                              text=True).stderr
        return {10_000: float(re.search(r"([0-9.]+) us/image", text)[1])}


def export(program, network, folder):
    """The network, trained a little so that its activations are those of a real one."""
    model = folder / f"{network}.gguf"
    subprocess.run([program, "train", network, model, "--data", "synthetic:4000", "--epochs", "2", "--quiet"],
                   check=True, stdout=subprocess.DEVNULL)
    for suffix in ("onnx", "pt", "keras"):
        subprocess.run([program, "convert", model, folder / f"{network}.{suffix}", "--no-verify"], check=True,
                       stdout=subprocess.DEVNULL)
    return model


def best_chunk(peer, images):
    """The batch size that 10,000 images are fastest in."""
    def run_in(chunk):
        return seconds(lambda: [peer.run(images[i:i + chunk]) for i in range(0, len(images), chunk)], 0.2)
    return min((64, 256, 1000, 2500, 10_000), key=run_in)


def measure_ours(program, model):
    text = subprocess.run([program, "bench", model, "--threads", str(THREADS), "--repeats", "3", "--json"], check=True,
                          capture_output=True, text=True).stdout
    document = json.loads(text)
    figures = {(r["what"], r["threads"]): r["us_per_image"] for r in document["results"]}
    return document["isa"], {1: figures["one image", 1], 64: figures["batch of 64", THREADS],
                             10_000: figures["evaluate", THREADS],
                             "train": figures["train", THREADS] * TRAIN_IMAGES / 1e6}


def measure_peer(peer, chunk, images, labels):
    result = {}
    for batch in BATCHES:
        step = chunk if batch == 10_000 else batch
        part = images[:batch]
        result[batch] = 1e6 / batch * seconds(
            lambda: [peer.run(part[i:i + step]) for i in range(0, batch, step)], 0.2)
    if peer.train:
        few = TRAIN_IMAGES // 6
        start = time.perf_counter()
        peer.train(images[:few], labels[:few])
        result["train"] = (time.perf_counter() - start) * TRAIN_IMAGES / few
    return result


def check_equal(peers, images):
    first = peers[0].run(images[:256])
    for peer in peers[1:]:
        difference = np.abs(peer.run(images[:256]) - first).max()
        if difference > 1e-4 * max(1.0, np.abs(first).max()):
            raise SystemExit(f"{peer.name} computes another network than {peers[0].name}: {difference:.3g}")


def labels_of(peers, chunks):
    return [f"{peer.name} (10,000 in batches of {chunk:,})" for peer, chunk in zip(peers, chunks)]


def table(program, networks, rounds, processor):
    images = images_of(10_000)
    labels = np.arange(10_000, dtype=np.int64) % 10
    rows = ["| network | | batch of 1, µs | batch of 64, µs an image | 10,000 images, µs an image | training, s an epoch |",
            "|---|---|---|---|---|---|"]
    isa = ""
    for network in networks:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            model = export(program, network, folder)
            peers = [OnnxRuntime(network, folder), PyTorch(network, folder), TensorFlow(network, folder)]
            check_equal(peers, images)
            chunks = [best_chunk(peer, images) for peer in peers]
            for peer in peers:  # builds what is built once
                peer.train and peer.train(images[:512], labels[:512])
            ggml = Ggml(images, folder)
            figures = {name: [] for name in (*labels_of(peers, chunks), ggml.name)}
            ours = []
            for _ in range(rounds):
                isa, figure = measure_ours(program, model)
                ours.append(figure)
                for label, peer, chunk in zip(labels_of(peers, chunks), peers, chunks):
                    figures[label].append(measure_peer(peer, chunk, images, labels))
                figures[ggml.name].append(ggml.measure(model))

        def median(rounds_of, key):
            values = [r[key] for r in rounds_of if key in r]
            return statistics.median(values) if values else None

        keys = (*BATCHES, "train")
        mine = {key: median(ours, key) for key in keys}
        rows.append(f"| `{network}` | mnist.cpp | " + " | ".join(
            f"{mine[key]:.2f}" if key != "train" else f"{mine[key]:.2f} s" for key in keys) + " |")
        for label, measured in figures.items():
            cells = []
            for key in keys:
                value = median(measured, key)
                cells.append("-" if value is None else f"{value:.2f}{' s' if key == 'train' else ''} "
                             f"({value / mine[key]:.1f} times)")
            rows.append(f"| | {label} | " + " | ".join(cells) + " |")
        print("\n".join(rows[-1 - len(figures):]), flush=True)
    note = (f"Medians of {rounds} rounds in turns, {THREADS} threads each, {processor} ({isa}); in brackets how many times "
            "mnist.cpp's time. mnist.cpp runs one image on one thread.")
    return rows + ["", note]


def processor_name():
    found = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return re.sub(r"\s+", " ", found[1]).strip() if found else "unknown processor"


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--program", default=str(ROOT / "build/release/mnist"))
    arguments.add_argument("--networks", default="mnist-cnn,mnist-fc")
    arguments.add_argument("--dry", action="store_true", help="print the table, leave README.md alone")
    options = arguments.parse_args()
    lines = table(options.program, options.networks.split(","), options.rounds, processor_name())
    if options.dry:
        print("\n".join(lines))
        return
    readme = ROOT / "README.md"
    text = readme.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    readme.write_text(before + "\n".join([BEGIN, *lines, END]) + after)


if __name__ == "__main__":
    main()
