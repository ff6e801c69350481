#include "formats/keras/window.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "formats/keras/config.h"

namespace mnist {

std::pair<int64_t, int64_t> same_padding(int64_t input, int64_t kernel, int64_t stride,
                                         int64_t dilation) {
  const int64_t outputs = (input + stride - 1) / stride;
  const int64_t reach = (outputs - 1) * stride + (kernel - 1) * dilation + 1;
  const int64_t total = std::max<int64_t>(reach - input, 0);
  return {total / 2, total - total / 2};
}

std::map<std::string, Attribute> window_attributes(const KerasTranslation& layer,
                                                   const KerasValue& planes,
                                                   std::pair<int64_t, int64_t> kernel,
                                                   std::pair<int64_t, int64_t> strides) {
  constexpr int64_t kLargest = 1024;
  const JsonView& config = layer.config();
  strides = config_pair(config, "strides", strides);
  const auto dilations = config_pair(config, "dilation_rate", {1, 1});
  for (int64_t value : {kernel.first, kernel.second, strides.first, strides.second, dilations.first,
                        dilations.second}) {
    if (value < 1 || value > kLargest) {
      layer.fail(
          fmt::format("sizes, strides and dilations of 1 to {} expected, got {}", kLargest, value));
    }
  }
  std::map<std::string, Attribute> attributes;
  attributes["kernel_shape"] = std::vector<int64_t>{kernel.first, kernel.second};
  if (strides != std::pair<int64_t, int64_t>(1, 1)) {
    attributes["strides"] = std::vector<int64_t>{strides.first, strides.second};
  }
  if (dilations != std::pair<int64_t, int64_t>(1, 1)) {
    attributes["dilations"] = std::vector<int64_t>{dilations.first, dilations.second};
  }
  const std::string padding = config_text(config, "padding", "valid");
  if (padding == "same") {
    const Shape& chw = layer.document_shape(planes);
    const auto rows = same_padding(chw[1], kernel.first, strides.first, dilations.first);
    const auto columns = same_padding(chw[2], kernel.second, strides.second, dilations.second);
    const std::vector<int64_t> pads = {rows.first, columns.first, rows.second, columns.second};
    if (pads != std::vector<int64_t>(4, 0)) attributes["pads"] = pads;
  } else if (padding != "valid") {
    layer.fail(fmt::format("padding '{}': 'same' or 'valid' expected", printable(padding, 40)));
  }
  return attributes;
}

}  // namespace mnist
