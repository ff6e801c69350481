#include "formats/recognise/features.h"

namespace mnist {

Tensor channels_first(const Tensor& weight, const Shape& features) {
  if (features.size() != 3 || weight.shape.size() != 2) return weight;
  const auto channels = static_cast<size_t>(features[0]);
  const auto positions = static_cast<size_t>(features[1] * features[2]);
  const auto rows = static_cast<size_t>(weight.shape[0]);
  Tensor result{weight.shape, std::vector<float>(weight.values.size())};
  for (size_t row = 0; row < rows; ++row) {
    const size_t first = row * channels * positions;
    for (size_t c = 0; c < channels; ++c) {
      for (size_t p = 0; p < positions; ++p) {
        result.values[first + c * positions + p] = weight.values[first + p * channels + c];
      }
    }
  }
  return result;
}

}  // namespace mnist
