"""PyTorch loads what we write, and we load what PyTorch writes: python torch_peer.py PROGRAM FOLDER"""
import collections
import json
import os
import pickle
import sys

import numpy
import torch
import torch.nn.utils.prune
from torch import nn

from peer_support import Program, expect_close

program = Program()
torch.manual_seed(1)
torch.set_num_threads(1)


class Fc(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(784, 500)
        self.fc2 = nn.Linear(500, 10)

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(x.flatten(1))))


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1)
        self.dense = nn.Linear(784, 10)
        self.pool = nn.MaxPool2d(2)

    def forward(self, x):
        x = self.pool(torch.relu(self.conv1(x)))
        x = self.pool(torch.relu(self.conv2(x)))
        return self.dense(x.flatten(1))


class Fast(nn.Module):
    def __init__(self):
        super().__init__()
        channels = [1, 6, 16, 32]
        for i in range(3):
            setattr(self, f"conv{i + 1}", nn.Conv2d(channels[i], channels[i + 1], 3, padding=1, bias=False))
            setattr(self, f"bn{i + 1}", nn.BatchNorm2d(channels[i + 1]))
        self.dense = nn.Linear(32 * 49, 10)

    def forward(self, x):
        x = torch.relu(self.bn1(torch.max_pool2d(self.conv1(x), 2)))
        x = torch.relu(self.bn2(torch.max_pool2d(self.conv2(x), 2)))
        return self.dense(torch.relu(self.bn3(self.conv3(x))).flatten(1))


