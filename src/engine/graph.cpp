#include "engine/graph.h"

#include <fmt/format.h>

#include "base/text.h"
#include "mnist/error.h"
#include "ops/op_list.h"

namespace mnist {
namespace {

void check_class_names(const Model& model, const Shape& output) {
  if (model.class_names.empty() || model.class_names.size() == element_count(output)) return;
  throw Error(fmt::format("class_names: {} names for the {} values of the output '{}'",
                          model.class_names.size(), element_count(output),
                          printable(model.output, 60)));
}

}  // namespace

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
  check_class_names(model, graph.shapes.at(model.output));
  return graph;
}

}  // namespace mnist
