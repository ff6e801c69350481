// Weights for a network that is given.
#include <fmt/format.h>

#include <map>

#include "base/text.h"
#include "formats/graph_builder.h"
#include "formats/recognise.h"
#include "formats/recognise/features.h"
#include "formats/recognise/layer_order.h"
#include "formats/recognise/weight_layer.h"
#include "formats/torch_names.h"
#include "mnist/error.h"

namespace mnist {
namespace {

// A convolution, dense layer or normalisation of the network.
struct Slot {
  const Node* node;
  Shape maps;  // of a dense layer behind a Flatten: what that makes flat
};

using Parts = std::vector<const WeightLayer::Part*>;

// The shape of every value that a node makes.
std::map<std::string, Shape> shapes_of(const Model& network, const std::string& who) {
  GraphBuilder builder(who, network.input, network.input_shape);
  std::map<std::string, std::string> renamed = {{network.input, network.input}, {"", ""}};
  std::map<std::string, Shape> shapes = {{network.input, network.input_shape}};
  for (const auto& [name, tensor] : network.weights)
    renamed[name] = builder.add_weight(name, tensor);
  for (const Node& node : network.nodes) {
    std::vector<std::string> inputs;
    for (const std::string& input : node.inputs) inputs.push_back(renamed[input]);
    const std::string value = builder.add_node(node.type, node.name, inputs, node.attributes);
    renamed[node.outputs[0]] = value;
    shapes[node.outputs[0]] = builder.shape(value);
  }
  return shapes;
}

// The network with the shapes of its weights alone: their values are not used, and copying them
// would be most of the work.
Model without_values(const Model& network) {
  Model model;
  model.architecture = network.architecture;
  model.input = network.input;
  model.input_shape = network.input_shape;
  model.output = network.output;
  model.nodes = network.nodes;
  model.pixels = network.pixels;
  model.class_names = network.class_names;
  model.metadata = network.metadata;
  for (const auto& [name, tensor] : network.weights) model.weights[name].shape = tensor.shape;
  return model;
}

class Filling {
 public:
  Filling(const Model& network, const LooseWeights& weights, const std::string& who)
      : model_(without_values(network)), weights_(weights), who_(who) {
    const auto shapes = shapes_of(model_, who);
    std::map<std::string, Shape> flattened;
    for (const Node& node : model_.nodes) {
      if (node.type == "Flatten") flattened[node.outputs[0]] = shapes.at(node.inputs[0]);
      if (node.type == "Dropout") flattened[node.outputs[0]] = flattened[node.inputs[0]];
      const bool is_layer = node.type == "Conv" || node.type == "BatchNormalization" ||
                            node.type == "Gemm" || node.type == "MatMul";
      if (!is_layer || node.inputs.size() < 2 || !network.is_weight(node.inputs[1])) continue;
      slots_.push_back({&node, flattened[node.inputs[0]]});
    }
  }

  Model fill() {
    if (fill_whole_dict()) return std::move(model_);
    const StoredOrder order{weights_.dense, weights_.kernel};
    const std::vector<WeightLayer> layers = group_layers(weights_, order, who_);
    if (fill_by_names(layers)) return std::move(model_);
    // In the order in which the sizes follow each other, else in the file's.
    std::vector<std::vector<const WeightLayer*>> orders;
    for (const LayerRow& row : layer_rows(layers)) orders.push_back(order_of(row));
    std::vector<const WeightLayer*> in_file;
    for (const WeightLayer& layer : layers) in_file.push_back(&layer);
    orders.push_back(std::move(in_file));
    std::string reason;
    for (const auto& ordered : orders) {
      reason = fill_in_order(ordered);
      if (reason.empty()) return std::move(model_);
    }
    throw Error(fmt::format("{}: {}", who_, reason));
  }

 private:
  static std::vector<const WeightLayer*> order_of(const LayerRow& row) {
    std::vector<const WeightLayer*> order;
    if (row.input_norm != nullptr) order.push_back(row.input_norm);
    const auto add = [&](const LayerRow::Step& step) {
      order.push_back(step.layer);
      if (step.norm != nullptr) order.push_back(step.norm);
    };
    for (const LayerRow::Step& step : row.convs) add(step);
    if (row.feature_norm != nullptr) order.push_back(row.feature_norm);
    for (const LayerRow::Step& step : row.denses) add(step);
    return order;
  }

  static WeightLayer::Kind kind_of(const Node& node) {
    return node.type == "Conv"                 ? WeightLayer::Kind::kConv
           : node.type == "BatchNormalization" ? WeightLayer::Kind::kNorm
                                               : WeightLayer::Kind::kDense;
  }

