#include "formats/recognise/weight_layer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/text.h"
#include "formats/recognise/weight_names.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr size_t kMostTensors = 2'000;

using Named = std::pair<std::string, Tensor>;

// The tensors of one layer, its parts not yet told apart.
struct Group {
  std::string name;
  const Named* weight = nullptr;
  const Named* bias = nullptr;
  const Named* mean = nullptr;
  const Named* variance = nullptr;

  const Named*& part(WeightRole role) {
    return role == WeightRole::kWeight ? weight
           : role == WeightRole::kBias ? bias
           : role == WeightRole::kMean ? mean
                                       : variance;
  }
};

// A shape without extents of one at its ends: biases are stored as (8,1,1) and (1,10), too.
Shape trimmed(const Shape& shape) {
  Shape result = shape;
  while (result.size() > 1 && result.back() == 1) result.pop_back();
  while (result.size() > 1 && result.front() == 1) result.erase(result.begin());
  return result;
}

bool is_vector(const Tensor& tensor) { return trimmed(tensor.shape).size() == 1; }
bool is_matrix(const Tensor& tensor) { return tensor.shape.size() == 2; }
// Programs for grey images only leave the one input channel out.
bool is_kernel(const Tensor& tensor) {
  return tensor.shape.size() == 4 || tensor.shape.size() == 3;
}
bool is_map(const Tensor& tensor) { return is_matrix(tensor) || is_kernel(tensor); }

// Groups by names, nothing where they do not say which tensors belong together.
std::optional<std::vector<Group>> groups_by_name(const std::vector<const Named*>& tensors) {
  std::vector<Group> groups;
  std::map<std::string, size_t> places;
  for (const Named* tensor : tensors) {
    const WeightName name = parse_weight_name(tensor->first);
    if (name.role == WeightRole::kUnknown) return std::nullopt;
    const auto [place, is_new] = places.emplace(name.layer, groups.size());
    if (is_new) groups.push_back({name.layer});
    const Named*& part = groups[place->second].part(name.role);
    if (part != nullptr) return std::nullopt;
    part = tensor;
  }
  for (const Group& group : groups) {
    const bool is_norm = group.mean != nullptr && group.variance != nullptr;
    if (group.weight == nullptr && !is_norm) return std::nullopt;
    if ((group.mean == nullptr) != (group.variance == nullptr)) return std::nullopt;
  }
  return groups;
}

// Groups by order: a matrix or kernel and the vector of its outputs behind it; four vectors of one
// length are a normalisation.
std::vector<Group> groups_by_order(std::vector<const Named*> tensors, const std::string& who) {
  const auto alphabetical = [](const Named* a, const Named* b) { return a->first < b->first; };
  if (std::is_sorted(tensors.begin(), tensors.end(), alphabetical)) {
    std::stable_sort(tensors.begin(), tensors.end(), [](const Named* a, const Named* b) {
      return natural_less(a->first, b->first);
    });
  }
  std::vector<Group> groups;
  for (const Named* tensor : tensors) {
    const size_t length = tensor->second.values.size();
    Group* last = groups.empty() ? nullptr : &groups.back();
    const bool follows_layer = last != nullptr && is_map(last->weight->second);
    if (is_vector(tensor->second) && follows_layer && last->bias == nullptr) {
      const Shape& shape = last->weight->second.shape;
      if (std::find(shape.begin(), shape.end(), static_cast<int64_t>(length)) != shape.end()) {
        last->bias = tensor;
        continue;
      }
    }
    if (is_map(tensor->second)) {
      groups.push_back({tensor->first, tensor});
      continue;
    }
    const bool continues = last != nullptr && !follows_layer && last->variance == nullptr &&
                           last->weight->second.values.size() == length;
    if (!continues) {
      groups.push_back({tensor->first, tensor});
    } else if (last->bias == nullptr) {
      last->bias = tensor;
    } else if (last->mean == nullptr) {
      last->mean = tensor;
    } else {
      last->variance = tensor;
    }
  }
  for (const Group& group : groups) {
    if (is_map(group.weight->second) || group.variance != nullptr) continue;
    throw Error(fmt::format("{}: tensor '{}' {}: not told which layer it belongs to", who,
                            printable(group.weight->first, 80),
                            to_string(group.weight->second.shape)));
  }
  return groups;
}

