#!/usr/bin/env python3
"""Writes loss_curve.json: PyTorch's losses of 100 training steps of mnist-cnn, to compare ours with.

Initial weights, images and labels are formulas, and the order of the images is computed as in
src/base/random.h, so that both sides start from the same numbers and the file holds the losses only.
"""
import json
import math
import pathlib

import numpy
import torch

MASK = (1 << 64) - 1
IMAGES, BATCH, EPOCHS, SEED, SHUFFLE = 320, 32, 10, 5, 2


def mix64(x):
    x ^= x >> 30
    x = x * 0xBF58476D1CE4E5B9 & MASK
    x ^= x >> 27
    x = x * 0x94D049BB133111EB & MASK
    return x ^ (x >> 31)


def random_key(seed, use, a=0, b=0):
    key = mix64(seed + 0x9E3779B97F4A7C15 & MASK)
    key = mix64(key ^ (use * 0xD1342543DE82EF95 & MASK))
    key = mix64(key ^ (a + 0x9E3779B97F4A7C15 & MASK))
    return mix64(key ^ (b + 0x2545F4914F6CDD1D & MASK))


def random_permutation(count, key):
    order, counter = list(range(count)), 0
    for i in range(count, 1, -1):
        counter += 1
        bits = mix64(key + 0x9E3779B97F4A7C15 * counter & MASK)
        j = bits * i >> 64
        order[i - 1], order[j] = order[j], order[i - 1]
    return order


def weight(shape, phase, scale):
    count = math.prod(shape)
    values = [scale * math.sin(1.7 * i + phase) for i in range(count)]
    return torch.nn.Parameter(torch.tensor(numpy.array(values, dtype=numpy.float32)).reshape(shape))


def image(number):
    label = number * 7 % 10
    pixels = [(255 if (i // 28 + label * 3) % 10 < 3 else 0) ^ (mix64(number * 784 + i) & 63) for i in range(784)]
    return pixels, label


def curve(make_optimizer, data):
    parameters = [weight((8, 1, 3, 3), 0.1, 0.4), weight((8,), 0.2, 0.1), weight((16, 8, 3, 3), 0.3, 0.15),
                  weight((16,), 0.4, 0.1), weight((10, 784), 0.5, 0.05), weight((10,), 0.6, 0.1)]
    pixels = torch.tensor([d[0] for d in data], dtype=torch.float32).reshape(-1, 1, 28, 28) / 255
    labels = torch.tensor([d[1] for d in data])
    optimizer = make_optimizer(parameters)
    functional = torch.nn.functional
    losses = []
    for epoch in range(EPOCHS):
        order = random_permutation(IMAGES, random_key(SEED, SHUFFLE, epoch))
        for first in range(0, IMAGES, BATCH):
            batch = order[first:first + BATCH]
            x = pixels[batch]
            x = functional.max_pool2d(torch.relu(functional.conv2d(x, parameters[0], parameters[1], padding=1)), 2)
            x = functional.max_pool2d(torch.relu(functional.conv2d(x, parameters[2], parameters[3], padding=1)), 2)
            logits = functional.linear(x.flatten(1), parameters[4], parameters[5])
            loss = functional.cross_entropy(logits, labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(round(loss.item(), 7))
    return losses


def main():
    torch.set_num_threads(1)
    data = [image(n) for n in range(IMAGES)]
    # Adam divides by the gradient's size: with its usual epsilon of 1e-8 it would blow rounding errors of
    # gradients that are nearly zero up to whole steps, in PyTorch as here.
    curves = {
        "momentum": curve(lambda p: torch.optim.SGD(p, lr=0.003, momentum=0.9, nesterov=True), data),
        "adam": curve(lambda p: torch.optim.Adam(p, lr=1e-3, betas=(0.9, 0.999), eps=1e-4), data),
    }
    path = pathlib.Path(__file__).with_name("loss_curve.json")
    path.write_text(json.dumps({"torch": torch.__version__, **curves}) + "\n")


if __name__ == "__main__":
    main()
