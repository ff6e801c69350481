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

// A node of the network that has weights.
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

class Filling {
 public:
  Filling(const Model& network, const LooseWeights& weights, const std::string& who)
      : model_(network), weights_(weights), who_(who) {
    const auto shapes = shapes_of(network, who);
    std::map<std::string, Shape> flattened;
    for (const Node& node : network.nodes) {
      if (node.type == "Flatten") flattened[node.outputs[0]] = shapes.at(node.inputs[0]);
      if (node.type == "Dropout") flattened[node.outputs[0]] = flattened[node.inputs[0]];
      const bool has_weights = node.inputs.size() > 1 && network.is_weight(node.inputs[1]);
      if (!has_weights) continue;
      slots_.push_back({&node, node.type == "Gemm" ? flattened[node.inputs[0]] : Shape{}});
    }
  }

  Model fill() {
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
  Tensor for_slot(const Slot& slot, size_t part, const Tensor& stored) const {
    Tensor tensor = stored;
    if (part != 0 || slot.node->type != "Gemm") return tensor;
    if (weights_.features == LooseWeights::Features::kChannelLast) {
      tensor = channels_first(tensor, slot.maps);
    }
    return slot.node->integer("transB", 0) != 0 ? tensor : transposed(tensor);
  }

  // Whether every weight of the network is there by its name and with its shape; fills it then.
  bool fill_by_names(const std::vector<WeightLayer>& layers) {
    if (layers.size() != slots_.size()) return false;
    std::map<std::string, const Tensor*> stored;
    for (const WeightLayer& layer : layers) {
      for (const WeightLayer::Part* part : parts_of(layer)) stored[part->name] = &part->tensor;
    }
    std::map<std::string, std::string> other_name;
    for (const NamedWeight& name : torch_names(model_)) other_name[name.weight] = name.stored;
    std::map<std::string, Tensor> filled;
    for (const Slot& slot : slots_) {
      for (size_t part = 0; part + 1 < slot.node->inputs.size(); ++part) {
        const std::string& name = slot.node->inputs[part + 1];
        auto found = stored.find(name);
        if (found == stored.end()) found = stored.find(other_name[name]);
        if (found == stored.end()) return false;
        Tensor tensor = for_slot(slot, part, *found->second);
        if (tensor.shape != model_.weight(name).shape) return false;
        filled[name] = std::move(tensor);
      }
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
