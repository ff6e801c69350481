#include "zoo.h"

#include <cstring>

#include "base/bytes.h"
#include "base/file.h"
#include "base/json.h"
#include "mnist/error.h"

namespace mnist {
namespace {

namespace fs = std::filesystem;

std::optional<PixelScaling> scaling_of(const std::string& text) {
  if (text == "/255") return PixelScaling{1.0 / 255.0, 0.0};
  if (text == "raw") return PixelScaling{1.0, 0.0};
  double mean = 0.0;
  double deviation = 1.0;
  if (std::sscanf(text.c_str(), "(x/255-%lf)/%lf", &mean, &deviation) == 2) {
    return PixelScaling{1.0 / 255.0 / deviation, -mean / deviation};
  }
  return std::nullopt;
}

Fit fit_of(const std::string& geometry) {
  if (geometry == "g32res") return Fit::kResize;
  if (geometry == "g32pad") return Fit::kPad;
  if (geometry == "g14avg") return Fit::kMean;
  return Fit::kNone;
}

std::string text_of(const Json& json, const char* key) {
  return json.contains(key) && json[key].is_string() ? json[key].get<std::string>() : "";
}

ZooEntry entry_of(const Json& json, const fs::path& folder) {
  ZooEntry entry;
  entry.file = text_of(json, "file");
  entry.path = folder / entry.file;
  entry.scaling = scaling_of(text_of(json, "scaling"));
  entry.fit = fit_of(text_of(json, "geometry"));
  if (json.contains("reference_accuracy")) {
    entry.accuracy = json["reference_accuracy"].get<double>();
  }
  if (const std::string reference = text_of(json, "ref"); !reference.empty()) {
    entry.outputs = read_npy(folder / reference);
  }
  entry.is_trained_classifier =
      text_of(json, "dataset") == "MNIST" && entry.accuracy && text_of(json, "status").empty();
  entry.note = text_of(json, "status").empty() ? text_of(json, "note") : text_of(json, "status");
  return entry;
}

}  // namespace

Npy read_npy(const fs::path& path) {
  const std::vector<std::byte> bytes = read_file(path);
  ByteReader reader(bytes, path.string());
  reader.take(8, "magic and version");
  const std::string_view header = reader.text(reader.little<uint16_t>("length"), "header");
  if (header.find("'<f4'") == std::string_view::npos ||
      header.find("'fortran_order': False") == std::string_view::npos) {
    throw Error(path.string() + ": float32 in C order expected");
  }
  Npy npy;
  const size_t start = header.find('(') + 1;
  const std::string extents(header.substr(start, header.find(')') - start));
  for (const char* at = extents.c_str(); *at != '\0';) {
    char* end = nullptr;
    npy.shape.push_back(std::strtoll(at, &end, 10));
    at = end + std::strspn(end, ", ");
  }
  npy.values.resize(element_count(npy.shape));
  const auto data = reader.take(npy.values.size() * sizeof(float), "values");
  std::memcpy(npy.values.data(), data.data(), data.size());
  return npy;
}

std::vector<ZooEntry> read_zoo(const fs::path& folder) {
  const std::vector<std::byte> bytes = read_file(folder / "MANIFEST.json");
  const Json manifest =
      parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, "MANIFEST.json");
  std::vector<ZooEntry> entries;
  for (const Json& json : manifest) entries.push_back(entry_of(json, folder));
  return entries;
}

}  // namespace mnist
