#!/usr/bin/env python3
"""Trains mnist-fc (784-500-10) with PyTorch and writes it as ggml's MNIST example reads it.

    python3 train_fc.py mnist-fc-f32.gguf [--epochs 30] [--batch-size 1000] [--seed 0]
"""
import argparse

import torch

from gguf_output import write_gguf
from mnist_data import load, report

HIDDEN = 500


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("output", help="the GGUF file to write")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch-size", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


class Network(torch.nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.fc1 = torch.nn.Linear(28 * 28, HIDDEN)
        self.fc2 = torch.nn.Linear(HIDDEN, classes)

    def forward(self, images):
        return self.fc2(torch.relu(self.fc1(images.flatten(1))))


def train(network, images, labels, arguments):
    optimizer = torch.optim.Adam(network.parameters())
    criterion = torch.nn.CrossEntropyLoss()
    for epoch in range(arguments.epochs):
        order = torch.randperm(len(images))
        total = 0.0
        for batch in order.split(arguments.batch_size):
            optimizer.zero_grad()
            loss = criterion(network(images[batch]), labels[batch])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        print(f"Epoch {epoch + 1} of {arguments.epochs}: loss {total / len(images):.6f}")


def evaluate(network, images, labels):
    with torch.no_grad():
        logits = network(images)
        losses = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
    report(losses.double().numpy(), (logits.argmax(1) == labels).double().numpy())


def main():
    arguments = parse_arguments()
    torch.manual_seed(arguments.seed)
    images, labels = map(torch.from_numpy, load("train"))
    network = Network(classes=int(labels.max()) + 1)
    train(network, images, labels, arguments)
    evaluate(network, *map(torch.from_numpy, load("test")))
    tensors = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    write_gguf(arguments.output, "mnist-fc", tensors)


if __name__ == "__main__":
    main()
