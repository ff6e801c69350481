#include "base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/prefault.h"
#include "base/text.h"
#include "mnist/error.h"

namespace mnist {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, std::string_view what, int error) {
  throw Error(fmt::format("{}: {}: {}", path.string(), what, std::strerror(error)));
}

// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor(Descriptor&& other) noexcept : value_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~Descriptor() {
    if (value_ > STDERR_FILENO) ::close(value_);
  }
  int get() const { return value_; }
  int release() { return std::exchange(value_, -1); }

 private:
  int value_;
};

Descriptor open_for_reading(const fs::path& path) {
  if (path == "-") return Descriptor(STDIN_FILENO);
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) fail(path, "cannot be opened", errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) fail(path, "cannot be examined", errno);
  if (S_ISDIR(status.st_mode)) fail(path, "cannot be read as a file", EISDIR);
  return file;
}

// Reads until `limit` bytes are there or the file ends.
std::vector<std::byte> read_up_to(const Descriptor& file, const fs::path& path, uint64_t limit) {
  struct stat status {};
  size_t guess = 1 << 16;
  if (::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode)) {
    guess =
        static_cast<size_t>(std::min<uint64_t>(limit, static_cast<uint64_t>(status.st_size))) + 1;
  }
  guess = static_cast<size_t>(std::min<uint64_t>(limit, guess));
  std::vector<std::byte> bytes;
  bytes.reserve(guess);
  prefault(bytes.data(), guess);
  bytes.resize(guess);
  size_t length = 0;
  while (true) {
    if (length == bytes.size()) {
      if (length >= limit) break;
      bytes.resize(std::min<uint64_t>(limit, std::max<size_t>(length * 2, 1 << 12)));
    }
    ssize_t got = ::read(file.get(), bytes.data() + length, bytes.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path, "cannot be read", errno);
    if (got == 0) break;
    length += static_cast<size_t>(got);
  }
  bytes.resize(length);
  return bytes;
}

// The names that `path` consists of; none if it is anything but names with one '/' between them.
std::vector<std::string> split_plain_path(const std::string& path) {
  std::vector<std::string> parts;
  size_t start = 0;
  while (start <= path.size()) {
    const size_t end = std::min(path.find('/', start), path.size());
    std::string part = path.substr(start, end - start);
    if (part.empty() || part == "." || part == ".." || part.find('\\') != std::string::npos ||
        part.find('\0') != std::string::npos) {
      return {};
    }
    parts.push_back(std::move(part));
    start = end + 1;
  }
  return parts;
}

class DescriptorSink : public Sink {
 public:
  DescriptorSink(int file, fs::path path) : file_(file), path_(std::move(path)) {}
  using Sink::write;
  void write(std::span<const std::byte> bytes) override {
    while (!bytes.empty()) {
      ssize_t done = ::write(file_, bytes.data(), bytes.size());
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) fail(path_, "cannot be written", errno);
      bytes = bytes.subspan(static_cast<size_t>(done));
    }
  }

 private:
  int file_;
  fs::path path_;
};

// Where the bytes of `path` are to end up: the target of a symbolic link, else `path`.
fs::path final_target(const fs::path& path) {
  std::error_code error;
  if (!fs::is_symlink(fs::symlink_status(path, error))) return path;
  fs::path target = fs::weakly_canonical(path, error);
  if (error) fail(path, "link cannot be followed", error.value());
  return target;
}

void sync_directory(const fs::path& directory) {
  Descriptor handle(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Some file systems cannot sync a directory; the rename is then as durable as they make it.
  if (handle.get() >= 0) ::fsync(handle.get());
}

void write_directly(const fs::path& path, const std::function<void(Sink&)>& write_content) {
  Descriptor file(path == "-" ? STDOUT_FILENO : ::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file.get() < 0) fail(path, "cannot be written", errno);
  DescriptorSink sink(file.get(), path);
  write_content(sink);
}

}  // namespace

std::vector<std::byte> read_file(const fs::path& path, uint64_t limit) {
  Descriptor file = open_for_reading(path);
  std::vector<std::byte> bytes = read_up_to(file, path, limit + 1);
  if (bytes.size() > limit) {
    throw Error(fmt::format("{}: larger than the {} bytes that such a file may have", path.string(),
                            limit));
  }
  return bytes;
}

std::vector<std::byte> read_head(const fs::path& path, size_t count) {
  return read_up_to(open_for_reading(path), path, count);
}

std::vector<std::byte> read_file_beneath(const fs::path& folder, const std::string& name,
                                         uint64_t limit) {
  // What the name says is not to be trusted, so messages show it without control characters.
  const fs::path shown = folder / printable(name, 100);
  const std::vector<std::string> parts = split_plain_path(name);
  if (parts.empty()) {
    throw Error(fmt::format("{}: a plain name below the model's folder expected", shown.string()));
  }
  Descriptor place(
      ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (size_t i = 0; i < parts.size(); ++i) {
    if (place.get() < 0) fail(shown, "cannot be opened", errno);
    const bool is_last = i + 1 == parts.size();
    // O_NONBLOCK: a named pipe must not make the program wait.
    const int kind = is_last ? O_NONBLOCK : O_DIRECTORY;
    place = Descriptor(
        ::openat(place.get(), parts[i].c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | kind));
  }
  if (place.get() < 0) fail(shown, "cannot be opened", errno);
  struct stat status {};
  if (::fstat(place.get(), &status) != 0) fail(shown, "cannot be examined", errno);
  if (!S_ISREG(status.st_mode) || status.st_nlink != 1) {
    throw Error(fmt::format("{}: a file that is no link expected", shown.string()));
  }
  if (static_cast<uint64_t>(status.st_size) > limit) {
    throw Error(fmt::format("{}: at most {} bytes expected, got {}", shown.string(), limit,
                            status.st_size));
  }
  return read_up_to(place, shown, limit);
}

void Sink::write(std::string_view text) {
  write(std::as_bytes(std::span<const char>(text.data(), text.size())));
}

void MemorySink::write(std::span<const std::byte> more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
}

void write_file(const fs::path& path, const std::function<void(Sink&)>& write_content) {
  struct stat status {};
  bool exists = path != "-" && ::stat(path.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode)) fail(path, "cannot be written", EISDIR);
  if (path == "-" || (exists && !S_ISREG(status.st_mode))) {
    write_directly(path, write_content);
    return;
  }
  if (exists && ::access(path.c_str(), W_OK) != 0) fail(path, "cannot be written", errno);
  fs::path target = final_target(path);
  fs::path directory = target.has_parent_path() ? target.parent_path() : fs::path(".");
  std::string temporary = (directory / (target.filename().string() + ".tmp-XXXXXX")).string();
  Descriptor file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (file.get() < 0) fail(path, "cannot be written", errno);
  try {
    DescriptorSink sink(file.get(), path);
    write_content(sink);
    mode_t mask = ::umask(0);
    ::umask(mask);
    mode_t mode = exists ? status.st_mode & 07777 : 0666 & ~mask;
    if (::fchmod(file.get(), mode) != 0) fail(path, "cannot be written", errno);
    if (::fsync(file.get()) != 0) fail(path, "cannot be written", errno);
    if (::close(file.release()) != 0) fail(path, "cannot be written", errno);
    if (::rename(temporary.c_str(), target.c_str()) != 0) fail(path, "cannot be replaced", errno);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  sync_directory(directory);
}

}  // namespace mnist
