#include "formats/recognise.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "base/text.h"
#include "formats/recognise/candidate.h"
#include "formats/recognise/geometry.h"
#include "formats/recognise/known_network.h"
#include "formats/recognise/layer_chain.h"
#include "formats/recognise/layer_order.h"
#include "formats/recognise/recurrent_network.h"
#include "formats/recognise/weight_layer.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr size_t kMostGeometries = 300;
// Where many geometries are about as plausible, other activations shall have their turn, too.
constexpr double kLaterGeometry = 0.1;
// Candidates that are this much less plausible than the best are not worth trying.
constexpr double kMostSurprise = 8.0;
// All candidates together hold at most so many values.
constexpr size_t kMostValues = size_t{1} << 26;
constexpr size_t kFewestCandidates = 8;

// A network that has not been built yet.
struct Choice {
  const LayerRow* row;
  const Geometry* geometry;  // null without convolutions
  const Style* style;
  double cost;
};

// What the file itself says of the convolutions' windows, by layer.
std::vector<std::optional<KnownWindow>> known_windows(const LayerRow& row,
                                                      const std::vector<Node>& layers) {
  std::vector<std::optional<KnownWindow>> known(row.convs.size());
  for (size_t i = 0; i < row.convs.size(); ++i) {
    for (const Node& layer : layers) {
      if (layer.type != "Conv" || without_wrapping(layer.name) != row.convs[i].layer->name)
        continue;
      if (!layer.attributes.contains("pads")) continue;
      known[i] = KnownWindow{layer.integers("strides", {1})[0], layer.integers("pads", {0})[0]};
    }
  }
  return known;
}

// The candidates of one way to understand the tensors, the most plausible first.
class Search {
 public:
  Search(const LooseWeights& weights, const StoredOrder& order, const std::string& who)
      : weights_(weights), who_(who), layers_(group_layers(weights, order, who)) {
    // Keras's kernels come from Keras's layout of maps.
    if (order.kernel != weights.kernel) features_ = LooseWeights::Features::kChannelLast;
    rows_ = layer_rows(layers_);
  }

  void build(std::vector<Model>& models, size_t most) {
    choose();
    std::set<std::string> known;
    for (const Model& model : models) known.insert(assumption(model));
    for (const Choice& choice : choices_) {
      if (models.size() >= most) return;
      try {
        Model model = make_candidate(*choice.row, choice.geometry, *choice.style, weights_, who_);
        if (known.insert(assumption(model)).second) models.push_back(std::move(model));
      } catch (const Error& error) {
        if (reason_.empty()) reason_ = error.what();
      }
    }
  }

  // Why there are none.
  std::string reason() const {
    if (!reason_.empty()) return reason_;
    std::vector<std::string> named;
    for (const WeightLayer& layer : layers_) {
      if (named.size() == 8) {
        named.emplace_back("...");
        break;
      }
      named.push_back(
          fmt::format("{} {}", printable(layer.name, 30), to_string(layer.weight.tensor.shape)));
    }
    return fmt::format(
        "{}: weights without a network, and none is recognised in {}; name one (--arch), or export "
        "the model as ONNX",
        who_, join(named));
  }

 private:
  static std::string assumption(const Model& model) {
    const auto found = model.metadata.find(kRecognisedKey);
    return found == model.metadata.end() ? "" : found->second;
  }

  void choose() {
    // Whoever they point into must not move any more.
    geometries_.resize(rows_.size());
    styles_.resize(rows_.size());
    for (size_t i = 0; i < rows_.size(); ++i) {
      styles_[i] = styles_for(rows_[i], features_);
      if (rows_[i].convs.empty()) {
        for (const Style& style : styles_[i]) add(i, nullptr, style);
        continue;
      }
      geometries_[i] =
          find_geometries(rows_[i], known_windows(rows_[i], weights_.layers), kMostGeometries);
      for (size_t g = 0; g < geometries_[i].size(); ++g) {
        geometries_[i][g].cost += kLaterGeometry * static_cast<double>(g);
        for (const Style& style : styles_[i]) add(i, &geometries_[i][g], style);
      }
    }
    std::stable_sort(choices_.begin(), choices_.end(),
                     [](const Choice& a, const Choice& b) { return a.cost < b.cost; });
    const double best = choices_.empty() ? 0 : choices_[0].cost;
    std::erase_if(choices_, [&](const Choice& c) { return c.cost > best + kMostSurprise; });
  }

