#include "formats/onnx/import.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>

#include "base/text.h"
#include "formats/onnx/export.h"
#include "formats/onnx/importer.h"
#include "formats/pixel_graph.h"
#include "mnist/error.h"

namespace mnist {
namespace {

// Names that exporters give to every graph.
constexpr const char* kEmptyNames[] = {"main_graph",
                                       "torch_jit",
                                       "torch-jit-export",
                                       "tf2onnx",
                                       "Graph",
                                       "main",
                                       "graph",
                                       "OnnxGraph",
                                       "onnx-model",
                                       "mlprodict_ONNX(LogisticRegression)"};

std::string architecture_of(const OnnxModel& file) {
  const std::string& name = file.graph.name;
  const bool says_nothing =
      name.empty() ||
      std::find(std::begin(kEmptyNames), std::end(kEmptyNames), name) != std::end(kEmptyNames);
  if (!says_nothing) return printable(name, 200);
  return file.producer.empty() ? "onnx" : printable(file.producer, 200);
}

// Whether one could read the input's leading extent as the image's, too: an image has at most
// three.
bool may_lack_batch(const OnnxModel& file) {
  std::set<std::string> initializers;
  for (const OnnxTensor& tensor : file.graph.initializers) initializers.insert(tensor.name);
  return std::all_of(file.graph.inputs.begin(), file.graph.inputs.end(), [&](const auto& input) {
    return initializers.contains(input.name) ||
           (input.has_shape && !input.shape.empty() && input.shape.size() <= 3 &&
            input.shape[0].value > 0);
  });
}

bool has_one_extent(const OnnxModel& file) {
  return std::any_of(file.graph.inputs.begin(), file.graph.inputs.end(),
                     [](const auto& input) { return input.has_shape && input.shape.size() == 1; });
}

struct Imported {
  Model model;
  OnnxType input_type;
  size_t classes;
};

Imported import_once(const OnnxModel& file, const ModelSource& source, const std::string& output,
                     bool has_batch) {
  OnnxImporter importer(file, source, has_batch);
  Model model = importer.import(output);
  return {std::move(model), importer.input_type(), importer.output_size()};
}

Imported import_with_batch_or_without(const OnnxModel& file, const ModelSource& source,
                                      const std::string& output) {
  std::string reason;
  try {
    return import_once(file, source, output, true);
  } catch (const Error& error) {
    if (!may_lack_batch(file)) throw;
    reason = error.what();
  }
  try {
    return import_once(file, source, output, false);
  } catch (const Error&) {
    if (has_one_extent(file)) throw;
  }
  throw Error(reason);
}

void add_metadata(const OnnxModel& file, Model& model) {
  for (const auto& [key, value] : file.metadata) model.metadata[key] = value;
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) model.metadata[key] = value;
  };
  add("onnx.producer", file.producer_version.empty()
                           ? file.producer
                           : fmt::format("{} {}", file.producer, file.producer_version));
  add("onnx.ir_version", std::to_string(file.ir_version));
  add("onnx.description", file.documentation);
  std::vector<std::string> opsets;
  for (const auto& [domain, version] : file.opsets) {
    opsets.push_back(domain.empty() ? std::to_string(version)
                                    : fmt::format("{} {}", domain, version));
  }
  add("onnx.opset", join(opsets));
}

// What we wrote into a file that another program changed since: the document in it is not the
// graph's any more, but pixels are what they were.
void take_own_metadata(Model& model) {
  const auto number = [&](const char* key) -> std::optional<double> {
    const auto found = model.metadata.find(key);
    if (found == model.metadata.end()) return std::nullopt;
    const std::string& text = found->second;
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
  };
  const std::optional<double> scale = number(kOnnxScaleKey);
  const std::optional<double> offset = number(kOnnxOffsetKey);
  const bool in_the_graph = model.metadata.contains(kOnnxPreprocessingKey);
  if (scale && offset && !in_the_graph) model.pixels = {*scale, *offset};
  for (const char* key : {kOnnxScaleKey, kOnnxOffsetKey, kOnnxGraphKey, kOnnxClassNamesKey,
                          kOnnxWeightsKey, kOnnxPreprocessingKey}) {
    model.metadata.erase(key);
  }
}

}  // namespace

Model import_onnx(const OnnxModel& file, const ModelSource& source) {
  std::string note;
  const std::string output = onnx_scores(file, source.who, note);
  auto [model, input_type, classes] = import_with_batch_or_without(file, source, output);
  model.architecture = architecture_of(file);
  if (is_whole(input_type) || scales_pixels(model)) model.pixels = {1.0, 0.0};
  model.class_names = onnx_class_names(file, classes);
  add_metadata(file, model);
  take_own_metadata(model);
  if (!note.empty()) model.metadata["onnx.output"] = note;
  return std::move(model);
}

}  // namespace mnist
