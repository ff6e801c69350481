#include "formats/onnx/importer.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "formats/onnx/call.h"
#include "mnist/error.h"

namespace mnist {
namespace {

// What networks here are for, where the file leaves its input's extents open.
constexpr int64_t kUsualSide = 28;

std::string shown(const std::string& name) { return printable(name, 80); }

// The names that a node reads: its inputs, and what graphs within it take from around them. Names
// of their own are among them, which nothing around them has.
void add_reads(const OnnxNode& node, std::vector<std::string>& names) {
  names.insert(names.end(), node.inputs.begin(), node.inputs.end());
  for (const auto& [name, value] : node.attributes) {
    const auto* graph = std::get_if<OnnxSubgraph>(&value);
    if (graph == nullptr) continue;
    for (const OnnxNode& inner : (*graph)->nodes) add_reads(inner, names);
    for (const OnnxValueInfo& output : (*graph)->outputs) names.push_back(output.name);
  }
}

std::vector<std::string> reads(const OnnxNode& node) {
  std::vector<std::string> names;
  add_reads(node, names);
  return names;
}

}  // namespace

OnnxImporter::OnnxImporter(const OnnxModel& model, const ModelSource& source, bool has_batch)
    : model_(model), tensors_(source), budget_(source.bytes.size()), has_batch_(has_batch) {
  for (const OnnxTensor& tensor : model.graph.initializers) initializers_[tensor.name] = &tensor;
  for (const OnnxValueInfo& input : model.graph.inputs) {
    if (!initializers_.contains(input.name)) inputs_[input.name] = &input;
  }
  for (size_t i = 0; i < model.graph.nodes.size(); ++i) {
    for (const std::string& output : model.graph.nodes[i].outputs) {
      if (!output.empty()) makers_[output] = i;
    }
  }
}

OnnxNodeView OnnxImporter::view(const OnnxNode& node) const {
  if (node.opset != 0) return {node, who(), node.opset};
  const auto opset = model_.opsets.find(node.domain);
  return {node, who(), opset == model_.opsets.end() ? 0 : opset->second};
}

// ---- order ----

void OnnxImporter::find_needed(const std::string& output) {
  enum class State { kNew, kBegun, kDone };
  std::vector<State> states(model_.graph.nodes.size(), State::kNew);
  struct Place {
    size_t node;
    std::vector<std::string> reads;
    size_t next = 0;
  };
  std::vector<Place> stack;
  const auto visit = [&](const std::string& value) {
    const auto maker = makers_.find(value);
    if (maker == makers_.end() || states[maker->second] == State::kDone) return;
    if (states[maker->second] == State::kBegun) {
      view(model_.graph.nodes[maker->second]).fail("is part of a circle: it needs its own output");
    }
    states[maker->second] = State::kBegun;
    stack.push_back({maker->second, reads(model_.graph.nodes[maker->second])});
  };
  visit(output);
  while (!stack.empty()) {
    Place& place = stack.back();
    if (place.next < place.reads.size()) {
      const std::string name = place.reads[place.next++];
      visit(name);
      continue;
    }
    states[place.node] = State::kDone;
    needed_.push_back(place.node);
    stack.pop_back();
  }
  // What does not depend on the image comes first, so that the nodes that do can look ahead.
  std::set<std::string> activations;
  const auto is_constant = [&](size_t index) {
    const OnnxNode& node = model_.graph.nodes[index];
    const std::vector<std::string> names = reads(node);
    const bool depends = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
      return inputs_.contains(name) || activations.contains(name);
    });
    if (depends) activations.insert(node.outputs.begin(), node.outputs.end());
    return !depends;
  };
  std::vector<size_t> constants;
  std::vector<size_t> rest;
  for (size_t index : needed_) (is_constant(index) ? constants : rest).push_back(index);
  needed_ = std::move(constants);
  needed_.insert(needed_.end(), rest.begin(), rest.end());
  for (size_t index : needed_) {
    for (const std::string& name : reads(model_.graph.nodes[index])) {
      users_[name].push_back(index);
    }
  }
}

const OnnxValue* OnnxImporter::known_constant(const std::string& name) {
  if (!values_.contains(name) && !initializers_.contains(name)) return nullptr;
  const OnnxValue& found = value(name);
  return found.constant != nullptr ? &found : nullptr;
}

const OnnxNode* OnnxImporter::only_user(const std::string& name) const {
  const auto users = users_.find(name);
  if (is_output(name) || users == users_.end() || users->second.size() != 1) return nullptr;
  return &model_.graph.nodes[users->second[0]];
}

// ---- the input ----

