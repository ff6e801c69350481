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
#include "base/try_write.h"
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

// Where the bytes of `path` are to end up: what the symbolic links there lead to, whether it exists
// or not, else `path`.
fs::path final_target(const fs::path& path) {
  constexpr int kMostLinks = 40;  // as the kernel
  fs::path target = path;
  std::error_code error;
  for (int i = 0; i < kMostLinks; ++i) {
    if (!fs::is_symlink(fs::symlink_status(target, error))) return target;
    const fs::path next = fs::read_symlink(target, error);
    if (error) fail(path, "link cannot be followed", error.value());
    target = target.parent_path() / next;  // `next` alone where that is absolute
  }
  fail(path, "link cannot be followed", ELOOP);
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

// What lies at a path that is to be written.
struct OldFile {
  bool exists = false;
  bool is_direct = false;  // standard output, a device, a pipe: takes bytes, is not replaced
  mode_t mode = 0;
};

// Throws where it must not be replaced.
OldFile examine_old(const fs::path& path) {
  OldFile old;
  struct stat status {};
  old.exists = path != "-" && ::stat(path.c_str(), &status) == 0;
  if (old.exists && S_ISDIR(status.st_mode)) fail(path, "cannot be written", EISDIR);
  old.is_direct = path == "-" || (old.exists && !S_ISREG(status.st_mode));
  old.mode = status.st_mode & 07777;
  if (old.exists && ::access(path.c_str(), W_OK) != 0) fail(path, "cannot be written", errno);
  return old;
}

// The new content beside the file that it is for; removed unless it takes that one's place.
class TemporaryFile {
 public:
  explicit TemporaryFile(const fs::path& path)
      : path_(path),
        target_(final_target(path)),
        name_((directory() / (target_.filename().string() + ".tmp-XXXXXX")).string()),
        file_(::mkostemp(name_.data(), O_CLOEXEC)) {
    if (file_.get() < 0) fail(path_, "cannot be written", errno);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (!is_renamed_) ::unlink(name_.c_str());
  }

  void fill(const std::function<void(Sink&)>& write_content) {
    DescriptorSink sink(file_.get(), path_);
    write_content(sink);
    if (::fsync(file_.get()) != 0) fail(path_, "cannot be written", errno);
  }

  void take_place(const OldFile& old) {
    const mode_t mask = ::umask(0);
    ::umask(mask);
    const mode_t mode = old.exists ? old.mode : 0666 & ~mask;
    if (::fchmod(file_.get(), mode) != 0) fail(path_, "cannot be written", errno);
    if (::close(file_.release()) != 0) fail(path_, "cannot be written", errno);
    if (::rename(name_.c_str(), target_.c_str()) != 0) fail(path_, "cannot be replaced", errno);
    is_renamed_ = true;
    sync_directory(directory());
  }

 private:
  fs::path directory() const {
    return target_.has_parent_path() ? target_.parent_path() : fs::path(".");
  }

  fs::path path_;
  fs::path target_;
  std::string name_;
  Descriptor file_;
  bool is_renamed_ = false;
};

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
  const OldFile old = examine_old(path);
  if (old.is_direct) {
    write_directly(path, write_content);
    return;
  }
  TemporaryFile file(path);
  file.fill(write_content);
  file.take_place(old);
}

void try_write_file(const fs::path& path, std::span<const std::byte> bytes) {
  if (examine_old(path).is_direct) return;
  TemporaryFile(path).fill([&](Sink& sink) { sink.write(bytes); });
}

}  // namespace mnist
