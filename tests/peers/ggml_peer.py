"""ggml's own mnist-eval and mnist eval agree on the files of both: python ggml_peer.py PROGRAM FOLDER"""
import json
import os
import pathlib
import re
import subprocess
import sys

from peer_support import Program

program = Program()
MNIST_EVAL = pathlib.Path(sys.executable).parent.parent / "ggml/mnist-eval"
digits = program.folder / "digits"
# mnist-eval takes 10,000 images, neither more nor fewer.
program.expect_run("data", "draw", "--count", 10_000, "--seed", 5, "-o", digits)
images = digits / "t10k-images-idx3-ubyte"
labels = digits / "t10k-labels-idx1-ubyte"


def theirs(model):
    result = subprocess.run([MNIST_EVAL, model, images, labels], capture_output=True, text=True)
    loss = re.search(r"test_loss=([0-9.]+)", result.stdout)
    accuracy = re.search(r"test_acc=([0-9.]+)\+-([0-9.]+)%", result.stdout)
    if result.returncode != 0 or not loss or not accuracy:
        sys.exit(f"mnist-eval {model}: {result.stderr}")
    return float(loss[1]), accuracy.groups()


def compare(model):
    ours = json.loads(program.expect_run("eval", model, images, labels, "--json"))
    loss, accuracy = theirs(model)
    print(f"   {model.name}: loss {ours['loss']:.6f} and {loss:.6f}, {accuracy[0]} % of ggml's answers are right")
    if abs(ours["loss"] - loss) > 1e-5 * max(1.0, loss):
        sys.exit(f"{model}: the losses differ")
    mine = tuple(f"{100 * ours[key]:.2f}" for key in ("accuracy", "accuracy_error"))
    if mine != accuracy:
        sys.exit(f"{model}: {mine[0]}+-{mine[1]} % are right, of ggml's {accuracy[0]}+-{accuracy[1]} %")


print("-- what we write")
for network in ("mnist-fc", "mnist-cnn"):
    model = program.folder / f"{network}.gguf"
    program.expect_run("train", network, model, "--data", "synthetic:4000", "--epochs", 2, "--quiet")
    compare(model)
    other = program.folder / f"{network}.safetensors"
    program.convert(model, other)
    again = program.folder / f"{network}-again.gguf"
    program.convert(other, again)
    compare(again)

print("-- what ggml wrote")
written = os.environ.get("MNIST_INTEROP_DIR")
if written:
    for name in ("ggml-fc.gguf", "ggml-cnn.gguf"):
        compare(pathlib.Path(written) / "ggml" / name)
elif os.environ.get("CI") == "true":
    sys.exit("MNIST_INTEROP_DIR is not set")
else:
    print("   skipped: MNIST_INTEROP_DIR is not set")
print("ggml: ok")