// Per image; sets batch_.
Shape OnnxImporter::image_shape(const OnnxValueInfo& input) {
  const auto fail = [&](const std::string& reason) {
    throw Error(fmt::format("{}: input '{}': {}", who(), shown(input.name), reason));
  };
  if (!input.is_tensor) fail("a tensor expected");
  if (!is_real(input.type) && !is_whole(input.type)) {
    fail("values of " + to_string(input.type) + " are not pixels");
  }
  if (!input.has_shape || input.shape.empty()) fail("its shape is missing");
  Shape shape;
  for (const OnnxValueInfo::Extent& extent : input.shape) shape.push_back(extent.value);
  batch_ = 1;
  if (has_batch_) {
    batch_ = shape[0];
    shape.erase(shape.begin());
  }
  const bool open = std::find(shape.begin(), shape.end(), -1) != shape.end();
  // (height,width), with the channels before or behind, or everything in a row.
  for (size_t i = 0; open && i < shape.size(); ++i) {
    if (shape[i] != -1) continue;
    const bool is_channel = shape.size() == 3 && i == 0 && shape[2] != 1 && shape[2] != 3;
    shape[i] = shape.size() == 1 ? kUsualSide * kUsualSide : is_channel ? 1 : kUsualSide;
  }
  if (open) note("onnx.open_input", "taken to be " + to_string(shape));
  try {
    element_count(shape);
  } catch (const Error& error) {
    fail(error.what());
  }
  return shape;
}

void OnnxImporter::add_input() {
  std::vector<std::string> used;
  for (const auto& [name, info] : inputs_) {
    if (users_.contains(name)) used.push_back(name);
  }
  if (used.size() != 1) {
    throw Error(fmt::format("{}: one input expected, the network has {}{}", who(), used.size(),
                            used.empty() ? "" : ": " + shown(join(used))));
  }
  const OnnxValueInfo& input = *inputs_.at(used[0]);
  const std::string name = printable(input.name, 200);
  input_type_ = input.type;
  builder_ = std::make_unique<GraphBuilder>(who(), name, image_shape(input));
  values_[input.name] = {nullptr, name, input.type, has_batch_};
}

// ---- values ----

const OnnxValue& OnnxImporter::value(const std::string& name) {
  const auto found = values_.find(name);
  if (found != values_.end()) return found->second;
  const auto tensor = initializers_.find(name);
  if (tensor == initializers_.end()) {
    throw Error(fmt::format("{}: value '{}' is used but never made", who(), shown(name)));
  }
  auto constant = std::make_shared<OnnxConstant>(tensors_.read(*tensor->second));
  const OnnxType type = constant->type;
  return values_[name] = {std::move(constant), name, type, false};
}

void OnnxImporter::set_value(const std::string& name, OnnxValue value) {
  values_[name] = std::move(value);
}

Shape OnnxImporter::full_shape(const OnnxValue& activation) const {
  Shape shape = builder_->shape(activation.name);
  const auto place = static_cast<ptrdiff_t>(activation.batch_axis);
  if (activation.leads) shape.insert(shape.begin() + place, batch_);
  return shape;
}

std::string OnnxImporter::add_weight(const OnnxNodeView& node, const std::string& name,
                                     const OnnxConstant& constant) {
  if (constant.has_batch()) node.fail("computes with the number of images");
  Tensor tensor{constant.shape, constant.reals};
  if (!is_real(constant.type)) tensor.values.assign(constant.whole.begin(), constant.whole.end());
  return builder_->add_weight(printable(name, 200), std::move(tensor));
}

std::string OnnxImporter::weight(const OnnxNodeView& node, const OnnxValue& value) {
  std::string& name = weights_[value.constant.get()];
  if (name.empty()) name = add_weight(node, value.name, *value.constant);
  return name;
}

// ---- nodes ----

void OnnxImporter::expect_operator(const OnnxNodeView& node) const {
  const OnnxNode& self = node.node();
  if (self.domain == "com.microsoft.nchwc") {
    node.fail("laid out for one kind of processor; save the network without ORT_ENABLE_ALL");
  }
  if (!self.domain.empty() && find_onnx_conversion(self.domain, self.type) == nullptr) {
    node.fail(fmt::format("operators of the domain '{}' are not known", shown(self.domain)));
  }
  if (node.opset() == 0) node.fail("the file does not say of which operator set it is");
  const bool branches = self.type == "If" && self.domain.empty();
  for (const auto& [name, value] : self.attributes) {
    const auto* foreign = std::get_if<OnnxForeign>(&value);
    if (foreign != nullptr || (std::holds_alternative<OnnxSubgraph>(value) && !branches)) {
      node.fail(fmt::format("attribute '{}' is {}: networks that loop are not read", shown(name),
                            foreign == nullptr ? "a graph" : foreign->kind));
    }
    if (std::holds_alternative<OnnxReference>(value)) {
      node.fail(fmt::format("attribute '{}' refers to a function's, which there is not here",
                            shown(name)));
    }
  }
}

void OnnxImporter::expect_leading_batch(const OnnxNodeView& node) {
  if (takes_any_batch_axis(node.node())) return;
  for (const std::string& name : node.node().inputs) {
    if (name.empty()) continue;
    const OnnxValue& input = value(name);
    if (input.constant == nullptr && input.batch_axis != 0) {
      node.fail("its images are not along the first axis, which is not known for this operator");
    }
  }
}

// ---- branches ----

