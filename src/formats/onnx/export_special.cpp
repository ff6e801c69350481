// What ONNX says in another way than the document: answers that are no floats, quantised values
// with types of their own, operators that are newer than the operator set.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "formats/onnx/network_writer.h"
#include "mnist/error.h"

namespace mnist {
namespace {

struct TypeWord {
  std::string_view word;
  OnnxType type;
};
constexpr TypeWord kTypeWords[] = {
    {"uint8", OnnxType::kUint8}, {"int8", OnnxType::kInt8},     {"uint4", OnnxType::kUint4},
    {"int4", OnnxType::kInt4},   {"uint16", OnnxType::kUint16}, {"int16", OnnxType::kInt16},
};

// Operators that pass on the numbers that they get and no others.
constexpr std::string_view kCarriers[] = {"Flatten",   "Reshape", "Squeeze",  "Unsqueeze",
                                          "Transpose", "MaxPool", "Identity", "GlobalMaxPool"};

int64_t code(OnnxType type) { return static_cast<int64_t>(type); }

}  // namespace

OnnxType onnx_type_of(const std::string& word) {
  for (const TypeWord& entry : kTypeWords) {
    if (word == entry.word) return entry.type;
  }
  return OnnxType::kUndefined;
}

OnnxNetworkWriter::Special OnnxNetworkWriter::special_of(const std::string& type) {
  struct Entry {
    std::string_view type;
    Special special;
  };
  static constexpr Entry kSpecials[] = {
      {"MaxPool", &OnnxNetworkWriter::write_pool},
      {"AveragePool", &OnnxNetworkWriter::write_pool},
      {"Squeeze", &OnnxNetworkWriter::write_squeeze},
      {"BatchNormalization", &OnnxNetworkWriter::write_batch_normalization},
      {"Equal", &OnnxNetworkWriter::write_answer},
      {"Greater", &OnnxNetworkWriter::write_answer},
      {"GreaterOrEqual", &OnnxNetworkWriter::write_answer},
      {"Less", &OnnxNetworkWriter::write_answer},
      {"LessOrEqual", &OnnxNetworkWriter::write_answer},
      {"ArgMax", &OnnxNetworkWriter::write_answer},
      {"Gather", &OnnxNetworkWriter::write_gather},
      {"Expand", &OnnxNetworkWriter::write_expand},
      {"GroupNormalization", &OnnxNetworkWriter::write_group_normalization},
      {"Normalizer", &OnnxNetworkWriter::write_normalizer},
      {"Resize", &OnnxNetworkWriter::write_resize},
      {"Upsample", &OnnxNetworkWriter::write_resize},
      {"QuantizeLinear", &OnnxNetworkWriter::write_quantize},
      {"DequantizeLinear", &OnnxNetworkWriter::write_dequantize},
      {"Gelu", &OnnxNetworkWriter::write_gelu},
      {"Mish", &OnnxNetworkWriter::write_gated},
      {"Swish", &OnnxNetworkWriter::write_gated},
  };
  for (const Entry& entry : kSpecials) {
    if (type == entry.type) return entry.special;
  }
  return nullptr;
}

// ---- what is known of values ----

Shape OnnxNetworkWriter::shape_of(const std::string& value) const {
  const auto found = shapes_.find(value == prepared_ ? model_.input : value);
  return found == shapes_.end() ? Shape() : found->second;
}

const Node* OnnxNetworkWriter::maker_of(const std::string& value) const {
  for (const Node& node : model_.nodes) {
    if (node.outputs[0] == value) return &node;
  }
  return nullptr;
}

std::string OnnxNetworkWriter::quantized_type(const std::string& value) const {
  const Node* node = maker_of(value);
  for (size_t step = 0; node != nullptr && step < model_.nodes.size(); ++step) {
    if (node->type == "QuantizeLinear") return node->text("to", "uint8");
    const bool carries =
        std::find(std::begin(kCarriers), std::end(kCarriers), node->type) != std::end(kCarriers);
    if (!carries || node->inputs.empty()) return "";
    node = maker_of(node->inputs[0]);
  }
  return "";
}

// ---- layers ----

// Where rounding up adds no window that begins within the image, ONNX's checker would count one
// more than every runtime makes.
void OnnxNetworkWriter::write_pool(const Node& node) {
  Node plain = node;
  const std::vector<int64_t> dilations = node.integers("dilations", {});
  if (std::all_of(dilations.begin(), dilations.end(), [](int64_t each) { return each == 1; })) {
    plain.attributes.erase("dilations");
  }
  if (node.integer("ceil_mode", 0) != 0) {
    Model rounded_down;
    rounded_down.input = first_input(node);
    rounded_down.input_shape = shape_of(rounded_down.input);
    rounded_down.nodes = {node};
    rounded_down.nodes[0].attributes.erase("ceil_mode");
    const std::map<std::string, Shape> shapes = document_shapes(rounded_down);
    const auto found = shapes.find(node.outputs[0]);
    if (found != shapes.end() && found->second == shape_of(node.outputs[0])) {
      plain.attributes.erase("ceil_mode");
    }
  }
  write_plain(plain);
}

// Without axes ONNX's Squeeze would take the batch, too, where it is 1.
void OnnxNetworkWriter::write_squeeze(const Node& node) {
  Node plain = node;
  const Shape shape = shape_of(first_input(node));
  std::vector<int64_t> axes;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 1) axes.push_back(static_cast<int64_t>(i) + 1);
  }
  if (!node.attributes.contains("axes") && axes.empty()) plain.type = "Identity";
  if (!node.attributes.contains("axes") && !axes.empty()) plain.attributes["axes"] = axes;
  write_plain(plain);
}

