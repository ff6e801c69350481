#include "cli/arguments.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>

#include "base/text.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "data/copies.h"

namespace mnist {
namespace {

constexpr uint64_t kMostThreads = 1024;
constexpr char kDefaultData[] = "mnist";
constexpr char kOfflineData[] = "synthetic";

}  // namespace

void add_run_options(Command& command, RunArguments& arguments) {
  command.count("--threads", arguments.threads, 1, kMostThreads,
                "Threads to compute with (default: one for each processor)");
  command.text("--backend", arguments.backend, "NAME", "Where to compute (default: CPU)");
}

const Backend& chosen_backend(const std::string& name) {
  return as_usage([&]() -> const Backend& { return find_backend(name); });
}

void add_data_options(Command& command, DataArguments& arguments) {
  command.text("--data,--train-data-dir", arguments.name, "SOURCE",
               "Images: " + join(data_source_names()) +
                   ", a directory of IDX or image files, or an .npz file (default: mnist)");
  command.flag("--offline", arguments.offline, "Never download");
}

DataSource chosen_source(const DataArguments& arguments) {
  const std::vector<std::string>& files = arguments.files;
  if (!files.empty() && !arguments.name.empty()) {
    throw UsageError(fmt::format("--data {} and the files {}: give one of the two", arguments.name,
                                 join(files)));
  }
  if (files.size() == 2) return data_files(files[0], files[1]);
  if (files.size() == 4) return data_files(files[0], files[1], files[2], files[3]);
  return parse_data_source(arguments.name.empty() ? kDefaultData : arguments.name);
}

bool has_test_half(const DataSource& source) {
  if (has_one_half(source)) return false;
  return source.kind != DataSource::Kind::kIdxDirectory ||
         find_idx_pair_below(source.path, Split::kTest).has_value();
}

bool show_download(StatusLine& status, const DownloadProgress& progress) {
  const std::string total =
      progress.total == 0 ? ""
                          : fmt::format(" of {:.1f}", static_cast<double>(progress.total) / 1e6);
  status.show(printable(fmt::format("fetching {}: {:.1f}{} MB", progress.url,
                                    static_cast<double>(progress.done) / 1e6, total),
                        status.terminal().width - 4));
  return true;
}

Dataset load_half(const DataArguments& arguments, const DataSource& source, Split split,
                  StatusLine& status, const PrepareImage& prepare) {
  DataOptions options;
  options.offline = arguments.offline;
  options.prepare = prepare;
  options.download.progress = [&status](const DownloadProgress& progress) {
    return show_download(status, progress);
  };
  Dataset dataset = load_dataset(source, split, options);
  status.clear();
  return dataset;
}

Dataset load_half_or_draw(const DataArguments& arguments, DataSource& source, Split split,
                          StatusLine& status) {
  try {
    return load_half(arguments, source, split, status);
  } catch (const DataUnavailable& error) {
    if (!arguments.is_default()) throw;
    print_error(fmt::format("{}; going on with --data {}, digits that the program draws",
                            error.what(), kOfflineData));
    source = parse_data_source(kOfflineData);
    return load_half(arguments, source, split, status);
  }
}

std::string take_backend(std::vector<std::string>& words) {
  if (words.empty()) return "";
  for (const Backend* backend : available_backends()) {
    if (strcasecmp(backend->name().c_str(), words.back().c_str()) != 0) continue;
    std::string name = std::move(words.back());
    words.pop_back();
    return name;
  }
  return "";
}

std::string class_name(const std::vector<std::string>& names, size_t index) {
  return index < names.size() ? printable(names[index], 40) : std::to_string(index);
}

std::string shell_word(const std::string& text) {
  constexpr std::string_view kPlain = "._-/:,=+@%";
  const bool is_plain = !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kPlain.find(c) != std::string_view::npos;
  });
  if (is_plain) return text;
  std::string quoted = "'";
  for (char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace mnist
