// From nodes of the document to Keras's layers.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "formats/keras/save_plan.h"
#include "mnist/model.h"

namespace mnist {

// What a node makes, as Keras has it.
struct KerasPlanned {
  size_t layer = 0;
  Shape shape;             // in the document
  bool is_planes = false;  // rank 3: (C,H,W) in the document, (H,W,C) in Keras
  Shape flattened = {};    // rank 1: Keras's elements are in this (H,W,C)'s order
};

// Plans one layer after another.
class KerasPlanner {
 public:
  explicit KerasPlanner(const Model& model) : model_(model) {}

  void add_input();
  void add_pixels();
  void add(const Node& node);
  KerasPlan finish() &&;

  // For the functions that plan a type of node.
  const Node& node() const { return *node_; }
  const Model& model() const { return model_; }
  const Shape& output_shape() const { return output_shape_; }  // of the node, in the document
  bool is_weight(size_t input) const;
  const Tensor& weight(size_t input) const;  // throws where the input is none
  size_t inputs() const { return node_->inputs.size(); }
  const KerasPlanned& input(size_t number);  // throws where the input is a weight

  // Adds a layer that reads these values; called like the node, if it is its last.
  KerasPlanned add_layer(const std::string& class_name, Json config,
                         const std::vector<KerasPlanned>& inputs, const Shape& shape,
                         std::vector<KerasVariablePlan> variables = {});
  // The same value with the document's order in Keras.
  KerasPlanned in_document_order(KerasPlanned value);
  KerasPlanned reshaped(const KerasPlanned& value, const Shape& shape);

  [[noreturn]] void fail(const std::string& reason) const;

 private:
  const Model& model_;
  const Node* node_ = nullptr;
  Shape shape_of(const Node& node) const;
  bool is_understood(const Node& node) const;

  Shape output_shape_;
  std::map<std::string, KerasPlanned> values_;
  KerasPlan plan_;
};

// (H,W,C) of the document's (C,H,W).
Shape channels_last(const Shape& chw);

}  // namespace mnist
