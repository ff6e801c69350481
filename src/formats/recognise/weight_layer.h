// Tensors that belong together, told from their names and shapes: a layer's weight and bias, a
// normalisation's four.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/loose_weights.h"
#include "mnist/model.h"

namespace mnist {

struct WeightLayer {
  enum class Kind { kConv, kDense, kNorm } kind = Kind::kDense;
  std::string name;  // what its tensors' names have in common: "conv1"
  // A convolution's or dense layer's weight and bias; of a normalisation also mean and variance.
  // An empty name: there is none.
  struct Part {
    std::string name;
    Tensor tensor;
  };
  Part weight;
  Part bias;
  Part mean;
  Part variance;

  int64_t outputs = 0;  // channels or units
  int64_t inputs = 0;   // likewise; of a grouped convolution those of one group
  int64_t kernel() const { return weight.tensor.shape[2]; }
};

// How the tensors of a file lie in memory.
struct StoredOrder {
  LooseWeights::Dense dense = LooseWeights::Dense::kOutIn;
  LooseWeights::Kernel kernel = LooseWeights::Kernel::kOIHW;
};

// The layers in the order of their first tensors; weights turned to (out,in) and (out,in,h,w).
// Counters and an optimiser's tensors are left out. Throws Error starting with `who` for what is no
// layer of these three kinds.
std::vector<WeightLayer> group_layers(const LooseWeights& weights, const StoredOrder& order,
                                      const std::string& who);

// A matrix with rows and columns exchanged.
Tensor transposed(const Tensor& matrix);

// `name` without what training programs put in front of every name: "module.", "_orig_mod.", ...
std::string without_wrapping(const std::string& name);

// Whether `a` comes before `b` for a person: numbers within names count as numbers.
bool natural_less(const std::string& a, const std::string& b);

}  // namespace mnist
