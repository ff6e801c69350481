// TensorFlow Lite's .tflite: a FlatBuffer with the graph and the weights.
#include <fmt/format.h>

#include "base/text.h"
#include "formats/format.h"
#include "formats/tensorflow/evaluation.h"
#include "formats/tflite/tflite.h"
#include "formats/tflite/translation.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr std::string_view kIdentifier = "TFL3";
constexpr size_t kIdentifierAt = 4;

// Elements that a graph may compute beyond what its bytes hold: shapes, folded constants.
constexpr size_t kSmallConstants = size_t{1} << 18;
// A byte may hold two elements, and each be turned round and become a weight.
constexpr size_t kElementsAByte = 4;

bool recognises(std::span<const std::byte> head) {
  return head.size() >= kIdentifierAt + kIdentifier.size() &&
         as_text(head.subspan(kIdentifierAt, kIdentifier.size())) == kIdentifier;
}

// What a quantised input stands for, where its lowest value is a pixel of 0 and a step is a
// pixel's.
PixelScaling pixels_of(const TfliteTensor& input) {
  const TfliteQuantization quantization = input.quantization();
  const bool is_byte = input.type == TfliteType::kInt8 || input.type == TfliteType::kUint8;
  if (quantization.scales.size() != 1 || !is_byte) return {};
  const auto scale = static_cast<double>(quantization.scales[0]);
  const int64_t zero_point = quantization.zero_points.empty() ? 0 : quantization.zero_points[0];
  const double lowest = input.type == TfliteType::kInt8 ? -128.0 : 0.0;
  return {scale, (lowest - static_cast<double>(zero_point)) * scale};
}

FileContents read(const ModelSource& source) {
  if (!recognises(source.bytes)) {
    throw Error(fmt::format("{}: not a TensorFlow Lite file: '{}' expected (at byte {})",
                            source.who, kIdentifier, kIdentifierAt));
  }
  const TfliteModel tflite = read_tflite(source.bytes, source.who);
  const size_t elements = kElementsAByte * source.bytes.size() + kSmallConstants;
  const TfGraph graph = TfliteTranslation(tflite, elements).run();
  const auto no_variable = [&](const std::string& node) -> TfConstant {
    throw Error(fmt::format("{}: variable '{}' is not in the file", source.who, node));
  };
  Model model = TfEvaluation(graph, source.who, {.elements = elements}, no_variable).run();
  model.architecture = "TensorFlow Lite";
  const TfliteTensor& input = tflite.tensors[static_cast<size_t>(tflite.inputs[0])];
  if (!input.quantization().scales.empty()) model.pixels = pixels_of(input);
  return model;
}

}  // namespace

extern const Format kTflite;
const Format kTflite = {
    .name = "tflite",
    .description = "TensorFlow Lite",
    .suffixes = {".tflite", ".lite"},
    .recognises = recognises,
    .read = read,
};

}  // namespace mnist
