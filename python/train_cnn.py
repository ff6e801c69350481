#!/usr/bin/env python3
"""Trains mnist-cnn (convolutions of 8 and 16 channels) with TensorFlow and writes it as ggml's MNIST example reads it.

    python3 train_cnn.py mnist-cnn-f32.gguf [--epochs 20] [--batch-size 1000] [--seed 0]
"""
import argparse

import numpy
import tensorflow

from gguf_output import write_gguf
from mnist_data import load, report


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("output", help="the GGUF file to write")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def make_network(classes):
    layers = tensorflow.keras.layers
    return tensorflow.keras.Sequential([
        tensorflow.keras.Input((28, 28, 1)),
        layers.Conv2D(8, 3, padding="same", activation="relu", name="conv1"),
        layers.MaxPooling2D(2),
        layers.Conv2D(16, 3, padding="same", activation="relu", name="conv2"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(classes, name="dense"),
    ])


def evaluate(network, images, labels, batch_size):
    logits = network.predict(images[..., None], batch_size=batch_size, verbose=0).astype(numpy.float64)
    shifted = logits - logits.max(1, keepdims=True)
    losses = numpy.log(numpy.exp(shifted).sum(1)) - shifted[numpy.arange(len(labels)), labels]
    report(losses, logits.argmax(1) == labels)


def tensors_of(network):
    """Under ggml's names. Kernels become (out, in, height, width) and biases (out, 1, 1); the dense rows stay
    channel-last, as TensorFlow's Flatten lays its inputs out and ggml reads them."""
    tensors = {}
    for name in ("conv1", "conv2"):
        kernel, bias = network.get_layer(name).get_weights()
        tensors[name + ".kernel"] = kernel.transpose(3, 2, 0, 1)
        tensors[name + ".bias"] = bias[:, None, None]
    kernel, bias = network.get_layer("dense").get_weights()
    return tensors | {"dense.weight": kernel.T, "dense.bias": bias}


def main():
    arguments = parse_arguments()
    tensorflow.keras.utils.set_random_seed(arguments.seed)
    images, labels = load("train")
    network = make_network(classes=int(labels.max()) + 1)
    network.compile(optimizer="adam",
                    loss=tensorflow.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                    metrics=["accuracy"])
    network.fit(images[..., None], labels, batch_size=arguments.batch_size, epochs=arguments.epochs, verbose=2)
    evaluate(network, *load("test"), arguments.batch_size)
    write_gguf(arguments.output, "mnist-cnn", tensors_of(network))


if __name__ == "__main__":
    main()
