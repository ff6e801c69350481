#include "formats/recognise/layer_order.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>

namespace mnist {
namespace {

using Kind = WeightLayer::Kind;
using Layers = std::vector<const WeightLayer*>;

constexpr size_t kMostLayers = 200;
constexpr size_t kMostTries = 20'000;
constexpr size_t kMostRows = 12;

// Whether `next` can read what `last` makes; null: what the image holds.
bool can_follow(const WeightLayer* last, const WeightLayer& next) {
  if (last == nullptr) {
    if (next.kind == Kind::kDense) return true;  // whether it fits an image is seen later
    return next.inputs == 1 || next.inputs == 3;
  }
  if (next.kind == Kind::kConv) {
    if (last->kind != Kind::kConv) return false;
    // A grouped convolution's kernels have a part of the channels only.
    return last->outputs % next.inputs == 0 && next.outputs % (last->outputs / next.inputs) == 0;
  }
  if (last->kind == Kind::kConv) return next.inputs % last->outputs == 0;
  return next.inputs == last->outputs;
}

// A row of all the layers in which each can follow the one before it, preferring their order in
// `layers`. Depth first, giving up after kMostTries.
class RowSearch {
 public:
  explicit RowSearch(const Layers& layers) : layers_(layers), used_(layers.size()) {}

  std::optional<Layers> find() {
    if (!layers_.empty() && search()) return row_;
    return std::nullopt;
  }

 private:
  bool search() {
    if (row_.size() == layers_.size()) return true;
    if (++tries_ > kMostTries) return false;
    for (size_t i = 0; i < layers_.size(); ++i) {
      if (used_[i] || !can_follow(row_.empty() ? nullptr : row_.back(), *layers_[i])) continue;
      used_[i] = true;
      row_.push_back(layers_[i]);
      if (search()) return true;
      row_.pop_back();
      used_[i] = false;
    }
    return false;
  }

  const Layers& layers_;
  std::vector<bool> used_;
  Layers row_;
  size_t tries_ = 0;
};

// Whether the layers are simply in the order of their names, which then says nothing.
bool is_alphabetical(const std::vector<WeightLayer>& layers) {
  return std::is_sorted(layers.begin(), layers.end(),
                        [](const auto& a, const auto& b) { return a.name < b.name; });
}

// The orders in which to look, the more telling first.
std::vector<std::vector<const WeightLayer*>> orders(const std::vector<WeightLayer>& layers) {
  Layers in_file;
  for (const WeightLayer& layer : layers) in_file.push_back(&layer);
  Layers by_name = in_file;
  std::stable_sort(by_name.begin(), by_name.end(),
                   [](const auto* a, const auto* b) { return natural_less(a->name, b->name); });
  if (is_alphabetical(layers)) return {by_name, in_file};
  return {in_file, by_name};
}

// The number in a name that a person counts layers with: 2 of "bn2", -1 where there is none.
int64_t number_of(const std::string& name) {
  const size_t last = name.find_last_of("0123456789");
  if (last == std::string::npos) return -1;
  size_t first = last;
  while (first > 0 && name[first - 1] >= '0' && name[first - 1] <= '9') --first;
  if (last - first > 8) return -1;
  return std::stoll(name.substr(first, last - first + 1));
}

// Puts the normalisations behind layers of as many outputs, in all ways in which their order stays.
class NormPlaces {
 public:
  NormPlaces(const LayerRow& row, const Layers& norms, const Layers& order)
      : row_(row), norms_(norms) {
    for (size_t i = 0; i < order.size(); ++i) place_[order[i]] = i;
  }

  std::vector<LayerRow> find() {
    place(0, 0);
    std::stable_sort(found_.begin(), found_.end(),
                     [](const auto& a, const auto& b) { return a.cost < b.cost; });
    if (found_.size() > kMostRows) found_.resize(kMostRows);
    return std::move(found_);
  }

 private:
  size_t steps() const { return row_.convs.size() + row_.denses.size(); }
  LayerRow::Step& step(size_t i) {
    return i < row_.convs.size() ? row_.convs[i] : row_.denses[i - row_.convs.size()];
  }

