"""Keras and TensorFlow load what we write, and we load what they write: python keras_peer.py PROGRAM FOLDER"""
import json
import shutil
import sys
import zipfile

import absl.logging
import h5py
import keras
import numpy
import tensorflow
from keras import layers

from peer_support import Program, expect_close

absl.logging.set_verbosity(absl.logging.ERROR)
tensorflow.get_logger().setLevel("ERROR")
program = Program()
keras.utils.set_random_seed(1)


def inputs(model):
    """The images as a Keras model takes them: its own shape, within [0, 1]."""
    shape = model.input_shape[1:]
    return program.inputs().reshape((-1,) + tuple(shape))


def softmax(logits):
    powers = numpy.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def random_statistics(model):
    """Values that are not those of a fresh layer."""
    generator = numpy.random.default_rng(2)
    for variable in model.weights:
        value = variable.numpy()
        if variable.name in ("moving_variance", "gamma", "variance"):
            variable.assign(generator.uniform(0.5, 2, value.shape))
        elif variable.name in ("bias", "beta", "moving_mean", "mean", "alpha"):
            variable.assign(generator.normal(0, 0.1, value.shape))
    return model


def ours(model, path, *options):
    """Our outputs; of a network that ends in a softmax, after it."""
    logits = program.logits(path, *options)
    last = model.layers[-1]
    while hasattr(last, "layers"):
        last = last.layers[-1]
    ends_in_softmax = isinstance(last, layers.Softmax) or (
        getattr(getattr(last, "activation", None), "__name__", "") == "softmax")
    return softmax(logits) if ends_in_softmax else logits


def sequential(*parts, shape=(28, 28, 1)):
    return random_statistics(keras.Sequential([keras.Input(shape), *parts]))


def residual():
    start = keras.Input((28, 28, 1), name="image")
    stem = layers.Conv2D(8, 3, padding="same", name="stem")(start)
    side = layers.Conv2D(8, 3, padding="same", activation="relu", name="side")(stem)
    added = layers.Add(name="added")([stem, side])
    gate = layers.Conv2D(8, 1, activation="sigmoid", name="gate")(added)
    scaled = layers.Multiply(name="scaled")([added, gate])
    joined = layers.Concatenate(name="joined")([scaled, stem])
    pooled = layers.MaxPooling2D(4, name="pooled")(joined)
    vector = layers.Flatten(name="vector")(pooled)
    other = layers.GlobalMaxPooling2D(name="other")(joined)
    both = layers.Concatenate(name="both")([vector, other])
    return random_statistics(keras.Model(start, layers.Dense(10, name="out")(both), name="residual"))


def nested():
    encoder = keras.Sequential(
        [keras.Input((28, 28, 1)), layers.Conv2D(4, 3, strides=2, activation="relu"), layers.BatchNormalization()],
        name="encoder")
    head = keras.Sequential([keras.Input((13, 13, 4)), layers.Flatten(), layers.BatchNormalization(),
                             layers.Dense(10)], name="head")
    return sequential(encoder, head)


