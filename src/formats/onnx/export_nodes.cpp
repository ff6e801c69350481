#include <fmt/format.h>

#include <algorithm>

#include "formats/graph_builder.h"
#include "formats/onnx/network_writer.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr int64_t kOpset = 17;

// An attribute of the document that is ONNX's input.
struct InputAttribute {
  std::string_view type;
  std::string_view attribute;
  size_t input;
};
constexpr InputAttribute kInputAttributes[] = {
    {"Clip", "min", 1},       {"Clip", "max", 2},       {"Pad", "pads", 1},
    {"Pad", "value", 2},      {"Slice", "starts", 1},   {"Slice", "ends", 2},
    {"Slice", "axes", 3},     {"Slice", "steps", 4},    {"Squeeze", "axes", 1},
    {"Unsqueeze", "axes", 1}, {"ReduceSum", "axes", 1}, {"Resize", "scales", 2},
    {"Dropout", "ratio", 1},  {"Tile", "repeats", 1},
};

// Attributes that ONNX declares as float: documents may say 1 for 1.0.
constexpr std::string_view kRealAttributes[] = {
    "alpha",   "beta",     "gamma", "bias",  "min",           "max",
    "epsilon", "momentum", "ratio", "value", "cubic_coeff_a", "extrapolation_value"};

// The operator set that has what a node says.
int64_t opset_for(const Node& node) {
  constexpr int64_t kDilatedAverage = 19;
  constexpr int64_t kWrappingPad = 19;
  constexpr int64_t kSmallIntegers = 21;
  constexpr int64_t kGroups = 21;
  if (node.type == "Pad" && node.text("mode", "constant") == "wrap") return kWrappingPad;
  const std::vector<int64_t> dilations = node.integers("dilations", {});
  const bool dilated =
      std::any_of(dilations.begin(), dilations.end(), [](int64_t each) { return each != 1; });
  if (node.type == "AveragePool" && dilated) return kDilatedAverage;
  if (node.type == "GroupNormalization") return kGroups;
  if (node.type == "QuantizeLinear") {
    const std::string type = node.text("to", "uint8");
    return type == "uint8" || type == "int8" ? kOpset : kSmallIntegers;
  }
  return kOpset;
}

OnnxAttribute attribute_of(const std::string& name, const Attribute& value) {
  if (const auto* whole = std::get_if<int64_t>(&value)) {
    const bool is_real = std::find(std::begin(kRealAttributes), std::end(kRealAttributes), name) !=
                         std::end(kRealAttributes);
    if (is_real) return static_cast<float>(*whole);
    return *whole;
  }
  if (const auto* number = std::get_if<double>(&value)) return static_cast<float>(*number);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* wholes = std::get_if<std::vector<int64_t>>(&value)) return *wholes;
  const auto& numbers = std::get<std::vector<double>>(value);
  return std::vector<float>(numbers.begin(), numbers.end());
}

// Which input an attribute is; 0 if it is one for ONNX, too.
size_t input_place(const std::string& type, const std::string& name, int64_t opset) {
  for (const InputAttribute& entry : kInputAttributes) {
    if (entry.type == type && entry.attribute == name) return entry.input;
  }
  return opset >= 18 && type.starts_with("Reduce") && name == "axes" ? 1 : 0;
}

}  // namespace

const std::string& first_input(const Node& node) {
  if (node.inputs.empty()) throw Error(fmt::format("node '{}' has no input", node.name));
  return node.inputs[0];
}

OnnxNetworkWriter::OnnxNetworkWriter(const Model& model, const OnnxExportOptions& options)
    : model_(model), options_(options), shapes_(document_shapes(model)) {
  result_.opset = kOpset;
  taken_ = {model.input};
  for (const auto& [name, tensor] : model.weights) taken_.insert(name);
  for (const Node& node : model.nodes) {
    taken_.insert(node.outputs.begin(), node.outputs.end());
    result_.opset = std::max(result_.opset, opset_for(node));
  }
}

OnnxNetwork OnnxNetworkWriter::write() && {
  write_weights();
  if (options_.with_preprocessing) write_preprocessing();
  for (const Node& node : model_.nodes) write_node(node);
  return std::move(result_);
}

// ---- parts ----

std::string OnnxNetworkWriter::fresh(const std::string& wanted) {
  std::string name = wanted;
  for (size_t number = 2; !taken_.insert(name).second; ++number) {
    name = fmt::format("{}_{}", wanted, number);
  }
  return name;
}

std::string OnnxNetworkWriter::part(const Node& node, const char* name) {
  return fresh(fmt::format("{}.{}", node.outputs[0], name));
}

std::string OnnxNetworkWriter::integers(const std::string& wanted,
                                        const std::vector<int64_t>& values) {
  return constant(wanted, OnnxType::kInt64, {static_cast<int64_t>(values.size())}, values);
}

std::string OnnxNetworkWriter::real(const std::string& wanted, double value) {
  return constant<float>(wanted, OnnxType::kFloat, {}, {static_cast<float>(value)});
}

