#include "engine/buffers.h"

#include <algorithm>
#include <numeric>

#include "base/simd.h"

namespace mnist {
namespace {

// Kernels may read and write a line behind a buffer's end.
size_t padded(size_t floats) { return round_up(floats, kFloatsPerLine) + kFloatsPerLine; }

bool overlap(const Lifetime& a, const Lifetime& b) {
  return a.first <= b.last && b.first <= a.last;
}

}  // namespace

BufferLayout lay_out(const std::vector<Lifetime>& buffers) {
  std::vector<size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return buffers[a].first < buffers[b].first; });
  BufferLayout layout;
  layout.offsets.resize(buffers.size());
  std::vector<size_t> placed;  // by offset
  for (size_t i : order) {
    size_t offset = 0;
    for (size_t other : placed) {
      if (!overlap(buffers[i], buffers[other])) continue;
      if (offset + padded(buffers[i].floats) <= layout.offsets[other]) break;
      offset = std::max(offset, layout.offsets[other] + padded(buffers[other].floats));
    }
    layout.offsets[i] = offset;
    layout.total = std::max(layout.total, offset + padded(buffers[i].floats));
    placed.insert(
        std::upper_bound(placed.begin(), placed.end(), i,
                         [&](size_t a, size_t b) { return layout.offsets[a] < layout.offsets[b]; }),
        i);
  }
  return layout;
}

}  // namespace mnist
