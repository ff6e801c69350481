// The content of a file that may be gzipped, read in order and never all at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace mnist {

// A deflate stream expands at most by this factor (zlib technical details: 1032:1), so that a small
// file cannot hold what a large header promises.
constexpr uint64_t kMostDeflateRatio = 1032;

// Whether a file is gzipped is decided by its first two bytes, whatever it is called. Every error
// is thrown as Error "PATH: ...".
class ContentReader {
 public:
  // "-" is standard input. Throws if the file is missing, a directory or unreadable.
  explicit ContentReader(const std::filesystem::path& path);
  ~ContentReader();
  ContentReader(const ContentReader&) = delete;
  ContentReader& operator=(const ContentReader&) = delete;

  const std::string& who() const;

  // Bytes of content that were taken or skipped.
  uint64_t position() const;

  // No more bytes of content than this can follow; exact for a plain file.
  uint64_t most_remaining() const;

  // Fills `out` with the next bytes, fewer only at the end of the content. Returns how many. Throws
  // if the gzip data are damaged or cut.
  size_t read(std::span<std::byte> out);

  // As `read`, but throws "PATH: WHAT: N bytes expected, ..." unless all are there.
  void take(std::span<std::byte> out, std::string_view what);

  // As `take`, without keeping the bytes.
  void skip(uint64_t count, std::string_view what);

  // Throws unless the content ends here: more content, a wrong checksum or length, a second gzip
  // member, anything behind the gzip data.
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mnist
