#include "engine/graph.h"

#include "ops/op_list.h"

namespace mnist {
namespace {

OpSpec make_spec(const Model& model, const Node& node, const std::map<std::string, Shape>& shapes) {
  OpSpec spec{node, {}};
  for (const std::string& name : node.inputs) {
    OpInput input;
    input.present = !name.empty();
    if (model.is_weight(name)) {
      input.weight = &model.weight(name);
      input.shape = input.weight->shape;
    } else if (input.present) {
      input.shape = shapes.at(name);
    }
    spec.inputs.push_back(std::move(input));
  }
  return spec;
}

}  // namespace

Graph make_graph(const Model& model, const Backend& backend) {
  check_model(model);
  Graph graph;
  graph.shapes[model.input] = model.input_shape;
  for (const Node& node : model.nodes) {
    OpSpec spec = make_spec(model, node, graph.shapes);
    std::unique_ptr<Op> op = make_op(spec);
    if (auto replacement = backend.replacement(spec, *op)) op = std::move(replacement);
    graph.shapes[node.outputs[0]] = op->output_shape();
    graph.nodes.push_back({&node, std::move(op)});
  }
  return graph;
}

}  // namespace mnist
