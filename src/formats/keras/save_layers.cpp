#include "formats/keras/save_layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "formats/channel_last.h"
#include "mnist/error.h"
#include "ops/op_list.h"

namespace mnist {

// Those below are called for the types in this list, and know their attributes.
KerasPlanned save_activation(KerasPlanner& planner);
KerasPlanned save_batch_normalization(KerasPlanner& planner);
KerasPlanned save_concat(KerasPlanner& planner);
KerasPlanned save_conv(KerasPlanner& planner);
KerasPlanned save_dropout(KerasPlanner& planner);
KerasPlanned save_elementwise(KerasPlanner& planner);
KerasPlanned save_flatten(KerasPlanner& planner);
KerasPlanned save_gemm(KerasPlanner& planner);
KerasPlanned save_global_pool(KerasPlanner& planner);
KerasPlanned save_pad(KerasPlanner& planner);
KerasPlanned save_pool(KerasPlanner& planner);
KerasPlanned save_prelu(KerasPlanner& planner);
KerasPlanned save_reshape(KerasPlanner& planner);
KerasPlanned save_resize(KerasPlanner& planner);
KerasPlanned save_softmax(KerasPlanner& planner);
KerasPlanned save_transpose(KerasPlanner& planner);

namespace {

struct Saver {
  const char* type;
  KerasPlanned (*save)(KerasPlanner& planner);
  std::vector<const char*> attributes = {};
};

const std::vector<Saver>& savers() {
  static const std::vector<const char*> window = {"kernel_shape", "strides",          "pads",
                                                  "dilations",    "auto_pad",         "group",
                                                  "ceil_mode",    "count_include_pad"};
  static const std::vector<Saver> list = {
      {"Add", save_elementwise},
      {"AveragePool", save_pool, window},
      {"BatchNormalization", save_batch_normalization, {"epsilon", "momentum"}},
      {"Celu", save_activation},
      {"Clip", save_activation, {"min", "max"}},
      {"Concat", save_concat, {"axis"}},
      {"Conv", save_conv, window},
      {"Dropout", save_dropout, {"ratio"}},
      {"Elu", save_activation, {"alpha"}},
      {"Exp", save_activation},
      {"Flatten", save_flatten, {"axis"}},
      {"Gelu", save_activation, {"approximate"}},
      {"Gemm", save_gemm, {"transA", "transB", "alpha", "beta"}},
      {"GlobalAveragePool", save_global_pool},
      {"GlobalMaxPool", save_global_pool},
      {"HardSigmoid", save_activation, {"alpha", "beta"}},
      {"HardSwish", save_activation},
      {"Identity", save_activation},
      {"LeakyRelu", save_activation, {"alpha"}},
      {"LogSoftmax", save_softmax, {"axis"}},
      {"MaxPool", save_pool, window},
      {"Max", save_elementwise},
      {"Min", save_elementwise},
      {"Mish", save_activation},
      {"Mul", save_elementwise},
      {"PRelu", save_prelu},
      {"Pad", save_pad, {"pads", "mode", "value"}},
      {"Relu", save_activation},
      {"Reshape", save_reshape, {"shape"}},
      {"Resize", save_resize, {"scales", "mode", "coordinate_transformation_mode", "nearest_mode"}},
      {"Selu", save_activation},
      {"Sigmoid", save_activation},
      {"Softmax", save_softmax, {"axis"}},
      {"Softplus", save_activation},
      {"Softsign", save_activation},
      {"Sub", save_elementwise},
      {"Swish", save_activation},
      {"Tanh", save_activation},
      {"Transpose", save_transpose, {"perm"}},
  };
  return list;
}

const Saver* find_saver(const std::string& type) {
  for (const Saver& saver : savers()) {
    if (type == saver.type) return &saver;
  }
  return nullptr;
}

// The node with those of its attributes that its type has: others mean nothing to it.
Node understood(const Node& node, const Saver& saver) {
  Node result = node;
  std::erase_if(result.attributes, [&](const auto& attribute) {
    return std::find(saver.attributes.begin(), saver.attributes.end(), attribute.first) ==
           saver.attributes.end();
  });
  return result;
}

}  // namespace

Shape channels_last(const Shape& chw) { return {chw[1], chw[2], chw[0]}; }

void KerasPlanner::fail(const std::string& reason) const {
  throw Error(fmt::format("node '{}' ({}): Keras cannot say it: {}", printable(node_->name, 80),
                          printable(node_->type, 40), reason));
}

void KerasPlanner::add_input() {
  const Shape& shape = model_.input_shape;
  if (shape.empty() || shape.size() > 3) {
    throw Error(fmt::format("Keras cannot say it: an input of 1 to 3 extents expected, got {}",
                            to_string(shape)));
  }
  KerasPlanned value{.layer = 0, .shape = shape, .is_planes = shape.size() == 3};
  const Shape seen = value.is_planes ? channels_last(shape) : shape;
  Json batch_shape = Json::array({nullptr});
  for (int64_t extent : seen) batch_shape.push_back(extent);
  plan_.layers.push_back({.class_name = "InputLayer",
                          .name = model_.input,
                          .config = {{"batch_shape", batch_shape}, {"sparse", false}},
                          .inputs = {},
                          .shape = seen});
  values_[model_.input] = value;
}

void KerasPlanner::add_pixels() {
  KerasPlanned& value = values_.at(model_.input);
  plan_.layers.push_back(
      {.class_name = "Rescaling",
       .name = "pixels",
       .config = {{"scale", model_.pixels.scale}, {"offset", model_.pixels.offset}},
       .inputs = {0},
       .shape = plan_.layers[0].shape});
  value.layer = 1;
}

Shape KerasPlanner::shape_of(const Node& node) const {
  OpSpec spec{node, {}};
  for (const std::string& name : node.inputs) {
    OpInput input;
    input.present = !name.empty();
    const auto value = values_.find(name);
    if (model_.is_weight(name)) {
      input.weight = &model_.weight(name);
      input.shape = input.weight->shape;
    } else if (value != values_.end()) {
      input.shape = value->second.shape;
    }
    spec.inputs.push_back(std::move(input));
  }
  return make_op(spec)->output_shape();
}

// Whether the op takes the node as it is, so that every attribute means something.
bool KerasPlanner::is_understood(const Node& node) const {
  try {
    shape_of(node);
    return true;
  } catch (const Error&) {
    return false;
  }
}

void KerasPlanner::add(const Node& node) {
  node_ = &node;
  const Saver* saver = find_saver(node.type);
  if (saver == nullptr) fail("it has no such layer");
  const Node plain = understood(node, *saver);
  if (plain.attributes.size() != node.attributes.size() && is_understood(node)) {
    fail("an attribute that its layer does not have");
  }
  node_ = &plain;
  output_shape_ = shape_of(plain);
  KerasPlanned result = saver->save(*this);
  result.shape = output_shape_;
  plan_.layers[result.layer].name = node.name;
  values_[node.outputs[0]] = result;
  node_ = nullptr;
}

KerasPlan KerasPlanner::finish() && {
  const auto found = values_.find(model_.output);
  if (found == values_.end()) throw Error("the network's output is its input or a weight");
  const KerasPlanned output = found->second;
  if (output.layer == 0) throw Error("the network does nothing");
  // What is made last is the output; nodes that nothing reads are left out by Keras, too.
  std::set<size_t> needed = {output.layer};
  for (size_t i = plan_.layers.size(); i-- > 0;) {
    if (needed.contains(i))
      needed.insert(plan_.layers[i].inputs.begin(), plan_.layers[i].inputs.end());
  }
  if (needed.size() != plan_.layers.size() || output.layer + 1 != plan_.layers.size()) {
    throw Error("Keras cannot say it: a node that does not lead to the output");
  }
  if (!output.flattened.empty()) {
    throw Error("Keras cannot say it: an output that is a feature map's elements in a row");
  }
  return std::move(plan_);
}

bool KerasPlanner::is_weight(size_t input) const {
  return input < node_->inputs.size() && model_.is_weight(node_->inputs[input]);
}

const Tensor& KerasPlanner::weight(size_t input) const {
  if (!is_weight(input)) fail(fmt::format("input {} should be a weight", input));
  return model_.weight(node_->inputs[input]);
}

const KerasPlanned& KerasPlanner::input(size_t number) {
  const auto found = values_.find(node_->inputs.at(number));
  if (found == values_.end()) fail(fmt::format("input {} should not be a weight", number));
  return found->second;
}

KerasPlanned KerasPlanner::add_layer(const std::string& class_name, Json config,
                                     const std::vector<KerasPlanned>& inputs, const Shape& shape,
                                     std::vector<KerasVariablePlan> variables) {
  KerasPlanned value{.layer = plan_.layers.size(), .shape = shape, .is_planes = shape.size() == 3};
  KerasLayerPlan layer{.class_name = class_name,
                       .name = fmt::format("{}_before_{}", class_name, node_->name),
                       .config = std::move(config),
                       .inputs = {},
                       .shape = value.is_planes ? channels_last(shape) : shape,
                       .variables = std::move(variables)};
  for (const KerasPlanned& input : inputs) layer.inputs.push_back(input.layer);
  plan_.layers.push_back(std::move(layer));
  return value;
}

KerasPlanned KerasPlanner::reshaped(const KerasPlanned& value, const Shape& shape) {
  KerasPlanned result = add_layer("Reshape", {{"target_shape", shape}}, {value}, shape);
  result.is_planes = false;  // Keras has the elements in the document's order
  plan_.layers[result.layer].shape = shape;
  return result;
}

KerasPlanned KerasPlanner::in_document_order(KerasPlanned value) {
  const Shape hwc = value.is_planes ? channels_last(value.shape) : value.flattened;
  if (hwc.empty()) return value;
  if (!value.is_planes) {
    const Shape flat = value.shape;
    value = reshaped(value, hwc);
    value.shape = {hwc[2], hwc[0], hwc[1]};
    value.is_planes = true;
    return reshaped(in_document_order(value), flat);
  }
  if (is_same_order(hwc)) return reshaped(value, value.shape);
  KerasPlanned result = add_layer("Permute", {{"dims", {3, 1, 2}}}, {value}, value.shape);
  result.is_planes = false;
  plan_.layers[result.layer].shape = value.shape;
  return result;
}

}  // namespace mnist
