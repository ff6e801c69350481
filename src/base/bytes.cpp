#include "base/bytes.h"

#include <fmt/format.h>

#include "mnist/error.h"

namespace mnist {

std::span<const std::byte> ByteReader::take(uint64_t count, std::string_view what) {
  if (count > remaining()) {
    throw Error(
        fmt::format("{}: {}: {} bytes expected at byte {}, {} left: the file is damaged or "
                    "incomplete",
                    who_, what, count, position_, remaining()));
  }
  auto result = bytes_.subspan(position_, count);
  position_ += count;
  return result;
}

std::string_view ByteReader::text(uint64_t length, std::string_view what) {
  auto raw = take(length, what);
  return {reinterpret_cast<const char*>(raw.data()), raw.size()};
}

void ByteReader::seek(uint64_t position, std::string_view what) {
  if (position > bytes_.size()) {
    throw Error(
        fmt::format("{}: {}: byte {} expected, the file has {}: it is damaged or incomplete", who_,
                    what, position, bytes_.size()));
  }
  position_ = position;
}

void ByteReader::fail(std::string_view reason) const {
  throw Error(fmt::format("{}: {} (at byte {})", who_, reason, position_));
}

}  // namespace mnist