std::string OnnxNetworkWriter::reals(const std::string& wanted, const std::vector<float>& values) {
  return constant(wanted, OnnxType::kFloat, {static_cast<int64_t>(values.size())}, values);
}

std::string OnnxNetworkWriter::input_constant(const std::string& name, const Attribute& value) {
  if (const auto* wholes = std::get_if<std::vector<int64_t>>(&value))
    return integers(name, *wholes);
  if (const auto* numbers = std::get_if<std::vector<double>>(&value)) {
    return reals(name, {numbers->begin(), numbers->end()});
  }
  if (const auto* whole = std::get_if<int64_t>(&value)) {
    return real(name, static_cast<double>(*whole));
  }
  if (const auto* number = std::get_if<double>(&value)) return real(name, *number);
  throw Error(fmt::format("'{}': a text where ONNX has numbers", name));
}

std::string OnnxNetworkWriter::add(const std::string& type, const std::string& name,
                                   std::vector<std::string> inputs,
                                   std::map<std::string, OnnxAttribute> attributes,
                                   const std::string& output) {
  while (!inputs.empty() && inputs.back().empty()) inputs.pop_back();
  OnnxNode node;
  node.name = name;
  node.type = type;
  if (type == "Normalizer") {
    node.domain = "ai.onnx.ml";
    result_.uses_ml = true;
  }
  node.inputs = std::move(inputs);
  node.outputs = {output.empty() ? name : output};
  node.attributes = std::move(attributes);
  result_.nodes.push_back(std::move(node));
  return result_.nodes.back().outputs[0];
}

void OnnxNetworkWriter::finish(const Node& node, const std::string& type,
                               std::vector<std::string> inputs,
                               std::map<std::string, OnnxAttribute> attributes) {
  add(type, node.name, std::move(inputs), std::move(attributes), node.outputs[0]);
}

// ---- nodes ----

void OnnxNetworkWriter::write_weights() {
  for (const auto& [name, tensor] : model_.weights) {
    if (!is_stored_as_half(tensor.shape, options_.weights)) continue;
    const std::string stored = fresh(fmt::format("{}.{}", name, to_string(options_.weights)));
    add("Cast", fmt::format("{}.float", name), {stored},
        {{"to", static_cast<int64_t>(OnnxType::kFloat)}}, name);
  }
}

void OnnxNetworkWriter::write_preprocessing() {
  const std::string scale = real(model_.input + ".scale", model_.pixels.scale);
  const std::string offset = real(model_.input + ".offset", model_.pixels.offset);
  const std::string scaled = fresh(model_.input + ".scaled");
  prepared_ = fresh(model_.input + ".prepared");
  add("Mul", scaled, {model_.input, scale});
  add("Add", prepared_, {scaled, offset});
}

void OnnxNetworkWriter::write_node(const Node& node) {
  Node changed = node;
  for (std::string& input : changed.inputs) {
    if (input == model_.input && !prepared_.empty()) input = prepared_;
  }
  if (const Special special = special_of(node.type)) {
    (this->*special)(changed);
  } else if (node.type == "Reshape") {
    write_reshape(changed);
  } else {
    write_plain(changed);
  }
}

void OnnxNetworkWriter::write_plain(const Node& node) {
  std::vector<std::string> inputs = node.inputs;
  std::map<std::string, OnnxAttribute> attributes;
  for (const auto& [name, value] : node.attributes) {
    const size_t place = input_place(node.type, name, result_.opset);
    if (place == 0) {
      attributes[name] = attribute_of(name, value);
      continue;
    }
    if (inputs.size() <= place) inputs.resize(place + 1);
    inputs[place] = input_constant(fmt::format("{}.{}", node.outputs[0], name), value);
  }
  finish(node, node.type, std::move(inputs), std::move(attributes));
}

// 0: the number of images stays what it is.
void OnnxNetworkWriter::write_reshape(const Node& node) {
  std::vector<int64_t> shape = node.integers("shape", {});
  shape.insert(shape.begin(), 0);
  const std::string target = integers(node.outputs[0] + ".shape", shape);
  finish(node, "Reshape", {first_input(node), target});
}

// ---- the network ----

std::map<std::string, Shape> document_shapes(const Model& model) {
  GraphBuilder builder("", model.input, model.input_shape);
  std::map<std::string, Shape> shapes = {{model.input, model.input_shape}};
  try {
    for (const auto& [name, tensor] : model.weights) builder.add_weight(name, tensor);
    for (const Node& node : model.nodes) {
      const std::string name =
          builder.add_node(node.type, node.outputs[0], node.inputs, node.attributes);
      shapes[node.outputs[0]] = builder.shape(name);
    }
  } catch (const Error&) {
    return shapes;
  }
  return shapes;
}

bool is_stored_as_half(const Shape& shape, TensorType type) {
  return type != TensorType::kF32 && shape.size() >= 2;
}

OnnxNetwork onnx_network(const Model& model, const OnnxExportOptions& options) {
  return OnnxNetworkWriter(model, options).write();
}

}  // namespace mnist
