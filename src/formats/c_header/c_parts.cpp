#include "formats/c_header/c_parts.h"

#include <algorithm>
#include <cmath>

namespace mnist {

CBytes c_bytes(std::span<const float> weights, size_t outputs) {
  constexpr float kMost = 127.0F;
  CBytes bytes;
  const size_t row = weights.size() / outputs;
  for (size_t o = 0; o < outputs; ++o) {
    const std::span<const float> values = weights.subspan(o * row, row);
    float most = 0.0F;
    for (float value : values) most = std::max(most, std::abs(value));
    const float scale = most / kMost;
    bytes.scales.push_back(scale);
    for (float value : values) {
      const float steps = scale == 0.0F ? 0.0F : std::round(value / scale);
      bytes.values.push_back(static_cast<int8_t>(std::clamp(steps, -kMost, kMost)));
    }
  }
  return bytes;
}

void add_c_weights(const CNode& node, std::span<const float> weights, std::span<const float> bias,
                   CParts& parts) {
  if (parts.type == TensorType::kInt8) {
    const CBytes bytes = c_bytes(weights, bias.size());
    parts.functions.bytes(node.name + "_weight", bytes.values);
    parts.functions.floats(node.name + "_scale", bytes.scales);
  } else {
    parts.functions.floats(node.name + "_weight", weights);
  }
  parts.functions.floats(node.name + "_bias", bias);
}

std::string c_weight(const CNode& node, const CParts& parts, const std::string& index) {
  const char* const cast = parts.type == TensorType::kInt8 ? "(float)" : "";
  return fmt::format("{}{}_weight[{}]", cast, node.name, index);
}

std::string c_result(const CNode& node, const CParts& parts) {
  if (parts.type == TensorType::kInt8)
    return fmt::format("sum * {0}_scale[o] + {0}_bias[o]", node.name);
  return fmt::format("sum + {}_bias[o]", node.name);
}

void open_c_function(const CNode& node, CParts& parts) {
  parts.functions.open(fmt::format("static inline void {}(const float *x, float *y)", node.name));
}

}  // namespace mnist