networks = {
    "mlp": sequential(layers.Dense(32, activation="relu"), layers.Dense(10, activation="softmax"), shape=(784,)),
    "flatten": sequential(layers.Flatten(), layers.Dropout(0.2), layers.Dense(16, activation="tanh"),
                          layers.Dense(10), shape=(28, 28)),
    "lenet": sequential(layers.Conv2D(6, 5, padding="same", activation="tanh"), layers.AveragePooling2D(2),
                        layers.Conv2D(16, 5, activation="tanh"), layers.MaxPooling2D(), layers.Flatten(),
                        layers.Dense(84, activation="sigmoid"), layers.Dense(10), layers.Softmax()),
    "strided": sequential(layers.Conv2D(5, 3, strides=2, padding="same", use_bias=False),
                          layers.BatchNormalization(), layers.ReLU(),
                          layers.Conv2D(7, 3, dilation_rate=2, padding="same"),
                          layers.BatchNormalization(scale=False, center=False), layers.LeakyReLU(negative_slope=0.1),
                          layers.MaxPooling2D(3, 2, padding="same"), layers.AveragePooling2D(2, 2, padding="same"),
                          layers.Flatten(), layers.BatchNormalization(), layers.Dense(10)),
    "separable": sequential(layers.DepthwiseConv2D(3, depth_multiplier=4), layers.SeparableConv2D(8, 3, padding="same"),
                            layers.DepthwiseConv2D(3, activation="relu6"), layers.GlobalAveragePooling2D(),
                            layers.Dense(10)),
    "margins": sequential(layers.ZeroPadding2D(((1, 2), (3, 0))), layers.Conv2D(3, 3), layers.PReLU(shared_axes=[1, 2]),
                          layers.Cropping2D(((1, 0), (2, 1))), layers.UpSampling2D(2), layers.Conv2D(4, 3, strides=3),
                          layers.Reshape((-1, 4)), layers.Permute((2, 1)), layers.Flatten(), layers.PReLU(),
                          layers.Dense(10)),
    "reshape": sequential(layers.Reshape((28, 28, 1)), layers.Conv2D(4, 3, padding="same"), layers.Permute((3, 1, 2)),
                          layers.Reshape((28, 28, 4)), layers.Dense(6), layers.Flatten(), layers.Reshape((28, 28, 6)),
                          layers.MaxPooling2D(), layers.Flatten(), layers.Dense(10), shape=(784,)),
    "sequence": sequential(layers.Conv1D(6, 3, activation="relu"), layers.ZeroPadding1D((2, 1)),
                           layers.Conv1D(8, 5, padding="causal", dilation_rate=2), layers.MaxPooling1D(2),
                           layers.SpatialDropout1D(0.2), layers.SeparableConv1D(7, 3, padding="same", depth_multiplier=2),
                           layers.AveragePooling1D(3, strides=2, padding="same"), layers.Cropping1D(1),
                           layers.Conv1D(6, 2, strides=2, groups=1, use_bias=False), layers.Flatten(),
                           layers.Dense(10), shape=(28, 28)),
    "sequence mean": sequential(layers.Dense(9, activation="tanh"), layers.GlobalAveragePooling1D(), layers.Dense(10),
                                shape=(28, 28)),
    "sequence maximum": sequential(layers.Conv1D(9, 3), layers.GlobalMaxPooling1D(), layers.Dense(10), shape=(28, 28)),
    "normalised": sequential(layers.Conv2D(6, 5, strides=3), layers.LayerNormalization(),
                             layers.Conv2D(8, 1), layers.LayerNormalization(axis=[1, 2, 3]),
                             layers.GroupNormalization(4), layers.UnitNormalization(), layers.Flatten(),
                             layers.LayerNormalization(center=False), layers.Dense(10)),
    "enlarged": sequential(layers.MaxPooling2D(4), layers.UpSampling2D(2, interpolation="bilinear"),
                           layers.Conv2DTranspose(4, 3, strides=2, padding="same", activation="relu"),
                           layers.Conv2DTranspose(2, 3, strides=2), layers.Conv2DTranspose(2, 2, strides=3),
                           layers.Resizing(33, 21), layers.CenterCrop(20, 18),
                           layers.Resizing(10, 9, interpolation="nearest"), layers.ReLU(threshold=0.1),
                           layers.Flatten(), layers.Dense(10)),
    "residual": residual(),
    "nested": nested(),
}
for name in ["elu", "selu", "softplus", "softsign", "hard_sigmoid", "swish", "gelu", "exponential", "leaky_relu",
             "relu6", "linear", "log_softmax", "mish", "hard_swish"]:
    networks[f"activation {name}"] = sequential(layers.Flatten(), layers.Dense(12, activation=name),
                                                layers.Activation(name), layers.Dense(10))

print("-- models of Keras")
for name, model in networks.items():
    theirs = model.predict(inputs(model), verbose=0)
    for suffix in (".keras", ".h5"):
        path = program.folder / f"theirs{suffix}"
        model.save(path)
        expect_close(f"{name}{suffix}", ours(model, path), theirs)

print("-- recurrent layers, and layers that are called again")


def with_random_weights(model):
    generator = numpy.random.default_rng(3)
    for variable in model.weights:
        variable.assign(generator.normal(0, 0.3, variable.shape))
    return model


def called_again():
    start = keras.Input((28, 28))
    side = keras.Sequential([keras.Input((14, 28)), layers.Flatten(), layers.Dense(16, activation="relu")], name="side")
    again = layers.Dense(16, activation="tanh", name="again")
    value = layers.Subtract()([side(layers.Cropping1D((0, 14))(start)), side(layers.Cropping1D((14, 0))(start))])
    value = again(layers.ReLU()(again(value)))
    return with_random_weights(keras.Model(start, layers.Dense(10)(value)))


def rows(*parts, shape=(28, 28)):
    return with_random_weights(keras.Sequential([keras.Input(shape), *parts, layers.Dense(10)]))


unrolled = {
    "LSTM": rows(layers.LSTM(12)),
    "LSTM of any length": rows(layers.LSTM(9, activation="relu"), shape=(None, 28)),
    "LSTM, LSTM backwards": rows(layers.LSTM(9, return_sequences=True),
                                 layers.LSTM(7, go_backwards=True, use_bias=False)),
    "GRU": rows(layers.GRU(9, return_sequences=True),
                layers.GRU(8, reset_after=False, go_backwards=True, return_sequences=True), layers.Flatten()),
    "SimpleRNN of pixels": rows(layers.SimpleRNN(5, activation="relu"), shape=(784, 1)),
    "RNN": rows(layers.RNN(layers.LSTMCell(6)), layers.RepeatVector(3), layers.SimpleRNN(4)),
    "Bidirectional": rows(layers.Bidirectional(layers.LSTM(6, return_sequences=True)),
                          layers.Bidirectional(layers.GRU(5), merge_mode="sum")),
    "TimeDistributed": rows(layers.Reshape((4, 7, 28, 1)), layers.TimeDistributed(layers.Conv2D(3, 3)),
                            layers.TimeDistributed(layers.Flatten()),
                            layers.TimeDistributed(layers.Dense(8, activation="relu")), layers.GRU(5)),
    "called again": called_again(),
}
for name, model in unrolled.items():
    for suffix in (".keras", ".h5"):
        path = program.folder / f"theirs{suffix}"
        model.save(path)
        image = program.inputs().reshape((-1,) + tuple(extent or 28 for extent in model.input_shape[1:]))
        expect_close(f"{name}{suffix}", program.logits(path), model.predict(image, verbose=0))

