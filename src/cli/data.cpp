// mnist data: the sets of images that the program knows.
#include <fmt/format.h>

#include <memory>

#include "base/sha256.h"
#include "base/text.h"
#include "cli/arguments.h"
#include "cli/ascii_art.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "data/content.h"
#include "data/copies.h"
#include "data/fetch.h"
#include "data/idx.h"

namespace mnist {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string name;
  DataArguments data;
  std::string out;
  std::optional<uint64_t> count;
  std::optional<uint64_t> seed;
};

const CatalogEntry& known_entry(const std::string& name) {
  if (const CatalogEntry* entry = find_in_catalog(name)) return *entry;
  const std::string near = nearest_word(name, catalog_names());
  throw UsageError(fmt::format("data set '{}' is not known{}: {}", name,
                               near.empty() ? "" : fmt::format(", did you mean '{}'?", near),
                               join(catalog_names())));
}

bool is_cached(const CatalogEntry& entry) {
  const fs::path folder = cache_directory() / entry.name;
  return find_idx_pair(folder, Split::kTrain) && find_idx_pair(folder, Split::kTest);
}

void list() {
  std::vector<std::vector<std::string>> rows = {{"name", "classes", "in the cache"}};
  for (const std::string& name : catalog_names()) {
    const CatalogEntry& entry = *find_in_catalog(name);
    std::vector<std::string> names(entry.class_names.begin(), entry.class_names.end());
    rows.push_back({name, names.empty() ? "0 to 9" : join(names), is_cached(entry) ? "yes" : "no"});
  }
  rows.push_back({"synthetic", "0 to 9", "drawn when needed"});
  fmt::print("{}", table(rows, {true, true, true}));
}

bool is_there(const fs::path& folder, const CatalogFile& file) {
  std::error_code error;
  return fs::exists(folder / file.name, error) ||
         fs::exists(folder / (std::string(file.name) + ".gz"), error);
}

// What is wrong with the file of `entry`, "" if nothing is.
std::string check_file(const fs::path& folder, const CatalogFile& file) {
  std::error_code error;
  fs::path path = folder / file.name;
  if (!fs::exists(path, error)) path += ".gz";
  if (!fs::exists(path, error)) return "missing";
  ContentReader reader(path);
  std::vector<std::byte> piece(1 << 16);
  Sha256 sum;
  uint64_t length = 0;
  while (const size_t count = reader.read(piece)) {
    length += count;
    if (length > file.size) break;
    sum.update(std::span(piece).first(count));
  }
  if (length != file.size) return "damaged: its length is wrong";
  return file.sha256.empty() || sum.finish() == file.sha256 ? "" : "damaged: its sha256 is wrong";
}

// Files that are not what they should be, renamed: what is fetched takes their place.
std::vector<fs::path> set_damaged_aside(const CatalogEntry& entry, const fs::path& folder) {
  std::vector<fs::path> aside;
  for (const CatalogFile& file : entry.files) {
    if (!is_there(folder, file) || check_file(folder, file).empty()) continue;
    for (const char* suffix : {"", ".gz"}) {
      const fs::path path = folder / (std::string(file.name) + suffix);
      std::error_code error;
      if (!fs::exists(path, error)) continue;
      print_error(fmt::format("{}: is damaged, and is fetched anew", path.string()));
      aside.push_back(path.string() + ".damaged");
      fs::rename(path, aside.back(), error);
    }
  }
  return aside;
}

void fetch(const Options& options) {
  const CatalogEntry& entry = known_entry(options.name);
  const fs::path folder = cache_directory() / entry.name;
  StatusLine status(false);
  FetchOptions how;
  how.download.progress = [&status](const DownloadProgress& progress) {
    return show_download(status, progress);
  };
  const std::vector<fs::path> aside = set_damaged_aside(entry, folder);
  fetch_files(entry, entry.files, folder, how);
  std::error_code ignored;
  for (const fs::path& path : aside) fs::remove(path, ignored);
  status.clear();
  fmt::print("{}\n", folder.string());
}

int verify(const Options& options) {
  const CatalogEntry& entry = known_entry(options.name);
  const fs::path folder = cache_directory() / entry.name;
  bool is_whole = true;
  for (const CatalogFile& file : entry.files) {
    const std::string wrong = check_file(folder, file);
    fmt::print("{}: {}\n", (folder / file.name).string(), wrong.empty() ? "ok" : wrong);
    is_whole = is_whole && wrong.empty();
  }
  return is_whole ? kExitDone : kExitError;
}

