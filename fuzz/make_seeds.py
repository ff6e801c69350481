#!/usr/bin/env python3
"""Small files of the formats that are only read, by the programs that write them. Needs tests/peers' Python.

usage: make_seeds.py FOLDER
"""
import gzip
import io
import json
import os
import pathlib
import struct
import sys
import tempfile
import zipfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import h5py
import keras
import numpy as np
import tensorflow as tf
import torch
from tensorflow.core.protobuf import saved_model_pb2

FOLDER = pathlib.Path(sys.argv[1])


def write(target, name, data):
    (FOLDER / target).mkdir(parents=True, exist_ok=True)
    (FOLDER / target / name).write_bytes(data)


def small_keras(sequential):
    layers = keras.layers
    inputs = keras.Input((6, 6, 1))
    chain = [
        layers.Conv2D(2, 3, activation="relu"),
        layers.BatchNormalization(),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(3, activation="softmax"),
    ]
    if sequential:
        return keras.Sequential([inputs, *chain])
    x = chain[0](inputs)
    x = layers.Add()([x, chain[1](x)])
    for layer in chain[2:]:
        x = layer(x)
    return keras.Model(inputs, x)


DENSE = [
    {"class_name": "Flatten", "config": {"name": "flatten", "batch_input_shape": [None, 4, 4, 1]}},
    {"class_name": "Dense", "config": {"name": "dense", "units": 3, "activation": "softmax"}},
]
SEQUENTIAL = {"class_name": "Sequential", "config": {"name": "net", "layers": DENSE}}


def small_keras_files(folder):
    """As little as Keras's formats need: most changed bytes then lie where the reader looks."""
    path = folder / "small.h5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(SEQUENTIAL)
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = [b"dense"]
        group = weights.create_group("dense")
        group.attrs["weight_names"] = [b"k:0", b"b:0"]
        group["k:0"] = np.ones((16, 3), np.float32)
        group["b:0"] = np.zeros(3, np.float32)
    write("keras-h5", "small", path.read_bytes())
    with h5py.File(path, "w") as file:
        file["layers/dense/vars/0"] = np.ones((16, 3), np.float32)
        file["layers/dense/vars/1"] = np.zeros(3, np.float32)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("config.json", json.dumps(SEQUENTIAL))
        archive.writestr("metadata.json", '{"keras_version": "3.0.0"}')
        archive.writestr("model.weights.h5", path.read_bytes())
    write("keras", "small", buffer.getvalue())


def keras_files(folder):
    for name, sequential in (("sequential", True), ("functional", False)):
        model = small_keras(sequential)
        for target, suffix in (("keras-h5", ".h5"), ("keras", ".keras")):
            path = folder / (name + suffix)
            model.save(path)
            write(target, name, path.read_bytes())
        model.export(folder / name, verbose=False)
        write_saved_model(name, folder / name)


def write_saved_model(name, folder):
    """As fuzz/saved_model_fuzz.cpp takes them, without what is only for saving."""
    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString((folder / "saved_model.pb").read_bytes())
    graph = saved.meta_graphs[0]
    graph.meta_info_def.ClearField("stripped_op_list")
    functions = [f for f in graph.graph_def.library.function if "__traced_" not in f.signature.name]
    del graph.graph_def.library.function[:]
    graph.graph_def.library.function.extend(functions)
    index = (folder / "variables/variables.index").read_bytes()
    values = (folder / "variables/variables.data-00000-of-00001").read_bytes()
    head = struct.pack("<HH", len(index), len(values))
    write("saved-model", name, head + index + values + saved.SerializeToString())


class SmallModule(tf.Module):
    def __init__(self):
        self.kernel = tf.Variable(tf.ones((3, 3, 1, 2)))
        self.weights = tf.Variable(tf.ones((32, 3)))

    @tf.function(input_signature=[tf.TensorSpec((None, 6, 6, 1), tf.float32)])
    def __call__(self, x):
        x = tf.nn.relu(tf.nn.conv2d(x, self.kernel, 1, "VALID"))
        return tf.nn.softmax(tf.matmul(tf.reshape(x, (-1, 32)), self.weights))


def module_file(folder):
    module = SmallModule()
    options = tf.saved_model.SaveOptions(save_debug_info=False)
    tf.saved_model.save(module, folder, module.__call__.get_concrete_function(), options)
    write_saved_model("module", folder)


def tflite_files():
    images = np.random.default_rng(1).random((8, 1, 6, 6, 1), np.float32)
    for name, sequential in (("sequential", True), ("functional", False)):
        for way in ("float", "half", "integers"):
            converter = tf.lite.TFLiteConverter.from_keras_model(small_keras(sequential))
            if way != "float":
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
            if way == "half":
                converter.target_spec.supported_types = [tf.float16]
            if way == "integers":
                converter.representative_dataset = lambda: ([image] for image in images)
            write("tflite", f"{name}-{way}", converter.convert())


def tfjs_file():
    weights = [("dense/kernel", (16, 3)), ("dense/bias", (3,))]
    manifest = [{"name": name, "shape": shape, "dtype": "float32"} for name, shape in weights]
    model = {
        "format": "layers-model",
        "modelTopology": {"model_config": SEQUENTIAL},
        "weightsManifest": [{"paths": ["w.bin"], "weights": manifest}],
    }
    content = np.zeros(sum(np.prod(shape) for _, shape in weights), np.float32).tobytes()
    write("tfjs", "layers", json.dumps(model).encode() + b"\0" + content)


def torch_files():
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(32, 3))
    for name, value in (("state", net.state_dict()), ("module", net), ("training", {"model": net.state_dict()})):
        for kind, zipped in (("zip", True), ("legacy", False)):
            buffer = io.BytesIO()
            torch.save(value, buffer, _use_new_zipfile_serialization=zipped)
            write("pytorch", f"{name}-{kind}", buffer.getvalue())
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(net), buffer)
    write("pytorch", "script", buffer.getvalue())


def arrays():
    rng = np.random.default_rng(1)
    weights = {"w1": rng.random((16, 4), np.float32), "b1": np.zeros(4), "w2": rng.random((4, 3)), "b2": np.zeros(3)}
    for name, save in (("plain", np.savez), ("packed", np.savez_compressed)):
        buffer = io.BytesIO()
        save(buffer, **weights)
        write("npz", name, buffer.getvalue())
        buffer = io.BytesIO()
        save(buffer, x_train=np.zeros((3, 4, 4), np.uint8), y_train=np.arange(3))
        write("data", name, buffer.getvalue())
    idx = struct.pack(">4i", 0x803, 4, 3, 3) + bytes(36)
    write("data", "images", idx)
    write("data", "images.gz", gzip.compress(idx))
    write("data", "labels", struct.pack(">2i", 0x801, 4) + bytes(range(4)))


def pictures():
    pixels = tf.constant(np.random.default_rng(1).integers(0, 256, (8, 8, 1)), tf.uint8)
    write("image", "png", tf.io.encode_png(pixels).numpy())
    write("image", "jpeg", tf.io.encode_jpeg(pixels).numpy())
    write("image", "pgm", b"P5 8 8 255\n" + bytes(64))
    write("image", "text", b"P2\n# a comment\n2 2 15\n0 15 7 3\n")


with tempfile.TemporaryDirectory() as name:
    small_keras_files(pathlib.Path(name))
    keras_files(pathlib.Path(name))
    module_file(pathlib.Path(name) / "module")
tflite_files()
tfjs_file()
torch_files()
arrays()
pictures()
