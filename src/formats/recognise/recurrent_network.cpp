#include "formats/recognise/recurrent_network.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "base/text.h"
#include "formats/recognise.h"
#include "formats/recognise/weight_layer.h"
#include "formats/torch_recurrent.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr std::string_view kFirst = "weight_hh_l0";
constexpr int64_t kPixels = int64_t{28} * 28;

// "lstm." of "lstm.weight_hh_l0".
bool is_first_recurrent(const std::string& name) {
  if (!name.ends_with(kFirst)) return false;
  return name.size() == kFirst.size() || name[name.size() - kFirst.size() - 1] == '.';
}

// What a file leaves open.
struct Reading {
  std::string part;      // of the rows that goes on: "last", "ends", "mean", "all"
  std::string function;  // of the plain recurrent cell
  std::string between;   // the dense layers' activation
};

class RecurrentNetwork {
 public:
  RecurrentNetwork(const LooseWeights& weights, const std::string& who) : who_(who) {
    const auto first =
        std::find_if(weights.tensors.begin(), weights.tensors.end(),
                     [](const auto& tensor) { return is_first_recurrent(tensor.first); });
    prefix_ = first->first.substr(0, first->first.size() - kFirst.size());
    LooseWeights rest = weights;
    rest.tensors.clear();
    std::map<std::string, const Tensor*> own;
    for (const auto& [name, tensor] : weights.tensors) {
      const bool is_own = name.starts_with(prefix_) && name.find("_l", prefix_.size()) != name.npos;
      if (is_own) own[name.substr(prefix_.size())] = &tensor;
      if (!is_own) rest.tensors.emplace_back(name, tensor);
    }
    take_weights(own);
    if (!own.empty()) fail(fmt::format("'{}' is not known", printable(own.begin()->first, 60)));
    denses_ = group_layers(rest, {weights.dense, weights.kernel}, who);
    for (const WeightLayer& layer : denses_) {
      if (layer.kind != WeightLayer::Kind::kDense) {
        fail("layers besides recurrent and dense ones: export the model as ONNX");
      }
    }
    if (denses_.empty()) fail("no dense layer for the answer");
  }

  std::vector<Reading> readings() const {
    const int64_t width = units_ * (module_.is_bidirectional ? 2 : 1);
    const bool is_simple = module_.cell == RecurrentCell::kSimple;
    std::vector<std::string> parts;
    if (denses_[0].inputs == width) {
      parts = {"last"};
      if (module_.is_bidirectional) parts.emplace_back("ends");
      parts.emplace_back("mean");
    } else if (denses_[0].inputs == width * steps_) {
      parts = {"all"};
    }
    std::vector<Reading> result;
    for (const std::string& part : parts) {
      for (const char* function : {"Tanh", "Relu"}) {
        if (!is_simple && function == std::string_view("Relu")) continue;
        for (const char* between : {"Relu", "", "Tanh"}) {
          if (denses_.size() == 1 && between != std::string_view("Relu")) continue;
          result.push_back({part, function, between});
        }
      }
    }
    if (result.empty()) {
      fail(fmt::format("the dense layer '{}' takes {} values, the rows have {} each",
                       printable(denses_[0].name, 60), denses_[0].inputs, width));
    }
    return result;
  }

  Model build(const Reading& reading) {
    GraphBuilder graph(who_, "input", {steps_, features_});
    module_.function = reading.function;
    const TorchRecurrentOutput rows = add_torch_recurrent(graph, module_, "input");
    std::string value = part_of(graph, rows, reading.part);
    for (size_t i = 0; i < denses_.size(); ++i) {
      const WeightLayer& layer = denses_[i];
      if (i > 0 && !reading.between.empty()) value = graph.add_node(reading.between, "", {value});
      std::vector<std::string> inputs = {
          value, graph.add_weight(layer.name + ".weight", layer.weight.tensor)};
      if (!layer.bias.name.empty()) {
        inputs.push_back(graph.add_weight(layer.name + ".bias", layer.bias.tensor));
      }
      value = graph.add_node("Gemm", layer.name, inputs, {{"transB", int64_t{1}}});
    }
    Model model = std::move(graph).finish(value);
    model.architecture = "recognised";
    model.metadata[kRecognisedKey] = description(reading);
    return model;
  }

 private:
  [[noreturn]] void fail(const std::string& reason) const {
    throw Error(fmt::format("{}: recurrent weights: {}", who_, reason));
  }

