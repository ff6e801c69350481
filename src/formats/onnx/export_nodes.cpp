// The document's nodes as ONNX's. Most are the same; here are those that differ: attributes that
// ONNX passes as constants, operators that are newer than the operator set, and values that ONNX
// holds in another type than float.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "formats/graph_builder.h"
#include "formats/onnx/export.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr int64_t kOpset = 17;
constexpr int64_t kNewerOpset = 19;

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
    {"Resize", "sizes", 3},   {"Dropout", "ratio", 1},
};

// Attributes that ONNX declares as float: documents may say 1 for 1.0.
constexpr std::string_view kRealAttributes[] = {
    "alpha", "beta", "gamma", "bias",  "epsilon",       "momentum",           "ratio",
    "value", "min",  "max",   "lambd", "cubic_coeff_a", "extrapolation_value"};

const std::string& first_input(const Node& node) {
  if (node.inputs.empty()) throw Error(fmt::format("node '{}' has no input", node.name));
  return node.inputs[0];
}

// Whether a node says something that operator set 17 does not have.
bool needs_newer_opset(const Node& node) {
  if (node.type == "Pad") return node.text("mode", "constant") == "wrap";
  const std::vector<int64_t> dilations = node.integers("dilations", {});
  return node.type == "AveragePool" &&
         std::any_of(dilations.begin(), dilations.end(), [](int64_t each) { return each != 1; });
}

bool is_comparison(const std::string& type) {
  return type == "Equal" || type.starts_with("Greater") || type.starts_with("Less");
}

