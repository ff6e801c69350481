#include "cli/train_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/network.h"
#include "model/architectures.h"

namespace mnist {
namespace {

bool has_network(const TrainOptions& options) {
  return !options.recipe.empty() || !options.resume.empty() || !options.init.empty();
}

bool is_file(const std::string& word) {
  std::error_code error;
  return std::filesystem::is_regular_file(word, error);
}

// By its first bytes; a gzipped file is taken for one, because no model's name ends with .gz.
bool is_idx_file(const std::string& word) {
  if (!is_file(word)) return false;
  const std::vector<std::byte> head = read_head(word, 3);
  const std::string_view text = as_text(head);
  return text == std::string_view("\0\0\x08", 3) || text.starts_with("\x1f\x8b");
}

// `words` are what stands behind NETWORK and OUT.
void take_files(std::vector<std::string> words, TrainOptions& options) {
  if (words.size() == 1 && is_file(words.front())) {
    throw UsageError(fmt::format("IMAGES and LABELS expected, got {}", words.front()));
  }
  // NETWORK OUT, where NETWORK was taken for OUT because no file is there.
  if (words.size() == 1 && options.network.empty() && options.out.ends_with(".json") &&
      words.front().find('.') != std::string::npos) {
    throw UsageError(fmt::format("{}: there is no such network's description", options.out));
  }
  if (words.size() == 1 || words.size() == 3 || words.size() == 5) {
    chosen_backend(words.back());  // it is none: says so
  }
  if (!words.empty() && words.size() != 2 && words.size() != 4) {
    throw UsageError(fmt::format("'{}' is one argument too many", words.back()));
  }
  options.data.files = std::move(words);
}

}  // namespace

bool is_network_word(const std::string& word) {
  const std::vector<std::string> names = architecture_names();
  return is_network_file(word) || std::find(names.begin(), names.end(), word) != names.end();
}

void sort_words(TrainOptions& options) {
  if (!options.init.empty() && !options.resume.empty()) {
    throw UsageError("--init and --resume: give one of the two");
  }
  std::vector<std::string> words = options.words;
  if (!words.empty() && (!has_network(options) || is_network_word(words.front()))) {
    options.network = words.front();
    words.erase(words.begin());
  } else if (!has_network(options)) {
    throw UsageError("a network expected: " + join(architecture_names()) +
                     ", or a JSON file that describes one");
  }
  const std::string backend = take_backend(words);
  if (!backend.empty()) options.run.backend = backend;
  if (!words.empty() && !is_idx_file(words.front())) {
    options.out = words.front();
    words.erase(words.begin());
  }
  take_files(std::move(words), options);
}

}  // namespace mnist
