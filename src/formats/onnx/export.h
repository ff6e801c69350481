// A document as a network in ONNX that checkers, runtimes and Netron take, and back again.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "formats/format.h"
#include "formats/onnx/onnx.h"
#include "mnist/model.h"

namespace mnist {

struct OnnxExportOptions {
  TensorType weights = TensorType::kF32;
  bool with_preprocessing = false;  // the graph takes pixels 0..255
};

// The nodes of `model`, and the constants that they need beside its weights, which are not there:
// they are initializers of their own names (with half a float's bits, a Cast makes them).
struct OnnxNetwork {
  std::vector<OnnxNode> nodes;
  std::vector<OnnxTensor> constants;
  int64_t opset = 0;
  bool uses_ml = false;  // operators of ai.onnx.ml
};
OnnxNetwork onnx_network(const Model& model, const OnnxExportOptions& options);

// Everything: weights (which refer to `model`'s where they are float32), shapes, metadata with the
// document itself.
OnnxModel onnx_from_model(const Model& model, const OnnxExportOptions& options);

// The document that onnx_from_model wrote into the file, with the file's weights; nothing where
// there is none, or the graph has been changed since.
std::optional<Model> onnx_document(const OnnxModel& file, const ModelSource& source);

// The shapes, per image, of the input and what the nodes make, as far as the ops know them: a
// network that cannot be run here is written without the rest.
std::map<std::string, Shape> document_shapes(const Model& model);

// Whether a weight of `shape` is stored in `type` where the options say so: lists are not.
bool is_stored_as_half(const Shape& shape, TensorType type);

// Metadata.
inline constexpr char kOnnxGraphKey[] = "mnist.graph";
inline constexpr char kOnnxScaleKey[] = "mnist.pixel_scale";
inline constexpr char kOnnxOffsetKey[] = "mnist.pixel_offset";
inline constexpr char kOnnxClassNamesKey[] = "mnist.class_names";
inline constexpr char kOnnxWeightsKey[] = "mnist.weights";              // "f16"
inline constexpr char kOnnxPreprocessingKey[] = "mnist.preprocessing";  // "in the graph"

}  // namespace mnist
