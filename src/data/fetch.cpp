#include "data/fetch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"
#include "data/content.h"
#include "mnist/error.h"

namespace mnist {
namespace {

namespace fs = std::filesystem;

constexpr int kMostResumes = 5;  // of one file from one mirror

// A download that is not what it should be: a matter of the mirror, unlike a full disk.
class WrongContent : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Held by the one process that fetches into a directory; released when it ends, however it ends.
class DirectoryLock {
 public:
  explicit DirectoryLock(const fs::path& directory) {
    fs::path path = directory / ".lock";
    file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    int result = file_ < 0 ? -1 : ::flock(file_, LOCK_EX);
    while (result != 0 && file_ >= 0 && errno == EINTR) result = ::flock(file_, LOCK_EX);
    if (result == 0) return;
    int error = errno;
    if (file_ >= 0) ::close(file_);
    throw Error(
        fmt::format("{}: cannot be locked: {}: set MNIST_CACHE_DIR to a folder that can be "
                    "written",
                    path.string(), std::strerror(error)));
  }
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;
  ~DirectoryLock() { ::close(file_); }

 private:
  int file_ = -1;
};

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

bool is_here(const fs::path& directory, const CatalogFile& file) {
  fs::path path = directory / file.name;
  return is_there(path) || is_there(path.string() + ".gz");
}

// Runs one step of reading; what is wrong with the file then is wrong with its content.
template <typename Step>
auto reading(const fs::path& part, Step step) {
  try {
    return step();
  } catch (const Error& error) {
    std::string_view reason = error.what();
    std::string who = part.string() + ": ";
    throw WrongContent(std::string(reason.starts_with(who) ? reason.substr(who.size()) : reason));
  }
}

void check_sum(std::string_view what, const std::string& sum, std::string_view expected) {
  if (sum == expected) return;
  throw WrongContent(fmt::format("sha256 of {} is {}..., {}... expected", what, sum.substr(0, 8),
                                 expected.substr(0, 8)));
}

// Writes the content of `part` to `sink` and throws WrongContent unless it is that of `file`.
void unpack(const fs::path& part, const CatalogFile& file, Sink& sink) {
  ContentReader reader(part);
  std::array<std::byte, 1 << 16> buffer;
  Sha256 sum;
  uint64_t length = 0;
  while (size_t count = reading(part, [&] { return reader.read(buffer); })) {
    length += count;
    if (length > file.size) throw WrongContent("longer than it should be");
    auto piece = std::span<const std::byte>(buffer).first(count);
    sum.update(piece);
    sink.write(piece);
  }
  reading(part, [&] { reader.finish(); });
  if (length != file.size) {
    throw WrongContent(fmt::format("{} bytes of content, {} expected", length, file.size));
  }
  if (!file.sha256.empty()) check_sum("the content", sum.finish(), file.sha256);
}

// Makes `directory`/NAME from the downloaded `part`. Throws WrongContent, or Error if the disk is
// full.
void accept(const fs::path& part, const fs::path& directory, const CatalogFile& file) {
  if (file.sha256.empty()) check_sum("the .gz", sha256(read_file(part)), file.gz_sha256);
  write_file(directory / file.name, [&](Sink& sink) { unpack(part, file, sink); });
  std::error_code ignored;
  fs::remove(part, ignored);
}

// Why `part` cannot be accepted, or "" if it was.
std::string try_to_accept(const fs::path& part, const fs::path& directory,
                          const CatalogFile& file) {
  try {
    accept(part, directory, file);
    return "";
  } catch (const WrongContent& wrong) {
    return wrong.what();
  }
}

// Fetches one file from one mirror; returns why it could not, or "".
std::string fetch_from(const std::string& url, const fs::path& directory, const CatalogFile& file,
                       const FetchOptions& options) {
  fs::path part = directory / (std::string(file.name) + ".gz.part");
  std::string reason;
  for (int attempt = 0; attempt <= kMostResumes; ++attempt) {
    DownloadOutcome outcome = download(url, part, options.download);
    reason = outcome.reason;
    if (outcome.result == DownloadResult::kFailed) return reason;
    if (outcome.result == DownloadResult::kInterrupted) continue;
    reason = try_to_accept(part, directory, file);
    if (reason.empty()) return "";
    std::error_code ignored;
    fs::remove(part, ignored);
    // The first bytes may be another mirror's, which packed the same content differently.
    if (!outcome.resumed) return reason;
  }
  return reason;
}

struct Failure {
  std::string mirror;
  std::string reason;
};

[[noreturn]] void fail(const CatalogEntry& entry, const fs::path& directory, bool offline,
                       const std::vector<Failure>& failures) {
  std::vector<std::string> names;
  for (const CatalogFile& file : entry.files) {
    if (!is_here(directory, file)) names.emplace_back(file.name);
  }
  std::string why = "downloading was forbidden (offline)";
  std::vector<std::string> tried;
  if (!offline) {
    why = "cannot be downloaded";
    bool same = std::all_of(failures.begin(), failures.end(), [&](const Failure& failure) {
      return failure.reason == failures.front().reason;
    });
    if (same) why += fmt::format(" ({})", failures.front().reason);
    for (const Failure& failure : failures) {
      tried.push_back(same ? failure.mirror
                           : fmt::format("{} ({})", failure.mirror, failure.reason));
    }
  }
  throw DataUnavailable(fmt::format("{}: {}: put {} (or .gz) into {}{}{}", entry.name, why,
                                    join(names), directory.string(),
                                    tried.empty() ? "" : "; tried ", join(tried)));
}

std::vector<std::string> mirrors_of(const CatalogEntry& entry) {
  if (const char* own = std::getenv("MNIST_MIRROR"); own != nullptr && *own != '\0') {
    std::string base = own;
    while (base.ends_with('/')) base.pop_back();
    return {fmt::format("{}/{}/", base, entry.name)};
  }
  return {entry.mirrors.begin(), entry.mirrors.end()};
}

void fetch_file(const CatalogEntry& entry, const CatalogFile& file, const fs::path& directory,
                const FetchOptions& options) {
  fs::path part = directory / (std::string(file.name) + ".gz.part");
  // What an earlier run had fetched whole, but not unpacked yet.
  if (is_there(part) && try_to_accept(part, directory, file).empty()) return;
  std::vector<Failure> failures;
  for (const std::string& mirror : mirrors_of(entry)) {
    std::string reason =
        fetch_from(fmt::format("{}{}.gz", mirror, file.name), directory, file, options);
    if (reason.empty()) return;
    failures.push_back({mirror, reason});
  }
  fail(entry, directory, false, failures);
}

}  // namespace

fs::path cache_directory() {
  auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string_view(value == nullptr ? "" : value);
  };
  if (auto own = variable("MNIST_CACHE_DIR"); !own.empty()) return own;
  if (auto xdg = variable("XDG_CACHE_HOME"); !xdg.empty()) return fs::path(xdg) / "mnist.cpp";
  if (auto home = variable("HOME"); !home.empty()) return fs::path(home) / ".cache" / "mnist.cpp";
  throw Error("cache directory: is unknown: set MNIST_CACHE_DIR");
}

void fetch_files(const CatalogEntry& entry, std::span<const CatalogFile> files,
                 const fs::path& directory, const FetchOptions& options) {
  auto here = [&](const CatalogFile& file) { return is_here(directory, file); };
  if (std::all_of(files.begin(), files.end(), here)) return;
  if (options.offline) fail(entry, directory, true, {});
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) {
    throw Error(
        fmt::format("{}: cannot be created: {}: set MNIST_CACHE_DIR to a folder that can be "
                    "written",
                    directory.string(), error.message()));
  }
  DirectoryLock lock(directory);
  for (const CatalogFile& file : files) {
    if (!is_here(directory, file)) fetch_file(entry, file, directory, options);
  }
}

}  // namespace mnist
