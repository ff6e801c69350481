// All ops there are, by ONNX's names.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ops/op.h"

namespace mnist {

// The op of a node. Throws Error if the type is unknown (naming the nearest) or the node cannot be
// run: attributes, number of inputs, shapes.
std::unique_ptr<Op> make_op(const OpSpec& spec);

std::vector<std::string> op_types();

// What make_op is told of a node of `model`, whose activations have `shapes`.
OpSpec op_spec(const Model& model, const Node& node, const std::map<std::string, Shape>& shapes);

}  // namespace mnist
