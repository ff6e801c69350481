// A model's weights under the names by which programs of PyTorch's kind load them.
#pragma once

#include <string>
#include <vector>

#include "mnist/model.h"

namespace mnist {

struct NamedWeight {
  std::string stored;  // "bn1.running_mean"
  std::string weight;  // "bn1.mean"
};

// Each weight once, in the order in which the network uses them. Names are the model's own, save
// that a batch normalisation's four are "weight", "bias", "running_mean" and "running_var" as in
// PyTorch, where no other weight is called so.
std::vector<NamedWeight> torch_names(const Model& model);

}  // namespace mnist