bool OnnxImporter::is_known(const std::string& name) const {
  return values_.contains(name) || initializers_.contains(name) || makers_.contains(name);
}

// If: which of its graphs it is must be known; its nodes are as good as any others then.
void OnnxImporter::convert_branch(const OnnxNodeView& node) {
  if (node.node().inputs.size() != 1) node.fail("one input expected");
  const OnnxValue* condition = known_constant(node.node().inputs[0]);
  if (condition == nullptr) {
    node.fail("its condition depends on the image: networks that branch are not read");
  }
  const OnnxConstant& known = *condition->constant;
  if (known.type != OnnxType::kBool || known.size() != 1) node.fail("a truth value expected");
  const char* branch = known.whole[0] != 0 ? "then_branch" : "else_branch";
  const auto attribute = node.node().attributes.find(branch);
  const auto* found = attribute == node.node().attributes.end()
                          ? nullptr
                          : std::get_if<OnnxSubgraph>(&attribute->second);
  if (found == nullptr) node.fail(fmt::format("attribute '{}' is missing", branch));
  const OnnxGraph& graph = **found;
  const auto expect_new = [&](const std::string& name) {
    if (is_known(name)) node.fail(fmt::format("value '{}' comes twice", shown(name)));
  };
  for (const OnnxTensor& tensor : graph.initializers) {
    expect_new(tensor.name);
    initializers_[tensor.name] = &tensor;
  }
  for (const OnnxNode& inner : graph.nodes) {
    for (const std::string& output : inner.outputs) {
      if (!output.empty()) expect_new(output);
    }
    convert(inner);
  }
  const std::vector<std::string>& outputs = node.node().outputs;
  for (size_t i = 0; i < outputs.size() && i < graph.outputs.size(); ++i) {
    const OnnxValue result = value(graph.outputs[i].name);
    values_[outputs[i]] = result;
  }
}

// Computes the node if everything that it needs is known.
bool OnnxImporter::convert_constants(const OnnxNodeView& node) {
  std::vector<const OnnxConstant*> inputs;
  bool any = false;
  for (const std::string& name : node.node().inputs) {
    const OnnxConstant* constant = name.empty() ? nullptr : value(name).constant.get();
    if (!name.empty() && constant == nullptr) return false;
    any = any || constant != nullptr;
    inputs.push_back(constant);
  }
  if (!any || !node.node().domain.empty()) return false;
  const OnnxFold fold = find_onnx_fold(node.node().type);
  if (fold == nullptr) node.fail("works on constants alone, which this operator is not known for");
  auto result = std::make_shared<OnnxConstant>(fold({node, std::move(inputs), budget_}));
  const OnnxType type = result->type;
  const std::string& name = node.node().outputs.empty() ? "" : node.node().outputs[0];
  values_[name] = {std::move(result), name, type, false};
  return true;
}

void OnnxImporter::convert(const OnnxNode& node) {
  const OnnxNodeView view = this->view(node);
  expect_operator(view);
  if (node.type == "If" && node.domain.empty()) {
    convert_branch(view);
    return;
  }
  if (convert_constants(view)) return;
  expect_leading_batch(view);
  OnnxCall call(*this, view);
  if (const OnnxConversion conversion = find_onnx_conversion(node.domain, node.type)) {
    conversion(call);
    return;
  }
  std::vector<std::string> inputs;
  const OnnxValue* first = nullptr;
  for (size_t i = 0; i < call.input_count(); ++i) {
    inputs.push_back(call.is_constant(i) ? call.weight(i) : call.has(i) ? call.value(i).name : "");
    if (first == nullptr && call.has(i) && !call.is_constant(i)) first = &call.value(i);
  }
  if (first == nullptr) view.fail("makes values from nothing");
  call.set_like(*first, call.add(node.type, std::move(inputs), call.attributes()));
}

Model OnnxImporter::import(const std::string& output) {
  output_ = output;
  find_needed(output);
  add_input();
  for (size_t index : needed_) {
    const OnnxNode& node = model_.graph.nodes[index];
    // It may have been taken into an earlier one.
    if (node.outputs.empty() || !values_.contains(node.outputs[0])) convert(node);
  }
  const OnnxValue& last = value(output);
  if (last.constant != nullptr) {
    throw Error(fmt::format("{}: output '{}' does not depend on the input", who(), shown(output)));
  }
  if (last.batch_axis != 0) {
    throw Error(fmt::format("{}: output '{}' does not have the images along its first axis", who(),
                            shown(output)));
  }
  std::string name = last.name;
  // Scores are a list, even where a network ends in 1 x 1 maps.
  const Shape shape = builder_->shape(name);
  const bool is_list =
      std::count_if(shape.begin(), shape.end(), [](int64_t e) { return e > 1; }) < 2;
  output_size_ = element_count(shape);
  if (shape.size() != 1 && is_list) name = builder_->add_node("Flatten", "scores", {name});
  Model model = std::move(*builder_).finish(name);
  model.metadata = notes_;
  return model;
}

}  // namespace mnist