  static Parts parts_of(const WeightLayer& layer) {
    return {&layer.weight, &layer.bias, &layer.mean, &layer.variance};
  }

  // The stored tensor as the node reads it.
  Tensor for_slot(const Slot& slot, size_t part, Tensor tensor) const {
    if (part != 0 || kind_of(*slot.node) != WeightLayer::Kind::kDense) return tensor;
    if (weights_.features == LooseWeights::Features::kChannelLast) {
      tensor = channels_first(tensor, slot.maps);
    }
    if (slot.node->integer("transB", 0) == 0) return transposed(tensor);
    return tensor;
  }

  using ByName = std::map<std::string, const Tensor*>;

  // A dictionary in PyTorch's order may hold weights of layers of any kind.
  bool fill_whole_dict() {
    if (weights_.dense != LooseWeights::Dense::kOutIn ||
        weights_.kernel != LooseWeights::Kernel::kOIHW ||
        weights_.features != LooseWeights::Features::kChannelFirst) {
      return false;
    }
    ByName stored;
    for (const auto& [name, tensor] : weights_.tensors) stored[name] = &tensor;
    return fill_named(stored);
  }

  bool fill_by_names(const std::vector<WeightLayer>& layers) {
    ByName stored;
    for (const WeightLayer& layer : layers) {
      for (const WeightLayer::Part* part : parts_of(layer)) {
        if (!part->name.empty()) stored[part->name] = &part->tensor;
      }
    }
    return fill_named(stored);
  }

  // Whether every weight of the network is there by its name and with its shape, and no more are
  // there; fills it then.
  bool fill_named(const ByName& stored) {
    if (stored.size() != model_.weights.size()) return false;
    std::map<std::string, Tensor> filled;
    for (const NamedWeight& name : torch_names(model_)) {
      auto found = stored.find(name.weight);
      if (found == stored.end()) found = stored.find(name.stored);
      if (found == stored.end()) return false;
      filled[name.weight] = *found->second;
    }
    for (const Slot& slot : slots_) {
      Tensor& weight = filled[slot.node->inputs[1]];
      weight = for_slot(slot, 0, std::move(weight));
    }
    for (const auto& [name, tensor] : filled) {
      if (tensor.shape != model_.weight(name).shape) return false;
    }
    return take(filled);
  }

  bool take(std::map<std::string, Tensor>& filled) {
    if (filled.size() != model_.weights.size()) return false;
    model_.weights = std::move(filled);
    return true;
  }

  // Gives each node the next layer of its kind; returns what does not fit, nothing if all does.
  std::string fill_in_order(const std::vector<const WeightLayer*>& layers) {
    std::map<WeightLayer::Kind, std::vector<const WeightLayer*>> left;
    for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
      left[(*layer)->kind].push_back(*layer);
    }
    std::map<std::string, Tensor> filled;
    for (const Slot& slot : slots_) {
      std::vector<const WeightLayer*>& next = left[kind_of(*slot.node)];
      if (next.empty()) return missing(slot.node->inputs[1]);
      const Parts parts = parts_of(*next.back());
      next.pop_back();
      for (size_t part = 0; part + 1 < slot.node->inputs.size() && part < parts.size(); ++part) {
        const std::string& name = slot.node->inputs[part + 1];
        if (parts[part]->name.empty()) return missing(name);
        Tensor tensor = for_slot(slot, part, parts[part]->tensor);
        if (tensor.shape != model_.weight(name).shape) {
          return fmt::format("weight '{}' {} of the network does not fit: the file has '{}' {}",
                             printable(name, 60), to_string(model_.weight(name).shape),
                             printable(parts[part]->name, 60), to_string(tensor.shape));
        }
        filled[name] = std::move(tensor);
      }
    }
    for (const auto& [kind, layers_left] : left) {
      if (layers_left.empty()) continue;
      return fmt::format("the network has no place for '{}' {}",
                         printable(layers_left.back()->weight.name, 60),
                         to_string(layers_left.back()->weight.tensor.shape));
    }
    if (take(filled)) return "";
    return "the network has weights that are neither convolutions, dense layers nor normalisations";
  }

  std::string missing(const std::string& name) const {
    return fmt::format("weight '{}' {} of the network is missing", printable(name, 60),
                       to_string(model_.weight(name).shape));
  }

  Model model_;
  const LooseWeights& weights_;
  const std::string& who_;
  std::vector<Slot> slots_;
};

}  // namespace

Model with_weights(const Model& network, const LooseWeights& weights, const std::string& who) {
  Model model = Filling(network, weights, who).fill();
  for (const auto& [key, value] : weights.metadata) model.metadata.emplace(key, value);
  if (weights.pixels) model.pixels = *weights.pixels;
  return model;
}

}  // namespace mnist
