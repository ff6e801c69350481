#include "data/png_content.h"

#include <fmt/format.h>
#include <zlib.h>

#include <array>
#include <string_view>

#include "mnist/error.h"

namespace mnist {
namespace {

constexpr size_t kSignatureSize = 8;
constexpr size_t kChunkFrame = 12;  // length, type, CRC

struct Chunk {
  std::string_view type;
  std::span<const std::byte> typed;  // type and content: what the CRC is of
  uint32_t crc = 0;

  std::span<const std::byte> content() const { return typed.subspan(4); }
};

uint32_t big_endian(std::span<const std::byte> bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | std::to_integer<uint32_t>(bytes[i]);
  return value;
}

// The first chunk of `left`, which loses it.
Chunk take_chunk(std::span<const std::byte>& left, const std::string& who) {
  const size_t length = left.size() < kChunkFrame ? 0 : big_endian(left);
  if (left.size() < kChunkFrame || length > left.size() - kChunkFrame) {
    throw Error(fmt::format("{}: PNG is damaged: the file ends early", who));
  }
  Chunk chunk;
  chunk.typed = left.subspan(4, 4 + length);
  chunk.type = {reinterpret_cast<const char*>(chunk.typed.data()), 4};
  chunk.crc = big_endian(left.subspan(8 + length));
  left = left.subspan(kChunkFrame + length);
  return chunk;
}

// zlib's unpacking of several pieces, of which only the length is wanted.
class Unpacker {
 public:
  Unpacker() { is_ready_ = inflateInit(&stream_) == Z_OK; }
  Unpacker(const Unpacker&) = delete;
  Unpacker& operator=(const Unpacker&) = delete;
  ~Unpacker() {
    if (is_ready_) inflateEnd(&stream_);
  }

  // Bytes unpacked so far, of this piece and those before it; stops behind `most`.
  uint64_t unpack(std::span<const std::byte> piece, uint64_t most) {
    // zlib does not write to its input.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(piece.data()));
    stream_.avail_in = static_cast<uInt>(piece.size());
    int result = Z_OK;
    while (is_ready_ && result == Z_OK && total_ <= most) {
      stream_.next_out = buffer_.data();
      stream_.avail_out = static_cast<uInt>(buffer_.size());
      result = inflate(&stream_, Z_NO_FLUSH);
      total_ += buffer_.size() - stream_.avail_out;
      if (stream_.avail_in == 0 && stream_.avail_out != 0) break;
    }
    return total_;
  }

 private:
  z_stream stream_ = {};
  bool is_ready_ = false;
  uint64_t total_ = 0;
  std::array<Bytef, 1 << 15> buffer_;
};

}  // namespace

void check_png_chunks(std::span<const std::byte> bytes, const std::string& who) {
  std::span<const std::byte> left = bytes.subspan(kSignatureSize);
  for (Chunk chunk; chunk.type != "IEND";) {
    chunk = take_chunk(left, who);
    const auto* typed = reinterpret_cast<const Bytef*>(chunk.typed.data());
    if (crc32_z(0, typed, chunk.typed.size()) != chunk.crc) {
      throw Error(fmt::format("{}: PNG is damaged: a chunk's CRC does not fit", who));
    }
  }
}

void check_png_expansion(std::span<const std::byte> bytes, uint64_t most, const std::string& who) {
  std::span<const std::byte> left = bytes.subspan(kSignatureSize);
  Unpacker unpacker;
  for (Chunk chunk; chunk.type != "IEND";) {
    chunk = take_chunk(left, who);
    if (chunk.type == "IDAT" && unpacker.unpack(chunk.content(), most) > most) {
      throw Error(fmt::format("{}: PNG is damaged: more data than its pixels need", who));
    }
  }
}

}  // namespace mnist
