// Where HDF5 keeps texts of variable length: global heaps, also called collections.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "base/bytes.h"

namespace mnist {

class Hdf5TextHeaps {
 public:
  Hdf5TextHeaps(std::span<const std::byte> bytes, std::string who)
      : bytes_(bytes), who_(std::move(who)) {}

  // Throws Error unless the text's 16 bytes at `reader` (its length, its heap's address, and its
  // number there) lead to a whole text in a sound heap.
  void check_text(ByteReader& reader);

 private:
  using Sizes = std::map<uint16_t, uint64_t>;  // of a heap's objects, by number
  const Sizes& heap(uint64_t address, const ByteReader& place);
  Sizes walk(uint64_t address);

  std::span<const std::byte> bytes_;
  std::string who_;
  std::map<uint64_t, Sizes> heaps_;
  size_t objects_ = 0;
};

}  // namespace mnist
