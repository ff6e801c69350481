#!/usr/bin/env python3
"""Writes rows.json: for each op a few nodes, with outputs and gradients computed by PyTorch in
float64. src/ops/op_rows.h says how the rows are used. Run again after adding a row:

    python3 tests/ops/make_rows.py > tests/ops/rows.json

Input values are not stored: both sides compute them (pattern()). Long arrays are stored as samples
and one weighted sum.
"""
import json

import torch
import torch.nn.functional as F

import rows_binary
import rows_conv_transpose
import rows_functions
import rows_matmul
import rows_moves
import rows_normalize
import rows_quantize
import rows_reduce
import rows_resize

IMAGES = 3
MASK = 0xFFFFFFFF
PROJECTION = 100  # the pattern's stream for output gradients; inputs have their index
SAMPLED = 48      # arrays up to this long are stored whole


def pattern(stream, count, distinct=False):
    """Values (k + 1/2) / 64 within (-2, 2): exact in float32, never 0, at least 1/64 apart if not
    equal. distinct: any 256 neighbours are."""
    values = []
    for i in range(count):
        if distinct:
            h = i * 0x9D & 0xFF
            h = (h ^ h >> 4) * 0x4B & 0xFF
            values.append(((h ^ h >> 3) - 128 + 0.5) / 64)
            continue
        h = (i * 0x9E3779B9 + stream * 0x85EBCA6B) & MASK
        h ^= h >> 16
        h = h * 0x7FEB352D & MASK
        h ^= h >> 15
        h = h * 0x846CA68B & MASK
        h ^= h >> 16
        values.append(((h >> 24) - 128 + 0.5) / 64)
    return torch.tensor(values, dtype=torch.float64)


