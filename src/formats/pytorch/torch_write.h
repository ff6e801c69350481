// Writing a state dict that torch.load(weights_only=True) accepts.
#pragma once

#include "base/file.h"
#include "mnist/model.h"
#include "mnist/model_file.h"

namespace mnist {

// The model's weights by the names that torch_names gives them, a dense layer's as (out,in). The
// network itself is not in such a file.
void write_state_dict(const Model& model, TensorType type, Sink& sink);

}  // namespace mnist