// One line about a half.
void show_half(const DataArguments& arguments, Split split) {
  StatusLine status(false);
  const Dataset dataset = load_half(arguments, chosen_source(arguments), split, status);
  std::vector<size_t> counts(dataset.classes);
  for (const Label label : dataset.labels) ++counts[label];
  std::vector<std::string> words;
  for (size_t label = 0; label < counts.size(); ++label) {
    words.push_back(fmt::format("{}: {}", class_name(dataset.class_names, label), counts[label]));
  }
  fmt::print("{}: {} images of {} x {}, {} classes ({})\n", split_name(split),
             grouped(dataset.size()), dataset.width, dataset.height, dataset.classes, join(words));
}

void show(const Options& options) {
  DataArguments arguments;
  arguments.name = options.name;
  arguments.offline = options.data.offline;
  show_half(arguments, Split::kTrain);
  if (has_test_half(chosen_source(arguments))) show_half(arguments, Split::kTest);
}

void write_half(const Dataset& digits, Split split, const fs::path& folder) {
  write_idx_images(folder / idx_images_name(split), digits.height, digits.width, digits.pixels);
  write_idx_labels(folder / idx_labels_name(split), digits.labels);
}

// Both halves of --data synthetic:N as IDX files, or a few digits in letters.
void draw(const Options& options) {
  const DataSource source =
      parse_data_source(fmt::format("synthetic:{}", options.count.value_or(10)));
  DataOptions how;
  how.seed = options.seed.value_or(how.seed);
  const Dataset digits = load_dataset(source, Split::kTrain, how);
  if (!options.out.empty()) {
    std::error_code error;
    fs::create_directories(options.out, error);
    write_half(digits, Split::kTrain, options.out);
    write_half(load_dataset(source, Split::kTest, how), Split::kTest, options.out);
    return;
  }
  for (size_t i = 0; i < digits.size(); ++i) {
    const std::span<const uint8_t> pixels = digits.image(i);
    const Image image{digits.height, digits.width, {pixels.begin(), pixels.end()}};
    fmt::print("{}{}\n\n", ascii_art(image, output_terminal().width), digits.labels[i]);
  }
}

}  // namespace

void add_data(Command& program) {
  auto options = std::make_shared<Options>();
  Command command =
      program.add_command("data", "Sets of images: list, fetch, verify, path, show, draw");
  command.require_command();
  command.usage("data COMMAND",
                "  mnist data list\n"
                "  mnist data fetch fashion-mnist\n"
                "  mnist data show mnist\n"
                "  mnist data draw --count 3 --seed 7");
  Command listing = command.add_command("list", "Show the sets known by name");
  listing.usage("data list", "  mnist data list");
  listing.action(list);

  Command fetching = command.add_command("fetch", "Download a set into the cache");
  fetching.argument("NAME", options->name, join(catalog_names()));
  fetching.usage("data fetch NAME", "  mnist data fetch kmnist");
  fetching.action([options] { fetch(*options); });

  Command verifying = command.add_command("verify", "Compare a downloaded set with its checksums");
  verifying.argument("NAME", options->name, join(catalog_names()));
  verifying.usage("data verify NAME", "  mnist data verify mnist");
  verifying.action([options] { return verify(*options); });

  Command path = command.add_command("path", "Show where downloaded sets are kept");
  path.usage("data path", "  ls $(mnist data path)");
  path.action([] { fmt::print("{}\n", cache_directory().string()); });

  Command showing = command.add_command("show", "Read a set and say what is in it");
  showing.argument("SOURCE", options->name, "A name, a directory or an .npz file");
  showing.flag("--offline", options->data.offline, "Never download");
  showing.usage("data show SOURCE [OPTIONS]", "  mnist data show mnist\n  mnist data show photos/");
  showing.action([options] { show(*options); });

  Command drawing =
      command.add_command("draw", "Show digits that the program draws, or write them");
  drawing.count("--count", options->count, 1, 1'000'000, "How many (default: 10)");
  drawing.count("--seed", options->seed, 0, UINT64_MAX, "Which ones (default: 1)");
  drawing.text("-o,--out", options->out, "FOLDER", "Write IDX files into this folder instead");
  drawing.usage("data draw [OPTIONS]",
                "  mnist data draw --count 3\n  mnist data draw --count 60000 -o digits/");
  drawing.action([options] { draw(*options); });
}

}  // namespace mnist