  void add(size_t row, const Geometry* geometry, const Style& style) {
    const double of_geometry = geometry == nullptr ? 0 : geometry->cost;
    choices_.push_back({&rows_[row], geometry, &style, rows_[row].cost + of_geometry + style.cost});
  }

  const LooseWeights& weights_;
  const std::string& who_;
  LooseWeights::Features features_ = weights_.features;
  std::vector<WeightLayer> layers_;
  std::vector<LayerRow> rows_;
  std::vector<std::vector<Geometry>> geometries_;
  std::vector<std::vector<Style>> styles_;
  std::vector<Choice> choices_;
  std::string reason_;
};

// How the tensors may lie, what the file says first.
std::vector<StoredOrder> stored_orders(const LooseWeights& weights) {
  using Dense = LooseWeights::Dense;
  using Kernel = LooseWeights::Kernel;
  const Dense other_dense = weights.dense == Dense::kOutIn ? Dense::kInOut : Dense::kOutIn;
  const Kernel other_kernel = weights.kernel == Kernel::kOIHW ? Kernel::kHWIO : Kernel::kOIHW;
  return {{weights.dense, weights.kernel}, {other_dense, weights.kernel},
          {other_dense, other_kernel},     {weights.dense, other_kernel},
          {weights.dense, Kernel::kOHWI},  {other_dense, Kernel::kOHWI}};
}

bool has_activation(const Model& model) {
  const std::vector<const char*> linear = {
      "Conv",     "Gemm",    "BatchNormalization", "MaxPool", "Flatten",          "AveragePool",
      "Identity", "Softmax", "LogSoftmax",         "Dropout", "GlobalAveragePool"};
  return std::any_of(model.nodes.begin(), model.nodes.end(), [&](const Node& node) {
    return std::none_of(linear.begin(), linear.end(),
                        [&](const char* type) { return node.type == type; });
  });
}

// Of a moving average of the weights: beside them it is the same network again.
bool is_average(const std::pair<std::string, Tensor>& tensor) {
  constexpr std::string_view kNames[] = {"ema_model.", "model_ema.", "ema."};
  return std::any_of(std::begin(kNames), std::end(kNames),
                     [&](std::string_view name) { return tensor.first.starts_with(name); });
}

size_t most_candidates(const LooseWeights& weights) {
  size_t values = 1;
  for (const auto& [name, tensor] : weights.tensors) values += tensor.values.size();
  return std::clamp(kMostValues / values, kFewestCandidates, kMostCandidates);
}

}  // namespace

std::vector<Model> recognise(const LooseWeights& weights, const std::string& who) {
  const auto averages = std::count_if(weights.tensors.begin(), weights.tensors.end(), is_average);
  if (averages != 0 && static_cast<size_t>(averages) != weights.tensors.size()) {
    LooseWeights rest = weights;
    std::erase_if(rest.tensors, is_average);
    return recognise(rest, who);
  }
  if (has_recurrent_weights(weights)) return recurrent_networks(weights, who);
  std::vector<Model> models;
  if (auto known = known_network(weights, who)) models.push_back(std::move(*known));
  // Modules without any activation call it as a function, so their list is not the network.
  std::optional<Model> chain = chain_of_layers(weights, who);
  if (chain) chain->metadata[kRecognisedKey] = describe_network(*chain);
  if (chain && has_activation(*chain)) models.push_back(*std::exchange(chain, std::nullopt));
  std::string reason;
  const size_t found = models.size();
  for (const StoredOrder& order : stored_orders(weights)) {
    try {
      Search search(weights, order, who);
      search.build(models, most_candidates(weights));
      if (models.size() > found) break;
      if (reason.empty()) reason = search.reason();
    } catch (const Error& error) {
      if (reason.empty()) reason = error.what();
    }
  }
  if (chain && models.empty()) models.push_back(std::move(*chain));
  if (models.empty()) throw Error(reason);
  return models;
}

}  // namespace mnist