void OnnxNetworkWriter::write_batch_normalization(const Node& node) {
  Node plain = node;
  plain.attributes.erase("spatial");  // of operator sets before 9; 1 is all that documents have
  write_plain(plain);
}

void OnnxNetworkWriter::write_answer(const Node& node) {
  Node answer = node;
  answer.name = part(node, "answer");
  answer.outputs = {answer.name};
  write_plain(answer);
  finish(node, "Cast", {answer.name}, {{"to", code(OnnxType::kFloat)}});
}

void OnnxNetworkWriter::write_gather(const Node& node) {
  const auto found = node.attributes.find("indices");
  if (found == node.attributes.end()) throw Error(fmt::format("'{}' lacks indices", node.name));
  const auto* single = std::get_if<int64_t>(&found->second);
  const std::string indices =
      single != nullptr ? constant<int64_t>(part(node, "indices"), OnnxType::kInt64, {}, {*single})
                        : integers(part(node, "indices"), node.integers("indices", {}));
  finish(node, "Gather", {first_input(node), indices}, {{"axis", node.integer("axis", 0)}});
}

// 1: as many images as there are.
void OnnxNetworkWriter::write_expand(const Node& node) {
  std::vector<int64_t> shape = node.integers("shape", {});
  shape.insert(shape.begin(), 1);
  finish(node, "Expand", {first_input(node), integers(part(node, "shape"), shape)});
}

// Operator sets from 21 on have a scale and bias for each channel.
void OnnxNetworkWriter::write_group_normalization(const Node& node) {
  const Shape shape = shape_of(first_input(node));
  const int64_t groups = node.integer("num_groups", 0);
  Node plain = node;
  for (size_t i = 1; i < plain.inputs.size(); ++i) {
    std::string& input = plain.inputs[i];
    const bool is_for_groups =
        model_.is_weight(input) && !shape.empty() && groups > 0 && groups <= shape[0] &&
        element_count(model_.weight(input).shape) != static_cast<size_t>(shape[0]);
    if (!is_for_groups) continue;
    // Each value as often as its group has channels.
    std::vector<int64_t> channels;
    for (int64_t channel = 0; channel < shape[0]; ++channel) {
      channels.push_back(channel * groups / shape[0]);
    }
    input = add("Gather", part(node, "of_channels"),
                {input, integers(part(node, "groups"), channels)}, {{"axis", int64_t{0}}});
  }
  write_plain(plain);
}

// L1 and L2 are in ONNX's own operators, too, where no runtime needs a second set of them (and ONNX
// Runtime 1.31 does not lose the sign of what Normalizer writes over its input).
void OnnxNetworkWriter::write_normalizer(const Node& node) {
  const std::string norm = node.text("norm", "MAX");
  if (norm == "MAX") return write_plain(node);
  finish(node, "LpNormalization", {first_input(node)},
         {{"axis", int64_t{-1}}, {"p", int64_t{norm == "L1" ? 1 : 2}}});
}

// Sizes would have to say the number of images; Upsample is of operator sets before 10.
void OnnxNetworkWriter::write_resize(const Node& node) {
  const std::vector<int64_t> sizes = node.integers("sizes", {});
  std::vector<double> scales = node.reals("scales", {});
  const Shape shape = shape_of(first_input(node));
  std::vector<float> result(scales.begin(), scales.end());
  for (size_t i = 0; i < sizes.size() && i <= shape.size(); ++i) {
    const auto extent = static_cast<double>(i == 0 ? 1 : shape[i - 1]);
    const auto size = static_cast<double>(i == 0 ? 1 : sizes[i]);
    result.push_back(static_cast<float>(size / extent));
    // The product is rounded down.
    while (std::floor(static_cast<double>(result.back()) * extent) < size) {
      result.back() = std::nextafter(result.back(), INFINITY);
    }
  }
  std::map<std::string, OnnxAttribute> attributes;
  for (const char* name : {"mode", "coordinate_transformation_mode", "nearest_mode"}) {
    if (node.attributes.contains(name)) attributes[name] = node.text(name, "");
  }
  if (node.type == "Upsample") {
    attributes["coordinate_transformation_mode"] = std::string("asymmetric");
    attributes["nearest_mode"] = std::string("floor");
  }
  const std::string constant = reals(part(node, "scales"), result);
  finish(node, "Resize", {first_input(node), "", constant}, std::move(attributes));
}

