"""TensorFlow Lite's interpreter runs the files that its converter makes, and we do: python tflite_peer.py PROGRAM FOLDER"""
import os
import sys
import warnings

import absl.logging
import keras
import numpy
import tensorflow
from keras import layers

from peer_support import Program, expect_close

warnings.simplefilter("ignore")  # the interpreter says at each use that it will move to another package
absl.logging.set_verbosity(absl.logging.ERROR)
tensorflow.get_logger().setLevel("ERROR")
program = Program()
keras.utils.set_random_seed(1)
generator = numpy.random.default_rng(2)


def random_statistics(model):
    """Values that are not those of a fresh layer."""
    for variable in model.weights:
        value = variable.numpy()
        if variable.name in ("moving_variance", "gamma"):
            variable.assign(generator.uniform(0.5, 2, value.shape))
        elif variable.name in ("bias", "beta", "moving_mean", "alpha"):
            variable.assign(generator.normal(0, 0.1, value.shape))
    return model


def sequential(*parts, shape=(28, 28, 1)):
    return random_statistics(keras.Sequential([keras.Input(shape), *parts]))


def functional(build, shape=(28, 28, 1)):
    start = keras.Input(shape)
    return random_statistics(keras.Model(start, build(start)))


def residual(start):
    stem = layers.Conv2D(8, 3, padding="same")(start)
    side = layers.Conv2D(8, 3, padding="same", activation="relu")(stem)
    added = layers.Add()([stem, side])
    gate = layers.Conv2D(8, 1, activation="sigmoid")(added)
    scaled = layers.Multiply()([added, gate])
    squeeze = layers.Dense(8, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(scaled))
    joined = layers.Concatenate()([layers.Multiply()([scaled, squeeze]), layers.Subtract()([stem, added])])
    vector = layers.Flatten()(layers.MaxPooling2D(4)(joined))
    both = layers.Concatenate()([vector, layers.GlobalMaxPooling2D()(joined)])
    return layers.Dense(10)(both)


def arithmetic(start):
    value = layers.Conv2D(6, 5, strides=3)(start)
    value = tensorflow.keras.ops.maximum(value, 0.25 * value) / 1.5
    value = value / (1.0 + tensorflow.keras.ops.square(value)) - tensorflow.keras.ops.minimum(value, 0.3)
    left, right = value[:, 1:, :, :4], value[:, :-1, :, 2:]
    value = tensorflow.keras.ops.exp(-tensorflow.keras.ops.abs(left)) + tensorflow.keras.ops.sqrt(1.0 + right * right)
    first, second = tensorflow.keras.ops.split(value, 2, axis=3)
    value = first * second - tensorflow.keras.ops.mean(first, axis=3, keepdims=True)
    value = tensorflow.keras.ops.sum(value, axis=1) + tensorflow.keras.ops.max(value, axis=2)[:, :7, :][:, :1, :]
    return layers.Dense(10)(layers.Flatten()(value))


networks = {
    "mlp": sequential(layers.Dense(32, activation="relu"), layers.Dense(10, activation="softmax"), shape=(784,)),
    "flatten": sequential(layers.Flatten(), layers.Dense(16, activation="tanh"), layers.Dense(10), shape=(28, 28)),
    "lenet": sequential(layers.Conv2D(6, 5, padding="same", activation="tanh"), layers.AveragePooling2D(2),
                        layers.Conv2D(16, 5, activation="relu"), layers.MaxPooling2D(), layers.Flatten(),
                        layers.Dense(84, activation="sigmoid"), layers.Dense(10), layers.Softmax()),
    "strided": sequential(layers.Conv2D(5, 3, strides=2, padding="same", use_bias=False), layers.BatchNormalization(),
                          layers.ReLU(), layers.Conv2D(7, 3, dilation_rate=2, padding="same"),
                          layers.BatchNormalization(), layers.LeakyReLU(negative_slope=0.1),
                          layers.MaxPooling2D(3, 2, padding="same"), layers.AveragePooling2D(2, 2, padding="same"),
                          layers.BatchNormalization(), layers.Flatten(), layers.BatchNormalization(),
                          layers.Dense(10)),
    "separable": sequential(layers.DepthwiseConv2D(3, depth_multiplier=4),
                            layers.SeparableConv2D(8, 3, padding="same"),
                            layers.DepthwiseConv2D(3, activation="relu6"), layers.GlobalAveragePooling2D(),
                            layers.Dense(10)),
    "margins": sequential(layers.ZeroPadding2D(((1, 2), (3, 0))), layers.Conv2D(3, 3), layers.PReLU(shared_axes=[1, 2]),
                          layers.Cropping2D(((1, 0), (2, 1))), layers.UpSampling2D(2), layers.Conv2D(4, 3, strides=3),
                          layers.Reshape((-1, 4)), layers.Permute((2, 1)), layers.Flatten(), layers.PReLU(),
                          layers.Dense(10)),
    "reshape": sequential(layers.Reshape((28, 28, 1)), layers.Conv2D(4, 3, padding="same"), layers.Permute((3, 1, 2)),
                          layers.Reshape((28, 28, 4)), layers.Dense(6), layers.Flatten(), layers.Reshape((28, 28, 6)),
                          layers.MaxPooling2D(), layers.Flatten(), layers.Dense(10), shape=(784,)),
    "positions": sequential(layers.Dense(7, activation="relu"), layers.Flatten(), layers.Dense(10), shape=(28, 28)),
    "normalised": sequential(layers.Conv2D(6, 5, strides=4), layers.LayerNormalization(), layers.Flatten(),
                             layers.LayerNormalization(), layers.Dense(10)),
    "enlarged": sequential(layers.MaxPooling2D(4), layers.UpSampling2D(2, interpolation="bilinear"),
                           layers.Conv2DTranspose(4, 3, strides=2, padding="same", activation="relu"),
                           layers.Conv2DTranspose(2, 3, strides=2), layers.Conv2DTranspose(2, 2, strides=3),
                           layers.AveragePooling2D(4), layers.ReLU(threshold=0.1), layers.Flatten(), layers.Dense(10)),
    "residual": functional(residual),
    "arithmetic": functional(arithmetic),
}
for name in ["elu", "softplus", "softsign", "hard_sigmoid", "swish", "gelu", "exponential", "leaky_relu",
             "relu6", "log_softmax", "hard_swish"]:
    networks[f"activation {name}"] = sequential(layers.Flatten(), layers.Dense(12, activation=name),
                                                layers.Activation(name), layers.Dense(10))


