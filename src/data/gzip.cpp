#include "data/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <array>

#include "mnist/error.h"

namespace mnist {

struct GzipSink::State {
  Sink& target;
  z_stream stream{};
  std::array<std::byte, 1 << 16> buffer{};

  explicit State(Sink& to) : target(to) {
    // 15: the largest window; 16: gzip's frame; 8: zlib's default memory level.
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK) {
      throw Error("zlib cannot be started: out of memory");
    }
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { deflateEnd(&stream); }

  // Runs deflate until it has taken everything and gives nothing more.
  void run(int flush) {
    do {
      stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
      stream.avail_out = static_cast<uInt>(buffer.size());
      deflate(&stream, flush);
      target.write(std::span<const std::byte>(buffer).first(buffer.size() - stream.avail_out));
    } while (stream.avail_out == 0);
  }
};

GzipSink::GzipSink(Sink& target) : state_(std::make_unique<State>(target)) {}

GzipSink::~GzipSink() = default;

void GzipSink::write(std::span<const std::byte> bytes) {
  constexpr size_t kLargestStep = size_t{1} << 30;  // zlib's lengths have 32 bits
  while (!bytes.empty()) {
    size_t step = std::min(bytes.size(), kLargestStep);
    state_->stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));
    state_->stream.avail_in = static_cast<uInt>(step);
    state_->run(Z_NO_FLUSH);
    bytes = bytes.subspan(step);
  }
}

void GzipSink::finish() { state_->run(Z_FINISH); }

}  // namespace mnist