// ---- quantised values ----

void OnnxNetworkWriter::write_quantize(const Node& node) {
  const OnnxType type = onnx_type_of(node.text("to", "uint8"));
  std::vector<std::string> inputs = node.inputs;
  inputs.resize(3);
  if (!inputs[2].empty()) {
    inputs[2] = add("Cast", part(node, "zero_point"), {inputs[2]}, {{"to", code(type)}});
  } else if (type != OnnxType::kUint8 && model_.is_weight(inputs[1])) {
    const std::string zeros = reals(
        part(node, "zeros"), std::vector<float>(element_count(model_.weight(inputs[1]).shape)));
    inputs[2] = add("Cast", part(node, "zero_point"), {zeros}, {{"to", code(type)}});
  }
  std::map<std::string, OnnxAttribute> attributes;
  if (node.attributes.contains("axis")) attributes["axis"] = node.integer("axis", 1);
  const std::string whole =
      add("QuantizeLinear", part(node, "whole"), std::move(inputs), std::move(attributes));
  finish(node, "Cast", {whole}, {{"to", code(OnnxType::kFloat)}});
}

void OnnxNetworkWriter::write_dequantize(const Node& node) {
  std::vector<std::string> inputs = node.inputs;
  inputs.resize(3);
  const OnnxType type = onnx_type_of(quantized_type(first_input(node)));
  const int64_t axis = node.integer("axis", 1);
  if (type != OnnxType::kUndefined) {
    inputs[0] = add("Cast", part(node, "whole"), {inputs[0]}, {{"to", code(type)}});
    if (!inputs[2].empty()) {
      inputs[2] = add("Cast", part(node, "zero_point"), {inputs[2]}, {{"to", code(type)}});
    }
    finish(node, "DequantizeLinear", std::move(inputs), {{"axis", axis}});
    return;
  }
  // Any numbers: (x - zero) * scale, with the parameters in line with their axis.
  const auto rank = static_cast<int64_t>(shape_of(first_input(node)).size()) + 1;
  const int64_t behind = rank - 1 - (axis < 0 ? axis + rank : axis);
  const auto in_line = [&](const std::string& weight, const char* name) {
    const bool single =
        !model_.is_weight(weight) || element_count(model_.weight(weight).shape) == 1;
    if (single || behind <= 0 || behind > rank) return weight;
    std::vector<int64_t> shape(static_cast<size_t>(behind) + 1, 1);
    shape[0] = -1;
    const std::string target = integers(part(node, "shape"), shape);
    return add("Reshape", part(node, name), {weight, target});
  };
  std::string value = inputs[0];
  if (!inputs[2].empty()) {
    const std::string zero = in_line(inputs[2], "zero_point");
    value = add("Sub", part(node, "steps"), {value, zero});
  }
  finish(node, "Mul", {value, in_line(inputs[1], "scale")});
}

// ---- newer operators ----

// x / 2 * (1 + erf(x / sqrt 2)), or with "tanh" x / 2 * (1 + tanh(sqrt(2 / pi) (x + 0.044715
// x^3))).
void OnnxNetworkWriter::write_gelu(const Node& node) {
  const std::string& x = first_input(node);
  std::string gate;
  if (node.text("approximate", "none") == "tanh") {
    const std::string square = add("Mul", part(node, "square"), {x, x});
    const std::string cube = add("Mul", part(node, "cube"), {square, x});
    const std::string share = real(part(node, "share_of_cube"), 0.044715);
    const std::string small = add("Mul", part(node, "small"), {cube, share});
    const std::string sum = add("Add", part(node, "sum"), {x, small});
    const std::string scale = real(part(node, "scale"), std::sqrt(2.0 / M_PI));
    gate = add("Tanh", part(node, "tanh"), {add("Mul", part(node, "scaled"), {sum, scale})});
  } else {
    const std::string scale = real(part(node, "scale"), std::sqrt(0.5));
    gate = add("Erf", part(node, "erf"), {add("Mul", part(node, "scaled"), {x, scale})});
  }
  const std::string share = add("Add", part(node, "share"), {gate, real(part(node, "one"), 1.0)});
  const std::string half = add("Mul", part(node, "half"), {x, real(part(node, "factor"), 0.5)});
  finish(node, "Mul", {half, share});
}

// Mish: x tanh(softplus(x)). Swish: x sigmoid(alpha x).
void OnnxNetworkWriter::write_gated(const Node& node) {
  const std::string& x = first_input(node);
  std::string gate;
  if (node.type == "Mish") {
    gate = add("Tanh", part(node, "tanh"), {add("Softplus", part(node, "softplus"), {x})});
  } else {
    const double alpha = node.real("alpha", 1.0);
    std::string inner = x;
    if (alpha != 1.0) {
      inner = add("Mul", part(node, "scaled"), {x, real(part(node, "alpha"), alpha)});
    }
    gate = add("Sigmoid", part(node, "sigmoid"), {inner});
  }
  finish(node, "Mul", {x, gate});
}

}  // namespace mnist
