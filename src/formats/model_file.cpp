#include "mnist/model_file.h"

#include <fmt/format.h>

#include "base/file.h"
#include "base/text.h"
#include "formats/format_list.h"
#include "mnist/error.h"

namespace mnist {
namespace {

std::string known_formats() {
  std::vector<std::string> words;
  for (const Format* format : formats()) {
    words.push_back(fmt::format("{} ({})", format->name, join(format->suffixes, " ")));
  }
  return join(words);
}

// Null if no format has the suffix.
const Format* format_by_suffix(const std::filesystem::path& path) {
  std::string name = path.filename().string();
  for (char& letter : name) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  for (const Format* format : formats()) {
    for (const std::string& suffix : format->suffixes) {
      if (name.size() > suffix.size() && name.ends_with(suffix)) return format;
    }
  }
  return nullptr;
}

const Format& format_of(std::span<const std::byte> bytes, const std::string& who) {
  if (bytes.empty()) throw Error(fmt::format("{}: a model expected, the file is empty", who));
  for (const Format* format : formats()) {
    if (format->recognises(bytes)) return *format;
  }
  // Content that nobody knows: the format that the name promises can say best what is wrong.
  if (const Format* format = format_by_suffix(who)) return *format;
  throw Error(fmt::format("{}: not a model of a known format: {} are known", who, known_formats()));
}

}  // namespace

TensorType parse_tensor_type(std::string_view word) {
  for (TensorType type : {TensorType::kF32, TensorType::kF16, TensorType::kBF16}) {
    if (word == to_string(type)) return type;
  }
  throw Error(fmt::format("tensor type '{}': f32, f16 or bf16 expected", printable(word, 40)));
}

std::string to_string(TensorType type) {
  return type == TensorType::kF32 ? "f32" : type == TensorType::kF16 ? "f16" : "bf16";
}

Model read_model(std::span<const std::byte> bytes, const std::string& who) {
  Model model = format_of(bytes, who).read(bytes, who);
  try {
    check_model(model);
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", who, error.what()));
  }
  return model;
}

Model load_model(const std::filesystem::path& path) {
  return read_model(read_file(path), path.string());
}

void save_model(const Model& model, const std::filesystem::path& path, const SaveOptions& options) {
  const Format* format =
      options.format.empty() ? format_by_suffix(path) : &format_by_name(options.format);
  if (format == nullptr) {
    throw Error(
        fmt::format("{}: no format has this suffix: {} are known", path.string(), known_formats()));
  }
  try {
    check_model(model);
  } catch (const Error& error) {
    throw Error(fmt::format("{}: not written: {}", path.string(), error.what()));
  }
  write_file(path, [&](Sink& sink) { format->write(model, options, sink); });
}

}  // namespace mnist
