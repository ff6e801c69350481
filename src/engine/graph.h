// A model's nodes as ops with shapes: what a plan is made of, and what `describe` reports.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/backend.h"
#include "mnist/model.h"
#include "ops/op.h"

namespace mnist {

struct GraphNode {
  const Node* node = nullptr;
  std::unique_ptr<Op> op;
};

struct Graph {
  std::vector<GraphNode> nodes;         // all of the model's, in its order
  std::map<std::string, Shape> shapes;  // of the input and every node's output, per image
};

// Checks the document and makes its ops. Throws Error naming the node that cannot be run.
Graph make_graph(const Model& model, const Backend& backend);

}  // namespace mnist