print("-- SavedModels")
for name, model in networks.items():
    theirs = model.predict(inputs(model), verbose=0)
    folder = program.folder / "exported"
    shutil.rmtree(folder, ignore_errors=True)
    model.export(folder, verbose=False)
    logits = program.logits(folder)
    if numpy.allclose(theirs.sum(axis=1), 1, atol=1e-3) and (theirs >= 0).all():
        logits = softmax(logits)
    expect_close(name, logits, theirs)

print("-- pixels that the network scales")
rescaled = sequential(layers.Rescaling(1 / 127.5, offset=-1), layers.Flatten(), layers.Dense(10))
path = program.folder / "theirs.keras"
rescaled.save(path)
raw = program.images.astype(numpy.float32)[..., None]
expect_close("Rescaling", program.logits(path), rescaled.predict(raw, verbose=0))
expect_close("Rescaling, --pixels raw", program.logits(path, "--pixels", "raw"), rescaled.predict(raw, verbose=0))
expect_close("Rescaling, --pixels unit", program.logits(path, "--pixels", "unit"),
             rescaled.predict(inputs(rescaled), verbose=0))
folder = program.folder / "saved"
shutil.rmtree(folder, ignore_errors=True)
tensorflow.saved_model.save(rescaled, folder)
expect_close("tf.saved_model.save", program.logits(folder), rescaled.predict(raw, verbose=0))

print("-- weights alone")
mlp = sequential(layers.Dense(500, activation="relu"), layers.Dense(10), shape=(784,))
path = program.folder / "theirs.weights.h5"
mlp.save_weights(path)
expect_close("save_weights of Keras 3", program.logits(path, "--arch", "mnist-fc"),
             mlp.predict(inputs(mlp), verbose=0))
with h5py.File(program.folder / "legacy.h5", "w") as file:
    keras.src.legacy.saving.legacy_h5_format.save_weights_to_hdf5_group(file, mlp)
expect_close("save_weights of Keras 2", program.logits(program.folder / "legacy.h5", "--arch", "mnist-fc"),
             mlp.predict(inputs(mlp), verbose=0))

print("-- what we write")
read_only = ("sequence", "sequence mean", "sequence maximum", "normalised", "enlarged")
for name, model in networks.items():
    if name in read_only:
        continue
    theirs = program.folder / "theirs.keras"
    model.save(theirs)
    mine = program.folder / "ours.keras"
    program.convert(theirs, mine)
    again = keras.saving.load_model(mine)
    expect_close(name, again.predict(inputs(model), verbose=0), model.predict(inputs(model), verbose=0))
    expect_close(f"{name}, back", program.logits(mine), program.logits(theirs), 0)
    copy = program.folder / "copy.keras"
    program.convert(mine, copy)
    if copy.read_bytes() != mine.read_bytes():
        sys.exit(f"{name}: written twice, the files differ")
    # Without what only we understand, the archive is one of Keras's.
    plain = program.folder / "plain.keras"
    with zipfile.ZipFile(mine) as archive, zipfile.ZipFile(plain, "w") as target:
        for entry in archive.namelist():
            content = archive.read(entry)
            if entry == "metadata.json":
                content = json.dumps({"keras_version": json.loads(content)["keras_version"]})
            target.writestr(entry, content)
    expect_close(f"{name}, as Keras's", program.logits(plain), program.logits(theirs))

print("-- pixels in the network")
theirs = program.folder / "theirs.keras"
networks["lenet"].save(theirs)
mine = program.folder / "ours.keras"
program.convert(theirs, mine, "--with-preprocessing")
again = keras.saving.load_model(mine)
expect_close("--with-preprocessing", again.predict(raw, verbose=0),
             networks["lenet"].predict(inputs(networks["lenet"]), verbose=0))

print("-- what is refused")


@keras.saving.register_keras_serializable("own")
class Doubled(layers.Layer):
    def call(self, value):
        return value * 2


refused = {"Lambda": layers.Lambda(lambda value: value * 2), "Doubled": Doubled()}
for words, layer in refused.items():
    model = sequential(layers.Flatten(), layer, layers.Dense(10))
    for suffix in (".keras", ".h5"):
        path = program.folder / f"theirs{suffix}"
        model.save(path)
        program.expect_refused(path, words)
print(f"Keras {keras.__version__}, TensorFlow {tensorflow.__version__}")
