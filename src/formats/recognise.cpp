#include "formats/recognise.h"

#include <fmt/format.h>

#include "mnist/error.h"

namespace mnist {

std::vector<Model> recognise(const LooseWeights& weights, const std::string& who) {
  throw Error(fmt::format("{}: {} weights without a network: none is recognised", who,
                          weights.tensors.size()));
}

Model with_weights(const Model& network, const LooseWeights& weights, const std::string& who) {
  Model model = network;
  for (auto& [name, tensor] : model.weights) {
    bool found = false;
    for (const auto& [stored, values] : weights.tensors) {
      if (stored != name || values.shape != tensor.shape) continue;
      tensor.values = values.values;
      found = true;
    }
    if (!found) {
      throw Error(fmt::format("{}: weight '{}' of shape {} is missing", who, name,
                              to_string(tensor.shape)));
    }
  }
  return model;
}

}  // namespace mnist
