// From one Keras layer to nodes of the document.
//
// Keras lays feature maps out as (H,W,C), the document as (C,H,W). A feature map is translated by
// remembering that the document holds it so; the difference shows only where Keras counts elements:
// a dense layer behind Flatten has its rows in another order, Reshape and Permute need a Transpose.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "formats/graph_builder.h"
#include "formats/keras/topology.h"
#include "mnist/model.h"

namespace mnist {

// What a layer makes.
struct KerasValue {
  std::string name;  // in the document
  Shape shape;       // per image, as Keras sees it
  // Rank 3: Keras's (H,W,C) is (C,H,W) in the document.
  bool is_planes = false;
  // Rank 1: the (H,W,C) that Keras's elements are in the order of, where the document has them as
  // (C,H,W). Empty: the orders are the same.
  Shape flattened = {};
};

// The weights of one layer, by Keras's names: "kernel", "bias", "gamma".
using KerasWeights = std::map<std::string, Tensor>;

// A layer that is being translated.
class KerasTranslation {
 public:
  KerasTranslation(GraphBuilder& graph, const KerasLayer& layer, std::vector<KerasValue> inputs,
                   KerasWeights weights, int keras_version, PixelScaling* pixels)
      : graph_(graph),
        layer_(layer),
        inputs_(std::move(inputs)),
        weights_(std::move(weights)),
        keras_version_(keras_version),
        pixels_(pixels) {}

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
  std::string add_weight(const std::string& name, Tensor tensor);  // "dense/kernel"

  // Adds a node that is called like the layer, with "/SUFFIX" where there is one.
  std::string add_node(const std::string& type, std::vector<std::string> inputs,
                       std::map<std::string, Attribute> attributes = {},
                       const std::string& suffix = "");
  // A node that changes each element by itself.
  KerasValue map_elements(const std::string& type, KerasValue value,
                          std::map<std::string, Attribute> attributes = {},
                          const std::string& suffix = "");
  // The document's nodes that change the order of elements: `axes` of the image, 0 the first.
  std::string transpose(const std::string& value, const std::vector<int64_t>& axes);
  std::string reshape(const std::string& value, const Shape& shape);
  // The same value with Keras's order in the document.
  KerasValue in_keras_order(KerasValue value);
  // Of rank 3, with the channels first in the document; for layers that work on feature maps.
  KerasValue as_planes(const KerasValue& value);
  // What as_planes gave, after a node made `name` of it.
  KerasValue planes(const std::string& name) const;

  // Whether the layer's data_format says (C,H,W).
  bool is_channels_first() const;

  // Non-null for a layer that reads the network's input as it is, and alone does so.
  PixelScaling* pixels() const { return pixels_; }

  [[noreturn]] void fail(const std::string& reason) const;

 private:
  GraphBuilder& graph_;
  const KerasLayer& layer_;
  std::vector<KerasValue> inputs_;
  KerasWeights weights_;
  int keras_version_;
  PixelScaling* pixels_;
};

// Where an element of Keras's (H,W,C) order lies in (C,H,W) order.
size_t planes_place(size_t index, const Shape& hwc);

// (H,W,C) values in (C,H,W) order.
std::vector<float> to_planes(const std::vector<float>& values, const Shape& hwc);

// The function that a config names under "activation".
KerasValue activate(KerasTranslation& layer, KerasValue value, const JsonView& config);

}  // namespace mnist
