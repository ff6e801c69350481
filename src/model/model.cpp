#include "mnist/model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <bit>
#include <cmath>
#include <set>

#include "mnist/error.h"

namespace mnist {
namespace {

// A tensor's bytes must be countable where sizes have 32 bits (WebAssembly).
constexpr int kMostElementsPower = sizeof(size_t) == 8 ? 31 : 28;
constexpr uint64_t kMostElements = uint64_t{1} << kMostElementsPower;
constexpr size_t kMostParameters = size_t{1} << 28;
constexpr size_t kMostNodes = 10'000;

template <typename T>
const T* find_as(const Node& node, const std::string& attribute, const char* wanted) {
  auto found = node.attributes.find(attribute);
  if (found == node.attributes.end()) return nullptr;
  const T* value = std::get_if<T>(&found->second);
  if (value == nullptr) {
    throw Error(fmt::format("node '{}' ({}): attribute '{}': {} expected", node.name, node.type,
                            attribute, wanted));
  }
  return value;
}

void check_weight(const std::string& name, const Tensor& tensor) {
  if (tensor.values.size() != element_count(tensor.shape)) {
    throw Error(fmt::format("weight '{}': shape {} needs {} values, it has {}", name,
                            to_string(tensor.shape), element_count(tensor.shape),
                            tensor.values.size()));
  }
  // Infinity and NaN have all bits of the exponent set: adding one to it carries. As integers and
  // without a way out of the loop it is a pass at the speed of memory.
  uint32_t carried = 0;
  for (float value : tensor.values) {
    carried |= (std::bit_cast<uint32_t>(value) & 0x7f800000U) + 0x00800000U;
  }
  const bool finite = carried < 0x80000000U;
  for (size_t i = 0; i < tensor.values.size() && !finite; ++i) {
    if (!std::isfinite(tensor.values[i])) {
      throw Error(
          fmt::format("weight '{}': value {} is {}: the training diverged or the file is "
                      "damaged",
                      name, i, tensor.values[i]));
    }
  }
}

// Adds the node's output to `known` and the weights it reads to `used`.
void check_node(const Model& model, const Node& node, std::set<std::string>& known,
                std::set<std::string>& used) {
  for (const std::string& input : node.inputs) {
    if (input.empty()) continue;
    if (model.is_weight(input)) {
      used.insert(input);
    } else if (!known.contains(input)) {
      throw Error(
          fmt::format("node '{}' ({}): input '{}' is neither a weight nor made by an "
                      "earlier node",
                      node.name, node.type, input));
    }
  }
  if (node.outputs.size() != 1 || node.outputs[0].empty()) {
    throw Error(fmt::format("node '{}' ({}): exactly one output expected, got {}", node.name,
                            node.type, node.outputs.size()));
  }
  if (model.is_weight(node.outputs[0]) || !known.insert(node.outputs[0]).second) {
    throw Error(fmt::format("node '{}' ({}): its output '{}' is the name of something else too",
                            node.name, node.type, node.outputs[0]));
  }
}

}  // namespace

size_t element_count(const Shape& shape) {
  uint64_t product = 1;
  for (int64_t extent : shape) {
    if (extent < 0) throw Error(fmt::format("shape {}: an extent is negative", to_string(shape)));
    // Both factors are at most 2^31 here or the extent alone is too large: no overflow.
    if (static_cast<uint64_t>(extent) > kMostElements) product = kMostElements + 1;
    product *= std::min<uint64_t>(static_cast<uint64_t>(extent), kMostElements + 1);
    if (product > kMostElements) {
      throw Error(
          fmt::format("shape {}: more than 2^{} elements", to_string(shape), kMostElementsPower));
    }
  }
  return product;
}

std::string to_string(const Shape& shape) { return fmt::format("({})", fmt::join(shape, ",")); }

int64_t Node::integer(const std::string& attribute, int64_t otherwise) const {
  const int64_t* value = find_as<int64_t>(*this, attribute, "an integer");
  return value != nullptr ? *value : otherwise;
}

double Node::real(const std::string& attribute, double otherwise) const {
  auto found = attributes.find(attribute);
  if (found != attributes.end() && std::holds_alternative<int64_t>(found->second)) {
    return static_cast<double>(std::get<int64_t>(found->second));
  }
  const double* value = find_as<double>(*this, attribute, "a number");
  return value != nullptr ? *value : otherwise;
}

std::string Node::text(const std::string& attribute, const std::string& otherwise) const {
  const std::string* value = find_as<std::string>(*this, attribute, "a text");
  return value != nullptr ? *value : otherwise;
}

std::vector<int64_t> Node::integers(const std::string& attribute,
                                    const std::vector<int64_t>& otherwise) const {
  const auto* value = find_as<std::vector<int64_t>>(*this, attribute, "a list of integers");
  return value != nullptr ? *value : otherwise;
}

std::vector<double> Node::reals(const std::string& attribute,
                                const std::vector<double>& otherwise) const {
  auto found = attributes.find(attribute);
  if (found != attributes.end() && std::holds_alternative<std::vector<int64_t>>(found->second)) {
    const auto& integers = std::get<std::vector<int64_t>>(found->second);
    return {integers.begin(), integers.end()};
  }
  const auto* value = find_as<std::vector<double>>(*this, attribute, "a list of numbers");
  return value != nullptr ? *value : otherwise;
}

const Tensor& Model::weight(const std::string& name) const {
  auto found = weights.find(name);
  if (found == weights.end()) throw Error(fmt::format("the model has no weight '{}'", name));
  return found->second;
}

size_t Model::parameter_count() const {
  size_t count = 0;
  for (const auto& [name, tensor] : weights) count += tensor.values.size();
  return count;
}

void check_model(const Model& model) {
  if (model.nodes.empty()) throw Error("the model has no nodes");
  if (model.nodes.size() > kMostNodes) {
    throw Error(fmt::format("the model has {} nodes, at most {} are accepted", model.nodes.size(),
                            kMostNodes));
  }
  if (element_count(model.input_shape) == 0) throw Error("the model's input is empty");
  // The greatest input, as the float32 that it will be.
  if (!std::isfinite(static_cast<float>(255.0 * model.pixels.scale)) ||
      !std::isfinite(static_cast<float>(model.pixels.offset)) ||
      !std::isfinite(static_cast<float>(255.0 * model.pixels.scale + model.pixels.offset))) {
    throw Error(fmt::format("pixels: with scale {} and offset {} inputs are not finite",
                            model.pixels.scale, model.pixels.offset));
  }
  for (const auto& [name, tensor] : model.weights) check_weight(name, tensor);
  if (model.parameter_count() > kMostParameters) throw Error("the model has over 2^28 parameters");
  if (model.is_weight(model.input)) {
    throw Error(fmt::format("the input's name '{}' is a weight's too", model.input));
  }
  std::set<std::string> known = {model.input};
  std::set<std::string> used;
  std::set<std::string> names;
  for (const Node& node : model.nodes) {
    if (!names.insert(node.name).second) {
      throw Error(fmt::format("two nodes are called '{}'", node.name));
    }
    check_node(model, node, known, used);
  }
  if (!known.contains(model.output) || model.output == model.input) {
    throw Error(fmt::format("no node makes the model's output '{}'", model.output));
  }
  for (const auto& [name, tensor] : model.weights) {
    if (!used.contains(name)) throw Error(fmt::format("no node uses the weight '{}'", name));
  }
}

}  // namespace mnist
