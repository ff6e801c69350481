#include "data/dataset.h"

#include <fmt/format.h>

#include <algorithm>

#include "mnist/error.h"

namespace mnist {

size_t count_classes(std::span<const uint8_t> labels, std::string_view who) {
  size_t classes = 2;
  for (uint8_t label : labels) classes = std::max<size_t>(classes, size_t{label} + 1);
  if (classes > kMostClasses) {
    throw Error(
        fmt::format("{}: label {}: at most {} classes (labels 0 to {}) are expected: these "
                    "are hardly labels",
                    who, classes - 1, kMostClasses, kMostClasses - 1));
  }
  return classes;
}

}  // namespace mnist
