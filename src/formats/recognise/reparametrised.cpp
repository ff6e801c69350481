#include "formats/recognise/reparametrised.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <set>

#include "base/text.h"
#include "mnist/error.h"

namespace mnist {
namespace {

[[noreturn]] void fail(const std::string& who, const std::string& name, const Tensor& part,
                       const Tensor& weight) {
  throw Error(fmt::format("{}: tensor '{}' {} does not fit its weight {}", who, printable(name, 80),
                          to_string(part.shape), to_string(weight.shape)));
}

// What the parts of a weight are called behind what they have in common.
struct Spelling {
  const char* original;           // what has its shape
  std::vector<const char*> rest;  // one (a mask, or lengths), or two (vectors)
};

const std::vector<Spelling>& spellings() {
  static const std::vector<Spelling> all = {
      {"_orig", {"_mask"}},           {"_orig", {"_u", "_v"}},           {"_v", {"_g"}},
      {".original1", {".original0"}}, {".original", {".0._u", ".0._v"}},
  };
  return all;
}

// "fc.parametrizations.weight" is the weight of "fc".
std::string weight_name(const std::string& common) {
  constexpr std::string_view kFolder = "parametrizations.";
  const size_t place = common.rfind(kFolder);
  if (place == std::string::npos || (place != 0 && common[place - 1] != '.')) return common;
  return common.substr(0, place) + common.substr(place + kFolder.size());
}

bool apply_mask(Tensor& weight, const Tensor& mask) {
  if (mask.shape != weight.shape) return false;
  for (size_t i = 0; i < weight.values.size(); ++i) weight.values[i] *= mask.values[i];
  return true;
}

// Gives each slice of `weight` along the axis along which `lengths` has extents its length.
bool apply_lengths(Tensor& weight, const Tensor& lengths) {
  const size_t count = lengths.values.size();
  size_t inner = weight.values.size();
  if (count != 1) {
    if (lengths.shape.size() != weight.shape.size()) return false;
    size_t axis = 0;
    while (axis < lengths.shape.size() && lengths.shape[axis] == 1) ++axis;
    if (static_cast<size_t>(lengths.shape[axis]) != count) return false;
    if (lengths.shape[axis] != weight.shape[axis]) return false;
    for (size_t i = 0; i <= axis; ++i) inner /= static_cast<size_t>(weight.shape[i]);
  }
  std::vector<double> squares(count);
  const auto slice = [&](size_t i) { return i / inner % count; };
  for (size_t i = 0; i < weight.values.size(); ++i) {
    squares[slice(i)] += static_cast<double>(weight.values[i]) * weight.values[i];
  }
  for (size_t i = 0; i < weight.values.size(); ++i) {
    const double length = std::sqrt(squares[slice(i)]);
    if (length == 0) continue;
    weight.values[i] = static_cast<float>(weight.values[i] * lengths.values[slice(i)] / length);
  }
  return true;
}

// Divides the matrix of the weight's rows by its greatest singular value, whose vectors are given.
bool divide_by_spectrum(Tensor& weight, const Tensor& u, const Tensor& v) {
  const size_t rows = u.values.size();
  const size_t columns = v.values.size();
  if (rows == 0 || weight.shape.empty() || static_cast<size_t>(weight.shape[0]) != rows) {
    return false;
  }
  if (weight.values.size() != rows * columns) return false;
  double value = 0;
  for (size_t i = 0; i < weight.values.size(); ++i) {
    value += static_cast<double>(u.values[i / columns]) * weight.values[i] * v.values[i % columns];
  }
  for (float& each : weight.values) each = static_cast<float>(each / value);
  return value != 0;
}

class Merging {
 public:
  Merging(LooseWeights& weights, const std::string& who) : tensors_(weights.tensors), who_(who) {
    for (size_t i = 0; i < tensors_.size(); ++i) places_[tensors_[i].first] = i;
  }

  void merge() {
    for (const Spelling& spelling : spellings()) {
      for (auto& [name, tensor] : tensors_) {
        if (!used_.contains(name)) merge_one(spelling, name, tensor);
      }
    }
    std::erase_if(tensors_, [&](const auto& entry) { return used_.contains(entry.first); });
  }

 private:
  void merge_one(const Spelling& spelling, std::string& name, Tensor& tensor) {
    const std::string_view original = spelling.original;
    if (!name.ends_with(original) || name.size() == original.size()) return;
    const std::string common = name.substr(0, name.size() - original.size());
    const std::string merged = weight_name(common);
    if (places_.contains(merged)) return;
    std::vector<std::string> parts;
    for (const char* part : spelling.rest) {
      parts.push_back(common + part);
      if (!places_.contains(parts.back())) return;
    }
    const Tensor& first = tensors_[places_[parts[0]]].second;
    const bool fits = parts.size() == 2
                          ? divide_by_spectrum(tensor, first, tensors_[places_[parts[1]]].second)
                      : parts[0].ends_with("_mask") ? apply_mask(tensor, first)
                                                    : apply_lengths(tensor, first);
    if (!fits) fail(who_, parts[0], first, tensor);
    used_.insert(parts.begin(), parts.end());
    name = merged;
  }

  std::vector<std::pair<std::string, Tensor>>& tensors_;
  const std::string& who_;
  std::map<std::string, size_t> places_;
  std::set<std::string> used_;  // parts that have become a weight
};

}  // namespace

void merge_reparametrised(LooseWeights& weights, const std::string& who) {
  Merging(weights, who).merge();
}

}  // namespace mnist