// To (out,in,height,width) from (height,width,in,out) or (out,height,width,in).
Tensor channels_outside(const Tensor& kernel, LooseWeights::Kernel order) {
  const bool outputs_last = order == LooseWeights::Kernel::kHWIO;
  const Shape& shape = kernel.shape;
  const Shape turned = outputs_last ? Shape{shape[3], shape[2], shape[0], shape[1]}
                                    : Shape{shape[0], shape[3], shape[1], shape[2]};
  const auto outputs = static_cast<size_t>(turned[0]);
  const auto inputs = static_cast<size_t>(turned[1]);
  const auto positions = static_cast<size_t>(turned[2] * turned[3]);
  Tensor result{turned, std::vector<float>(kernel.values.size())};
  for (size_t o = 0; o < outputs; ++o) {
    for (size_t i = 0; i < inputs; ++i) {
      for (size_t p = 0; p < positions; ++p) {
        const size_t from =
            outputs_last ? (p * inputs + i) * outputs + o : (o * positions + p) * inputs + i;
        result.values[(o * inputs + i) * positions + p] = kernel.values[from];
      }
    }
  }
  return result;
}

WeightLayer::Part vector_part(const Named* tensor, int64_t length, const std::string& who) {
  if (tensor == nullptr) return {};
  if (trimmed(tensor->second.shape) != Shape{length}) {
    throw Error(fmt::format("{}: tensor '{}': shape ({}) expected, got {}", who,
                            printable(tensor->first, 80), length, to_string(tensor->second.shape)));
  }
  return {without_wrapping(tensor->first), {{length}, tensor->second.values}};
}

// A part that a normalisation does without: ones or zeros.
WeightLayer::Part constant_part(const std::string& name, int64_t length, float value) {
  return {name, {{length}, std::vector<float>(static_cast<size_t>(length), value)}};
}

WeightLayer norm_layer(const Group& group, const std::string& who) {
  WeightLayer layer;
  layer.kind = WeightLayer::Kind::kNorm;
  layer.name = without_wrapping(group.name);
  layer.outputs = layer.inputs = static_cast<int64_t>(group.variance->second.values.size());
  const std::string prefix = layer.name.empty() ? "" : layer.name + ".";
  layer.weight = group.weight != nullptr ? vector_part(group.weight, layer.outputs, who)
                                         : constant_part(prefix + "weight", layer.outputs, 1.0F);
  layer.bias = group.bias != nullptr ? vector_part(group.bias, layer.outputs, who)
                                     : constant_part(prefix + "bias", layer.outputs, 0.0F);
  layer.mean = vector_part(group.mean, layer.outputs, who);
  layer.variance = vector_part(group.variance, layer.outputs, who);
  return layer;
}

