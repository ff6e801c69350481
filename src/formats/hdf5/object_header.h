// What an HDF5 object says of itself: its header's messages, checked.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "formats/hdf5/outline.h"
#include "formats/hdf5/text_heap.h"

namespace mnist {

inline constexpr uint64_t kNoHdf5Address = ~uint64_t{0};

struct Hdf5Message {
  // The types that a file of plain arrays has.
  enum Type : uint16_t {
    kNil = 0x00,
    kDataspace = 0x01,
    kDatatype = 0x03,
    kOldFillValue = 0x04,
    kFillValue = 0x05,
    kLayout = 0x08,
    kAttribute = 0x0c,
    kContinuation = 0x10,
    kSymbolTable = 0x11,
    kModified = 0x12,
  };
  uint16_t type = 0;
  uint64_t position = 0;  // of its first byte in the file
  uint64_t size = 0;
};

// Where a group's names and members lie.
struct Hdf5SymbolTable {
  uint64_t tree = 0;
  uint64_t heap = 0;
};

// The file's bytes, and which structures of it have been seen: none may be part of two objects.
class Hdf5Bytes {
 public:
  Hdf5Bytes(std::span<const std::byte> bytes, std::string who)
      : bytes_(bytes), who_(std::move(who)), texts_(bytes_, who_) {}

  const std::string& who() const { return who_; }
  uint64_t size() const { return bytes_.size(); }

  ByteReader at(uint64_t address, const char* what) const;
  ByteReader message(const Hdf5Message& message) const;  // ends with the message
  void mark(uint64_t address, const char* what);         // throws if it was marked

  // The messages of the object header at `address`, with its continuations.
  std::vector<Hdf5Message> messages(uint64_t address, const std::string& place);
  std::vector<Hdf5Message> messages_unmarked(uint64_t address, const std::string& place) const;

  Hdf5TextHeaps& texts() { return texts_; }

  // Throws unless the object at `object` is a group with this table.
  void expect_table(uint64_t object, const Hdf5SymbolTable& table, const ByteReader& place) const;

 private:
  std::span<const std::byte> bytes_;
  std::string who_;
  std::set<uint64_t> marked_;
  Hdf5TextHeaps texts_;
};

std::optional<Hdf5SymbolTable> find_symbol_table(const std::vector<Hdf5Message>& messages,
                                                 const Hdf5Bytes& file);

// Throw Error with `place`, the object's path, for all that a file of plain arrays does not need.
std::map<std::string, Hdf5Array> read_hdf5_attributes(const std::vector<Hdf5Message>& messages,
                                                      Hdf5Bytes& file, const std::string& place);
Hdf5Array read_hdf5_dataset(const std::vector<Hdf5Message>& messages, Hdf5Bytes& file,
                            const std::string& place);

}  // namespace mnist
