#include "data/copies.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"
#include "data/idx.h"
#include "data/npz.h"
#include "mnist/error.h"

namespace mnist {
namespace {

namespace fs = std::filesystem;

bool is_plain_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

// `name` in `directory`: as it is, with "." for its last "-" but one (train-images.idx3-ubyte),
// .gz.
std::optional<fs::path> find_idx_file(const fs::path& directory, std::string_view name) {
  std::string dotted(name);
  dotted[dotted.rfind("-idx")] = '.';
  for (const std::string& spelling : {std::string(name), dotted}) {
    for (const char* suffix : {"", ".gz"}) {
      fs::path path = directory / (spelling + suffix);
      if (is_plain_file(path)) return path;
    }
  }
  return std::nullopt;
}

void append_number(std::vector<std::byte>& bytes, uint64_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(std::byte(number >> shift & 0xff));
}

std::string idx_sum(std::initializer_list<uint64_t> header, std::span<const uint8_t> content) {
  std::vector<std::byte> head;
  for (uint64_t number : header) append_number(head, number);
  Sha256 sum;
  sum.update(head);
  sum.update(std::as_bytes(content));
  return sum.finish();
}

// Whether `data`, written as IDX, would be the files that the catalog names. Where the catalog
// knows only the sums of the packed files, the number and size of the images decide.
bool is_right(const Dataset& data, std::span<const CatalogFile> files) {
  if (data.pixels.size() + kIdxImagesHeader != files[0].size) return false;
  if (data.labels.size() + kIdxLabelsHeader != files[1].size) return false;
  if (files[0].sha256.empty()) return true;
  const std::vector<uint8_t> labels(data.labels.begin(), data.labels.end());
  return idx_sum({kIdxLabelsMagic, data.size()}, labels) == files[1].sha256 &&
         idx_sum({kIdxImagesMagic, data.size(), data.height, data.width}, data.pixels) ==
             files[0].sha256;
}

fs::path variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Where torchvision and Keras may have put the set.
std::vector<fs::path> usual_directories(const CatalogEntry& entry) {
  std::vector<fs::path> roots = {"data", fs::path("..") / "data"};
  fs::path home = variable("HOME");
  if (!home.empty()) roots.push_back(home / "data");
  if (fs::path torch = variable("TORCH_HOME"); !torch.empty()) roots.push_back(torch);
  std::vector<fs::path> directories;
  for (const fs::path& root : roots) {
    directories.push_back(root / entry.torchvision_folder / "raw");
  }
  fs::path keras = variable("KERAS_HOME");
  if (keras.empty() && !home.empty()) keras = home / ".keras";
  if (!keras.empty()) directories.push_back(keras / "datasets" / entry.name);
  if (!keras.empty()) directories.push_back(keras / "datasets");
  return directories;
}

// What `directory` holds of the set, read, or nothing.
std::optional<Dataset> load_from(const fs::path& directory, const CatalogEntry& entry,
                                 Split split) {
  if (std::optional<IdxPair> pair = find_idx_pair(directory, split)) {
    return read_idx_dataset(pair->images, pair->labels);
  }
  fs::path archive = directory / (std::string(entry.name) + ".npz");
  if (is_plain_file(archive)) return read_npz_dataset(archive, std::string(split_name(split)));
  return std::nullopt;
}

}  // namespace

std::optional<IdxPair> find_idx_pair(const fs::path& directory, Split split) {
  std::optional<fs::path> images = find_idx_file(directory, idx_images_name(split));
  std::optional<fs::path> labels = find_idx_file(directory, idx_labels_name(split));
  if (!images || !labels) return std::nullopt;
  return IdxPair{*images, *labels};
}

std::optional<IdxPair> find_idx_pair_below(const fs::path& directory, Split split) {
  for (const fs::path& place : {directory, directory / "raw"}) {
    if (std::optional<IdxPair> pair = find_idx_pair(place, split)) return pair;
  }
  std::error_code error;
  std::vector<std::string> holders;
  std::optional<IdxPair> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, error)) {
    fs::path place = entry.path() / "raw";
    if (std::optional<IdxPair> pair = find_idx_pair(place, split)) {
      found = pair;
      holders.push_back(place.string());
    }
  }
  if (holders.size() > 1) {
    std::sort(holders.begin(), holders.end());
    throw Error(fmt::format("{}: holds several data sets ({}): name one of these folders",
                            directory.string(), join(holders)));
  }
  return found;
}

std::optional<Dataset> load_foreign_copy(const CatalogEntry& entry, Split split) {
  for (const fs::path& directory : usual_directories(entry)) {
    try {
      std::optional<Dataset> data = load_from(directory, entry, split);
      if (data && is_right(*data, files_of(entry, split))) return data;
    } catch (const Error&) {
      // Another program's damaged copy is its own affair: as good as none.
    }
  }
  return std::nullopt;
}

}  // namespace mnist
