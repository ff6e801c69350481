// FlatBuffers' binary layout, read from untrusted bytes: what TensorFlow Lite stores its models in.
//
// A table is a number of bytes that holds its fields, and an offset back to its "vtable", a list of
// where each field lies in it (0: left out). Texts, vectors and other tables are fields that hold
// an offset forward. Nothing says what a field means; that is for the reader of each format.
// Source: flatbuffers.dev/internals.
//
// Nothing is copied or followed before it is asked for, and offsets other than to vtables go
// forward only: no file makes a reader run in circles. Two tables may be one and the same, though;
// who walks a vector bounds how much is made of its elements.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mnist {

class FlatBufferTable;

// A vector of offsets to tables.
class FlatBufferTables {
 public:
  size_t size() const { return count_; }
  FlatBufferTable operator[](size_t index) const;

 private:
  friend class FlatBufferTable;
  std::span<const std::byte> bytes_;
  std::string_view who_;
  const char* what_ = "";
  size_t start_ = 0;
  size_t count_ = 0;
};

class FlatBufferTable {
 public:
  // The outermost table. `who` (the file's name; it must outlive the table) starts every message,
  // `what` says which table this is.
  static FlatBufferTable root(std::span<const std::byte> bytes, std::string_view who,
                              const char* what);

  // The value of a field, counted from 0 as the schema does; `otherwise` where it is left out.
  // `name` is the field's, for messages. All throw Error where the bytes are not in the file.
  template <typename T>
  T number(uint16_t field, T otherwise, const char* name) const {
    const size_t place = find(field, sizeof(T), name);
    return place == 0 ? otherwise : load<T>(place);
  }
  // Left out, these are empty.
  std::string_view text(uint16_t field, const char* name) const;
  std::span<const std::byte> bytes(uint16_t field, const char* name) const;  // of a vector of bytes
  FlatBufferTables tables(uint16_t field, const char* name) const;
  template <typename T>
  std::vector<T> numbers(uint16_t field, size_t most, const char* name) const {
    const std::span<const std::byte> raw = vector(field, sizeof(T), most, name);
    std::vector<T> values(raw.size() / sizeof(T));
    for (size_t i = 0; i < values.size(); ++i) values[i] = from_little<T>(&raw[i * sizeof(T)]);
    return values;
  }

  bool has(uint16_t field, const char* name) const { return find(field, 1, name) != 0; }
  // The table that a field leads to; the field must be there.
  FlatBufferTable table(uint16_t field, const char* name) const;

  // Throws Error "who: what: reason (at byte POSITION)".
  [[noreturn]] void fail(std::string_view reason) const { fail(reason, position_); }

 private:
  friend class FlatBufferTables;

  // The table at `position`, its vtable checked.
  FlatBufferTable(std::span<const std::byte> bytes, std::string_view who, const char* what,
                  uint64_t position);

  template <typename T>
  static T from_little(const std::byte* from) {
    std::byte raw[sizeof(T)];
    std::memcpy(raw, from, sizeof(T));
    if constexpr (std::endian::native == std::endian::big) {
      for (size_t i = 0; i < sizeof(T) / 2; ++i) std::swap(raw[i], raw[sizeof(T) - 1 - i]);
    }
    T value;
    std::memcpy(&value, raw, sizeof(T));
    return value;
  }
  template <typename T>
  T load(size_t place) const {
    return from_little<T>(&bytes_[place]);
  }

  size_t find(uint16_t field, size_t width, const char* name) const;  // 0: left out
  size_t follow(size_t place, const char* name) const;
  // The elements of a vector.
  std::span<const std::byte> vector(uint16_t field, size_t width, size_t most,
                                    const char* name) const;
  [[noreturn]] void fail(std::string_view reason, size_t place) const;

  std::span<const std::byte> bytes_;  // the whole file
  std::string_view who_;
  const char* what_;
  size_t position_ = 0;
  size_t size_ = 0;
  size_t vtable_ = 0;
  size_t vtable_size_ = 0;
};

}  // namespace mnist
