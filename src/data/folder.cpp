#include "data/folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "mnist/error.h"
#include "mnist/image_file.h"

namespace mnist {
namespace {

namespace fs = std::filesystem;

struct Entry {
  fs::path file;
  size_t label = 0;
  std::string source;
};

struct SubFolder {
  fs::path path;
  std::string name;
  std::vector<fs::path> images;
};

enum class FileKind { kImage, kForeignImage, kOther };

FileKind kind_of(const fs::path& file) {
  std::string suffix = file.extension().string();
  std::transform(suffix.begin(), suffix.end(), suffix.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (std::string_view known : {".png", ".pgm", ".ppm", ".pnm", ".jpg", ".jpeg"}) {
    if (suffix == known) return FileKind::kImage;
  }
  for (std::string_view foreign : {".bmp", ".gif", ".webp", ".tif", ".tiff", ".heic"}) {
    if (suffix == foreign) return FileKind::kForeignImage;
  }
  return FileKind::kOther;
}

bool is_plain_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

// What lies in `directory`, hidden things aside, in alphabetical order.
std::vector<fs::path> list(const fs::path& directory) {
  std::error_code error;
  fs::directory_iterator entries(directory, error);
  if (error) {
    throw Error(fmt::format("{}: cannot be listed: {}", directory.string(), error.message()));
  }
  std::vector<fs::path> found;
  for (const fs::directory_entry& entry : entries) {
    if (entry.path().filename().native().front() != '.') found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<fs::path> list_images(const fs::path& directory) {
  std::vector<fs::path> images;
  for (const fs::path& path : list(directory)) {
    FileKind kind = kind_of(path);
    if (kind == FileKind::kOther || !is_plain_file(path)) continue;
    if (kind == FileKind::kForeignImage) {
      throw Error(
          fmt::format("{}: PNG, PGM, PPM or JPEG expected: convert it, or move it out of the "
                      "folder",
                      path.string()));
    }
    images.push_back(path);
  }
  return images;
}

// All of `text` as a label, or nothing.
std::optional<size_t> parse_label(std::string_view text) {
  size_t label = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), label);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return label;
}

// The label that the name of `file` starts with: "7_anything.png", "7-x.png", "7.png".
std::optional<size_t> label_in_name(const fs::path& file) {
  std::string name = file.stem().string();
  return parse_label(std::string_view(name).substr(0, name.find_first_of("_-. ")));
}

std::vector<Entry> entries_by_name(const std::vector<fs::path>& images, const std::string& source) {
  std::vector<Entry> entries;
  for (const fs::path& image : images) {
    std::optional<size_t> label = label_in_name(image);
    if (!label) {
      throw Error(
          fmt::format("{}: its name should start with its label, as in 7_first.png, or the "
                      "folder be one of DIR/LABEL/",
                      image.string()));
    }
    entries.push_back({image, *label, source});
  }
  return entries;
}

// "7_anything.png": a number that stands alone is a file's number as well as a label.
bool has_separate_label(const fs::path& file) {
  const std::string name = file.stem().string();
  return label_in_name(file).has_value() && name.find_first_of("_-. ") != std::string::npos;
}

bool all_numbered(const std::vector<SubFolder>& folders) {
  return std::all_of(folders.begin(), folders.end(),
                     [](const SubFolder& folder) { return parse_label(folder.name).has_value(); });
}

// Form 3: see folder.h.
bool are_sources(const std::vector<SubFolder>& folders) {
  bool mixed = false;
  for (const SubFolder& folder : folders) {
    std::set<size_t> labels;
    for (const fs::path& image : folder.images) {
      if (!has_separate_label(image)) return false;
      const size_t label = *label_in_name(image);
      if (label >= kMostClasses) return false;
      labels.insert(label);
    }
    mixed = mixed || labels.size() > 1;
  }
  return mixed;
}

// The sub-folders that hold images, in alphabetical order, or by number where all are numbers.
std::vector<SubFolder> list_folders(const fs::path& directory) {
  std::vector<SubFolder> folders;
  for (const fs::path& path : list(directory)) {
    if (!is_folder(path)) continue;
    SubFolder folder{path, path.filename().string(), list_images(path)};
    if (!folder.images.empty()) folders.push_back(std::move(folder));
  }
  if (all_numbered(folders)) {
    std::stable_sort(folders.begin(), folders.end(), [](const SubFolder& a, const SubFolder& b) {
      return parse_label(a.name) < parse_label(b.name);
    });
  }
  return folders;
}

bool are_named_classes(const std::vector<SubFolder>& folders) {
  return !all_numbered(folders) && !are_sources(folders);
}

// Where the name of `folder` stands in `class_names`.
size_t label_of(const SubFolder& folder, const std::vector<std::string>& class_names) {
  const auto found = std::find(class_names.begin(), class_names.end(), folder.name);
  if (found != class_names.end()) return static_cast<size_t>(found - class_names.begin());
  throw Error(fmt::format("{}: is none of the classes {}", folder.path.string(),
                          printable(join(class_names), 400)));
}

// The images of `directory` with their labels; fills `class_names`, if it is empty, where the
// folders' names are such.
std::vector<Entry> find_entries(const fs::path& directory, std::vector<std::string>& class_names) {
  const std::vector<fs::path> direct = list_images(directory);
  const std::vector<SubFolder> folders = list_folders(directory);
  if (!direct.empty()) {
    if (folders.empty()) return entries_by_name(direct, "");
    throw Error(
        fmt::format("{}: holds images, such as {}, beside folders of images, such as {}: which "
                    "are meant?",
                    directory.string(), direct.front().filename().string(), folders.front().name));
  }
  std::vector<Entry> entries;
  if (are_named_classes(folders) && class_names.empty()) class_names = class_folders(directory);
  const bool numbered = all_numbered(folders);
  const bool by_source = !numbered && are_sources(folders);
  for (const SubFolder& folder : folders) {
    if (by_source) {
      std::vector<Entry> more = entries_by_name(folder.images, folder.name);
      entries.insert(entries.end(), more.begin(), more.end());
      continue;
    }
    const size_t label = numbered ? *parse_label(folder.name) : label_of(folder, class_names);
    for (const fs::path& image : folder.images) entries.push_back({image, label, ""});
  }
  return entries;
}

void check_label(const Entry& entry) {
  if (entry.label < kMostClasses) return;
  throw Error(fmt::format("{}: label {}: 0 to {} expected", entry.file.string(), entry.label,
                          kMostClasses - 1));
}

// Adds one image, which must have the size of those before it.
void append(Dataset& data, const Entry& entry, const Image& image, bool prepared) {
  if (data.labels.empty()) {
    data.height = image.height;
    data.width = image.width;
  } else if (image.height != data.height || image.width != data.width) {
    throw Error(fmt::format("{}: {} x {} pixels, but {} has {} x {}: images of one size expected{}",
                            entry.file.string(), image.width, image.height, data.files.front(),
                            data.width, data.height,
                            prepared ? "" : "; preparing them brings them to one"));
  }
  if (data.pixels.size() + image.pixels.size() > kLargestFile) {
    throw Error(fmt::format("{}: more than {} bytes of pixels in one folder", entry.file.string(),
                            kLargestFile));
  }
  data.pixels.insert(data.pixels.end(), image.pixels.begin(), image.pixels.end());
  data.labels.push_back(static_cast<Label>(entry.label));
  data.files.push_back(entry.file.string());
  if (!entry.source.empty()) data.sources.push_back(entry.source);
}

}  // namespace

bool is_image_folder(const fs::path& directory) {
  for (const fs::path& path : list(directory)) {
    if (kind_of(path) == FileKind::kImage) return true;
    if (!is_folder(path)) continue;
    for (const fs::path& below : list(path)) {
      if (kind_of(below) == FileKind::kImage) return true;
    }
  }
  return false;
}

std::vector<std::string> class_folders(const fs::path& directory) {
  std::vector<std::string> names;
  const std::vector<SubFolder> folders = list_folders(directory);
  if (!are_named_classes(folders)) return names;
  for (const SubFolder& folder : folders) names.push_back(folder.name);
  return names;
}

Dataset read_image_folder(const fs::path& directory, const PrepareImage& prepare,
                          const std::vector<std::string>& class_names) {
  Dataset data;
  data.name = directory.string();
  data.class_names = class_names;
  std::vector<Entry> entries = find_entries(directory, data.class_names);
  if (entries.empty()) {
    throw Error(
        fmt::format("{}: images expected as LABEL/anything.png, LABEL_anything.png or "
                    "SOURCE/LABEL_anything.png: none found",
                    directory.string()));
  }
  for (const Entry& entry : entries) {
    check_label(entry);
    Image image = read_image(entry.file);
    if (prepare) image = prepare(image);
    if (data.labels.empty()) {  // one allocation instead of a row of ever larger ones
      data.pixels.reserve(std::min<uint64_t>(kLargestFile, image.pixels.size() * entries.size()));
    }
    append(data, entry, image, static_cast<bool>(prepare));
  }
  data.classes = std::max(count_classes(data.labels), data.class_names.size());
  return data;
}

}  // namespace mnist
