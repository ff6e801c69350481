#include "formats/c_header/c_memory.h"

#include <algorithm>

namespace mnist {

void CMemory::add(const std::string& value, size_t floats, size_t step) {
  index_[value] = buffers_.size();
  buffers_.push_back({floats, step, step});
}

void CMemory::add_alias(const std::string& value, const std::string& other) {
  index_[value] = index_.at(other);
}

void CMemory::use(const std::string& value, size_t step) {
  Buffer& used = buffers_[index_.at(value)];
  used.last = std::max(used.last, step);
}

void CMemory::place() {
  std::vector<const Buffer*> placed;  // by their offsets
  for (Buffer& next : buffers_) {
    // The first gap between those that live at the same time.
    next.offset = 0;
    for (const Buffer* other : placed) {
      const bool meet = next.first <= other->last && other->first <= next.last;
      if (!meet || other->offset >= next.offset + next.floats) continue;
      next.offset = std::max(next.offset, other->offset + other->floats);
    }
    placed.insert(
        std::upper_bound(placed.begin(), placed.end(), &next,
                         [](const Buffer* a, const Buffer* b) { return a->offset < b->offset; }),
        &next);
    floats_ = std::max(floats_, next.offset + next.floats);
  }
}

}  // namespace mnist
