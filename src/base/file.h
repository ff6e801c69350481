// Whole files: read with a bound, written so that a crash or a full disk loses nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mnist {

// No file of this field is larger; a bound against devices and mistakes.
constexpr uint64_t kLargestFile = uint64_t{1} << 30;

// All bytes of a regular file or pipe ("-" is standard input). Throws Error if it is missing, a
// directory, unreadable or larger than `limit`.
std::vector<std::byte> read_file(const std::filesystem::path& path, uint64_t limit = kLargestFile);

// The content of a file that another file names: `name` is a path of plain names below `folder`
// ("weights.bin", "variables/index"). Throws Error where it is absolute or has "..", goes through a
// symbolic link, is a hard link or not a regular file, is missing or larger than `limit`.
std::vector<std::byte> read_file_beneath(const std::filesystem::path& folder,
                                         const std::string& name, uint64_t limit);

// The first bytes of a file, at most `count`. Throws like read_file.
std::vector<std::byte> read_head(const std::filesystem::path& path, size_t count);

// A place that bytes are written to. Implementations throw Error when they cannot take them.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void write(std::span<const std::byte> bytes) = 0;
  void write(std::string_view text);
};

class MemorySink : public Sink {
 public:
  using Sink::write;
  void write(std::span<const std::byte> bytes) override;
  std::vector<std::byte> bytes;
};

// Calls `write_content` on a temporary file beside `path`, syncs it, and renames it to `path`:
// other readers see the old file or the new one, never a part. If anything fails (full disk,
// exception) the old file is untouched, the temporary one removed, and an Error names `path` and
// the reason. A symbolic link at `path` is kept and its target replaced. "-" and other things that
// are not regular files (/dev/stdout, a pipe) are written to directly.
void write_file(const std::filesystem::path& path, const std::function<void(Sink&)>& write_content);

}  // namespace mnist
