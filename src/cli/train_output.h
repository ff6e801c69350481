// The files that a training run leaves: proven to be writable before it, and never lost after it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>

#include "cli/terminal.h"

namespace mnist {

struct SavedFile {
  std::filesystem::path path;
  std::string failure;  // why that is not where the file was to be; "": it is
};

// Writes `bytes` to `path`. Where that fails they go to a file of the same name in
// `other_folder` ("": none), else in a new folder in the temporary directory. Throws Error where
// none of these takes them.
SavedFile save_somewhere(const std::filesystem::path& path, std::span<const std::byte> bytes,
                         const std::filesystem::path& other_folder);

// Something that is written again and again during a run, each time whole: a failure is a warning,
// and forgotten when a later attempt succeeds.
class RepeatedOutput {
 public:
  explicit RepeatedOutput(StatusLine& status) : status_(&status) {}

  // Whether `write` threw no Error.
  bool attempt(const std::function<void()>& write);

  // Of the last attempt; "" if it succeeded.
  const std::string& failure() const { return failure_; }

 private:
  StatusLine* status_;
  std::string failure_;
};

}  // namespace mnist
