// What the name of a tensor says of its part in a layer.
#pragma once

#include <string>
#include <string_view>

namespace mnist {

enum class WeightRole { kUnknown, kWeight, kBias, kMean, kVariance, kIgnored };

struct WeightName {
  std::string layer;  // "features.0"
  WeightRole role = WeightRole::kUnknown;
};

// "features.0.weight", "dense_4/dense_4/kernel:0", "conv1_bias", "W2", ...
WeightName parse_weight_name(std::string_view name);

}  // namespace mnist
