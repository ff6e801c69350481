// Reading numbers from untrusted bytes: every read is checked against what is left.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace mnist {

// a * b and a + b, or nothing when they do not fit.
inline std::optional<uint64_t> checked_multiply(uint64_t a, uint64_t b) {
  uint64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) return std::nullopt;
  return result;
}
inline std::optional<uint64_t> checked_add(uint64_t a, uint64_t b) {
  uint64_t result = 0;
  if (__builtin_add_overflow(a, b, &result)) return std::nullopt;
  return result;
}

// The little-endian float32 values that `bytes` hold, wherever they lie.
std::vector<float> floats_from(std::span<const std::byte> bytes);

// A cursor over bytes that it does not own. `who` (usually the file's name) starts every message.
class ByteReader {
 public:
  ByteReader(std::span<const std::byte> bytes, std::string who)
      : bytes_(bytes), who_(std::move(who)) {}

  size_t position() const { return position_; }
  size_t remaining() const { return bytes_.size() - position_; }
  const std::string& who() const { return who_; }

  // The next `count` bytes. Throws Error "who: what: COUNT bytes expected at byte POSITION, ...".
  std::span<const std::byte> take(uint64_t count, std::string_view what);

  // A little-endian number.
  template <typename T>
  requires std::is_arithmetic_v<T> T little(std::string_view what) {
    return number<T>(what, std::endian::little);
  }
  // A big-endian number.
  template <typename T>
  requires std::is_arithmetic_v<T> T big(std::string_view what) {
    return number<T>(what, std::endian::big);
  }

  std::string_view text(uint64_t length, std::string_view what);
  void seek(uint64_t position, std::string_view what);

  // Throws Error "who: reason (at byte POSITION)".
  [[noreturn]] void fail(std::string_view reason) const;

 private:
  template <typename T>
  T number(std::string_view what, std::endian order) {
    std::byte raw[sizeof(T)];
    std::memcpy(raw, take(sizeof(T), what).data(), sizeof(T));
    if (order != std::endian::native) {
      for (size_t i = 0; i < sizeof(T) / 2; ++i) std::swap(raw[i], raw[sizeof(T) - 1 - i]);
    }
    T value;
    std::memcpy(&value, raw, sizeof(T));
    return value;
  }

  std::span<const std::byte> bytes_;
  std::string who_;
  size_t position_ = 0;
};

}  // namespace mnist
