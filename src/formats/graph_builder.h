// Makes the document of a network that another program described, node by node.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "mnist/model.h"

namespace mnist {

// Every node is checked by its op when it is added, so that a reader always knows the shape of what
// it builds on, and an operator that cannot be run is refused with its place in the file.
class GraphBuilder {
 public:
  // `who` starts every message.
  GraphBuilder(std::string who, std::string input, Shape input_shape);

  // Adds a weight and returns its name: `name`, with a number where it is taken.
  std::string add_weight(const std::string& name, Tensor tensor);

  // The weight that is called `name` where it is this very tensor already, as it is for a layer
  // that is called several times; else as add_weight.
  std::string add_shared_weight(const std::string& name, Tensor tensor);

  // Adds a node and returns the value that it makes, which is called like the node: `name`, with a
  // number where it is taken, or the type's name where it is empty. Throws Error where there is no
  // such op, it cannot be run on these inputs, or the graph grows beyond what a document may hold.
  std::string add_node(const std::string& type, const std::string& name,
                       std::vector<std::string> inputs,
                       std::map<std::string, Attribute> attributes = {});

  const std::string& who() const { return who_; }
  const std::string& input() const { return model_.input; }
  bool has_value(const std::string& value) const { return shapes_.contains(value); }
  bool is_weight(const std::string& value) const { return model_.is_weight(value); }
  const Tensor& weight(const std::string& name) const { return model_.weight(name); }
  // Per image for the input and what nodes make; a weight's own.
  const Shape& shape(const std::string& value) const;

  // Changes a weight's values or shape before any node uses it.
  Tensor& editable_weight(const std::string& name) { return model_.weights.at(name); }

  // The model so far, ending in `output`; weights and nodes that do not lead there are left out.
  Model finish(const std::string& output) &&;

 private:
  std::string unused_name(const std::string& wanted) const;

  std::string who_;
  Model model_;
  std::map<std::string, Shape> shapes_;
};

}  // namespace mnist
