#include "formats/adaptive_window.h"

namespace mnist {

std::optional<AdaptiveWindow> adaptive_window(int64_t extent, int64_t wanted) {
  if (wanted < 1 || wanted > extent || extent > 4'096) return std::nullopt;
  // The i-th reads from the floor of i extent / wanted to the ceiling of (i + 1) extent / wanted.
  const auto first = [&](int64_t i) { return i * extent / wanted; };
  const auto end = [&](int64_t i) { return ((i + 1) * extent + wanted - 1) / wanted; };
  const AdaptiveWindow window = {end(0), wanted == 1 ? extent : first(1)};
  for (int64_t i = 0; i < wanted; ++i) {
    if (first(i) != i * window.stride || end(i) - first(i) != window.size) return std::nullopt;
  }
  return window;
}

}  // namespace mnist