  // How unusual it is that this normalisation stands behind this layer: not at all where the two
  // are neighbours, or have the same number in their names.
  double cost(const WeightLayer& norm, const WeightLayer& layer) {
    if (place_[&norm] == place_[&layer] + 1) return 0;
    const int64_t number = number_of(norm.name);
    return number >= 0 && number == number_of(layer.name) ? 0.1 : 1.0;
  }

  void place(size_t norm, size_t first_step) {
    if (++tries_ > kMostTries || found_.size() >= 4 * kMostRows) return;
    if (norm == norms_.size()) {
      found_.push_back(row_);
      return;
    }
    const WeightLayer& layer = *norms_[norm];
    for (size_t i = first_step; i < steps(); ++i) {
      if (step(i).layer->outputs != layer.outputs) continue;
      const double added = cost(layer, *step(i).layer);
      step(i).norm = &layer;
      row_.cost += added;
      place(norm + 1, i + 1);
      row_.cost -= added;
      step(i).norm = nullptr;
    }
    place_outside(norm, first_step);
  }

  // In front of the first layer, or of the first dense one.
  void place_outside(size_t norm, size_t first_step) {
    const WeightLayer& layer = *norms_[norm];
    const bool fits_image = row_.convs.empty() ? layer.outputs == row_.denses[0].layer->inputs
                                               : layer.outputs == row_.input_channels();
    if (norm == 0 && fits_image && row_.input_norm == nullptr) {
      row_.input_norm = &layer;
      row_.cost += 1;
      place(norm + 1, first_step);
      row_.cost -= 1;
      row_.input_norm = nullptr;
    }
    const bool fits_features = !row_.convs.empty() && !row_.denses.empty() &&
                               first_step <= row_.convs.size() &&
                               layer.outputs == row_.denses[0].layer->inputs;
    if (fits_features && row_.feature_norm == nullptr) {
      row_.feature_norm = &layer;
      row_.cost += 0.5;
      place(norm + 1, row_.convs.size());
      row_.cost -= 0.5;
      row_.feature_norm = nullptr;
    }
  }

  LayerRow row_;
  const Layers& norms_;
  std::map<const WeightLayer*, size_t> place_;
  std::vector<LayerRow> found_;
  size_t tries_ = 0;
};

LayerRow row_of(const Layers& layers) {
  LayerRow row;
  for (const WeightLayer* layer : layers) {
    if (layer->kind == Kind::kDense) {
      row.denses.push_back({layer});
      continue;
    }
    const int64_t channels = row.convs.empty() ? layer->inputs : row.convs.back().layer->outputs;
    row.convs.push_back({layer, nullptr, channels / layer->inputs});
  }
  return row;
}

bool same_row(const LayerRow& a, const LayerRow& b) {
  const auto same = [](const LayerRow::Step& x, const LayerRow::Step& y) {
    return x.layer == y.layer && x.norm == y.norm;
  };
  return std::equal(a.convs.begin(), a.convs.end(), b.convs.begin(), b.convs.end(), same) &&
         std::equal(a.denses.begin(), a.denses.end(), b.denses.begin(), b.denses.end(), same) &&
         a.input_norm == b.input_norm && a.feature_norm == b.feature_norm;
}

}  // namespace

int64_t LayerRow::input_channels() const { return convs.empty() ? 0 : convs[0].layer->inputs; }

std::vector<LayerRow> layer_rows(const std::vector<WeightLayer>& layers) {
  std::vector<LayerRow> rows;
  if (layers.size() > kMostLayers) return rows;
  double cost_of_order = 0;
  for (const Layers& order : orders(layers)) {
    Layers maps;
    Layers norms;
    for (const WeightLayer* layer : order) {
      (layer->kind == Kind::kNorm ? norms : maps).push_back(layer);
    }
    const auto found = RowSearch(maps).find();
    if (!found) continue;
    for (LayerRow& row : NormPlaces(row_of(*found), norms, order).find()) {
      row.cost += cost_of_order;
      const bool is_known = std::any_of(
          rows.begin(), rows.end(), [&](const LayerRow& other) { return same_row(row, other); });
      if (!is_known) rows.push_back(std::move(row));
    }
    cost_of_order += 2;
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.cost < b.cost; });
  if (rows.size() > kMostRows) rows.resize(kMostRows);
  return rows;
}

}  // namespace mnist
