"""ONNX's checker and ONNX Runtime take what we write, and we read ours and theirs alike:
python onnx_peer.py PROGRAM FOLDER"""
import json
import pathlib
import sys

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import quantization

from peer_support import Program, expect_close

program = Program()
generator = numpy.random.default_rng(2)
onnxruntime.set_default_logger_severity(3)


def run_theirs(path, inputs, output=None):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return session.run([output] if output else None, {name: inputs})[0]


def check(path):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    known = {value.name: value for value in list(inferred.graph.value_info) + list(inferred.graph.output)}
    for value in list(model.graph.value_info) + list(model.graph.output):
        if known[value.name].type.tensor_type.shape != value.type.tensor_type.shape:
            sys.exit(f"{path}: '{value.name}' has another shape than we say: {known[value.name]} and {value}")
    return model


def random_model(description, path):
    """The network with random weights as JSON; what scales is near 1 and positive."""
    document = json.loads(description)
    document["format"] = "mnist.cpp model"
    fan_in = {}
    for node in document["nodes"]:
        for value in node["inputs"][1:2]:
            shape = document["weights"].get(value)
            if shape and len(shape) > 1:
                fan_in[value] = float(numpy.prod(shape[1:]))
    for name, shape in document["weights"].items():
        values = generator.standard_normal(shape) / numpy.sqrt(fan_in.get(name, 100))
        if name.endswith((".var", ".scale")):
            values = numpy.exp(values)
        document["weights"][name] = {"shape": shape, "values": values.astype(numpy.float32).ravel().tolist()}
    document["pixels"] = {"scale": 0.0125, "offset": -0.4}
    document["class_names"] = [f"class {i}" for i in range(10)]
    path.write_text(json.dumps(document))
    return document


def names_of_architectures():
    result = program.run("info", "no such model")
    help_text = program.expect_run("train", "--help")
    words = help_text.split("NETWORK ...")[1].split("or a JSON file")[0]
    names = [word.strip(" ,\n") for word in words.split() if word.strip(" ,\n")]
    if result.returncode != 1 or len(names) < 7:
        sys.exit(f"architectures expected in the help of 'mnist train', got {names}")
    return names


pixels = program.images.astype(numpy.float32)[:, None]

for name in names_of_architectures():
    print(f"-- {name}")
    source = program.folder / f"{name}.json"
    document = random_model(program.expect_run("info", name, "--graph"), source)
    ours = program.logits(source)
    inputs = pixels * numpy.float32(0.0125) + numpy.float32(-0.4)
    for options, theirs in (((), inputs), (("--with-preprocessing",), pixels)):
        path = program.folder / f"{name}.onnx"
        program.convert(source, path, *options)
        model = check(path)
        if [opset.version for opset in model.opset_import] != [17] or model.ir_version != 8:
            sys.exit(f"{path}: operator set 17 and IR version 8 expected")
        if model.graph.input[0].type.tensor_type.shape.dim[0].dim_param != "batch":
            sys.exit(f"{path}: an open batch expected")
        what = "pixels to logits" if options else "inputs to logits"
        expect_close(f"{what}, ONNX Runtime", run_theirs(path, theirs), ours)
        expect_close(f"{what}, one image", run_theirs(path, theirs[:1]), ours[:1])
        expect_close(f"{what}, read back", program.logits(path), ours, 0)
        again = json.loads(program.expect_run("info", path, "--graph"))
        for key in ("architecture", "class_names", "nodes", "pixels"):
            if again[key] != document[key]:
                sys.exit(f"{path}: '{key}' is not what it was")
        # Without what only we understand: as any other network in ONNX.
        del model.metadata_props[:]
        plain = program.folder / "plain.onnx"
        onnx.save(model, plain)
        scaling = () if options else ("--pixels", "0.0125,-0.4")
        expect_close(f"{what}, read as anybody's", program.logits(plain, *scaling), ours)
    for kind, tolerance in (("f16", 1e-2), ("bf16", 5e-2)):
        path = program.folder / f"{name}-{kind}.onnx"
        program.convert(source, path, "--type", kind)
        check(path)
        theirs = run_theirs(path, inputs)
        expect_close(f"{kind}, ONNX Runtime", theirs, program.logits(path))
        expect_close(f"{kind} and float32", theirs, ours, tolerance)


def add_weight(document, name, shape, values):
    values = numpy.asarray(values, numpy.float32).ravel()
    document["weights"][name] = {"shape": shape, "values": values.tolist()}
    return name


def add_node(document, kind, inputs, attributes=None):
    name = f"{kind}{len(document['nodes'])}"
    node = {"type": kind, "name": name, "inputs": inputs, "output": name}
    if attributes:
        node["attributes"] = attributes
    document["nodes"].append(node)
    return name


def add_activation(document, shape, positive):
    """A value of `shape`, made of the image by random sums."""
    count = int(numpy.prod(shape)) if shape else 1
    weights = generator.standard_normal((count, 36)) / 3
    names = [add_weight(document, f"w{len(document['weights'])}", [count, 36], weights)]
    value = add_node(document, "Gemm", ["flat"] + names, {"transB": 1})
    if positive:
        value = add_node(document, "Sigmoid", [value])
        half = add_weight(document, f"w{len(document['weights'])}", [1], [0.5])
        value = add_node(document, "Add", [value, half])
    return add_node(document, "Reshape", [value], {"shape": shape}) if shape != [count] else value