def prepared(model):
    """Statistics that are not those of a fresh normalisation."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, 0, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.weight, -1, 1)
            nn.init.normal_(module.bias, 0, 0.1)
    return model.eval()


def logits_of(model):
    with torch.no_grad():
        return model(torch.from_numpy(program.inputs())).numpy()


def expect_read(what, content, theirs, *options, tolerance=1e-5, **saving):
    path = program.folder / "theirs.pt"
    torch.save(content, path, **saving)
    expect_close(what, program.logits(path, *options), theirs, tolerance)


networks = {"mnist-fc": prepared(Fc()), "mnist-cnn": prepared(Cnn()), "mnist-fast": prepared(Fast())}

print("-- state dicts of PyTorch")
for name, model in networks.items():
    theirs = logits_of(model)
    state = model.state_dict()
    expect_read(f"{name}, recognised", state, theirs)
    expect_read(f"{name}, older format", state, theirs, _use_new_zipfile_serialization=False)
    expect_read(f"{name}, --arch", state, theirs, "--arch", name)
    double = collections.OrderedDict((key, value.double()) for key, value in state.items())
    expect_read(f"{name}, float64", double, theirs)
    optimizer = torch.optim.Adam(model.parameters())
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    checkpoint = {"epoch": 3, "loss": 0.5, "optimizer": optimizer.state_dict(), "model_state_dict": state}
    expect_read(f"{name}, checkpoint", checkpoint, theirs)
    wrapped = {"module." + key: value for key, value in state.items()}
    expect_read(f"{name}, of DataParallel", wrapped, theirs)
    # float32 takes part in the sums here, so the reference is the rounded weights in float32.
    for kind in (torch.float16, torch.bfloat16):
        rounded = prepared(type(model)())
        halves = {key: value.to(kind) if value.is_floating_point() else value for key, value in state.items()}
        rounded.load_state_dict(halves)
        expect_read(f"{name}, {kind}", halves, logits_of(rounded.float()))
    turned = {key: value.t().contiguous().t() if value.dim() == 2 else value for key, value in state.items()}
    expect_read(f"{name}, with strides", turned, theirs)

print("-- tensors that share a storage")
flat = torch.randn(784 * 500 + 500 + 5000 + 10) * 0.05
sizes = [(500, 784), (500,), (10, 500), (10,)]
parts, start = {}, 0
for key, size in zip(["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"], sizes):
    count = torch.Size(size).numel()
    parts[key] = flat[start : start + count].view(size)
    start += count
shared = Fc()
shared.load_state_dict(parts)
expect_read("one storage", parts, logits_of(shared))

print("-- whole modules")
sequence = nn.Sequential(
    collections.OrderedDict(
        [
            ("features", nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5),
                                       nn.BatchNorm2d(16), nn.LeakyReLU(0.2), nn.MaxPool2d(2, stride=2))),
            ("flatten", nn.Flatten()),
            ("classifier", nn.Sequential(nn.Dropout(0.5), nn.Linear(400, 84), nn.Sigmoid(), nn.Linear(84, 10))),
        ]
    )
)
prepared(sequence)
for new in (True, False):
    expect_read(f"Sequential, zip {new}", sequence, logits_of(sequence), _use_new_zipfile_serialization=new)
strided = prepared(nn.Sequential(nn.Conv2d(1, 8, 3, stride=2), nn.ReLU(), nn.Conv2d(8, 8, 3, groups=4), nn.ReLU(),
                                 nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10)))
expect_read("Sequential with strides and groups", strided, logits_of(strided))
expect_read("module of a class of its own", networks["mnist-cnn"], logits_of(networks["mnist-cnn"]))
pruned = Cnn().eval()
for module in (pruned.conv1, pruned.conv2, pruned.dense):
    nn.utils.prune.l1_unstructured(module, "weight", 0.3)
expect_read("pruned", pruned.state_dict(), logits_of(pruned))
expect_read("pruned module", pruned, logits_of(pruned))

print("-- TorchScript")
linear = prepared(nn.Sequential(nn.Flatten(), nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10)))
for name, script in {
    "scripted": torch.jit.script(linear),
    "traced": torch.jit.trace(linear, torch.zeros(1, 1, 28, 28)),
}.items():
    path = program.folder / "script.pt"
    script.save(str(path))
    expect_close(name, program.logits(path), logits_of(linear))
torch.jit.script(networks["mnist-cnn"]).save(str(path))
expect_close("mnist-cnn", program.logits(path), logits_of(networks["mnist-cnn"]))

print("-- what we write")
for name, model in networks.items():
    source = program.folder / "source.pt"
    torch.save(model.state_dict(), source)
    gguf = program.folder / "ours.gguf"
    program.convert(source, gguf)
    ours = program.logits(gguf)
    for kind in ("f32", "f16", "bf16"):
        path = program.folder / "ours.pt"
        program.convert(gguf, path, "--type", kind)
        state = torch.load(path, weights_only=True)
        loaded = prepared(type(model)())
        loaded.load_state_dict(state)
        tolerance = {"f32": 1e-5, "f16": 1e-2, "bf16": 1e-1}[kind]
        expect_close(f"{name}, {kind}", logits_of(loaded), ours, tolerance)
        if kind == "f32":
            for key, value in model.state_dict().items():
                if "num_batches" not in key and not torch.equal(state[key], value):
                    sys.exit(f"{name}: {key} does not come back bit for bit")

print("-- recurrent networks")


class Rows(nn.Module):
    """The image's rows as steps; `state`: from h_n rather than from the last step's output."""

    def __init__(self, kind, state=False, **options):
        super().__init__()
        self.rnn = kind(28, 8, batch_first=True, **options)
        self.fc = nn.Linear(16 if options.get("bidirectional") else 8, 10)
        self.state = state

    def forward(self, x):
        rows, state = self.rnn(x.reshape(-1, 28, 28))
        if self.state:
            return self.fc((state[0] if isinstance(state, tuple) else state)[-1])
        return self.fc(rows[:, -1, :])


recurrent = {
    "LSTM": Rows(nn.LSTM), "GRU": Rows(nn.GRU, state=True), "RNN": Rows(nn.RNN, num_layers=2),
    "LSTM, two layers both ways": Rows(nn.LSTM, num_layers=2, bidirectional=True),
}
for name, model in recurrent.items():
    model.eval()
    expect_read(f"{name}, state dict", model.state_dict(), logits_of(model), "--arch", "1")
    traced = torch.jit.trace(model, torch.from_numpy(program.inputs()[:2]), check_trace=False)
    path = program.folder / "theirs.pt"
    traced.save(path)
    expect_close(f"{name}, TorchScript", program.logits(path), logits_of(model))


class Larger(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, stride=2)
        self.up = nn.ConvTranspose2d(4, 8, 3, stride=2, padding=1, output_padding=1)
        self.shuffle = nn.PixelShuffle(2)
        self.row = nn.Conv1d(20, 6, 3, stride=2)
        self.fc = nn.Linear(6 * 4, 10)

    def forward(self, x):
        x = self.shuffle(self.up(torch.relu(self.conv(x))))
        x = nn.functional.interpolate(x, size=(26, 26), mode="bilinear", align_corners=False)
        x = nn.functional.max_pool2d(nn.functional.interpolate(x, scale_factor=2.0), 5)
        x = self.row(x.reshape(x.size(0), 20, 10))
        return self.fc(x.flatten(1))


larger = Larger().eval()
path = program.folder / "theirs.pt"
torch.jit.trace(larger, torch.from_numpy(program.inputs()[:2]), check_trace=False).save(path)
expect_close("maps made larger, TorchScript", program.logits(path), logits_of(larger))

print("-- weights in lists")
sizes = [784, 30, 10]
weights = [numpy.random.default_rng(i).normal(0, 0.1, (sizes[i + 1], sizes[i])) for i in range(2)]
biases = [numpy.random.default_rng(i).normal(0, 0.1, (sizes[i + 1], 1)) for i in range(2)]
hidden = 1 / (1 + numpy.exp(-(weights[0] @ program.inputs().reshape(-1, 784).T + biases[0])))
theirs = (weights[1] @ hidden + biases[1]).T
path = program.folder / "nielsen.pkl"
for content in ({"sizes": sizes, "weights": weights, "biases": biases}, (weights, biases)):
    path.write_bytes(pickle.dumps(content))
    expect_close("as in Nielsen's book", program.logits(path, "--arch", "FC30-sigmoid-FC10"), theirs)
path = program.folder / "nielsen.json"
path.write_text(json.dumps({"sizes": sizes, "weights": [each.tolist() for each in weights],
                            "biases": [each.tolist() for each in biases], "cost": "CrossEntropyCost"}))
expect_close("as its programs save", program.logits(path), 1 / (1 + numpy.exp(-theirs)))

print("-- what is refused")


class Call:
    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


attacks = {
    f"pickle global '{os.system.__module__}.system' is not allowed": Call(os.system, "true"),
    "pickle global 'builtins.eval' is not allowed": Call(eval, "1"),
    "pickle global 'torch.serialization.load' is not allowed": Call(torch.load, "x"),
    "pickle global 'torch.hub.load' is not allowed": Call(torch.hub.load, "a", "b"),
}
for words, attack in attacks.items():
    for new in (True, False):
        path = program.folder / "attack.pt"
        torch.save({"fc1.weight": torch.zeros(2), "x": attack}, path, _use_new_zipfile_serialization=new, pickle_protocol=2)
        program.expect_refused(path, words.replace("builtins", "__builtin__"))
(program.folder / "raw.pkl").write_bytes(pickle.dumps({"a": 1}, protocol=4))
program.expect_refused(program.folder / "raw.pkl", "a pickle that torch.save did not write")
print("torch: ok")
