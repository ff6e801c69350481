// From one Keras layer to nodes of the document.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "formats/channel_last.h"
#include "formats/graph_builder.h"
#include "formats/keras/topology.h"
#include "mnist/model.h"

namespace mnist {

using KerasValue = ChannelLastValue;

// The weights of one layer, by Keras's names: "kernel", "bias", "gamma".
using KerasWeights = std::map<std::string, Tensor>;

// A layer that is being translated.
class KerasTranslation {
 public:
  KerasTranslation(GraphBuilder& graph, const KerasLayer& layer, std::vector<KerasValue> inputs,
                   KerasWeights weights, int keras_version)
      : graph_(graph),
        order_(graph, layer.full_name()),
        layer_(layer),
        inputs_(std::move(inputs)),
        weights_(std::move(weights)),
        keras_version_(keras_version) {}

  const JsonView& config() const { return layer_.config; }
  const KerasLayer& layer() const { return layer_; }
  int keras_version() const { return keras_version_; }  // 2 or 3: some usual values differ
  const std::vector<KerasValue>& inputs() const { return inputs_; }
  // The only input; throws if there are several.
  const KerasValue& input() const;
  const Shape& document_shape(const KerasValue& value) const { return graph_.shape(value.name); }

  // Takes a weight out; throws if it is not there or not of this shape (where -1 fits any extent).
  Tensor take(const std::string& name, const Shape& shape);
  Tensor take(const std::string& name);  // of any shape
  bool has(const std::string& name) const { return weights_.contains(name); }
  // Called "dense/kernel", and the same one each time that the layer is called.
  std::string add_weight(const std::string& name, Tensor tensor);

  // Adds a node that is called like the layer, with "/SUFFIX" where there is one.
  std::string add_node(const std::string& type, std::vector<std::string> inputs,
                       std::map<std::string, Attribute> attributes = {},
                       const std::string& suffix = "");
  // A node that changes each element by itself.
  KerasValue map_elements(const std::string& type, KerasValue value,
                          std::map<std::string, Attribute> attributes = {},
                          const std::string& suffix = "");
  GraphBuilder& graph() { return graph_; }
  // What orders and reorders elements; its nodes are called like the layer.
  ChannelLastGraph& order() { return order_; }
  // Of rank 3, with the channels first in the document; for layers that work on feature maps.
  KerasValue as_planes(const KerasValue& value);
  // What as_planes gave, after a node made `name` of it.
  KerasValue planes(const std::string& name) const;
  // kernel_shape, strides, pads and dilations from the layer's config, whose strides are `strides`
  // where it says none.
  std::map<std::string, Attribute> window_attributes(const KerasValue& planes,
                                                     std::pair<int64_t, int64_t> kernel,
                                                     std::pair<int64_t, int64_t> strides) const;

  // What a layer within this one's config, as keras_layer_within gave it, makes of `value`. Its
  // weights are those of this layer whose names begin with `prefix`.
  KerasTranslation within(const KerasLayer& inner, KerasValue value,
                          const std::string& prefix) const;

  // Whether the layer's data_format says (C,H,W).
  bool is_channels_first() const;

  [[noreturn]] void fail(const std::string& reason) const;

 private:
  GraphBuilder& graph_;
  ChannelLastGraph order_;
  const KerasLayer& layer_;
  std::vector<KerasValue> inputs_;
  KerasWeights weights_;
  int keras_version_;
};

// The function that a config names under "activation".
KerasValue activate(KerasTranslation& layer, KerasValue value, const JsonView& config);
// The function that `given` is, a text or an object; its node is called like the layer, with
// "/SUFFIX".
KerasValue activate_by(KerasTranslation& layer, KerasValue value, const JsonView& given,
                       const std::string& suffix);

}  // namespace mnist
