#include "data/content.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/file.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr size_t kBufferSize = 1 << 16;

bool is_gzip(std::span<const std::byte> head) {
  return head.size() >= 2 && head[0] == std::byte{0x1f} && head[1] == std::byte{0x8b};
}

}  // namespace

struct ContentReader::State {
  std::string who;
  std::FILE* file = nullptr;
  uint64_t file_size = 0;  // kLargestFile for a pipe
  uint64_t position = 0;
  bool compressed = false;
  bool ended = false;  // the deflate stream, checksum included
  z_stream stream{};
  std::array<std::byte, kBufferSize> buffer;
  std::span<const std::byte> waiting;  // in buffer

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (compressed) inflateEnd(&stream);
    if (file != nullptr && file != stdin) std::fclose(file);
  }

  [[noreturn]] void fail(std::string_view reason) const {
    throw Error(fmt::format("{}: {}", who, reason));
  }

  // Bytes of the file, fewer only at its end.
  size_t read_raw(std::span<std::byte> out) {
    size_t length = std::fread(out.data(), 1, out.size(), file);
    if (length < out.size() && std::ferror(file) != 0) {
      fail(fmt::format("cannot be read: {}", std::strerror(errno)));
    }
    return length;
  }

  void refill() {
    if (waiting.empty()) waiting = std::span(buffer).first(read_raw(buffer));
  }

  void start();
  size_t read_plain(std::span<std::byte> out);
  size_t read_compressed(std::span<std::byte> out);
};

void ContentReader::State::start() {
  refill();
  if (!is_gzip(waiting)) return;
  // 15: the largest window; 16: gzip's frame, whose checksum and length zlib verifies.
  if (inflateInit2(&stream, 15 + 16) != Z_OK) fail("zlib cannot be started: out of memory");
  compressed = true;
}

size_t ContentReader::State::read_plain(std::span<std::byte> out) {
  size_t buffered = std::min(waiting.size(), out.size());
  std::copy_n(waiting.begin(), buffered, out.begin());
  waiting = waiting.subspan(buffered);
  return buffered + read_raw(out.subspan(buffered));
}

size_t ContentReader::State::read_compressed(std::span<std::byte> out) {
  size_t length = 0;
  while (!ended && length < out.size()) {
    refill();
    if (waiting.empty()) {
      fail(fmt::format("gzip data end early, after {} bytes of content: the file is incomplete",
                       position + length));
    }
    size_t room = std::min<size_t>(out.size() - length, 1U << 30);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(waiting.data()));
    stream.avail_in = static_cast<uInt>(waiting.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + length);
    stream.avail_out = static_cast<uInt>(room);
    int result = inflate(&stream, Z_NO_FLUSH);
    waiting = waiting.last(stream.avail_in);
    length += room - stream.avail_out;
    ended = result == Z_STREAM_END;
    if (result != Z_OK && result != Z_STREAM_END) {
      fail(fmt::format("gzip data are damaged: {}",
                       stream.msg != nullptr ? stream.msg : "they end in the middle"));
    }
  }
  return length;
}

ContentReader::ContentReader(const std::filesystem::path& path)
    : state_(std::make_unique<State>()) {
  state_->who = path == "-" ? "standard input" : path.string();
  state_->file = path == "-" ? stdin : std::fopen(path.c_str(), "rbe");
  if (state_->file == nullptr) {
    state_->fail(fmt::format("cannot be opened: {}", std::strerror(errno)));
  }
  struct stat status {};
  bool known = ::fstat(::fileno(state_->file), &status) == 0;
  if (known && S_ISDIR(status.st_mode)) state_->fail("cannot be read as a file: it is a directory");
  state_->file_size =
      known && S_ISREG(status.st_mode) ? static_cast<uint64_t>(status.st_size) : kLargestFile;
  // Our own buffer is enough; large reads go straight to where the bytes are wanted.
  std::setvbuf(state_->file, nullptr, _IONBF, 0);
  state_->start();
}

ContentReader::~ContentReader() = default;

const std::string& ContentReader::who() const { return state_->who; }
uint64_t ContentReader::position() const { return state_->position; }

uint64_t ContentReader::most_remaining() const {
  uint64_t most = state_->compressed ? state_->file_size * kMostDeflateRatio : state_->file_size;
  return most - std::min(most, state_->position);
}

size_t ContentReader::read(std::span<std::byte> out) {
  size_t length = state_->compressed ? state_->read_compressed(out) : state_->read_plain(out);
  state_->position += length;
  return length;
}

void ContentReader::take(std::span<std::byte> out, std::string_view what) {
  uint64_t before = position();
  size_t length = read(out);
  if (length < out.size()) {
    state_->fail(fmt::format("{}: {} bytes expected at byte {}, {} left: the file is incomplete",
                             what, out.size(), before, length));
  }
}

void ContentReader::skip(uint64_t count, std::string_view what) {
  std::array<std::byte, kBufferSize> scratch;
  while (count > 0) {
    size_t step = static_cast<size_t>(std::min<uint64_t>(count, scratch.size()));
    take(std::span(scratch).first(step), what);
    count -= step;
  }
}

void ContentReader::finish() {
  std::byte extra;
  if (read(std::span(&extra, 1)) != 0) {
    state_->fail(fmt::format("more content follows at byte {}, where its header says that it ends",
                             position() - 1));
  }
  if (!state_->compressed) return;
  state_->refill();
  if (is_gzip(state_->waiting)) state_->fail("a second gzip member follows, one is expected");
  if (!state_->waiting.empty())
    state_->fail("something follows the gzip data: the file is damaged");
}

}  // namespace mnist
