// What a GGUF file means: a network of ggml's MNIST examples by its tensors' names (gguf_layout.h),
// or any network, which then lies beside its weights as text under the key "mnist.graph".
#include "formats/gguf_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "base/half.h"
#include "base/text.h"
#include "formats/format_list.h"
#include "formats/gguf.h"
#include "formats/gguf_blocks.h"
#include "formats/gguf_layout.h"
#include "mnist/error.h"
#include "model/graph_json.h"

namespace mnist {
namespace {

constexpr char kArchitectureKey[] = "general.architecture";
constexpr char kGraphKey[] = "mnist.graph";
constexpr char kScaleKey[] = "mnist.pixel_scale";
constexpr char kOffsetKey[] = "mnist.pixel_offset";
constexpr char kClassNamesKey[] = "mnist.class_names";
constexpr char kBlocksKey[] = "general.quantization_version";
constexpr uint32_t kBlocksVersion = 2;  // ggml's GGML_QNT_VERSION
// Keys that are not metadata of the model: read above, or about how the file stores its tensors.
constexpr const char* kOwnKeys[] = {kArchitectureKey,    kGraphKey,      kScaleKey,
                                    kOffsetKey,          kClassNamesKey, "general.alignment",
                                    "general.file_type", kBlocksKey};

bool is_own_key(std::string_view key) {
  return key.starts_with(kGgufForeignPrefix) ||
         std::find(std::begin(kOwnKeys), std::end(kOwnKeys), key) != std::end(kOwnKeys);
}

// ---- reading ----

// The value of a key, which must be of type T; null if there is none.
template <typename T>
const T* find_value(const GgufFile& file, const std::string& who, std::string_view key,
                    const char* wanted) {
  const auto found = file.values.find(key);
  if (found == file.values.end()) return nullptr;
  const T* value = std::get_if<T>(&found->second);
  if (value == nullptr) throw Error(fmt::format("{}: key '{}': {} expected", who, key, wanted));
  return value;
}

// Shapes compare without their outermost ones: ggml does not keep them.
Shape without_leading_ones(const Shape& shape) {
  return {std::find_if(shape.begin(), shape.end(), [](int64_t e) { return e != 1; }), shape.end()};
}

template <typename Widen>
std::vector<float> widened(const GgufTensor& tensor, Widen widen) {
  std::vector<float> values;
  values.reserve(tensor.bytes.size() / 2);
  for (size_t i = 0; i < tensor.bytes.size(); i += 2) {
    uint16_t half = 0;
    std::memcpy(&half, &tensor.bytes[i], sizeof(half));
    values.push_back(widen(half));
  }
  return values;
}

std::vector<float> narrowed(const GgufTensor& tensor) {
  std::vector<float> values;
  values.reserve(tensor.bytes.size() / sizeof(double));
  for (size_t i = 0; i < tensor.bytes.size(); i += sizeof(double)) {
    double value = 0;
    std::memcpy(&value, &tensor.bytes[i], sizeof(value));
    values.push_back(static_cast<float>(value));
  }
  return values;
}

// The values of the tensor `name`, which must have `shape`.
std::vector<float> read_values(const GgufFile& file, const std::string& who,
                               const std::string& name, const Shape& shape) {
  const auto found = file.tensors.find(name);
  if (found == file.tensors.end()) {
    throw Error(fmt::format("{}: tensor '{}' is missing", who, name));
  }
  const GgufTensor& tensor = found->second;
  if (without_leading_ones(tensor.shape) != without_leading_ones(shape)) {
    throw Error(fmt::format("{}: tensor '{}': shape {} expected, got {}", who, name,
                            to_string(shape), to_string(tensor.shape)));
  }
  switch (static_cast<GgufTensorType>(tensor.type)) {
    case GgufTensorType::kF32:
      return floats_from(tensor.bytes);
    case GgufTensorType::kF16:
      return widened(tensor, float_from_f16);
    case GgufTensorType::kBF16:
      return widened(tensor, float_from_bf16);
    case GgufTensorType::kF64:
      return narrowed(tensor);
    case GgufTensorType::kQ4_0:
    case GgufTensorType::kQ4_1:
    case GgufTensorType::kQ5_0:
    case GgufTensorType::kQ5_1:
    case GgufTensorType::kQ8_0:
      return values_from_blocks(static_cast<GgufTensorType>(tensor.type), tensor.bytes);
  }
  throw Error(fmt::format("{}: tensor '{}': numbers with a fraction expected, got {}", who, name,
                          tensor.type_name));
}

void expect_tensor_count(const GgufFile& file, const std::string& who, size_t expected) {
  const auto count = static_cast<size_t>(std::count_if(
      file.tensors.begin(), file.tensors.end(),
      [](const auto& tensor) { return !tensor.first.starts_with(kGgufForeignPrefix); }));
  if (count == expected) return;
  throw Error(fmt::format("{}: {} tensors expected, got {}: some of them are of another network",
                          who, expected, count));
}

void read_metadata(const GgufFile& file, Model& model) {
  for (const auto& [key, value] : file.values) {
    if (!is_own_key(key)) model.metadata.emplace(key, gguf_value_text(value));
  }
}

Model read_layout(const GgufFile& file, const std::string& who, const GgufLayout& layout) {
  Model model = layout.graph;
  expect_tensor_count(file, who, layout.rows.size());
  for (const GgufLayout::Row& row : layout.rows) {
    std::vector<float> stored = read_values(file, who, row.tensor, row.stored_shape);
    model.weights[row.weight].values = weight_from_stored(row, std::move(stored), who);
  }
  if (const auto* scale = find_value<double>(file, who, kScaleKey, "a float")) {
    model.pixels.scale = *scale;
  }
  if (const auto* offset = find_value<double>(file, who, kOffsetKey, "a float")) {
    model.pixels.offset = *offset;
  }
  if (const auto names = file.values.find(kClassNamesKey); names != file.values.end()) {
    model.class_names = gguf_texts(names->second, who, kClassNamesKey);
  }
  return model;
}

// The name that the weight number `index` is stored under: its own if GGUF can hold it.
std::string stored_name(const std::string& weight, size_t index) {
  const bool fits = !weight.empty() && weight.size() <= kGgufLongestName &&
                    printable(weight, weight.size()) == weight &&
                    !weight.starts_with(kGgufForeignPrefix);
  return fits ? weight : fmt::format("mnist.weight.{}", index);
}

// Of more than four dimensions the outer ones become one.
Shape stored_shape(Shape shape) {
  while (shape.size() > kGgufMostDimensions) {
    shape[1] *= shape[0];
    shape.erase(shape.begin());
  }
  return shape;
}

Model read_graph(const GgufFile& file, const std::string& who, std::string_view graph) {
  const Json document = parse_json(graph, who + ": " + kGraphKey);
  Model model =
      graph_from_document({document, who + ": " + kGraphKey}, kGraphFormat, shape_from_json);
  expect_tensor_count(file, who, model.weights.size());
  size_t index = 0;
  for (auto& [name, tensor] : model.weights) {
    tensor.values = read_values(file, who, stored_name(name, index++), stored_shape(tensor.shape));
  }
  return model;
}

// Tensors of a network that the file does not describe, in the order in which they lie there.
LooseWeights read_loose(const GgufFile& file, const std::string& who) {
  std::vector<const std::pair<const std::string_view, GgufTensor>*> tensors;
  for (const auto& entry : file.tensors) {
    if (!entry.first.starts_with(kGgufForeignPrefix)) tensors.push_back(&entry);
  }
  std::sort(tensors.begin(), tensors.end(), [](const auto* a, const auto* b) {
    return a->second.bytes.data() < b->second.bytes.data();
  });
  LooseWeights weights;
  for (const auto* entry : tensors) {
    const std::string name(entry->first);
    const Shape& shape = entry->second.shape;
    weights.tensors.push_back({name, {shape, read_values(file, who, name, shape)}});
  }
  for (const auto& [key, value] : file.values) {
    if (!is_own_key(key)) weights.metadata.emplace(key, gguf_value_text(value));
  }
  return weights;
}

// ---- writing ----

GgufTensorType stored_type(const Shape& shape, TensorType wanted) {
  if (shape.size() < 2) return GgufTensorType::kF32;
  switch (wanted) {
    case TensorType::kF16:
      return GgufTensorType::kF16;
    case TensorType::kBF16:
      return GgufTensorType::kBF16;
    case TensorType::kQ8_0:
      if (shape.back() % static_cast<int64_t>(kGgufBlockValues) != 0) break;
      return GgufTensorType::kQ8_0;
    default:
      break;
  }
  return GgufTensorType::kF32;
}

// Whether the metadata can stand among the file's keys.
bool fits_keys(const Model& model) {
  constexpr size_t kLongestKey = 65'535;
  return std::none_of(model.metadata.begin(), model.metadata.end(), [](const auto& entry) {
    const std::string& key = entry.first;
    return key.empty() || key.size() > kLongestKey || is_own_key(key) ||
           printable(key, key.size()) != key;
  });
}

GgufOutput layout_output(const Model& model, const GgufLayout& layout, TensorType type) {
  GgufOutput output;
  output.values.emplace_back(kArchitectureKey, layout.architecture);
  const PixelScaling usual;
  if (model.pixels.scale != usual.scale || model.pixels.offset != usual.offset) {
    output.values.emplace_back(kScaleKey, model.pixels.scale);
    output.values.emplace_back(kOffsetKey, model.pixels.offset);
  }
  if (!model.class_names.empty()) output.values.emplace_back(kClassNamesKey, model.class_names);
  for (const auto& [key, value] : model.metadata) output.values.emplace_back(key, value);
  for (const GgufLayout::Row& row : layout.rows) {
    const Tensor& weight = model.weight(row.weight);
    // A bias stays what it is, however often it is repeated.
    GgufTensorType stored =
        weight.shape.size() < 2 ? GgufTensorType::kF32 : stored_type(row.stored_shape, type);
    if (row.is_always_f16) stored = GgufTensorType::kF16;
    output.tensors.push_back(
        {row.tensor, row.stored_shape, stored, stored_from_weight(row, weight.values)});
  }
  return output;
}

GgufOutput graph_output(const Model& model, TensorType type) {
  GgufOutput output;
  output.values.emplace_back(kArchitectureKey, model.architecture);
  output.values.emplace_back(kGraphKey, graph_to_json(model));
  size_t index = 0;
  for (const auto& [name, tensor] : model.weights) {
    const Shape shape = stored_shape(tensor.shape);
    output.tensors.push_back(
        {stored_name(name, index++), shape, stored_type(shape, type), tensor.values});
  }
  return output;
}

FileContents read(const ModelSource& source) {
  return contents_of_gguf(read_gguf(source.bytes, source.who), source.who);
}

GgufOutput output_in_layout(const Model& model, const SaveOptions& options) {
  if (!fits_keys(model)) {
    throw Error(fmt::format("layout {}: the model's metadata has names that are no keys of GGUF",
                            options.layout));
  }
  const ModelInLayout fitting = model_in_layout(model, options.layout);
  return layout_output(fitting.model, *fitting.layout, options.tensor_type);
}

GgufOutput output_of(const Model& model, const SaveOptions& options) {
  return options.layout.empty() ? gguf_from_model(model, options.tensor_type)
                                : output_in_layout(model, options);
}

// A bias that a layout repeats at every place has extents of one otherwise.
bool is_of_one_dimension(const Shape& shape) {
  return std::count_if(shape.begin(), shape.end(), [](int64_t extent) { return extent > 1; }) <= 1;
}

std::vector<KeptFloat32> kept_float32(const Model& model, const SaveOptions& options) {
  KeptFloat32 kept;
  kept.reason = fmt::format("their rows are no multiple of {} values, which q8_0 has in a block",
                            kGgufBlockValues);
  for (const GgufOutputTensor& tensor : output_of(model, options).tensors) {
    if (tensor.type != GgufTensorType::kF32 || is_of_one_dimension(tensor.shape)) continue;
    kept.weights.push_back(fmt::format("{} {}", tensor.name, to_string(tensor.shape)));
  }
  if (kept.weights.empty()) return {};
  return {kept};
}

void write(const Model& model, const SaveOptions& options, Sink& sink) {
  GgufOutput output = output_of(model, options);
  const bool has_blocks =
      std::any_of(output.tensors.begin(), output.tensors.end(),
                  [](const auto& tensor) { return tensor.type == GgufTensorType::kQ8_0; });
  if (has_blocks) output.values.emplace_back(kBlocksKey, kBlocksVersion);
  write_gguf(output, sink);
}

bool recognises(std::span<const std::byte> head) {
  return head.size() >= 4 && std::memcmp(head.data(), "GGUF", 4) == 0;
}

}  // namespace

FileContents contents_of_gguf(const GgufFile& file, const std::string& who) {
  const auto* graph = find_value<std::string_view>(file, who, kGraphKey, "a text");
  const auto* architecture = find_value<std::string_view>(file, who, kArchitectureKey, "a text");
  if (graph != nullptr && architecture != nullptr) {
    Model model = read_graph(file, who, *graph);
    read_metadata(file, model);
    return model;
  }
  if (architecture != nullptr) {
    if (const GgufLayout* layout = recognise_gguf_layout(file, *architecture)) {
      const std::optional<GgufLayout> resized = resized_layout(*layout, file);
      Model model = read_layout(file, who, resized ? *resized : *layout);
      read_metadata(file, model);
      return model;
    }
  }
  return read_loose(file, who);
}

GgufOutput gguf_from_model(const Model& model, TensorType type) {
  const GgufLayout* layout = layout_for_writing(model);
  return layout != nullptr && fits_keys(model) ? layout_output(model, *layout, type)
                                               : graph_output(model, type);
}

extern const Format kGguf;
const Format kGguf = {
    .name = "gguf",
    .description = "ggml's model file; mnist-fc and mnist-cnn as ggml's examples store them",
    .suffixes = {".gguf"},
    .recognises = recognises,
    .read = read,
    .write = write,
    .abilities = {.keeps_document = true,
                  .types = {TensorType::kF32, TensorType::kF16, TensorType::kBF16,
                            TensorType::kQ8_0},
                  .layouts = {"2023"}},
    .kept_float32 = kept_float32,
};

}  // namespace mnist
