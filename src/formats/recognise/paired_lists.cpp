#include "formats/recognise/paired_lists.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

namespace mnist {
namespace {

using Named = std::pair<std::string, Tensor>;

// "weights" of "weights.0"; empty where the name has no number behind its last dot.
std::string_view list_of(std::string_view name) {
  const size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot + 1 == name.size()) return "";
  const bool is_number = std::all_of(name.begin() + static_cast<ptrdiff_t>(dot) + 1, name.end(),
                                     [](char c) { return c >= '0' && c <= '9'; });
  return is_number ? name.substr(0, dot) : std::string_view();
}

bool is_line(const Shape& shape) {
  return shape.size() == 1 || (shape.size() == 2 && (shape[0] == 1 || shape[1] == 1));
}

bool fits(const Named& matrix, const Named& bias) {
  const Shape& shape = matrix.second.shape;
  const auto length = static_cast<int64_t>(bias.second.values.size());
  return shape.size() == 2 && is_line(bias.second.shape) &&
         (shape[0] == length || shape[1] == length);
}

}  // namespace

void pair_lists(LooseWeights& weights) {
  std::vector<std::string> names;  // of the lists
  std::map<std::string, std::vector<Named>> lists;
  for (const Named& tensor : weights.tensors) {
    const std::string list(list_of(tensor.first));
    if (list.empty()) return;
    if (lists[list].empty()) names.push_back(list);
    lists[list].push_back(tensor);
  }
  if (names.size() != 2 || lists[names[0]].size() != lists[names[1]].size()) return;
  const auto all_fit = [&](const std::vector<Named>& matrices, const std::vector<Named>& biases) {
    return std::equal(matrices.begin(), matrices.end(), biases.begin(), fits);
  };
  if (all_fit(lists[names[1]], lists[names[0]])) std::swap(names[0], names[1]);
  const std::vector<Named>& matrices = lists[names[0]];
  std::vector<Named>& biases = lists[names[1]];
  if (!all_fit(matrices, biases)) return;
  weights.tensors.clear();
  for (size_t i = 0; i < matrices.size(); ++i) {
    Tensor bias = std::move(biases[i].second);
    bias.shape = {static_cast<int64_t>(bias.values.size())};
    weights.tensors.emplace_back(fmt::format("{}.weight", i), matrices[i].second);
    weights.tensors.emplace_back(fmt::format("{}.bias", i), std::move(bias));
  }
}

}  // namespace mnist