template <typename T>
bool contains(const T& list, std::string_view word) {
  return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

class NetworkWriter {
 public:
  NetworkWriter(const Model& model, const OnnxExportOptions& options)
      : model_(model), options_(options), shapes_(document_shapes(model)) {
    result_.opset = kOpset;
    taken_ = {model.input};
    for (const auto& [name, tensor] : model.weights) taken_.insert(name);
    for (const Node& node : model.nodes) taken_.insert(node.outputs.begin(), node.outputs.end());
    if (std::any_of(model.nodes.begin(), model.nodes.end(), needs_newer_opset)) {
      result_.opset = kNewerOpset;
    }
  }

  OnnxNetwork write() && {
    write_weights();
    if (options_.with_preprocessing) write_preprocessing();
    for (const Node& node : model_.nodes) write_node(node);
    return std::move(result_);
  }

 private:
  std::string fresh(const std::string& wanted) {
    std::string name = wanted;
    for (size_t number = 2; !taken_.insert(name).second; ++number) {
      name = fmt::format("{}_{}", wanted, number);
    }
    return name;
  }

  // ---- constants ----

  template <typename T>
  std::string constant(const std::string& wanted, OnnxType type, Shape shape,
                       const std::vector<T>& values) {
    auto held = std::make_shared<std::vector<std::byte>>(values.size() * sizeof(T));
    if (!values.empty()) std::memcpy(held->data(), values.data(), held->size());
    OnnxTensor tensor;
    tensor.name = fresh(wanted);
    tensor.type = type;
    tensor.shape = std::move(shape);
    tensor.is_raw = true;
    tensor.raw = *held;
    tensor.held = std::move(held);
    result_.constants.push_back(std::move(tensor));
    return result_.constants.back().name;
  }
  std::string integers(const std::string& wanted, const std::vector<int64_t>& values) {
    return constant(wanted, OnnxType::kInt64, {static_cast<int64_t>(values.size())}, values);
  }
  std::string real(const std::string& wanted, double value) {
    return constant<float>(wanted, OnnxType::kFloat, {}, {static_cast<float>(value)});
  }

  // ---- nodes ----

  // Adds a node whose output is called like it.
  const std::string& add(const std::string& type, const std::string& name,
                         std::vector<std::string> inputs,
                         std::map<std::string, OnnxAttribute> attributes = {},
                         const std::string& output = "") {
    while (!inputs.empty() && inputs.back().empty()) inputs.pop_back();
    OnnxNode node;
    node.name = name;
    node.type = type;
    node.inputs = std::move(inputs);
    node.outputs = {output.empty() ? name : output};
    node.attributes = std::move(attributes);
    result_.nodes.push_back(std::move(node));
    return result_.nodes.back().outputs[0];
  }

  void write_weights() {
    for (const auto& [name, tensor] : model_.weights) {
      if (!is_stored_as_half(tensor.shape, options_.weights)) continue;
      const std::string stored = fresh(fmt::format("{}.{}", name, to_string(options_.weights)));
      add("Cast", fmt::format("{}.float", name), {stored},
          {{"to", static_cast<int64_t>(OnnxType::kFloat)}}, name);
    }
  }

  void write_preprocessing() {
    const std::string scale = real(model_.input + ".scale", model_.pixels.scale);
    const std::string offset = real(model_.input + ".offset", model_.pixels.offset);
    const std::string scaled = fresh(model_.input + ".scaled");
    prepared_ = fresh(model_.input + ".prepared");
    add("Mul", scaled, {model_.input, scale});
    add("Add", prepared_, {scaled, offset});
  }

  OnnxAttribute attribute(const std::string& name, const Attribute& value) const {
    if (const auto* whole = std::get_if<int64_t>(&value)) {
      if (contains(kRealAttributes, name)) return static_cast<float>(*whole);
      return *whole;
    }
    if (const auto* number = std::get_if<double>(&value)) return static_cast<float>(*number);
    if (const auto* text = std::get_if<std::string>(&value)) return *text;
    if (const auto* wholes = std::get_if<std::vector<int64_t>>(&value)) return *wholes;
    const auto& numbers = std::get<std::vector<double>>(value);
    return std::vector<float>(numbers.begin(), numbers.end());
  }

  // The attribute as an input's constant.
  std::string input_constant(const std::string& name, const Attribute& value) {
    if (const auto* wholes = std::get_if<std::vector<int64_t>>(&value)) {
      return integers(name, *wholes);
    }
    if (const auto* numbers = std::get_if<std::vector<double>>(&value)) {
      return constant<float>(name, OnnxType::kFloat, {static_cast<int64_t>(numbers->size())},
                             {numbers->begin(), numbers->end()});
    }
    if (const auto* whole = std::get_if<int64_t>(&value)) {
      return real(name, static_cast<double>(*whole));
    }
    if (const auto* number = std::get_if<double>(&value)) return real(name, *number);
    throw Error(fmt::format("'{}': a text where ONNX has numbers", name));
  }

  void write_node(const Node& node) {
    Node changed = node;
    for (std::string& input : changed.inputs) {
      if (input == model_.input && !prepared_.empty()) input = prepared_;
    }
    if (node.type == "Reshape") return write_reshape(changed);
    if (node.type == "Gelu") return write_gelu(changed);
    if (node.type == "Mish" || node.type == "Swish") return write_gated(changed);
    if (is_comparison(node.type)) return write_comparison(changed);
    if (node.type == "BatchNormalization") changed.attributes.erase("spatial");
    if (node.type.ends_with("Pool")) make_pool_plain(changed);
    if (node.type == "Squeeze" && !node.attributes.contains("axes")) name_axes(changed);
    write_plain(changed);
  }

  void write_plain(const Node& node) {
    std::vector<std::string> inputs = node.inputs;
    std::map<std::string, OnnxAttribute> attributes;
    for (const auto& [name, value] : node.attributes) {
      const size_t place = input_place(node.type, name);
      if (place == 0) {
        attributes[name] = attribute(name, value);
        continue;
      }
      if (inputs.size() <= place) inputs.resize(place + 1);
      inputs[place] = input_constant(fmt::format("{}.{}", node.outputs[0], name), value);
    }
    const std::string& output = node.outputs[0];
    add(node.type, node.name, std::move(inputs), std::move(attributes), output);
  }

  // Which input an attribute is; 0 if it is one for ONNX, too.
  size_t input_place(const std::string& type, const std::string& name) const {
    for (const InputAttribute& entry : kInputAttributes) {
      if (entry.type == type && entry.attribute == name) return entry.input;
    }
    const bool newer_reduction = result_.opset >= 18 && type.starts_with("Reduce");
    return newer_reduction && name == "axes" ? 1 : 0;
  }

  // 0: the number of images stays what it is.
  void write_reshape(const Node& node) {
    std::vector<int64_t> shape = node.integers("shape", {});
    shape.insert(shape.begin(), 0);
    const std::string target = integers(node.outputs[0] + ".shape", shape);
    add("Reshape", node.name, {first_input(node), target}, {}, node.outputs[0]);
  }

  // ONNX's answer is a bool.
  void write_comparison(const Node& node) {
    const std::string& output = node.outputs[0];
    const std::string truth = add(node.type, fresh(output + ".truth"), node.inputs);
    add("Cast", node.name, {truth}, {{"to", static_cast<int64_t>(OnnxType::kFloat)}}, output);
  }

  // Without axes ONNX's Squeeze would take the batch, too, where it is 1.
  void name_axes(Node& node) const {
    const Shape shape = shape_of(first_input(node));
    std::vector<int64_t> axes;
    for (size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] == 1) axes.push_back(static_cast<int64_t>(i) + 1);
    }
    if (!axes.empty()) node.attributes["axes"] = axes;
  }

  // Where rounding up adds no window that begins within the image, ONNX's checker would count one
  // more than every runtime makes.
  void make_pool_plain(Node& node) const {
    const std::vector<int64_t> dilations = node.integers("dilations", {});
    if (std::all_of(dilations.begin(), dilations.end(), [](int64_t each) { return each == 1; })) {
      node.attributes.erase("dilations");
    }
    if (node.integer("ceil_mode", 0) == 0) return;
    Model plain;
    plain.input_shape = shape_of(first_input(node));
    plain.input = first_input(node);
    plain.nodes = {node};
    plain.nodes[0].attributes.erase("ceil_mode");
    const std::map<std::string, Shape> shapes = document_shapes(plain);
    const auto floor = shapes.find(node.outputs[0]);
    if (floor != shapes.end() && floor->second == shape_of(node.outputs[0])) {
      node.attributes.erase("ceil_mode");
    }
  }

  Shape shape_of(const std::string& value) const {
    const auto found = shapes_.find(value == prepared_ ? model_.input : value);
    return found == shapes_.end() ? Shape() : found->second;
  }

  // ---- what the operator set does not have yet ----

  // x / 2 * (1 + erf(x / sqrt 2)), or with "tanh" x / 2 * (1 + tanh(sqrt(2 / pi) (x + 0.044715
  // x^3))).
  void write_gelu(const Node& node) {
    const std::string& x = first_input(node);
    const std::string& output = node.outputs[0];
    const auto part = [&](const char* name) { return fresh(fmt::format("{}.{}", output, name)); };
    std::string gate;
    if (node.text("approximate", "none") == "tanh") {
      const std::string square = add("Mul", part("square"), {x, x});
      const std::string cube = add("Mul", part("cube"), {square, x});
      const std::string small =
          add("Mul", part("small"), {cube, real(output + ".coefficient", 0.044715)});
      const std::string sum = add("Add", part("inner"), {x, small});
      const std::string scaled =
          add("Mul", part("scaled"), {sum, real(output + ".scale", std::sqrt(2.0 / M_PI))});
      gate = add("Tanh", part("tanh"), {scaled});
    } else {
      const std::string scaled =
          add("Mul", part("scaled"), {x, real(output + ".scale", std::sqrt(0.5))});
      gate = add("Erf", part("erf"), {scaled});
    }
    const std::string share = add("Add", part("share"), {gate, real(output + ".one", 1.0)});
    const std::string half = add("Mul", part("half"), {x, real(output + ".half_factor", 0.5)});
    add("Mul", node.name, {half, share}, {}, output);
  }

  // x tanh(softplus(x)), x sigmoid(alpha x)
  void write_gated(const Node& node) {
    const std::string& x = first_input(node);
    const std::string& output = node.outputs[0];
    const auto part = [&](const char* name) { return fresh(fmt::format("{}.{}", output, name)); };
    std::string gate;
    if (node.type == "Mish") {
      gate = add("Tanh", part("tanh"), {add("Softplus", part("softplus"), {x})});
    } else {
      const double alpha = node.real("alpha", 1.0);
      std::string inner = x;
      if (alpha != 1.0) inner = add("Mul", part("scaled"), {x, real(output + ".alpha", alpha)});
      gate = add("Sigmoid", part("sigmoid"), {inner});
    }
    add("Mul", node.name, {x, gate}, {}, output);
  }

  const Model& model_;
  const OnnxExportOptions& options_;
  std::map<std::string, Shape> shapes_;
  OnnxNetwork result_;
  std::set<std::string> taken_;
  std::string prepared_;  // what takes the input's place
};

}  // namespace

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
  return NetworkWriter(model, options).write();
}

}  // namespace mnist
