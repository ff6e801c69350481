// What a safetensors file means: a network of ours, whose graph lies in the header's metadata under
// "mnist.graph", or weights alone.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "base/bytes.h"
#include "base/text.h"
#include "formats/format_list.h"
#include "formats/recognise/reparametrised.h"
#include "formats/safetensors.h"
#include "formats/stored_floats.h"
#include "formats/torch_names.h"
#include "mnist/error.h"
#include "model/graph_json.h"

namespace mnist {
namespace {

constexpr char kGraphKey[] = "mnist.graph";
constexpr char kFrameworkKey[] = "format";  // "pt": what PyTorch's libraries look for

std::optional<StoredFloat> float_type(const std::string& type) {
  if (type == "F32") return StoredFloat::kF32;
  if (type == "F16") return StoredFloat::kF16;
  if (type == "BF16") return StoredFloat::kBF16;
  if (type == "F64") return StoredFloat::kF64;
  return std::nullopt;
}

std::string type_name(StoredFloat type) {
  switch (type) {
    case StoredFloat::kF64:
      return "F64";
    case StoredFloat::kF32:
      return "F32";
    case StoredFloat::kF16:
      return "F16";
    case StoredFloat::kBF16:
      break;
  }
  return "BF16";
}

// ---- reading ----

std::vector<float> values_of(const SafetensorsTensor& tensor, const std::string& who) {
  const auto type = float_type(tensor.type);
  if (!type) {
    throw Error(fmt::format("{}: tensor '{}': F32, F16, BF16 or F64 expected, got {}", who,
                            printable(tensor.name, 80), tensor.type));
  }
  return floats_from(tensor.bytes, *type);
}

// Counters that are no weights: of batches, of operations.
bool is_counter(const SafetensorsTensor& tensor) {
  return !float_type(tensor.type) && tensor.bytes.size() <= 8;
}

// A file without floats holds something else, most often a data set.
void expect_weights(const Safetensors& file, const std::string& who) {
  const bool has_floats = std::any_of(file.tensors.begin(), file.tensors.end(),
                                      [](const auto& tensor) { return float_type(tensor.type); });
  if (has_floats) return;
  std::vector<std::string> named;
  for (const SafetensorsTensor& tensor : file.tensors) {
    if (named.size() == 4) break;
    named.push_back(
        fmt::format("{} {} {}", printable(tensor.name, 30), tensor.type, to_string(tensor.shape)));
  }
  throw Error(fmt::format("{}: not a model: no tensor holds floats ({}); a data set?", who,
                          named.empty() ? "there is none" : join(named)));
}

LooseWeights loose_weights(const Safetensors& file, const std::string& who) {
  expect_weights(file, who);
  LooseWeights weights;
  for (const SafetensorsTensor& tensor : file.tensors) {
    if (is_counter(tensor)) continue;
    stored_count(tensor.shape, fmt::format("{}: tensor '{}'", who, printable(tensor.name, 80)));
    weights.tensors.push_back({tensor.name, {tensor.shape, values_of(tensor, who)}});
  }
  weights.metadata = file.metadata;
  weights.metadata.erase(kFrameworkKey);
  return weights;
}

Model model_with_graph(const Safetensors& file, const std::string& graph, const std::string& who) {
  const std::string place = fmt::format("{}: {}", who, kGraphKey);
  const Json document = parse_json(graph, place);
  Model model = graph_from_document({document, place}, kGraphFormat, shape_from_json);
  std::map<std::string, const SafetensorsTensor*> tensors;
  for (const SafetensorsTensor& tensor : file.tensors) tensors[tensor.name] = &tensor;
  if (tensors.size() != model.weights.size()) {
    throw Error(fmt::format("{}: its graph has {} weights, the file {} tensors", who,
                            model.weights.size(), tensors.size()));
  }
  for (const NamedWeight& name : torch_names(model)) {
    Tensor& weight = model.weights[name.weight];
    const auto found = tensors.find(name.stored);
    if (found == tensors.end() || found->second->shape != weight.shape) {
      throw Error(fmt::format(
          "{}: tensor '{}' of shape {} expected: {}", who, printable(name.stored, 80),
          to_string(weight.shape),
          found == tensors.end() ? "it is missing" : "got " + to_string(found->second->shape)));
    }
    weight.values = values_of(*found->second, who);
  }
  for (const auto& [key, value] : file.metadata) {
    if (key != kGraphKey && key != kFrameworkKey) model.metadata.emplace(key, value);
  }
  return model;
}

FileContents read(const ModelSource& source) {
  const Safetensors file = read_safetensors(source.bytes, source.who);
  const auto graph = file.metadata.find(kGraphKey);
  if (graph != file.metadata.end()) return model_with_graph(file, graph->second, source.who);
  LooseWeights weights = loose_weights(file, source.who);
  merge_reparametrised(weights, source.who);
  return weights;
}

// ---- several files ----

// Hugging Face's list of the files that the tensors are in: {"weight_map": {NAME: FILE}}.
FileContents read_index(const ModelSource& source) {
  constexpr size_t kMostFiles = 64;
  constexpr uint64_t kLargestFile = uint64_t{1} << 30;
  const auto* text = reinterpret_cast<const char*>(source.bytes.data());
  const Json json = parse_json({text, source.bytes.size()}, source.who);
  const JsonView map = JsonView(json, source.who).at("weight_map");
  std::map<std::string, std::vector<std::byte>> files;
  for (const auto& [name, file] : map.members()) {
    if (files.contains(file.text())) continue;
    if (files.size() == kMostFiles) file.fail(fmt::format("more than {} files", kMostFiles));
    files[file.text()] = source.beside(file.text(), kLargestFile);
  }
  LooseWeights weights;
  std::set<std::string> names;
  for (const auto& [name, bytes] : files) {
    const std::string who = fmt::format("{}: {}", source.who, printable(name, 80));
    LooseWeights part = loose_weights(read_safetensors(bytes, who), who);
    for (auto& tensor : part.tensors) {
      if (!names.insert(tensor.first).second) {
        throw Error(fmt::format("{}: tensor '{}' is in two files", source.who,
                                printable(tensor.first, 80)));
      }
      weights.tensors.push_back(std::move(tensor));
    }
  }
  merge_reparametrised(weights, source.who);
  return weights;
}

bool recognises_index(std::span<const std::byte> head) {
  const std::string_view text(reinterpret_cast<const char*>(head.data()),
                              std::min(head.size(), kHeadBytes));
  return text.starts_with('{') && text.find("\"weight_map\"") != std::string_view::npos;
}

// ---- writing ----

void write(const Model& model, const SaveOptions& options, Sink& sink) {
  Safetensors file;
  file.metadata = {{kFrameworkKey, "pt"}, {kGraphKey, graph_to_json(model)}};
  std::vector<std::vector<std::byte>> contents;  // what the spans look at
  for (const NamedWeight& name : torch_names(model)) {
    const Tensor& weight = model.weight(name.weight);
    const StoredFloat type = stored_type(weight.shape, options.tensor_type);
    contents.push_back(bytes_from(weight.values, type, name.weight));
    file.tensors.push_back({name.stored, type_name(type), weight.shape, contents.back()});
  }
  write_safetensors(file, sink);
}

// A length that is possible, and the header's first character.
bool recognises(std::span<const std::byte> head) {
  if (head.size() < 9) return false;
  uint64_t length = 0;
  std::memcpy(&length, head.data(), sizeof(length));
  return length >= 2 && length <= 100'000'000 && head[8] == std::byte{'{'};
}

}  // namespace

extern const Format kSafetensors;
const Format kSafetensors = {
    .name = "safetensors",
    .description = "Hugging Face's tensor file, as PyTorch and Candle use it; ours carry the graph",
    .suffixes = {".safetensors"},
    .recognises = recognises,
    .read = read,
    .write = write,
    .abilities = {.keeps_document = true,
                  .types = {TensorType::kF32, TensorType::kF16, TensorType::kBF16}},
};

extern const Format kSafetensorsIndex;
const Format kSafetensorsIndex = {
    .name = "safetensors-index",
    .description = "Hugging Face's list of the safetensors files that a model is in",
    .suffixes = {".safetensors.index.json"},
    .recognises = recognises_index,
    .read = read_index,
};

}  // namespace mnist
