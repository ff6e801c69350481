#include "mnist/describe.h"

#include "engine/graph.h"

namespace mnist {

std::vector<NodeFacts> describe(const Model& model) {
  Graph graph = make_graph(model, find_backend(""));
  std::vector<NodeFacts> facts;
  for (const GraphNode& part : graph.nodes) {
    NodeFacts node;
    node.output_shape = part.op->output_shape();
    node.macs = part.op->macs();
    for (const std::string& input : part.node->inputs) {
      if (model.is_weight(input)) node.parameters += model.weight(input).values.size();
    }
    facts.push_back(std::move(node));
  }
  return facts;
}

}  // namespace mnist
