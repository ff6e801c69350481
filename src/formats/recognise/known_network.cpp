#include "formats/recognise/known_network.h"

#include <map>

#include "formats/recognise.h"
#include "formats/recognise/candidate.h"
#include "formats/recognise/weight_layer.h"
#include "formats/recognise/weight_names.h"
#include "formats/torch_names.h"
#include "model/architectures.h"

namespace mnist {
namespace {

using ByName = std::map<std::string, const Tensor*>;

// Whether each weight of `graph` is there, under its own name or PyTorch's, and nothing else.
bool has_weights_of(const Model& graph, const ByName& tensors) {
  if (tensors.size() != graph.weights.size()) return false;
  for (const NamedWeight& name : torch_names(graph)) {
    auto found = tensors.find(name.stored);
    if (found == tensors.end()) found = tensors.find(name.weight);
    if (found == tensors.end() || found->second->shape != graph.weight(name.weight).shape) {
      return false;
    }
  }
  return true;
}

// The extents of the first convolution's input channels and the last layer's outputs.
Shape image_for(const ByName& tensors) {
  const auto conv = tensors.find("conv1.weight");
  const bool is_conv = conv != tensors.end() && conv->second->shape.size() == 4;
  return {is_conv ? conv->second->shape[1] : 1, 28, 28};
}

int64_t classes_of(const ByName& tensors) {
  for (const char* name : {"dense.bias", "fc3.bias", "fc2.bias"}) {
    const auto found = tensors.find(name);
    if (found != tensors.end() && found->second->shape.size() == 1) return found->second->shape[0];
  }
  return 0;
}

}  // namespace

std::optional<Model> known_network(const LooseWeights& weights, const std::string& who) {
  if (weights.dense != LooseWeights::Dense::kOutIn ||
      weights.kernel != LooseWeights::Kernel::kOIHW) {
    return std::nullopt;
  }
  ByName tensors;
  for (const auto& [name, tensor] : weights.tensors) {
    if (parse_weight_name(name).role != WeightRole::kIgnored) {
      tensors[without_wrapping(name)] = &tensor;
    }
  }
  const int64_t classes = classes_of(tensors);
  const Shape image = image_for(tensors);
  if (classes < 2 || classes > 1'000 || (image[0] != 1 && image[0] != 3)) return std::nullopt;
  for (const std::string& name : architecture_names()) {
    const Model graph = architecture_graph(name, image, classes);
    if (!has_weights_of(graph, tensors)) continue;
    Model model = with_weights(graph, weights, who);
    model.metadata = weights.metadata;
    if (weights.pixels) model.pixels = *weights.pixels;
    model.metadata[kRecognisedKey] = describe_network(model);
    return model;
  }
  return std::nullopt;
}

}  // namespace mnist
