// What several commands are told in the same way.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/threads.h"
#include "classify/input_size.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "data/source.h"
#include "engine/backend.h"
#include "mnist/image.h"
#include "mnist/model.h"

namespace mnist {

// --threads and --backend.
struct RunArguments {
  std::optional<uint64_t> threads;
  std::string backend;

  // All processors without --threads.
  size_t thread_count() const { return static_cast<size_t>(threads.value_or(0)); }
};
void add_run_options(Command& command, RunArguments& arguments);

// The backend by name; UsageError for one that is not available.
const Backend& chosen_backend(const std::string& name);

// Which images: --data, or two files, or four (training images and labels, test images and labels).
struct DataArguments {
  std::string name;                // behind --data
  std::vector<std::string> files;  // none, two or four
  bool offline = false;

  bool is_default() const { return name.empty() && files.empty(); }
};
void add_data_options(Command& command, DataArguments& arguments);

// A source for the arguments: MNIST where they name nothing. UsageError for both --data and files.
DataSource chosen_source(const DataArguments& arguments);

// Whether `source` has a half of its own to test with. Looks for files, reads none.
bool has_test_half(const DataSource& source);

// What a download calls while it runs.
bool show_download(StatusLine& status, const DownloadProgress& progress);

// Loads one half, showing downloads on `status`.
Dataset load_half(const DataArguments& arguments, const DataSource& source, Split split,
                  StatusLine& status, const PrepareImage& prepare = {});

// The same; but where nothing was asked for and MNIST can neither be found nor fetched, digits that
// the program draws take its place. That is said, and `source` is theirs from then on.
Dataset load_half_or_draw(const DataArguments& arguments, DataSource& source, Split split,
                          StatusLine& status);

// Last of `words` if it is a backend's name, which is then taken off; else "".
std::string take_backend(std::vector<std::string>& words);

// What class number `index` of `model` is called.
std::string class_name(const std::vector<std::string>& names, size_t index);

// `text` as one word of a shell command.
std::string shell_word(const std::string& text);

}  // namespace mnist