def row_document(row):
    """The row's node behind random sums of a 6 x 6 image."""
    document = {"format": "mnist.cpp model", "version": 1, "architecture": "row", "nodes": [], "weights": {}}
    document["input"] = {"name": "image", "shape": [1, 6, 6]}
    document["nodes"].append({"type": "Flatten", "name": "flat", "inputs": ["image"], "output": "flat"})
    inputs = []
    positive = row.get("positive", False)
    for entry in row["inputs"]:
        if not entry or entry["kind"] == "absent":
            inputs.append("")
        elif entry["kind"] == "x":
            inputs.append(add_activation(document, entry["shape"], positive))
        else:
            count = int(numpy.prod(entry["shape"])) if entry["shape"] else 1
            values = entry.get("values") or generator.standard_normal(count)
            if entry["kind"] != "w" or positive:
                values = numpy.abs(values) + 0.5
            inputs.append(add_weight(document, f"w{len(document['weights'])}", entry["shape"], values))
    made = add_node(document, row["type"], inputs, row["attributes"])
    # The program would leave out a softmax at the end.
    made = add_node(document, "Neg", [made])
    document["output"] = add_node(document, "Flatten", [made]) if len(row["output_shape"]) != 1 else made
    return document


# What ONNX Runtime 1.31 has no kernel for, though ONNX says it.
UNKNOWN_TO_THE_RUNTIME = ("LRN even size", "LRN features")

rows = json.loads((pathlib.Path(__file__).parents[1] / "ops" / "rows.json").read_text())
small = Program(side=6, count=3)
print(f"-- {len(rows)} nodes of every operator")
worst = {"runtime": 0.0, "read": 0.0}
for row in rows:
    if row.get("training"):
        continue
    source = small.folder / "row.json"
    path = small.folder / "row.onnx"
    plain = small.folder / "plain.onnx"
    source.write_text(json.dumps(row_document(row)))
    ours = small.logits(source)
    small.convert(source, path)
    model = check(path)
    del model.metadata_props[:]
    onnx.save(model, plain)
    limit = 1e-5 * max(1.0, float(numpy.abs(ours).max()))
    theirs = {"read": small.logits(plain)}
    if row["name"] not in UNKNOWN_TO_THE_RUNTIME:
        theirs["runtime"] = run_theirs(path, small.inputs())
    for who, values in theirs.items():
        difference = float(numpy.abs(values - ours).max()) if values.shape == ours.shape else numpy.inf
        worst[who] = max(worst[who], difference / limit * 1e-5)
        if not difference <= limit:
            sys.exit(f"{row['name']}, {who}: the greatest difference is {difference:g}, at most {limit:g} expected")
print(f"   ONNX Runtime: {worst['runtime']:.2g}, read as anybody's: {worst['read']:.2g}")

print("-- what ONNX Runtime makes of a network")
program = Program()  # `small` wrote images of its own
source = program.folder / "source.onnx"
program.convert(program.folder / "lenet5.json", source)
model = onnx.load(source)
del model.metadata_props[:]
onnx.save(model, source)


class Images(quantization.CalibrationDataReader):
    def __init__(self):
        self.left = iter([{model.graph.input[0].name: image[None]} for image in program.inputs()])

    def get_next(self):
        return next(self.left, None)


def one_by_one(path):
    """Quantised by its own range, each image is alone."""
    return numpy.concatenate([run_theirs(path, image[None]) for image in program.inputs()])


def expect_read(what, path):
    """An image one of whose sums falls just beside a step of the rounding is off by that step; most have none."""
    ours, theirs = program.logits(path, "--pixels", "unit"), one_by_one(path)
    usual = numpy.argsort(numpy.abs(ours - theirs).max(axis=1))[:len(ours) // 2]
    expect_close(f"{what}, half of the images", ours[usual], theirs[usual], 1e-5)
    expect_close(what, ours, theirs, 2e-2)


path = program.folder / "made.onnx"
for kind in (quantization.QuantType.QInt8, quantization.QuantType.QUInt8):
    quantization.quantize_dynamic(source, path, weight_type=kind)
    expect_read(f"quantize_dynamic to {kind}", path)
for what, options in {"": {}, ", per channel": {"per_channel": True},
                      ", signed": {"activation_type": quantization.QuantType.QInt8}}.items():
    quantization.quantize_static(source, path, Images(), quant_format=quantization.QuantFormat.QOperator, **options)
    expect_read(f"quantize_static{what}", path)
levels = onnxruntime.GraphOptimizationLevel
quantised = program.folder / "quantised.onnx"
quantization.quantize_static(source, quantised, Images(), quant_format=quantization.QuantFormat.QOperator)
for origin, level in ((source, levels.ORT_ENABLE_BASIC), (source, levels.ORT_ENABLE_EXTENDED),
                      (quantised, levels.ORT_ENABLE_ALL)):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    options.optimized_model_filepath = str(path)
    onnxruntime.InferenceSession(str(origin), options)
    expect_read(f"{origin.stem} at {level}", path)
