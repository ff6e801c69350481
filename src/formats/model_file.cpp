#include "mnist/model_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/file.h"
#include "base/text.h"
#include "formats/format_list.h"
#include "formats/pixel_graph.h"
#include "formats/recognise.h"
#include "formats/recognise/known_network.h"
#include "mnist/error.h"
#include "model/architectures.h"

namespace mnist {
namespace {

namespace fs = std::filesystem;

// Those that are read, or written.
std::string known_formats(bool read) {
  std::vector<std::string> words;
  for (const Format* format : formats()) {
    if (read ? format->read == nullptr : format->write == nullptr) continue;
    words.push_back(fmt::format("{} ({})", format->name, join(format->suffixes, " ")));
  }
  return join(words);
}

// The format with the longest suffix that fits, null if there is none.
const Format* format_by_suffix(const fs::path& path) {
  std::string name = path.filename().string();
  for (char& letter : name) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  const Format* found = nullptr;
  size_t longest = 0;
  for (const Format* format : formats()) {
    for (const std::string& suffix : format->suffixes) {
      if (suffix.size() <= longest || suffix.size() >= name.size()) continue;
      if (!name.ends_with(suffix)) continue;
      found = format;
      longest = suffix.size();
    }
  }
  return found;
}

const Format& format_of(std::span<const std::byte> bytes, const std::string& who) {
  if (bytes.empty()) throw Error(fmt::format("{}: a model expected, the file is empty", who));
  for (const Format* format : formats()) {
    if (format->recognises(bytes)) return *format;
  }
  // Content that nobody knows: the format that the name promises can say best what is wrong.
  const Format* format = format_by_suffix(who);
  if (format != nullptr && format->read != nullptr) return *format;
  if (format != nullptr) {
    throw Error(fmt::format("{}: {} is only written, not read", who, format->name));
  }
  throw Error(
      fmt::format("{}: not a model of a known format: {} are known", who, known_formats(true)));
}

// The file to begin with: `path`, or what makes the folder `path` a model.
fs::path main_file(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return path;
  std::vector<std::string> names;
  for (const Format* format : formats()) {
    for (const std::string& name : format->main_files) {
      if (fs::exists(path / name, error)) return path / name;
      names.push_back(name);
    }
  }
  throw Error(fmt::format("{}: a folder without a model in it: {} expected", path.string(),
                          names.empty() ? "a file" : join(names, " or ")));
}

std::string recognised_as(const Model& model) {
  const auto found = model.metadata.find(kRecognisedKey);
  return found == model.metadata.end() ? model.architecture : found->second;
}

[[noreturn]] void fail_ambiguous(const std::vector<Model>& models, const std::string& who) {
  constexpr size_t kMostNamed = 5;
  std::vector<std::string> names;
  for (const Model& model : models) {
    if (names.size() < kMostNamed) names.push_back(recognised_as(model));
  }
  throw Error(fmt::format(
      "{}: weights without a network, and {} networks fit: {}{}; name one "
      "(--arch), or let data choose (--calibrate)",
      who, models.size(), join(names, "; "), models.size() > kMostNamed ? "; ..." : ""));
}

Candidates candidates_of(const ModelSource& source, const LoadOptions& options) {
  FileContents contents = format_of(source.bytes, source.who).read(source);
  Candidates candidates;
  if (Model* model = std::get_if<Model>(&contents)) {
    candidates.models.push_back(std::move(*model));
  } else {
    const LooseWeights& weights = std::get<LooseWeights>(contents);
    candidates.has_network = false;
    if (options.network == nullptr) {
      if (options.known_is_enough) {
        auto known = known_network(weights, source.who);
        if (known) candidates.models.push_back(*std::move(known));
      }
      if (candidates.models.empty()) candidates.models = recognise(weights, source.who);
      const std::vector<std::string> known = architecture_names();
      candidates.is_known =
          std::find(known.begin(), known.end(), candidates.models[0].architecture) != known.end();
    } else {
      candidates.models.push_back(with_weights(*options.network, weights, source.who));
    }
  }
  for (const Model& model : candidates.models) {
    try {
      check_model(model);
    } catch (const Error& error) {
      throw Error(fmt::format("{}: {}", source.who, error.what()));
    }
  }
  return candidates;
}

LoadOptions one_of(LoadOptions options) {
  options.known_is_enough = true;
  return options;
}

Model only_one(Candidates candidates, const std::string& who) {
  if (candidates.models.size() != 1 && !candidates.is_known) {
    fail_ambiguous(candidates.models, who);
  }
  return std::move(candidates.models[0]);
}

// Throws where the format does not have what the options ask for.
void expect_abilities(const Format& format, const SaveOptions& options) {
  const WriteAbilities& can = format.abilities;
  if (format.write == nullptr)
    throw Error(fmt::format("{} is only read, not written", format.name));
  if (std::find(can.types.begin(), can.types.end(), options.tensor_type) == can.types.end()) {
    std::vector<std::string> types;
    for (TensorType type : can.types) types.push_back(to_string(type));
    throw Error(fmt::format("{} holds {} only, not {}", format.name, join(types),
                            to_string(options.tensor_type)));
  }
  if (!options.layout.empty() &&
      std::find(can.layouts.begin(), can.layouts.end(), options.layout) == can.layouts.end()) {
    throw Error(fmt::format("{} has {}layout '{}'", format.name,
                            can.layouts.empty() ? "no " : join(can.layouts) + ", not ",
                            printable(options.layout, 40)));
  }
  if (options.with_preprocessing && !can.preprocessing) {
    throw Error(fmt::format("{} cannot hold the preparation of pixels", format.name));
  }
}

}  // namespace

Candidates read_candidates(std::span<const std::byte> bytes, const std::string& who,
                           const LoadOptions& options, const FileBeside& beside) {
  const auto nothing = [&](const std::string& name, uint64_t) -> std::vector<std::byte> {
    throw Error(fmt::format("{}: '{}' is a file of its own, and the model lies in memory", who,
                            printable(name, 100)));
  };
  return candidates_of({who, bytes, beside ? beside : nothing}, options);
}

Model read_model(std::span<const std::byte> bytes, const std::string& who,
                 const LoadOptions& options) {
  return only_one(read_candidates(bytes, who, one_of(options)), who);
}

Candidates load_candidates(const fs::path& path, const LoadOptions& options) {
  const fs::path main = main_file(path);
  const std::vector<std::byte> bytes = read_file(main);
  const auto beside = [&](const std::string& name, uint64_t limit) {
    return read_file_beneath(main.parent_path(), name, limit);
  };
  return candidates_of({main.string(), bytes, beside}, options);
}

Model load_model(const fs::path& path, const LoadOptions& options) {
  return only_one(load_candidates(path, one_of(options)), path.string());
}

const Format& format_for(const fs::path& path, const SaveOptions& options) {
  if (!options.format.empty()) return format_by_name(options.format);
  if (const Format* format = format_by_suffix(path)) return *format;
  throw Error(fmt::format("{}: no format has this suffix: {} are known", path.string(),
                          known_formats(false)));
}

std::vector<std::byte> model_bytes(const Model& model, const fs::path& path,
                                   const SaveOptions& options) {
  const Format& format = format_for(path, options);
  MemorySink sink;
  try {
    expect_abilities(format, options);
    check_model(model);
    format.write(model, options, sink);
  } catch (const Error& error) {
    throw Error(fmt::format("{}: not written: {}", path.string(), error.what()));
  }
  return std::move(sink.bytes);
}

Model read_back(const Model& model, std::span<const std::byte> bytes, const fs::path& path,
                const SaveOptions& options) {
  const Format& format = format_for(path, options);
  if (format.read == nullptr) return format.as_written(model, options);
  // Of a format that holds layers only, which have what the graph did to pixels in `pixels`.
  const Model network = scaling_as_pixels(model);
  return read_model(bytes, path.string(), {.network = &network});
}

std::vector<KeptFloat32> kept_float32(const Model& model, const fs::path& path,
                                      const SaveOptions& options) {
  const Format& format = format_for(path, options);
  expect_abilities(format, options);
  if (options.tensor_type == TensorType::kF32 || format.kept_float32 == nullptr) return {};
  return format.kept_float32(model, options);
}

void save_model(const Model& model, const fs::path& path, const SaveOptions& options) {
  const std::vector<std::byte> bytes = model_bytes(model, path, options);
  write_file(path, [&](Sink& sink) { sink.write(bytes); });
}

}  // namespace mnist
