#include "classify/pixel_scalings.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/text.h"
#include "mnist/error.h"

namespace mnist {
namespace {

// The whole of `text` as a finite number.
bool parse_number(std::string_view text, double& number) {
  const auto end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number);
  return result.ec == std::errc() && result.ptr == end && std::isfinite(number);
}

}  // namespace

const std::vector<NamedScaling>& named_scalings() {
  // 0.1307 and 0.3081 are mean and deviation of MNIST's training pixels, as torchvision's examples
  // round them.
  static const std::vector<NamedScaling> scalings = {
      {"unit", "pixel / 255", {1.0 / 255.0, 0.0}},
      {"standard", "(pixel / 255 - 0.1307) / 0.3081", {1.0 / 255.0 / 0.3081, -0.1307 / 0.3081}},
      {"signed", "pixel / 127.5 - 1", {2.0 / 255.0, -1.0}},
      {"raw", "pixel", {1.0, 0.0}},
      {"inverted", "1 - pixel / 255", {-1.0 / 255.0, 1.0}},
      {"centred", "pixel / 255 - 0.5", {1.0 / 255.0, -0.5}},
      {"signed-inverted", "1 - pixel / 127.5", {-2.0 / 255.0, 1.0}},
      {"raw-inverted", "255 - pixel", {-1.0, 255.0}},
  };
  return scalings;
}

PixelScaling parse_scaling(const std::string& text) {
  std::vector<std::string> names;
  for (const NamedScaling& named : named_scalings()) {
    if (named.name == text) return named.scaling;
    names.push_back(named.name);
  }
  const size_t comma = text.find(',');
  PixelScaling scaling;
  if (comma != std::string::npos &&
      parse_number(std::string_view(text).substr(0, comma), scaling.scale) &&
      parse_number(std::string_view(text).substr(comma + 1), scaling.offset)) {
    return scaling;
  }
  throw Error(
      fmt::format("'{}': {} or SCALE,OFFSET expected", printable(text, 40), join(names, ", ")));
}

std::string to_string(const PixelScaling& scaling) {
  for (const NamedScaling& named : named_scalings()) {
    if (named.scaling.scale == scaling.scale && named.scaling.offset == scaling.offset) {
      return named.name;
    }
  }
  return fmt::format("{},{}", scaling.scale, scaling.offset);
}

}  // namespace mnist
