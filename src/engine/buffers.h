// Sharing one piece of memory among buffers that live at different times.
#pragma once

#include <cstddef>
#include <vector>

namespace mnist {

// A buffer of `floats`, in use from moment `first` to moment `last`, both included.
struct Lifetime {
  size_t floats = 0;
  size_t first = 0;
  size_t last = 0;
};

struct BufferLayout {
  std::vector<size_t> offsets;  // in floats, one for each lifetime, aligned for any vector
  size_t total = 0;
};

// Gives each buffer the lowest place that is free during its lifetime, the earliest first.
BufferLayout lay_out(const std::vector<Lifetime>& buffers);

}  // namespace mnist
