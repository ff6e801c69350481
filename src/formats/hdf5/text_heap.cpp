#include "formats/hdf5/text_heap.h"

#include "mnist/error.h"

namespace mnist {
namespace {

// Of a whole file, so that heaps that overlap cost no time.
constexpr size_t kMostHeaps = 1'000;
constexpr size_t kMostObjects = 100'000;
constexpr uint64_t kLeastHeap = 4'096;
constexpr uint64_t kObjectHead = 16;

}  // namespace

void Hdf5TextHeaps::check_text(ByteReader& reader) {
  const uint64_t length = reader.little<uint32_t>("text's length");
  const uint64_t address = reader.little<uint64_t>("text's heap");
  const uint32_t number = reader.little<uint32_t>("text's number");
  if (address == 0 && length == 0) return;  // never written
  const Sizes& sizes = heap(address, reader);
  const auto found = number <= UINT16_MAX ? sizes.find(static_cast<uint16_t>(number)) : sizes.end();
  if (found == sizes.end() || found->second != length) reader.fail("a text is not in its heap");
}

const Hdf5TextHeaps::Sizes& Hdf5TextHeaps::heap(uint64_t address, const ByteReader& place) {
  const auto known = heaps_.find(address);
  if (known != heaps_.end()) return known->second;
  if (heaps_.size() >= kMostHeaps) place.fail("texts in too many heaps");
  return heaps_.emplace(address, walk(address)).first->second;
}

// libhdf5 reads a heap whole: objects one behind the other, each with its number and size.
Hdf5TextHeaps::Sizes Hdf5TextHeaps::walk(uint64_t address) {
  ByteReader reader(bytes_, who_);
  reader.seek(address, "global heap");
  if (reader.text(4, "heap's signature") != "GCOL") reader.fail("'GCOL' expected");
  if (reader.little<uint32_t>("heap's version") != 1) {
    reader.fail("global heap of version 1 expected");
  }
  const uint64_t size = reader.little<uint64_t>("heap's size");
  if (size < kLeastHeap || size > bytes_.size() - address) {
    reader.fail("a global heap of at least 4096 bytes within the file expected");
  }
  const uint64_t end = address + size;
  Sizes sizes;
  while (end - reader.position() >= kObjectHead) {
    const uint64_t whole = end - reader.position();
    const uint16_t number = reader.little<uint16_t>("object's number");
    reader.take(6, "object's references");
    const uint64_t length = reader.little<uint64_t>("object's size");
    if (number == 0) {  // what is free, with its own head
      if (length != whole) reader.fail("the heap's free space is damaged");
      break;
    }
    if (length > whole - kObjectHead || (length + 7) / 8 * 8 > whole - kObjectHead) {
      reader.fail("an object is larger than its heap");
    }
    if (++objects_ > kMostObjects) reader.fail("too many texts");
    if (!sizes.emplace(number, length).second) reader.fail("an object of the heap is there twice");
    reader.take((length + 7) / 8 * 8, "object");
  }
  return sizes;
}

}  // namespace mnist