  // Takes the module's weights out of `own`.
  void take_weights(std::map<std::string, const Tensor*>& own) {
    module_.name = without_wrapping(prefix_);
    if (module_.name.ends_with('.')) module_.name.pop_back();
    module_.is_bidirectional = own.contains("weight_hh_l0_reverse");
    module_.has_bias = own.contains("bias_hh_l0");
    module_.layers = 0;
    while (own.contains(fmt::format("weight_hh_l{}", module_.layers))) {
      for (const char* end : {"", "_reverse"}) {
        if (*end != '\0' && !module_.is_bidirectional) continue;
        for (const char* kind : {"weight_ih", "weight_hh", "bias_ih", "bias_hh"}) {
          if (*kind == 'b' && !module_.has_bias) continue;
          auto node = own.extract(fmt::format("{}_l{}{}", kind, module_.layers, end));
          if (node.empty()) fail(fmt::format("'{}_l{}{}' is missing", kind, module_.layers, end));
          module_.weights.push_back(*node.mapped());
        }
      }
      ++module_.layers;
    }
    const Shape& kernel = module_.weights[0].shape;
    const Shape& recurrent = module_.weights[1].shape;
    if (kernel.size() != 2 || recurrent.size() != 2 || recurrent[1] < 1 || kernel[1] < 1 ||
        recurrent[0] % recurrent[1] != 0) {
      fail(fmt::format("shapes {} and {}", to_string(kernel), to_string(recurrent)));
    }
    units_ = recurrent[1];
    features_ = kernel[1];
    const int64_t gates = recurrent[0] / units_;
    if (gates != 4 && gates != 3 && gates != 1) fail(fmt::format("{} gates", gates));
    module_.cell = gates == 4   ? RecurrentCell::kLstm
                   : gates == 3 ? RecurrentCell::kGru
                                : RecurrentCell::kSimple;
    if (kPixels % features_ != 0) fail(fmt::format("rows of {} pixels", features_));
    steps_ = kPixels / features_;
  }

  static std::string part_of(GraphBuilder& graph, const TorchRecurrentOutput& rows,
                             const std::string& part) {
    if (part == "all") return graph.add_node("Flatten", "rows", {rows.sequence});
    if (part == "mean") {
      return graph.add_node("ReduceMean", "mean", {rows.sequence},
                            {{"axes", std::vector<int64_t>{1}}, {"keepdims", int64_t{0}}});
    }
    std::vector<std::string> lists;
    for (size_t i = 0; i < rows.rows.size(); ++i) {
      const bool is_first = part == "ends" && i == 1;
      lists.push_back(is_first ? rows.rows[i].front() : rows.rows[i].back());
    }
    return lists.size() == 1 ? lists[0]
                             : graph.add_node("Concat", part, lists, {{"axis", int64_t{1}}});
  }

  // "LSTM128x2-last-FC10"
  std::string description(const Reading& reading) const {
    const bool is_simple = module_.cell == RecurrentCell::kSimple;
    std::string text = module_.cell == RecurrentCell::kLstm  ? "LSTM"
                       : module_.cell == RecurrentCell::kGru ? "GRU"
                                                             : "RNN";
    text = fmt::format("{}{}{}", module_.is_bidirectional ? "bi" : "", text, units_);
    if (module_.layers > 1) text += fmt::format("x{}", module_.layers);
    if (is_simple) text += reading.function == "Relu" ? "-relu" : "-tanh";
    text += "-" + reading.part;
    for (size_t i = 0; i < denses_.size(); ++i) {
      if (i > 0 && !reading.between.empty()) text += reading.between == "Relu" ? "-relu" : "-tanh";
      text += fmt::format("-FC{}", denses_[i].outputs);
    }
    return text;
  }

  const std::string& who_;
  std::string prefix_;
  TorchRecurrent module_;
  std::vector<WeightLayer> denses_;
  int64_t units_ = 0;
  int64_t features_ = 0;
  int64_t steps_ = 0;
};

}  // namespace

bool has_recurrent_weights(const LooseWeights& weights) {
  return std::any_of(weights.tensors.begin(), weights.tensors.end(),
                     [](const auto& tensor) { return is_first_recurrent(tensor.first); });
}

std::vector<Model> recurrent_networks(const LooseWeights& weights, const std::string& who) {
  RecurrentNetwork network(weights, who);
  std::vector<Model> models;
  for (const Reading& reading : network.readings()) {
    models.push_back(network.build(reading));
    models.back().metadata.insert(weights.metadata.begin(), weights.metadata.end());
    if (weights.pixels) models.back().pixels = *weights.pixels;
  }
  return models;
}

}  // namespace mnist