def reference(tensor):
    """The samples of a tensor and its product with the pattern."""
    flat = tensor.detach().reshape(-1)
    count = len(flat)
    step = 1 if count <= SAMPLED else (count // SAMPLED) | 1
    digits = lambda value: float(f"{value:.6g}")
    return {
        "sum": digits(float(flat @ pattern(PROJECTION + 1, count))),
        "values": [digits(float(value)) for value in flat[::step]],
    }


class Rows:
    def __init__(self):
        self.rows = []

    def add(self, name, op_type, function, inputs, images=IMAGES, training=False, ties=False,
            distinct=False, positive=False, straight_through=False, gradients=True, **attributes):
        """inputs: activations ("x", shape), weights ("w", shape) or ("w", shape, values), variances
        ("positive", shape), left out (None). function(*tensors) -> output, and for training BatchNormalization a list of
        the further inputs' expected gradients."""
        tensors, described = [], []
        for index, entry in enumerate(inputs):
            if entry is None:
                tensors.append(None)
                described.append(None)
                continue
            kind, shape, *given = entry
            full = ([images] if kind == "x" else []) + list(shape)
            count = 1
            for extent in full:
                count *= extent
            values = pattern(index, count, distinct)
            if kind == "positive":
                values = values.abs()
            if positive:
                values = values.abs() + 0.5
            if ties:
                values = torch.floor(values * 2) / 2
            described.append({"kind": kind, "shape": list(shape)})
            if given:
                values = torch.tensor(given[0], dtype=torch.float32).double()
                described[-1]["values"] = given[0]
            tensors.append(values.reshape(full).requires_grad_())
        output = function(*tensors)
        statistics = None
        if isinstance(output, tuple):
            output, statistics = output
        row = {"name": f"{op_type} {name}", "type": op_type, "attributes": attributes,
               "inputs": described, "images": images, "training": training, "ties": ties,
               "distinct": distinct, "output_shape": list(output.shape[1:]), "output": reference(output)}
        for flag, is_set in (("positive", positive), ("straight_through", straight_through)):
            if is_set:
                row[flag] = True
        if gradients:
            projection = pattern(PROJECTION, output.numel()).reshape(output.shape)
            output.backward(projection)
            row["gradients"] = []
            for index, tensor in enumerate(tensors):
                gradient = None if tensor is None else tensor.grad
                if statistics is not None and index >= 3:
                    gradient = statistics[index - 3]
                row["gradients"].append(None if gradient is None else reference(gradient))
        self.rows.append(row)


def same_padding(extent, kernel, stride, upper):
    total = max(((extent + stride - 1) // stride - 1) * stride + kernel - extent, 0)
    small, large = total // 2, total - total // 2
    return (small, large) if upper else (large, small)


def pad(x, pads, value=0.0):
    top, left, bottom, right = pads
    return F.pad(x, (left, right, top, bottom), value=value)


def add_conv(rows):
    def conv(name, x, w, bias=True, strides=(1, 1), pads=(0, 0, 0, 0), dilations=(1, 1), group=1,
             auto_pad=None):
        attributes = {"kernel_shape": list(w[2:])}
        if strides != (1, 1):
            attributes["strides"] = list(strides)
        if dilations != (1, 1):
            attributes["dilations"] = list(dilations)
        if group != 1:
            attributes["group"] = group
        if auto_pad is None:
            attributes["pads"] = list(pads)
        else:
            attributes["auto_pad"] = auto_pad
        if auto_pad in ("SAME_UPPER", "SAME_LOWER"):
            upper = auto_pad == "SAME_UPPER"
            v = same_padding(x[1], (w[2] - 1) * dilations[0] + 1, strides[0], upper)
            h = same_padding(x[2], (w[3] - 1) * dilations[1] + 1, strides[1], upper)
            pads = (v[0], h[0], v[1], h[1])

        def run(image, weight, b=None):
            return F.conv2d(pad(image, pads), weight, b, strides, 0, dilations, group)

        inputs = [("x", x), ("w", w)] + ([("w", (w[0],))] if bias else [])
        rows.add(name, "Conv", run, inputs, **attributes)

    conv("1x1", (3, 5, 4), (4, 3, 1, 1))
    conv("1x1, one channel, no bias", (1, 3, 3), (1, 1, 1, 1), bias=False)
    conv("1x1 stride 2", (2, 6, 5), (5, 2, 1, 1), strides=(2, 2))
    conv("1x1 stride 3 padding 1", (2, 6, 7), (3, 2, 1, 1), strides=(3, 3), pads=(1, 1, 1, 1))
    conv("3x3", (1, 6, 6), (1, 1, 3, 3))
    conv("3x3 whole input", (3, 3, 3), (7, 3, 3, 3))
    conv("3x3 padding 1", (2, 5, 5), (3, 2, 3, 3), pads=(1, 1, 1, 1))
    conv("3x3 padding 1, even, for pooling", (2, 6, 8), (9, 2, 3, 3), pads=(1, 1, 1, 1))
    conv("3x3 padding 1, no bias", (5, 4, 4), (6, 5, 3, 3), bias=False, pads=(1, 1, 1, 1))
    conv("3x3 padding 2", (1, 3, 4), (2, 1, 3, 3), pads=(2, 2, 2, 2))
    conv("3x3 stride 2", (4, 7, 7), (5, 4, 3, 3), strides=(2, 2))
    conv("3x3 stride 2 padding 1, even", (3, 8, 8), (8, 3, 3, 3), strides=(2, 2), pads=(1, 1, 1, 1))
    conv("3x3 stride 3", (2, 8, 7), (3, 2, 3, 3), strides=(3, 3))
    conv("3x3 stride 2 by 1", (2, 7, 5), (4, 2, 3, 3), strides=(2, 1), pads=(1, 0, 1, 0))
    conv("3x3 padding of each side", (2, 5, 6), (3, 2, 3, 3), pads=(0, 1, 2, 3))
    conv("3x3 padding above and left", (2, 4, 4), (3, 2, 3, 3), pads=(2, 1, 0, 0))
    conv("3x3 dilation 2", (2, 7, 8), (3, 2, 3, 3), dilations=(2, 2))
    conv("3x3 dilation 2 padding 2", (3, 6, 6), (2, 3, 3, 3), dilations=(2, 2), pads=(2, 2, 2, 2))
    conv("3x3 dilation 2 by 1 stride 2", (2, 9, 7), (3, 2, 3, 3), dilations=(2, 1), strides=(2, 2),
         pads=(1, 1, 1, 1))
    conv("5x5", (1, 8, 8), (4, 1, 5, 5))
    conv("5x5 padding 2", (3, 6, 6), (5, 3, 5, 5), pads=(2, 2, 2, 2))
    conv("5x5 stride 2 padding 2", (2, 9, 9), (3, 2, 5, 5), strides=(2, 2), pads=(2, 2, 2, 2))
    conv("2x3", (3, 5, 6), (4, 3, 2, 3))
    conv("2x3 stride 1 by 2 padding", (2, 5, 6), (3, 2, 2, 3), strides=(1, 2), pads=(1, 1, 0, 1))
    conv("1x5", (2, 3, 9), (3, 2, 1, 5), pads=(0, 2, 0, 2))
    conv("4x1", (2, 6, 3), (3, 2, 4, 1))
    conv("groups 2", (4, 5, 5), (6, 2, 3, 3), group=2, pads=(1, 1, 1, 1))
    conv("groups 3, stride 2, no bias", (9, 6, 6), (3, 3, 2, 2), group=3, strides=(2, 2), bias=False)
    conv("depthwise", (7, 5, 6), (7, 1, 3, 3), group=7, pads=(1, 1, 1, 1))
    conv("depthwise, two outputs a channel", (3, 4, 6), (6, 1, 3, 3), group=3)
    conv("SAME_UPPER stride 2", (2, 6, 7), (3, 2, 3, 3), strides=(2, 2), auto_pad="SAME_UPPER")
    conv("SAME_LOWER 4x4", (2, 5, 6), (3, 2, 4, 4), auto_pad="SAME_LOWER")
    conv("VALID", (2, 5, 5), (2, 2, 3, 3), strides=(2, 2), auto_pad="VALID")
    conv("1x1 padding 2", (2, 3, 4), (3, 2, 1, 1), pads=(2, 2, 2, 2))
    conv("3x3 padding wider than the kernel", (2, 4, 5), (3, 2, 3, 3), pads=(4, 5, 6, 3))
    conv("2x2 stride 3 padding wider than the kernel", (2, 4, 4), (2, 2, 2, 2), strides=(3, 3),
         pads=(3, 4, 3, 5))
    conv("depthwise dilation 2 padding wider", (3, 4, 5), (3, 1, 2, 2), group=3, dilations=(2, 2),
         pads=(5, 4, 4, 5))
    conv("8 to 8", (8, 6, 6), (8, 8, 3, 3), pads=(1, 1, 1, 1))
    conv("9 to 9", (9, 5, 5), (9, 9, 3, 3), pads=(1, 1, 1, 1))
    conv("7 to 5, one output position", (7, 3, 3), (5, 7, 3, 3))
    conv("second of mnist-cnn", (8, 14, 14), (16, 8, 3, 3), pads=(1, 1, 1, 1))
    conv("first of mnist-cnn", (1, 28, 28), (8, 1, 3, 3), pads=(1, 1, 1, 1))
    conv("26 to 33", (26, 4, 4), (33, 26, 3, 3), pads=(1, 1, 1, 1))


def add_gemm(rows):
    def gemm(name, inputs, outputs, c=True, transposed=True, alpha=None, beta=None):
        attributes = {"transB": 1} if transposed else {}
        if alpha is not None:
            attributes["alpha"] = alpha
        if beta is not None:
            attributes["beta"] = beta

        def run(x, w, b=None):
            y = (1 if alpha is None else alpha) * (x @ (w.T if transposed else w))
            return y if b is None else y + (1 if beta is None else beta) * b

        shape = (outputs, inputs) if transposed else (inputs, outputs)
        entries = [("x", (inputs,)), ("w", shape)] + ([("w", (outputs,))] if c else [])
        rows.add(name, "Gemm", run, entries, **attributes)

    gemm("1 to 1", 1, 1)
    gemm("1 to 5", 1, 5)
    gemm("7 to 1", 7, 1)
    gemm("3 to 4", 3, 4)
    gemm("5 to 9, no C", 5, 9, c=False)
    gemm("13 to 17", 13, 17)
    gemm("16 to 16", 16, 16)
    gemm("33 to 31", 33, 31)
    gemm("50 to 50", 50, 50)
    gemm("2 to 3, not transposed", 2, 3, transposed=False)
    gemm("17 to 10, not transposed, no C", 17, 10, c=False, transposed=False)
    gemm("40 to 23, not transposed", 40, 23, transposed=False)
    gemm("alpha", 9, 6, alpha=0.5)
    gemm("beta", 9, 6, beta=-2.0)
    gemm("alpha and beta, not transposed", 6, 11, transposed=False, alpha=-1.5, beta=0.25)
    gemm("beta 0", 4, 6, beta=0.0)
    gemm("784 to 10", 784, 10)
    gemm("10 to 300", 10, 300)


def add_pool(rows):
    def max_pool(name, x, kernel, strides=None, pads=(0, 0, 0, 0), dilations=(1, 1), ceil=False,
                 auto_pad=None, ties=False):
        attributes = {"kernel_shape": list(kernel)}
        if strides is not None:
            attributes["strides"] = list(strides)
        if dilations != (1, 1):
            attributes["dilations"] = list(dilations)
        if ceil:
            attributes["ceil_mode"] = 1
        if auto_pad is not None:
            attributes["auto_pad"] = auto_pad
            vertical = same_padding(x[1], kernel[0], strides[0], auto_pad == "SAME_UPPER")
            horizontal = same_padding(x[2], kernel[1], strides[1], auto_pad == "SAME_UPPER")
            pads = (vertical[0], horizontal[0], vertical[1], horizontal[1])
        elif any(pads):
            attributes["pads"] = list(pads)
        steps = strides or (1, 1)

        def run(image):
            if pads[:2] == pads[2:] and pads[0] <= kernel[0] // 2 and pads[1] <= kernel[1] // 2:
                return F.max_pool2d(image, kernel, steps, pads[:2], dilations, ceil)
            assert not ceil
            return F.max_pool2d(pad(image, pads, -float("inf")), kernel, steps, 0, dilations)

        rows.add(name, "MaxPool", run, [("x", x)], ties=ties, distinct=not ties, **attributes)

    max_pool("2x2 stride 2", (3, 6, 8), (2, 2), (2, 2))
    max_pool("2x2 stride 2, odd", (2, 5, 7), (2, 2), (2, 2))
    max_pool("2x2 stride 2, odd columns", (2, 4, 3), (2, 2), (2, 2))
    max_pool("2x2 stride 2, smallest", (1, 2, 2), (2, 2), (2, 2))
    max_pool("2x2 stride 2, ties", (2, 6, 7), (2, 2), (2, 2), ties=True)
    max_pool("2x2 stride 2, odd, ceil_mode", (2, 5, 7), (2, 2), (2, 2), ceil=True)
    max_pool("2x2 stride 2, even, ceil_mode", (2, 4, 4), (2, 2), (2, 2), ceil=True)
    max_pool("2x2 stride 1", (2, 4, 5), (2, 2))
    max_pool("3x3 stride 2", (3, 7, 7), (3, 3), (2, 2))
    max_pool("3x3 stride 2 padding 1", (2, 8, 6), (3, 3), (2, 2), (1, 1, 1, 1))
    max_pool("3x3 stride 2 padding 1, ties", (2, 8, 6), (3, 3), (2, 2), (1, 1, 1, 1), ties=True)
    max_pool("3x3 stride 3 ceil_mode, overhanging", (1, 7, 8), (3, 3), (3, 3), ceil=True)
    max_pool("2x2 stride 2 padding 1 ceil_mode", (2, 5, 4), (2, 2), (2, 2), (1, 1, 1, 1), ceil=True)
    max_pool("2x3 stride 1 by 2", (2, 5, 6), (2, 3), (1, 2))
    max_pool("3x3 padding of each side", (2, 4, 5), (3, 3), (2, 1), (2, 0, 1, 2))
    max_pool("3x3 dilation 2", (2, 7, 8), (3, 3), (1, 1), dilations=(2, 2))
    max_pool("2x2 SAME_UPPER", (2, 5, 4), (2, 2), (2, 2), auto_pad="SAME_UPPER")
    max_pool("3x3 SAME_LOWER", (2, 5, 6), (3, 3), (2, 2), auto_pad="SAME_LOWER")

    def average_pool(name, x, kernel, strides=None, pads=(0, 0, 0, 0), dilations=(1, 1), ceil=False,
                     include=False):
        attributes = {"kernel_shape": list(kernel)}
        if strides is not None:
            attributes["strides"] = list(strides)
        if any(pads):
            attributes["pads"] = list(pads)
        if dilations != (1, 1):
            attributes["dilations"] = list(dilations)
        if ceil:
            attributes["ceil_mode"] = 1
        if include:
            attributes["count_include_pad"] = 1
        steps = strides or (1, 1)

        def sums(image):
            ones = torch.ones(x[0], 1, *kernel, dtype=torch.float64)
            return F.conv2d(pad(image, pads), ones, None, steps, 0, dilations, x[0])

        def run(image):
            if pads[:2] == pads[2:] and dilations == (1, 1):
                return F.avg_pool2d(image, kernel, steps, pads[:2], ceil, include)
            assert not ceil
            count = kernel[0] * kernel[1] if include else sums(torch.ones_like(image))
            return sums(image) / count

        rows.add(name, "AveragePool", run, [("x", x)], **attributes)

    average_pool("2x2 stride 2", (2, 4, 6), (2, 2), (2, 2))
    average_pool("2x2 stride 2, odd, ceil_mode", (2, 5, 7), (2, 2), (2, 2), ceil=True)
    average_pool("3x3 stride 1 padding 1", (2, 5, 4), (3, 3), (1, 1), (1, 1, 1, 1))
    average_pool("3x3 padding 1 counted", (2, 5, 4), (3, 3), None, (1, 1, 1, 1), include=True)
    average_pool("3x3 stride 2 padding 1 counted, ceil_mode", (2, 6, 8), (3, 3), (2, 2),
                 (1, 1, 1, 1), ceil=True, include=True)
    average_pool("2x3 padding of each side", (2, 5, 5), (2, 3), (2, 1), (1, 0, 0, 2))
    average_pool("2x3 padding of each side, counted", (2, 5, 5), (2, 3), (2, 1), (1, 0, 0, 2),
                 include=True)
    average_pool("2x2 dilation 2 padding 1", (2, 5, 6), (2, 2), None, (1, 1, 1, 1), (2, 2))
    average_pool("7x7 whole input", (3, 7, 7), (7, 7))
    rows.add("", "GlobalAveragePool", lambda x: x.mean((2, 3), True), [("x", (5, 4, 3))])
    rows.add("1x1", "GlobalAveragePool", lambda x: x.mean((2, 3), True), [("x", (4, 1, 1))])
    rows.add("7x7", "GlobalAveragePool", lambda x: x.mean((2, 3), True), [("x", (3, 7, 7))])


def add_normalization(rows):
    def inputs(x):
        return [("x", x), ("w", x[:1]), ("w", x[:1]), ("w", x[:1]), ("positive", x[:1])]

    def inference(x, scale, bias, mean, var, epsilon=1e-5):
        return F.batch_norm(x, mean.detach(), var.detach(), scale, bias, False, 0.1, epsilon)

    def training(x, scale, bias, mean, var, epsilon=1e-5):
        axes = [0] + list(range(2, x.dim()))
        y = F.batch_norm(x, None, None, scale, bias, True, 0.1, epsilon)
        statistics = [(x.mean(axes) - mean) * len(x), (x.var(axes, True) - var) * len(x)]
        return y, statistics

    rows.add("maps", "BatchNormalization", inference, inputs((3, 4, 5)), gradients=False)
    rows.add("vector", "BatchNormalization", inference, inputs((6,)), gradients=False)
    rows.add("epsilon", "BatchNormalization", lambda *t: inference(*t, epsilon=1e-2),
             inputs((2, 3, 3)), gradients=False, epsilon=1e-2, momentum=0.8)
    rows.add("maps, training", "BatchNormalization", training, inputs((3, 4, 5)), images=5,
             training=True)
    rows.add("maps of odd size, training", "BatchNormalization", training, inputs((2, 3, 3)),
             images=19, training=True)
    rows.add("vector, training", "BatchNormalization", training, inputs((6,)), images=9,
             training=True)
    rows.add("epsilon, training", "BatchNormalization", lambda *t: training(*t, epsilon=1e-2),
             inputs((4, 2, 2)), images=33, training=True, epsilon=1e-2)


def add_functions(rows):
    rows.add("", "Relu", F.relu, [("x", (3, 5))])
    rows.add("maps", "Relu", F.relu, [("x", (2, 3, 5))])
    rows.add("", "LeakyRelu", lambda x: F.leaky_relu(x, 0.01), [("x", (13,))])
    rows.add("alpha 0.2", "LeakyRelu", lambda x: F.leaky_relu(x, 0.2), [("x", (2, 3, 3))], alpha=0.2)
    rows.add("", "Sigmoid", torch.sigmoid, [("x", (2, 3, 3))])
    rows.add("", "Tanh", torch.tanh, [("x", (17,))])
    for op_type, function in (("Softmax", F.softmax), ("LogSoftmax", F.log_softmax)):
        rows.add("10 classes", op_type, lambda x: function(x, 1), [("x", (10,))])
        rows.add("one class", op_type, lambda x: function(x, 1), [("x", (1,))])
        rows.add("axis 1", op_type, lambda x: function(x, 1), [("x", (3, 4, 5))], axis=1)
        rows.add("axis 2", op_type, lambda x: function(x, 2), [("x", (3, 4, 5))], axis=2)
        rows.add("axis -1", op_type, lambda x: function(x, 3), [("x", (3, 4, 5))], axis=-1)
        rows.add("steep", op_type, lambda x: function(x, -1), [("x", (100,))])


def add_shapes(rows):
    rows.add("maps", "Concat", lambda *x: torch.cat(x, 1),
             [("x", (2, 3, 4)), ("x", (1, 3, 4)), ("x", (3, 3, 4))], axis=1)
    rows.add("rows", "Concat", lambda *x: torch.cat(x, 2), [("x", (2, 3, 4)), ("x", (2, 1, 4))],
             axis=2)
    rows.add("columns", "Concat", lambda *x: torch.cat(x, 3), [("x", (2, 3, 4)), ("x", (2, 3, 1))],
             axis=-1)
    rows.add("vectors", "Concat", lambda *x: torch.cat(x, 1), [("x", (5,)), ("x", (3,))], axis=1)
    rows.add("one input", "Concat", lambda x: x.clone(), [("x", (5,))], axis=1)
    rows.add("", "Flatten", lambda x: x.flatten(1), [("x", (2, 3, 4))])
    rows.add("axis -3", "Flatten", lambda x: x.flatten(1), [("x", (2, 3, 4))], axis=-3)
    rows.add("vector", "Flatten", lambda x: x.clone(), [("x", (6,))], axis=1)
    rows.add("to maps", "Reshape", lambda x: x.reshape(-1, 2, 3, 4), [("x", (24,))], shape=[2, 3, 4])
    rows.add("to vector", "Reshape", lambda x: x.reshape(len(x), -1), [("x", (2, 3, 4))], shape=[-1])
    rows.add("one left open", "Reshape", lambda x: x.reshape(len(x), 4, 6), [("x", (2, 3, 4))],
             shape=[4, -1])
    rows.add("", "Identity", lambda x: x.clone(), [("x", (2, 3, 4))])
    rows.add("default", "Dropout", lambda x: x.clone(), [("x", (11,))], gradients=False)
    rows.add("ratio 0", "Dropout", lambda x: x.clone(), [("x", (2, 3, 4))], ratio=0)


def main():
    rows = Rows()
    for add in (add_conv, add_gemm, add_pool, add_normalization, add_functions,                 add_shapes, rows_moves.add, rows_functions.add, rows_binary.add,
                rows_reduce.add, rows_resize.add, rows_quantize.add,
                rows_normalize.add, rows_matmul.add, rows_conv_transpose.add):
        add(rows)
    lines = [json.dumps(row, separators=(",", ":")) for row in rows.rows]
    print("[\n" + ",\n".join(lines) + "\n]")


if __name__ == "__main__":
    main()
