// Weights without a network: what a state dict, a safetensors file or a strange GGUF holds.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mnist/model.h"

namespace mnist {

inline constexpr char kMapSize[] = "map_size";

struct LooseWeights {
  // In the file's own order, which is often that of the layers. Names are unique.
  std::vector<std::pair<std::string, Tensor>> tensors;
  std::map<std::string, std::string> metadata;
  std::optional<PixelScaling> pixels;  // where the file says it
  // How a dense layer's matrix is stored: (out,in) as in PyTorch, or (in,out) as in Keras.
  enum class Dense { kOutIn, kInOut } dense = Dense::kOutIn;
  // How a convolution's kernel is stored: (out,in,height,width), Keras's (height,width,in,out), or
  // (out,height,width,in) as in TensorFlow Lite and MLX.
  enum class Kernel { kOIHW, kHWIO, kOHWI } kernel = Kernel::kOIHW;
  // Where the network lays its channels before a dense layer: C,H,W order, or H,W,C.
  enum class Features { kChannelFirst, kChannelLast } features = Features::kChannelFirst;
  // The network's layers in the order in which they were made, where the file names them but does
  // not say how they call each other: nodes without inputs and outputs, called like what is in
  // front of their weights' last dot ("features.0"). A pooling's attribute kMapSize stands for
  // windows that make maps of that size.
  std::vector<Node> layers;
};

}  // namespace mnist
