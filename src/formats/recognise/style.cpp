#include <algorithm>

#include "formats/recognise/candidate.h"
#include "ops/op_list.h"

namespace mnist {
namespace {

struct Activation {
  const char* type;
  double alpha;
  double cost;
};
// What people take, most often first.
constexpr Activation kActivations[] = {
    {"Relu", 0, 0},   {"Tanh", 0, 2.0},        {"Sigmoid", 0, 2.5},     {"LeakyRelu", 0.01, 2.5},
    {"Elu", 0, 3.0},  {"LeakyRelu", 0.2, 3.5}, {"LeakyRelu", 0.1, 3.5}, {"", 0, 3.5},
    {"Gelu", 0, 4.0}, {"Swish", 0, 4.0},       {"Selu", 0, 4.5},        {"HardSwish", 0, 5.0},
    {"Mish", 0, 5.0}, {"Softplus", 0, 5.0}};

struct Order {
  const char* order;
  double cost;
};
constexpr Order kOrdersWithNorm[] = {{"NAP", 0},   {"PNA", 1.0}, {"ANP", 1.5},
                                     {"APN", 1.5}, {"NPA", 2.0}, {"PAN", 2.5}};
constexpr Order kOrdersWithout[] = {{"NAP", 0}, {"PNA", 1.5}};

constexpr double kAverages = 1.5;
constexpr double kAveragesAfterSigmoid = 0.5;  // LeNet's
constexpr double kConvsWithoutActivation = 2.5;
constexpr double kOtherFeatures = 3.0;
constexpr double kLastActivates = 1.0;  // PyTorch's "What is torch.nn really?" does

// A maximum and a function that never falls can change places.
bool says_nothing_new(const std::string& order, bool averages, const std::string& activation) {
  if (activation.empty())
    return order == "ANP" || order == "APN" || order == "PAN" || (order == "NPA" && !averages);
  return !averages && (order == "NPA" || order == "PAN");
}

}  // namespace

std::vector<Style> styles_for(const LayerRow& row, LooseWeights::Features features) {
  const auto has_norm = [](const LayerRow::Step& step) { return step.norm != nullptr; };
  const bool conv_norms = std::any_of(row.convs.begin(), row.convs.end(), has_norm);
  const bool dense_norms = std::any_of(row.denses.begin(), row.denses.end(), has_norm);
  const bool has_convs = !row.convs.empty();
  const bool has_hidden = row.denses.size() > 1;
  const std::vector<std::string> known = op_types();
  std::vector<Style> styles;
  const auto add_orders = [&](const Style& style) {
    const bool with_norm = conv_norms || dense_norms;
    const auto orders = with_norm ? std::span<const Order>(kOrdersWithNorm)
                                  : std::span<const Order>(kOrdersWithout);
    for (const Order& order : orders) {
      const std::string name = order.order;
      if (!with_norm && name != "NAP" && !style.averages) continue;
      if (!has_convs && name != "NAP" && name != "ANP") continue;
      if (says_nothing_new(name, style.averages, style.activation)) continue;
      Style ordered = style;
      ordered.order = name;
      ordered.cost += order.cost;
      styles.push_back(ordered);
    }
  };
  for (const Activation& activation : kActivations) {
    const std::string type = activation.type;
    if (!type.empty() && std::find(known.begin(), known.end(), type) == known.end()) continue;
    for (bool averages : {false, true}) {
      if (averages && !has_convs) continue;
      for (bool convs_activate : {true, false}) {
        if (!convs_activate && (!has_convs || !has_hidden || type.empty())) continue;
        for (auto order :
             {LooseWeights::Features::kChannelFirst, LooseWeights::Features::kChannelLast}) {
          if (order != features && (!has_convs || row.denses.empty())) continue;
          Style style = {.activation = type,
                         .alpha = activation.alpha,
                         .convs_activate = convs_activate,
                         .averages = averages,
                         .features = order,
                         .cost = activation.cost};
          const bool saturates = type == "Tanh" || type == "Sigmoid";
          if (averages) style.cost += saturates ? kAveragesAfterSigmoid : kAverages;
          if (!convs_activate) style.cost += kConvsWithoutActivation;
          if (order != features) style.cost += kOtherFeatures;
          add_orders(style);
          if (!row.denses.empty() || type.empty()) continue;
          style.last_activates = true;
          style.cost += kLastActivates;
          add_orders(style);
        }
      }
    }
  }
  std::stable_sort(styles.begin(), styles.end(),
                   [](const auto& a, const auto& b) { return a.cost < b.cost; });
  return styles;
}

}  // namespace mnist
