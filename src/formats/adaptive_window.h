// PyTorch's adaptive pooling as pooling with one window.
#pragma once

#include <cstdint>
#include <optional>

namespace mnist {

struct AdaptiveWindow {
  int64_t size = 1;
  int64_t stride = 1;
};

// The windows with which `extent` values become `wanted`, where all are of one size and as far
// apart; nothing where they are not.
std::optional<AdaptiveWindow> adaptive_window(int64_t extent, int64_t wanted);

}  // namespace mnist
