"""The safetensors package loads what we write, and we load what it writes: python safetensors_peer.py PROGRAM FOLDER"""
import json
import struct
import sys

import numpy
import torch
from safetensors import safe_open
from safetensors.numpy import save_file
from safetensors.torch import load_file
from safetensors.torch import save_file as save_torch

from peer_support import Program, expect_close

program = Program()
generator = numpy.random.default_rng(2)
path = program.folder / "theirs.safetensors"


def relu(x):
    return numpy.maximum(x, 0)


def dense_net(state, x, layers):
    for index, name in enumerate(layers):
        x = x @ state[f"{name}.weight"].astype(numpy.float32).T + state[f"{name}.bias"].astype(numpy.float32)
        if index + 1 < len(layers):
            x = relu(x)
    return x


def random_state(names, sizes):
    state = {}
    for name, (inputs, outputs) in zip(names, zip(sizes, sizes[1:])):
        state[f"{name}.weight"] = (generator.standard_normal((outputs, inputs)) / inputs**0.5).astype(numpy.float32)
        state[f"{name}.bias"] = generator.standard_normal(outputs).astype(numpy.float32) * numpy.float32(0.1)
    return state


x = program.inputs().reshape(len(program.images), -1)

print("-- what the package writes")
state = random_state(["fc1", "fc2"], [784, 500, 10])
save_file(state, path)
expect_close("mnist-fc, recognised", program.logits(path), dense_net(state, x, ["fc1", "fc2"]))
save_file({key: value.astype(numpy.float16) for key, value in state.items()}, path)
halves = {key: value.astype(numpy.float16) for key, value in state.items()}
expect_close("float16", program.logits(path), dense_net(halves, x, ["fc1", "fc2"]))
save_torch({key: torch.from_numpy(value).bfloat16() for key, value in state.items()}, path)
rounded = {key: torch.from_numpy(value).bfloat16().float().numpy() for key, value in state.items()}
expect_close("bfloat16", program.logits(path), dense_net(rounded, x, ["fc1", "fc2"]))
save_file({key: value.astype(numpy.float64) for key, value in state.items()}, path)
expect_close("float64", program.logits(path), dense_net(state, x, ["fc1", "fc2"]))
names = [f"layers.{i}" for i in range(12)]
deep = random_state(names, [784] + [16] * 11 + [10])
save_file(deep, path)  # in the order of the alphabet: layers.10 before layers.2
expect_close("twelve layers", program.logits(path, "--arch", "1"), dense_net(deep, x, names))

print("-- what we write")
save_file(state, path)
gguf = program.folder / "ours.gguf"
program.convert(path, gguf)
ours = program.folder / "ours.safetensors"
for kind, tolerance in (("f32", 1e-5), ("f16", 1e-2), ("bf16", 1e-1)):
    program.convert(gguf, ours, "--type", kind)
    loaded = {key: value.float().numpy() for key, value in load_file(ours).items()}
    if loaded.keys() != state.keys():
        sys.exit(f"names: {sorted(loaded)}")
    expect_close(f"{kind}, weights", loaded["fc1.weight"], state["fc1.weight"], tolerance)
    # The graph travels along: no --arch is needed, whatever the shapes.
    expect_close(f"{kind}, logits", program.logits(ours), dense_net(loaded, x, ["fc1", "fc2"]))
with safe_open(ours, "pt") as opened:
    graph = json.loads(opened.metadata()["mnist.graph"])
if [node["type"] for node in graph["nodes"]] != ["Flatten", "Gemm", "Relu", "Gemm"]:
    sys.exit(f"the graph in the metadata: {graph['nodes']}")
program.convert(gguf, ours)
if any(not numpy.array_equal(value.numpy(), state[key]) for key, value in load_file(ours).items()):
    sys.exit("float32 does not come back bit for bit")

print("-- who refuses what")
content = path.read_bytes()
length = struct.unpack("<Q", content[:8])[0]
refused_by_both = accepted_by_both = 0
for _ in range(150):
    damaged = bytearray(content[: 8 + length]) + content[8 + length :]
    for _ in range(int(generator.integers(1, 4))):
        damaged[int(generator.integers(0, 8 + length))] ^= 1 << int(generator.integers(0, 8))
    path.write_bytes(damaged)
    try:
        theirs = load_file(path)
    except Exception:
        theirs = None
    result = program.run("info", path)
    if result.returncode not in (0, 1) or (result.returncode == 1 and len(result.stderr.strip().splitlines()) != 1):
        sys.exit(f"damaged file: exit {result.returncode}: {result.stderr}")
    if result.returncode == 0 and theirs is None:
        sys.exit(f"accepted what the package refuses: {bytes(damaged[:8 + length])}")
    refused_by_both += theirs is None
    accepted_by_both += result.returncode == 0
print(f"   of 150 damaged headers the package refused {refused_by_both}, none of which we accept; both take {accepted_by_both}")
print("safetensors: ok")
