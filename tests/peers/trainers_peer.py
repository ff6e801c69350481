"""The reference trainers in python/ write files that the program evaluates as they do: python trainers_peer.py PROGRAM FOLDER"""
import gzip
import json
import os
import pathlib
import re
import subprocess
import sys

import gguf

from peer_support import Program

program = Program()
scripts = pathlib.Path(__file__).resolve().parents[2] / "python"
data = program.folder / "data"

# Few digits that the program draws: an epoch takes no time, and MNIST need not be here.
program.expect_run("data", "draw", "--count", 2000, "--seed", 5, "--out", data)
for name in ("train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):  # packed and unpacked files mixed
    (data / f"{name}.gz").write_bytes(gzip.compress((data / name).read_bytes()))
    (data / name).unlink()


def run_script(script, output, folder):
    return subprocess.run([sys.executable, scripts / script, output, "--epochs", "1", "--batch-size", "100"],
                          capture_output=True, text=True, env=os.environ | {"MNIST_DATA_DIR": str(folder)})


def expect_equal(what, ours, theirs):
    if ours != theirs:
        sys.exit(f"{what}: {theirs} expected, got {ours}")


for script, architecture, shapes in (
    ("train_fc.py", "mnist-fc",
     {"fc1.weight": (500, 784), "fc1.bias": (500,), "fc2.weight": (10, 500), "fc2.bias": (10,)}),
    ("train_cnn.py", "mnist-cnn",
     {"conv1.kernel": (8, 1, 3, 3), "conv1.bias": (8, 1, 1), "conv2.kernel": (16, 8, 3, 3),
      "conv2.bias": (16, 1, 1), "dense.weight": (10, 784), "dense.bias": (10,)}),
):
    output = program.folder / f"{architecture}.gguf"
    result = run_script(script, output, data)
    if result.returncode != 0:
        sys.exit(f"{script}: {result.stderr}")
    found = re.search(r"Test loss: ([\d.]+)\+-([\d.]+), test accuracy: ([\d.]+)\+-([\d.]+) %", result.stdout)
    if found is None:
        sys.exit(f"{script}: no test loss and accuracy in {result.stdout}")
    loss, loss_error, accuracy, accuracy_error = map(float, found.groups())
    ours = json.loads(program.expect_run("eval", output, "--data", data, "--json"))
    expect_equal("architecture", ours["architecture"], architecture)
    expect_equal("accuracy", f"{100 * ours['accuracy']:.2f}", f"{accuracy:.2f}")
    expect_equal("its error", f"{100 * ours['accuracy_error']:.2f}", f"{accuracy_error:.2f}")
    if abs(ours["loss"] - loss) > 2e-6 or abs(ours["loss_error"] - loss_error) > 2e-6:
        sys.exit(f"{script}: loss {loss}+-{loss_error}, ours {ours['loss']}+-{ours['loss_error']}")
    stored = {tensor.name: tuple(int(extent) for extent in reversed(tensor.shape))
              for tensor in gguf.GGUFReader(output).tensors}
    expect_equal("tensors", stored, shapes)
    for name, shape in shapes.items():
        if not re.search(rf"{re.escape(name)} +{re.escape(str(shape))}", result.stdout):
            sys.exit(f"{script}: '{name}' is not listed in {result.stdout}")
    print(f"   {script}: loss {loss}, accuracy {accuracy} % of {ours['images']} in both")
    missing = run_script(script, program.folder / "none.gguf", program.folder / "nowhere")
    if missing.returncode != 1 or "mnist data fetch" not in missing.stderr.splitlines()[-1]:
        sys.exit(f"{script} without data: exit {missing.returncode}: {missing.stderr}")
print("trainers: ok")
