#include "engine/graph.h"

#include "ops/op_list.h"

namespace mnist {

Graph make_graph(const Model& model, const Backend& backend) {
  check_model(model);
  Graph graph;
  graph.shapes[model.input] = model.input_shape;
  for (const Node& node : model.nodes) {
    OpSpec spec = op_spec(model, node, graph.shapes);
    std::unique_ptr<Op> op = make_op(spec);
    if (auto replacement = backend.replacement(spec, *op)) op = std::move(replacement);
    graph.shapes[node.outputs[0]] = op->output_shape();
    graph.nodes.push_back({&node, std::move(op)});
  }
  return graph;
}

}  // namespace mnist
