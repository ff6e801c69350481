"""The gguf package reads what we write, and we read what it writes: python gguf_peer.py PROGRAM FOLDER"""
import sys

import gguf
import numpy
from gguf import GGMLQuantizationType as Type
from gguf import quants

from peer_support import Program, expect_close

program = Program()
generator = numpy.random.default_rng(3)
pixels = program.inputs().reshape(len(program.images), -1)


def random(*shape, scale=0.1):
    return (generator.standard_normal(shape) * scale).astype(numpy.float32)


def write(path, architecture, tensors, kinds={}, keys={}):
    writer = gguf.GGUFWriter(path, architecture)
    for key, value in keys.items():
        writer.add_string(key, value)
    for name, tensor in tensors.items():
        kind = kinds.get(name, Type.F32)
        if kind == Type.F32:
            writer.add_tensor(name, tensor)
        else:
            # The package's own shape is that of the bytes; it finds the values' from the type.
            writer.add_tensor(name, quants.quantize(tensor, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def read(path):
    """Names, types and values, in the file's order."""
    reader = gguf.GGUFReader(path)
    tensors = {}
    for tensor in reader.tensors:
        shape = [int(extent) for extent in reversed(tensor.shape)]
        values = quants.dequantize(tensor.data, tensor.tensor_type).reshape(shape)
        tensors[tensor.name] = (tensor.tensor_type, values)
    return reader, tensors


def dense(x, weight, bias):
    return x @ weight.T + bias


def mlp(tensors, x):
    layers = len(tensors) // 2
    for index in range(1, layers + 1):
        x = dense(x, tensors[f"fc{index}.weight"], tensors[f"fc{index}.bias"])
        if index < layers:
            x = numpy.maximum(x, 0)
    return x


def mlp_tensors(*sizes):
    tensors = {}
    for index, (inputs, outputs) in enumerate(zip(sizes, sizes[1:]), 1):
        tensors[f"fc{index}.weight"] = random(outputs, inputs, scale=inputs**-0.5)
        tensors[f"fc{index}.bias"] = random(outputs)
    return tensors


print("-- what the package writes")
theirs = program.folder / "theirs.gguf"
fc = mlp_tensors(784, 500, 10)
write(theirs, "mnist-fc", fc)
expect_close("mnist-fc", program.logits(theirs), mlp(fc, pixels))

print("-- what we write, byte for byte the package's")
ours = program.folder / "ours.gguf"
program.convert(theirs, ours)
if ours.read_bytes() != theirs.read_bytes():
    sys.exit("mnist-fc: the bytes differ")

print("-- every type of weights, both ways")
net = mlp_tensors(784, 128, 64, 10)
graph_file = program.folder / "graph.gguf"
recognised = program.folder / "recognised.gguf"
write(recognised, "unknown", net)
expect_close("recognised", program.logits(recognised), mlp(net, pixels))
program.convert(recognised, graph_file)
for kind, name in ((Type.F32, "f32"), (Type.F16, "f16"), (Type.BF16, "bf16"), (Type.Q8_0, "q8_0")):
    program.convert(graph_file, ours, "--type", name)
    reader, tensors = read(ours)
    if set(tensors) != set(net):
        sys.exit(f"{name}: {sorted(tensors)}")
    for key, (stored, values) in tensors.items():
        in_blocks = kind == Type.Q8_0 and net[key].shape[-1] % 32 != 0
        wanted = Type.F32 if net[key].ndim < 2 or in_blocks else kind
        if stored != wanted:
            sys.exit(f"{name}: '{key}' is {stored.name}, {wanted.name} expected")
        expected = net[key]
        if wanted != Type.F32:
            expected = quants.dequantize(quants.quantize(expected, wanted), wanted)
        if not numpy.array_equal(values, expected):
            sys.exit(f"{name}: '{key}' differs from what the package makes of it")
    expect_close(f"{name}, logits", program.logits(ours), mlp({k: v for k, (_, v) in tensors.items()}, pixels))

print("-- blocks that only the package writes")
graph = gguf.GGUFReader(graph_file).fields["mnist.graph"].contents()
for kind in (Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1, Type.Q8_0):
    kinds = {"fc2.weight": kind, "fc3.weight": kind}
    write(theirs, "mnist-mlp", net, kinds, {"mnist.graph": graph})
    rounded = dict(net)
    for name in kinds:
        rounded[name] = quants.dequantize(quants.quantize(net[name], kind), kind)
    expect_close(kind.name, program.logits(theirs), mlp(rounded, pixels))

print("-- the older layout of mnist-cnn")


def repeated(bias, size):
    return numpy.broadcast_to(bias[None, :, None, None], (1, len(bias), size, size)).copy()


def conv(x, kernel, bias):
    windows = numpy.lib.stride_tricks.sliding_window_view(x, kernel.shape[2:], axis=(2, 3))
    return numpy.einsum("nchwij,ocij->nohw", windows, kernel) + bias[None, :, None, None]


def pool(x):
    size = x.shape[2] // 2
    return x[:, :, : 2 * size, : 2 * size].reshape(*x.shape[:2], size, 2, size, 2).max((3, 5))


biases = random(32), random(64)
old = {"kernel1": random(32, 1, 3, 3).astype(numpy.float16), "bias1": repeated(biases[0], 26),
       "kernel2": random(64, 32, 3, 3).astype(numpy.float16), "bias2": repeated(biases[1], 11),
       "dense_w": random(10, 1600), "dense_b": random(10)}
write(theirs, "mnist-cnn", old)
x = pool(numpy.maximum(conv(program.inputs(), old["kernel1"].astype(numpy.float32), biases[0]), 0))
x = pool(numpy.maximum(conv(x, old["kernel2"].astype(numpy.float32), biases[1]), 0))
x = dense(x.transpose(0, 2, 3, 1).reshape(len(x), -1), old["dense_w"], old["dense_b"])
expect_close("2023", program.logits(theirs), x)
program.convert(theirs, ours, "--layout", "2023")
if ours.read_bytes() != theirs.read_bytes():
    sys.exit("2023: the bytes differ")
print("gguf: ok")
