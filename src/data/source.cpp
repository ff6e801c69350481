#include "data/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <set>
#include <utility>

#include "base/random.h"
#include "base/text.h"
#include "data/copies.h"
#include "data/idx.h"
#include "data/npz.h"
#include "data/synthetic.h"
#include "mnist/error.h"

namespace mnist {
namespace {

namespace fs = std::filesystem;
using Kind = DataSource::Kind;

constexpr std::string_view kSyntheticName = "synthetic";
constexpr size_t kNamedClasses = 10;
// As many as MNIST has.
constexpr uint64_t kSyntheticTrainCount = 60'000;
constexpr uint64_t kSyntheticTestCount = 10'000;
// 784 MB of pixels; more would be a typing error.
constexpr uint64_t kMostSynthetic = 1'000'000;

// N of "synthetic:N".
uint64_t parse_count(std::string_view text, std::string_view digits) {
  uint64_t count = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  if (error != std::errc() || end != digits.data() + digits.size() || count == 0 ||
      count > kMostSynthetic) {
    throw Error(fmt::format("{}: synthetic:N with N from 1 to {} expected", text, kMostSynthetic));
  }
  return count;
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

bool is_plain_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

[[noreturn]] void fail_unknown(std::string_view text) {
  std::vector<std::string> names = data_source_names();
  std::string near = nearest_word(text, names);
  throw Error(fmt::format("{}: no such directory, and no data set of that name: {}{}", text,
                          near.empty() ? "" : fmt::format("did you mean '{}'? ", near),
                          "known are " + join(names)));
}

bool has_halves(const fs::path& directory) {
  return is_folder(directory / "train") && is_folder(directory / "test");
}

Kind kind_of_directory(const fs::path& directory) {
  for (Split split : {Split::kTrain, Split::kTest}) {
    if (find_idx_pair_below(directory, split)) return Kind::kIdxDirectory;
  }
  if (is_image_folder(directory)) return Kind::kImageFolder;
  if (has_halves(directory) && is_image_folder(directory / "train")) return Kind::kImageFolder;
  throw Error(fmt::format(
      "{}: no data set found: IDX files such as {} and {} (or .gz) or image "
      "files such as LABEL/anything.png are expected in it",
      directory.string(), idx_images_name(Split::kTrain), idx_labels_name(Split::kTrain)));
}

Dataset load_idx_directory(const fs::path& directory, Split split) {
  std::optional<IdxPair> pair = find_idx_pair_below(directory, split);
  if (!pair) {
    throw Error(fmt::format("{}: the {} half is missing: {} and {} (or .gz) are expected in it",
                            directory.string(), split_name(split), idx_images_name(split),
                            idx_labels_name(split)));
  }
  return read_idx_dataset(pair->images, pair->labels);
}

// The set in the cache or fetched into it; verified when it was fetched.
Dataset load_from_cache(const CatalogEntry& entry, Split split, const DataOptions& options) {
  fs::path directory = cache_directory() / entry.name;
  std::span<const CatalogFile> files = files_of(entry, split);
  if (!find_idx_pair(directory, split)) {
    if (std::optional<Dataset> copy = load_foreign_copy(entry, split)) return std::move(*copy);
    fetch_files(entry, files, directory, {options.offline, options.download});
  }
  Dataset data = load_idx_directory(directory, split);
  if (data.pixels.size() + kIdxImagesHeader != files[0].size) {
    throw Error(fmt::format(
        "{}: {} images of {} x {} are not the {} half of {}: remove these files",
        directory.string(), data.size(), data.height, data.width, split_name(split), entry.name));
  }
  return data;
}

Dataset load_named(std::string_view name, Split split, const DataOptions& options) {
  const CatalogEntry* entry = find_in_catalog(name);
  const char* own = std::getenv("MNIST_DATA_DIR");
  bool elsewhere = name == "mnist" && own != nullptr && *own != '\0';
  Dataset data =
      elsewhere ? load_idx_directory(own, split) : load_from_cache(*entry, split, options);
  data.name = name;
  data.classes = std::max(data.classes, kNamedClasses);
  data.class_names.assign(entry->class_names.begin(), entry->class_names.end());
  return data;
}

Dataset load_synthetic(const DataSource& source, Split split, uint64_t seed) {
  bool train = split == Split::kTrain;
  uint64_t count = train ? kSyntheticTrainCount : kSyntheticTestCount;
  if (source.count > 0) count = train ? source.count : std::min(source.count, kSyntheticTestCount);
  Dataset data = synthetic_digits(count, random_key(seed, RandomUse::kSynthetic, train ? 0 : 1));
  data.name = source.text;
  return data;
}

// A class has the same number in both halves, also where one half lacks some classes.
std::vector<std::string> class_folders_of_halves(const fs::path& directory) {
  std::set<std::string> names;
  for (Split split : {Split::kTrain, Split::kTest}) {
    for (std::string& name : class_folders(directory / split_name(split)))
      names.insert(std::move(name));
  }
  return {names.begin(), names.end()};
}

Dataset load_image_folder(const DataSource& source, Split split, const DataOptions& options) {
  if (!has_halves(source.path)) return read_image_folder(source.path, options.prepare);
  return read_image_folder(source.path / split_name(split), options.prepare,
                           class_folders_of_halves(source.path));
}

}  // namespace

std::vector<std::string> data_source_names() {
  std::vector<std::string> names = catalog_names();
  names.emplace_back(kSyntheticName);
  return names;
}

DataSource parse_data_source(std::string_view text) {
  DataSource source;
  source.text = text;
  source.path = text;
  if (text == kSyntheticName) return source;
  if (text.starts_with("synthetic:")) {
    source.count = parse_count(text, text.substr(kSyntheticName.size() + 1));
    return source;
  }
  if (find_in_catalog(text) != nullptr) {
    source.kind = Kind::kNamed;
  } else if (is_folder(source.path)) {
    source.kind = kind_of_directory(source.path);
  } else if (is_plain_file(source.path) && source.path.extension() == ".npz") {
    source.kind = Kind::kNpz;
  } else if (is_plain_file(source.path)) {
    throw Error(
        fmt::format("{}: a directory, an .npz file or a name is expected here: give IDX "
                    "files as IMAGES LABELS",
                    text));
  } else {
    fail_unknown(text);
  }
  return source;
}

DataSource data_files(const fs::path& images, const fs::path& labels) {
  return data_files(images, labels, images, labels);
}

DataSource data_files(fs::path train_images, fs::path train_labels, fs::path test_images,
                      fs::path test_labels) {
  DataSource source;
  source.kind = Kind::kFiles;
  source.text = (train_images.empty() ? test_images : train_images).string();
  source.train_images = std::move(train_images);
  source.train_labels = std::move(train_labels);
  source.test_images = std::move(test_images);
  source.test_labels = std::move(test_labels);
  return source;
}

bool has_one_half(const DataSource& source) {
  if (source.kind == Kind::kImageFolder) return !has_halves(source.path);
  return source.kind == Kind::kFiles && source.train_images == source.test_images &&
         source.train_labels == source.test_labels;
}

Dataset load_dataset(const DataSource& source, Split split, const DataOptions& options) {
  switch (source.kind) {
    case Kind::kFiles:
      return split == Split::kTrain ? read_idx_dataset(source.train_images, source.train_labels)
                                    : read_idx_dataset(source.test_images, source.test_labels);
    case Kind::kNamed:
      return load_named(source.text, split, options);
    case Kind::kSynthetic:
      return load_synthetic(source, split, options.seed);
    case Kind::kIdxDirectory:
      return load_idx_directory(source.path, split);
    case Kind::kImageFolder:
      return load_image_folder(source, split, options);
    case Kind::kNpz:
      return read_npz_dataset(source.path, std::string(split_name(split)));
  }
  throw Error(fmt::format("{}: is no data source", source.text));
}

}  // namespace mnist