def inputs(model):
    return program.inputs().reshape((-1,) + tuple(model.input_shape[1:]))


def convert(model, prepare=None):
    converter = tensorflow.lite.TFLiteConverter.from_keras_model(model)
    if prepare:
        prepare(converter, model)
    # The converter writes to the terminal's own output.
    saved = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    content = converter.convert()
    os.dup2(saved, 1)
    os.close(saved)
    path = program.folder / "theirs.tflite"
    path.write_bytes(content)
    return path


def interpret(path, images):
    """The interpreter's outputs, from and to floats where the file is quantised."""
    interpreter = tensorflow.lite.Interpreter(str(path))
    interpreter.allocate_tensors()
    start, end = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    results = []
    for image in images:
        value = image[None]
        if start["dtype"] != numpy.float32:
            scale, zero = start["quantization"]
            limits = numpy.iinfo(start["dtype"])
            value = numpy.clip(numpy.round(value / scale) + zero, limits.min, limits.max).astype(start["dtype"])
        interpreter.set_tensor(start["index"], value)
        interpreter.invoke()
        result = interpreter.get_tensor(end["index"])[0].astype(numpy.float32)
        if end["dtype"] != numpy.float32:
            scale, zero = end["quantization"]
            result = (result - zero) * numpy.float32(scale)
        results.append(result)
    return numpy.array(results, numpy.float32)


def softmax(logits):
    powers = numpy.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def ours(path, theirs):
    """Our outputs; after a softmax, as theirs are."""
    logits = program.logits(path)
    is_softmax = numpy.allclose(theirs.sum(axis=1), 1, atol=2e-2) and (theirs >= 0).all()
    return softmax(logits) if is_softmax else logits


def half(converter, _):
    converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tensorflow.float16]


def dynamic(converter, _):
    converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]


def integers(kind):
    def prepare(converter, model):
        converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([image[None]] for image in inputs(model))
        converter.target_spec.supported_ops = [tensorflow.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = kind
    return prepare


# Dynamic ranges: their kernels round activations to 8 bits as well, ours do not. Integers: theirs round the sums'
# scales to 31 bits, and a value between two steps may go to the other one.
ways = {"float32": (None, 1e-5), "float16": (half, 1e-5), "dynamic range": (dynamic, 5e-2),
        "int8": (integers(tensorflow.int8), 6e-2), "uint8": (integers(tensorflow.uint8), 6e-2),
        "int8 inside": (integers(tensorflow.float32), 6e-2)}
chosen = sys.argv[3:]  # names of ways and networks, to look at some alone
for way, (prepare, tolerance) in ways.items():
    print(f"-- {way}")
    if chosen and way not in chosen and not set(chosen) & set(networks):
        continue
    for name, model in networks.items():
        if chosen and name not in chosen and way not in chosen:
            continue
        if way in ("uint8", "int8 inside") and name not in ("mlp", "lenet", "residual"):
            continue
        if way != "float32" and name.startswith("activation"):
            continue
        path = convert(model, prepare)
        theirs = interpret(path, inputs(model))
        expect_close(name, ours(path, theirs), theirs, tolerance)

print("-- what is refused")


class Greatest(keras.layers.Layer):
    def call(self, value):
        return tensorflow.math.top_k(value, 20).values


class Flex(keras.layers.Layer):
    def call(self, value):
        return tensorflow.raw_ops.Cumprod(x=value, axis=1)


def with_flex(converter, _):
    converter.target_spec.supported_ops = [tensorflow.lite.OpsSet.TFLITE_BUILTINS,
                                           tensorflow.lite.OpsSet.SELECT_TF_OPS]


program.expect_refused(convert(sequential(layers.Flatten(), Flex(), layers.Dense(10)), with_flex), "FlexCumprod")
program.expect_refused(convert(sequential(layers.Flatten(), Greatest(), layers.Dense(10))), "TOPK_V2")
print(f"TensorFlow {tensorflow.__version__}")