WeightLayer layer_of(const Group& group, const StoredOrder& order, const std::string& who) {
  if (group.variance != nullptr) return norm_layer(group, who);
  Tensor stored = group.weight->second;
  if (stored.shape.size() == 3) {
    const bool outputs_last = order.kernel == LooseWeights::Kernel::kHWIO;
    const bool inputs_last = order.kernel == LooseWeights::Kernel::kOHWI;
    const int place = outputs_last ? 2 : inputs_last ? 3 : 1;
    stored.shape.insert(stored.shape.begin() + place, 1);
  }
  if (!is_matrix(stored) && !is_kernel(stored)) {
    throw Error(fmt::format("{}: tensor '{}' {}: no layer that is known has such a weight", who,
                            printable(group.weight->first, 80), to_string(stored.shape)));
  }
  if (stored.values.empty()) {
    throw Error(fmt::format("{}: tensor '{}' {} is empty", who, printable(group.weight->first, 80),
                            to_string(stored.shape)));
  }
  WeightLayer layer;
  layer.kind = is_matrix(stored) ? WeightLayer::Kind::kDense : WeightLayer::Kind::kConv;
  layer.name = without_wrapping(group.name);
  const bool turned = is_matrix(stored) ? order.dense == LooseWeights::Dense::kInOut
                                        : order.kernel != LooseWeights::Kernel::kOIHW;
  layer.weight = {without_wrapping(group.weight->first),
                  !turned             ? stored
                  : is_matrix(stored) ? transposed(stored)
                                      : channels_outside(stored, order.kernel)};
  layer.outputs = layer.weight.tensor.shape[0];
  layer.inputs = layer.weight.tensor.shape[1];
  layer.bias = vector_part(group.bias, layer.outputs, who);
  return layer;
}

}  // namespace

Tensor transposed(const Tensor& matrix) {
  const auto rows = static_cast<size_t>(matrix.shape[0]);
  const auto columns = static_cast<size_t>(matrix.shape[1]);
  Tensor result{{matrix.shape[1], matrix.shape[0]}, std::vector<float>(matrix.values.size())};
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < columns; ++c) {
      result.values[c * rows + r] = matrix.values[r * columns + c];
    }
  }
  return result;
}

std::string without_wrapping(const std::string& name) {
  std::string_view rest = name;
  for (bool found = true; found;) {
    found = false;
    for (std::string_view prefix : {"module.", "_orig_mod.", "state_dict.", "model_state_dict."}) {
      if (!rest.starts_with(prefix) || rest.size() == prefix.size()) continue;
      rest.remove_prefix(prefix.size());
      found = true;
    }
  }
  return std::string(rest);
}

bool natural_less(const std::string& a, const std::string& b) {
  const auto is_digit = [](char letter) { return letter >= '0' && letter <= '9'; };
  size_t i = 0;
  size_t j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      const auto number_end = [&](const std::string& text, size_t from) {
        while (from < text.size() && is_digit(text[from])) ++from;
        return from;
      };
      while (i + 1 < a.size() && a[i] == '0' && is_digit(a[i + 1])) ++i;
      while (j + 1 < b.size() && b[j] == '0' && is_digit(b[j + 1])) ++j;
      const size_t i_end = number_end(a, i);
      const size_t j_end = number_end(b, j);
      if (i_end - i != j_end - j) return i_end - i < j_end - j;
      const int order = a.compare(i, i_end - i, b, j, j_end - j);
      if (order != 0) return order < 0;
      i = i_end;
      j = j_end;
    } else {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i;
      ++j;
    }
  }
  return a.size() - i < b.size() - j;
}

std::vector<WeightLayer> group_layers(const LooseWeights& weights, const StoredOrder& order,
                                      const std::string& who) {
  std::vector<const Named*> tensors;
  // Single numbers say something of the training, or scale nothing that is known here.
  const auto is_weight = [](const Named& tensor) {
    return !tensor.second.shape.empty() &&
           parse_weight_name(tensor.first).role != WeightRole::kIgnored;
  };
  for (const Named& tensor : weights.tensors) {
    if (is_weight(tensor)) tensors.push_back(&tensor);
  }
  if (tensors.empty())
    throw Error(fmt::format(
        "{}: no weights of a network: what it holds belongs to an optimiser or a training", who));
  if (tensors.size() > kMostTensors) {
    throw Error(fmt::format("{}: {} weights without a network, at most {} are looked at", who,
                            tensors.size(), kMostTensors));
  }
  const auto by_name = groups_by_name(tensors);
  std::vector<WeightLayer> layers;
  for (const Group& group : by_name ? *by_name : groups_by_order(tensors, who)) {
    layers.push_back(layer_of(group, order, who));
  }
  return layers;
}

}  // namespace mnist
