// All ops there are, by ONNX's names.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ops/op.h"

namespace mnist {

// The op of a node. Throws Error if the type is unknown (naming the nearest) or the node cannot be
// run: attributes, number of inputs, shapes.
std::unique_ptr<Op> make_op(const OpSpec& spec);

std::vector<std::string> op_types();

}  // namespace mnist
