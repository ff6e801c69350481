#include "cli/train_output.h"

#include <fmt/format.h>

#include <cstdlib>
#include <system_error>

#include "base/file.h"
#include "base/text.h"
#include "mnist/error.h"

namespace mnist {
namespace {

namespace fs = std::filesystem;

void write_bytes(const fs::path& path, std::span<const std::byte> bytes) {
  write_file(path, [&](Sink& sink) { sink.write(bytes); });
}

// `name` in `folder`, unless something is there already.
bool write_new(const fs::path& folder, const fs::path& name, std::span<const std::byte> bytes) {
  std::error_code error;
  if (folder.empty() || fs::exists(fs::symlink_status(folder / name, error))) return false;
  try {
    write_bytes(folder / name, bytes);
  } catch (const Error&) {
    return false;  // the first failure is the one to tell
  }
  return true;
}

// Of this user alone: nobody else can have put a link there. "" where there can be none.
fs::path new_temporary_folder() {
  std::error_code error;
  std::string name = (fs::temp_directory_path(error) / "mnist-XXXXXX").string();
  return error || ::mkdtemp(name.data()) == nullptr ? fs::path() : fs::path(name);
}

}  // namespace

SavedFile save_somewhere(const fs::path& path, std::span<const std::byte> bytes,
                         const fs::path& other_folder) {
  try {
    write_bytes(path, bytes);
    return {path, ""};
  } catch (const Error& error) {
    const fs::path name = path.filename();
    if (write_new(other_folder, name, bytes)) return {other_folder / name, error.what()};
    const fs::path folder = new_temporary_folder();
    if (write_new(folder, name, bytes)) return {folder / name, error.what()};
    if (!folder.empty()) {
      std::error_code ignored;
      fs::remove(folder, ignored);
    }
    throw;
  }
}

bool RepeatedOutput::attempt(const std::function<void()>& write) {
  try {
    write();
    failure_.clear();
    return true;
  } catch (const Error& error) {
    if (failure_.empty()) status_->warn(fmt::format("{}; the training goes on", error.what()));
    failure_ = error.what();
    return false;
  }
}

}  // namespace mnist
