#include "formats/onnx/export.h"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <cstring>

#include "base/half.h"
#include "base/json.h"
#include "formats/onnx/constant.h"
#include "mnist/error.h"
#include "model/graph_json.h"

namespace mnist {
namespace {

constexpr int64_t kMlOpset = 3;
constexpr char kInTheGraph[] = "in the graph";

static_assert(std::endian::native == std::endian::little, "values are written as they lie here");

// The oldest that may name the operator set.
int64_t ir_version_for(int64_t opset) { return opset <= 18 ? 8 : opset <= 20 ? 9 : 10; }

std::string number_text(double value) {
  char digits[40];
  return {digits, std::to_chars(std::begin(digits), std::end(digits), value).ptr};
}

OnnxTensor weight_tensor(const std::string& name, const Tensor& weight) {
  OnnxTensor tensor;
  tensor.name = name;
  tensor.type = OnnxType::kFloat;
  tensor.shape = weight.shape;
  tensor.is_raw = true;
  tensor.raw = std::as_bytes(std::span<const float>(weight.values));
  return tensor;
}

OnnxTensor half_tensor(const std::string& name, const Tensor& weight, TensorType type) {
  auto held = std::make_shared<std::vector<std::byte>>(weight.values.size() * sizeof(uint16_t));
  for (size_t i = 0; i < weight.values.size(); ++i) {
    const uint16_t half = type == TensorType::kF16 ? f16_from_float(weight.values[i])
                                                   : bf16_from_float(weight.values[i]);
    std::memcpy(&(*held)[i * sizeof(half)], &half, sizeof(half));
  }
  OnnxTensor tensor;
  tensor.name = name;
  tensor.type = type == TensorType::kF16 ? OnnxType::kFloat16 : OnnxType::kBfloat16;
  tensor.shape = weight.shape;
  tensor.is_raw = true;
  tensor.raw = *held;
  tensor.held = std::move(held);
  return tensor;
}

// What the Cast nodes at the beginning of a network read, by the weight that they make.
std::map<std::string, std::string> stored_names(const OnnxNetwork& network, const Model& model) {
  std::map<std::string, std::string> names;
  for (const OnnxNode& node : network.nodes) {
    if (node.type == "Cast" && model.is_weight(node.outputs[0])) {
      names[node.outputs[0]] = node.inputs[0];
    }
  }
  return names;
}

OnnxValueInfo value_info(const std::string& name, const Shape& image) {
  OnnxValueInfo info;
  info.name = name;
  info.is_tensor = true;
  info.type = OnnxType::kFloat;
  info.has_shape = true;
  info.shape.push_back({-1, "batch"});
  for (int64_t extent : image) info.shape.push_back({extent, ""});
  return info;
}

void add_metadata(const Model& model, const OnnxExportOptions& options, OnnxModel& file) {
  const auto add = [&](const std::string& key, const std::string& value) {
    file.metadata.emplace_back(key, value);
  };
  for (const auto& [key, value] : model.metadata) {
    if (!key.starts_with("mnist.")) add(key, value);
  }
  add(kOnnxScaleKey, number_text(model.pixels.scale));
  add(kOnnxOffsetKey, number_text(model.pixels.offset));
  if (!model.class_names.empty()) add(kOnnxClassNamesKey, Json(model.class_names).dump());
  if (options.weights != TensorType::kF32) add(kOnnxWeightsKey, to_string(options.weights));
  if (options.with_preprocessing) add(kOnnxPreprocessingKey, kInTheGraph);
  add(kOnnxGraphKey, graph_to_json(model));
}

std::string metadata_text(const OnnxModel& file, const std::string& key) {
  for (const auto& [name, value] : file.metadata) {
    if (name == key) return value;
  }
  return "";
}

// Gives the weights values, which ops look at, before the file's are read. False where they cannot
// be in the file.
bool make_room(Model& model, size_t file_bytes) {
  size_t least = 0;
  for (const auto& [name, tensor] : model.weights) {
    least += element_count(tensor.shape) * sizeof(uint16_t);
  }
  if (least > file_bytes) return false;
  for (auto& [name, tensor] : model.weights) tensor.values.resize(element_count(tensor.shape));
  return true;
}

// Whether the graph is still the one that we wrote for the document.
bool is_network_of(const OnnxModel& file, const OnnxNetwork& network,
                   const std::map<std::string, const OnnxTensor*>& initializers) {
  if (file.graph.nodes != network.nodes) return false;
  for (const OnnxTensor& constant : network.constants) {
    const auto found = initializers.find(constant.name);
    if (found == initializers.end() || !(*found->second == constant)) return false;
  }
  return true;
}

}  // namespace

OnnxModel onnx_from_model(const Model& model, const OnnxExportOptions& options) {
  OnnxNetwork network = onnx_network(model, options);
  const std::map<std::string, std::string> stored = stored_names(network, model);
  OnnxModel file;
  file.ir_version = ir_version_for(network.opset);
  file.producer = "mnist.cpp";
  file.opsets[""] = network.opset;
  if (network.uses_ml) file.opsets["ai.onnx.ml"] = kMlOpset;
  file.graph.name = model.architecture.empty() ? "mnist" : model.architecture;
  file.graph.nodes = std::move(network.nodes);
  for (const auto& [name, tensor] : model.weights) {
    const auto other = stored.find(name);
    file.graph.initializers.push_back(other == stored.end()
                                          ? weight_tensor(name, tensor)
                                          : half_tensor(other->second, tensor, options.weights));
  }
  for (OnnxTensor& constant : network.constants) {
    file.graph.initializers.push_back(std::move(constant));
  }
  file.graph.inputs.push_back(value_info(model.input, model.input_shape));
  const std::map<std::string, Shape> shapes = document_shapes(model);
  for (const auto& [name, shape] : shapes) {
    if (name != model.output && name != model.input)
      file.graph.values.push_back(value_info(name, shape));
  }
  const auto last = shapes.find(model.output);
  OnnxValueInfo output = value_info(model.output, last == shapes.end() ? Shape() : last->second);
  output.has_shape = last != shapes.end();
  file.graph.outputs.push_back(std::move(output));
  add_metadata(model, options, file);
  return file;
}

std::optional<Model> onnx_document(const OnnxModel& file, const ModelSource& source) {
  const std::string text = metadata_text(file, kOnnxGraphKey);
  if (text.empty()) return std::nullopt;
  try {
    const std::string who = fmt::format("{}: {}", source.who, kOnnxGraphKey);
    const Json json = parse_json(text, who);
    Model model = graph_from_document({json, who}, kGraphFormat, shape_from_json);
    OnnxExportOptions options;
    options.with_preprocessing = metadata_text(file, kOnnxPreprocessingKey) == kInTheGraph;
    const std::string weights = metadata_text(file, kOnnxWeightsKey);
    if (!weights.empty()) options.weights = parse_tensor_type(weights);
    if (!make_room(model, source.bytes.size())) return std::nullopt;
    const OnnxNetwork network = onnx_network(model, options);
    std::map<std::string, const OnnxTensor*> initializers;
    for (const OnnxTensor& tensor : file.graph.initializers) initializers[tensor.name] = &tensor;
    if (!is_network_of(file, network, initializers)) return std::nullopt;
    const std::map<std::string, std::string> stored = stored_names(network, model);
    OnnxTensorReader tensors(source);
    for (auto& [name, tensor] : model.weights) {
      const auto other = stored.find(name);
      const auto found = initializers.find(other == stored.end() ? name : other->second);
      if (found == initializers.end() || found->second->shape != tensor.shape) return std::nullopt;
      tensor.values = tensors.read(*found->second).reals;
    }
    return model;
  } catch (const Error&) {
    // The graph itself still says what it is.
    return std::nullopt;
  }
}

}  // namespace mnist
