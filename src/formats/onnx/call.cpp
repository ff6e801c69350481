#include "formats/onnx/call.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace mnist {
namespace {

// The number that the fewest digits mean: 1e-05 rather than 9.999999747378752e-06. Kernels take
// both for the same float.
double plain_double(float value) {
  char digits[32];
  double result = value;
  const auto end = std::to_chars(std::begin(digits), std::end(digits), value).ptr;
  std::from_chars(digits, end, result);
  return result;
}

struct ToAttribute {
  const OnnxCall& call;
  const std::string& name;

  Attribute operator()(int64_t value) const { return value; }
  Attribute operator()(float value) const { return plain_double(value); }
  Attribute operator()(const std::string& value) const { return value; }
  Attribute operator()(const std::vector<int64_t>& values) const { return values; }
  Attribute operator()(const std::vector<float>& values) const {
    std::vector<double> doubles;
    std::transform(values.begin(), values.end(), std::back_inserter(doubles), plain_double);
    return doubles;
  }
  template <typename Other>
  Attribute operator()(const Other&) const {
    call.node.fail(
        fmt::format("attribute '{}' is no number, text or list of numbers", printable(name, 80)));
  }
};

}  // namespace

OnnxCall::OnnxCall(OnnxImporter& importer, const OnnxNodeView& view) : graph(importer), node(view) {
  for (const std::string& name : view.node().inputs) {
    inputs_.push_back(name.empty() ? nullptr : &importer.value(name));
  }
}

// ---- inputs ----

const OnnxValue& OnnxCall::value(size_t i) const {
  if (!has(i)) node.fail(fmt::format("input {} is missing", i));
  return *inputs_[i];
}

const OnnxValue& OnnxCall::activation(size_t i) const {
  const OnnxValue& found = value(i);
  if (found.constant != nullptr) node.fail(fmt::format("input {} must depend on the image", i));
  return found;
}

const OnnxConstant& OnnxCall::constant(size_t i) const {
  const OnnxValue& found = value(i);
  if (found.constant == nullptr) {
    node.fail(fmt::format("input {} must be a constant, not depend on the image", i));
  }
  return *found.constant;
}

std::string OnnxCall::weight(size_t i) const {
  if (!has(i)) return "";
  constant(i);
  return graph.weight(node, value(i));
}

std::string OnnxCall::weight(const std::string& name, const OnnxConstant& constant) const {
  return graph.add_weight(node, name, constant);
}

std::vector<int64_t> OnnxCall::integers(const std::string& attribute, size_t i) const {
  if (node.has(attribute)) return node.integers(attribute);
  if (!has(i)) return {};
  std::vector<const OnnxConstant*> inputs(i + 1);
  inputs[i] = &constant(i);
  return OnnxFoldCall{node, std::move(inputs), graph.budget()}.integers(i);
}

std::optional<float> OnnxCall::number(const std::string& attribute, size_t i) const {
  if (node.has(attribute)) return node.real(attribute, 0);
  if (!has(i)) return std::nullopt;
  const OnnxConstant& found = constant(i);
  if (found.size() != 1 || found.has_batch()) {
    node.fail(fmt::format("input {}: one number expected, got {}", i, to_string(found.shape)));
  }
  return is_real(found.type) ? found.reals[0] : static_cast<float>(found.whole[0]);
}

// ---- shapes ----

size_t OnnxCall::image_axis(const OnnxValue& value, int64_t axis) const {
  const size_t place = node.axis(axis, shape(value).size() + (value.leads ? 1 : 0));
  if (!value.leads) return place;
  if (place == value.batch_axis) node.fail("works along the batch, which would mix images");
  return place - (place > value.batch_axis ? 1 : 0);
}

int64_t OnnxCall::document_axis(const OnnxValue& value, int64_t axis) const {
  return static_cast<int64_t>(image_axis(value, axis)) + 1;
}

// ---- outputs ----

Attributes OnnxCall::attributes(std::initializer_list<const char*> without) const {
  Attributes result;
  for (const auto& attribute : node.node().attributes) {
    const std::string& name = attribute.first;
    const bool left_out = std::any_of(without.begin(), without.end(),
                                      [&](const char* other) { return name == other; });
    if (!left_out) result[name] = std::visit(ToAttribute{*this, name}, attribute.second);
  }
  return result;
}

std::string OnnxCall::add(const std::string& type, std::vector<std::string> inputs,
                          Attributes attributes) const {
  while (!inputs.empty() && inputs.back().empty()) inputs.pop_back();
  const std::vector<std::string>& outputs = node.node().outputs;
  const bool is_output = !outputs.empty() && graph.is_output(outputs[0]);
  const std::string& name = is_output ? outputs[0] : node.label();
  return graph.builder().add_node(type, printable(name, 200), std::move(inputs),
                                  std::move(attributes));
}

void OnnxCall::set(OnnxValue value, size_t output) const {
  const std::vector<std::string>& outputs = node.node().outputs;
  if (output < outputs.size() && !outputs[output].empty()) {
    graph.set_value(outputs[output], std::move(value));
  }
}

void OnnxCall::set_like(const OnnxValue& like, const std::string& name) const {
  OnnxValue value = like;
  value.constant = nullptr;
  value.name = name;
  set(std::move(value));
}

OnnxValue OnnxCall::reshaped(const OnnxValue& value, const Shape& full_shape,
                             size_t batch_axis) const {
  OnnxValue result = value;
  result.batch_axis = batch_axis;
  Shape image = full_shape;
  // For a single image a leading 1 is as good as a batch.
  const bool single = graph.batch() == 1;
  result.leads = !single || (image.size() > 1 && image[0] == 1);
  if (result.leads) {
    if (image.size() <= batch_axis || image[batch_axis] != graph.batch()) {
      node.fail(fmt::format("{} to {} mixes images", to_string(this->full_shape(value)),
                            to_string(full_shape)));
    }
    image.erase(image.begin() + static_cast<ptrdiff_t>(batch_axis));
  }
  if (image == shape(value)) return result;
  result.name = image.size() == 1 && element_count(image) == element_count(shape(value))
                    ? add("Flatten", {value.name})
                    : add("Reshape", {value.name}, {{"shape", image}});
  return result;
}

}  // namespace mnist
