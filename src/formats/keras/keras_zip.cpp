// Keras's .keras, since 2.12: a zip archive of the model's config as JSON, of what else there is to
// say of it, and of an HDF5 file with the weights, each under its layer's place in the network.
#include <fmt/format.h>

#include <charconv>
#include <cstring>

#include "base/json.h"
#include "base/text.h"
#include "base/zip.h"
#include "formats/format_list.h"
#include "formats/hdf5/hdf5.h"
#include "formats/keras/keras_write.h"
#include "formats/keras/layer_list.h"
#include "formats/keras/translate.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr size_t kLargestText = size_t{16} << 20;

std::string read_text(const ZipArchive& archive, const char* name) {
  const ZipEntry* entry = archive.find(name);
  if (entry == nullptr) throw Error(fmt::format("{}: '{}' is missing", archive.who(), name));
  if (entry->size > kLargestText) {
    throw Error(fmt::format("{}: '{}': {} bytes, at most {} are read", archive.who(), name,
                            entry->size, kLargestText));
  }
  const std::vector<std::byte> content = archive.content(*entry);
  return {reinterpret_cast<const char*>(content.data()), content.size()};
}

// Of the groups CLASS, CLASS_1, CLASS_2, ... the one of that number or, where numbers are left out,
// the one at that place.
const Hdf5Group* find_place(const Hdf5Group& container, const KerasLayer::Place& place) {
  const std::string& name = place.class_name;
  const std::string exact = place.number == 0 ? name : fmt::format("{}_{}", name, place.number);
  if (const Hdf5Group* group = container.group(exact)) return group;
  std::map<size_t, const Hdf5Group*> numbered;
  for (const auto& [each, group] : container.groups) {
    if (!each.starts_with(name)) continue;
    const std::string_view rest = std::string_view(each).substr(name.size());
    size_t number = 0;
    if (!rest.empty()) {
      const auto [end, error] = std::from_chars(rest.data() + 1, rest.data() + rest.size(), number);
      if (rest[0] != '_' || error != std::errc() || end != rest.data() + rest.size()) continue;
    }
    numbered.emplace(number, &group);
  }
  if (place.number >= numbered.size()) return nullptr;
  return std::next(numbered.begin(), static_cast<std::ptrdiff_t>(place.number))->second;
}

const Hdf5Group* find_layer(const Hdf5Group& root, const KerasLayer& layer) {
  const Hdf5Group* group = &root;
  for (const KerasLayer::Place& place : layer.places) {
    const Hdf5Group* found = nullptr;
    for (const char* container : {"layers", "_layer_checkpoint_dependencies"}) {
      const Hdf5Group* list = group->group(container);
      if (found == nullptr && list != nullptr) found = find_place(*list, place);
    }
    if (found == nullptr) return nullptr;
    group = found;
  }
  return group;
}

// The weights of a part of a layer ("forward_layer/cell"), of the layer itself for "".
const Hdf5Group* find_part(const Hdf5Group* group, std::string_view part) {
  while (group != nullptr && !part.empty()) {
    const size_t slash = std::min(part.find('/'), part.size());
    group = group->group(std::string(part.substr(0, slash)));
    part.remove_prefix(std::min(slash + 1, part.size()));
  }
  return group == nullptr ? nullptr : group->group("vars");
}

KerasWeights read_layer(const Hdf5Group& root, const KerasLayer& layer, const std::string& who) {
  const std::vector<KerasVariable> variables = keras_variables(layer);
  KerasWeights weights;
  if (variables.empty() || layer.first_call) return weights;
  std::map<std::string, size_t> counts;  // by part
  for (const KerasVariable& variable : variables) ++counts[variable.part];
  const Hdf5Group* group = find_layer(root, layer);
  for (const auto& [part, count] : counts) {
    const Hdf5Group* list = find_part(group, part);
    if (list == nullptr || list->tensors.size() != count) {
      throw Error(fmt::format("{}: layer '{}': {} weights expected, {} are there", who,
                              printable(layer.full_name(), 80), count,
                              list == nullptr ? 0 : list->tensors.size()));
    }
  }
  std::map<std::string, size_t> next;
  for (const KerasVariable& variable : variables) {
    const size_t number = next[variable.part]++;
    const Tensor* tensor = find_part(group, variable.part)->tensor(std::to_string(number));
    if (tensor == nullptr) {
      throw Error(fmt::format("{}: layer '{}': weight {} is missing", who,
                              printable(layer.full_name(), 80), number));
    }
    weights[variable.name] = *tensor;
  }
  return weights;
}

FileContents read(const ModelSource& source) {
  const ZipArchive archive(source.bytes, source.who);
  const std::string metadata_text = read_text(archive, "metadata.json");
  const Json metadata = parse_json(metadata_text, source.who + ": metadata.json");
  if (auto model = model_from_metadata(metadata, archive)) return std::move(*model);
  const std::string who = source.who + ": config.json";
  const Json config = parse_json(read_text(archive, "config.json"), who);
  const KerasNetwork network = read_keras_topology(JsonView(config, who));
  const ZipEntry* entry = archive.find("model.weights.h5");
  if (entry == nullptr) throw Error(fmt::format("{}: 'model.weights.h5' is missing", source.who));
  const Hdf5Group root = read_hdf5(archive.content(*entry), source.who + ": model.weights.h5",
                                   {"optimizer", "metrics", "_metrics"});
  std::vector<KerasWeights> weights;
  for (const KerasLayer& layer : network.layers) {
    weights.push_back(read_layer(root, layer, source.who));
  }
  const JsonView version = JsonView(metadata, source.who + ": metadata.json").at("keras_version");
  return translate_keras(network, std::move(weights), version.text(), source.who);
}

// An archive that begins with one of Keras's three entries.
bool recognises(std::span<const std::byte> head) {
  constexpr size_t kNameStart = 30;
  if (head.size() < kNameStart || std::memcmp(head.data(), "PK\3\4", 4) != 0) return false;
  const auto* text = reinterpret_cast<const char*>(head.data());
  const std::string_view name(text + kNameStart, head.size() - kNameStart);
  return name.starts_with("metadata.json") || name.starts_with("config.json") ||
         name.starts_with("model.weights.h5");
}

}  // namespace

extern const Format kKeras;
const Format kKeras = {
    .name = "keras",
    .description = "Keras's archive of config and weights",
    .suffixes = {".keras"},
    .recognises = recognises,
    .read = read,
    .write = write_keras,
    .abilities = {.keeps_document = true, .preprocessing = true},
};

}  // namespace mnist
