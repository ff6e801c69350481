// What the object in a PyTorch file is: a dictionary of tensors, or modules that hold them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "formats/loose_weights.h"
#include "formats/pytorch/torch_file.h"

namespace mnist {

// A module without modules of its own.
struct TorchLayer {
  std::string name;         // "features.0"
  std::string_view type;    // "torch.nn.modules.conv.Conv2d"
  const PickleDict* state;  // its attributes
};

struct TorchContents {
  LooseWeights weights;  // named as in a state dict; of a whole module in the order of its modules
  std::vector<TorchLayer> layers;  // of a whole module
  // Whether its modules call each other in their order, as those of PyTorch's Sequential do.
  bool is_sequence = false;
};

// Looks for the tensors in the dictionaries that training programs wrap a state dict in. Pruned
// weights (`weight_orig` and `weight_mask`) come as their product. Throws Error where there are no
// tensors, or several sets of them; and where a file that is no whole module names classes.
TorchContents contents_of_torch(TorchFile& file);

// The layers as nodes without inputs and outputs, their attributes as ONNX calls them; what changes
// nothing in a trained network is left out. A layer of PyTorch's that is not known throws Error
// starting with `who` where `all` must be, else it is left out.
std::vector<Node> nodes_of_layers(const std::vector<TorchLayer>& layers, bool all,
                                  const std::string& who);

// "Conv2d" of "__torch__.torch.nn.modules.conv.___torch_mangle_3.Conv2d"; empty for a class that is
// not PyTorch's own.
std::string_view layer_type(std::string_view type);

}  // namespace mnist
