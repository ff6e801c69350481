// A TensorFlow Lite model as data: the container's content, whatever it means.
// Source: tensorflow/compiler/mlir/lite/schema/schema.fbs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/flatbuffers.h"
#include "formats/tensorflow/graph.h"

namespace mnist {

// The schema's numbers of data types.
enum class TfliteType : int8_t {
  kFloat32 = 0,
  kFloat16 = 1,
  kInt32 = 2,
  kUint8 = 3,
  kInt64 = 4,
  kBool = 6,
  kInt16 = 7,
  kInt8 = 9,
  kFloat64 = 10,
  kInt4 = 17,
  kBfloat16 = 18,
};

// value = (stored - zero point) * scale; one of each, or one for each index of `axis`.
struct TfliteQuantization {
  std::vector<float> scales;  // none: not quantised
  std::vector<int64_t> zero_points;
  int32_t axis = 0;
};

struct TfliteTensor {
  std::string_view name;
  Shape shape;      // with the batch, as it was when the file was written
  Shape signature;  // the same with -1 for what may be of any size; may be empty
  TfliteType type = TfliteType::kFloat32;
  std::span<const std::byte> data;  // of a constant
  bool is_sparse = false;           // `data` has what is not 0 only
  FlatBufferTable table;            // for what is seldom needed

  bool is_constant() const { return !data.empty(); }
  TfliteQuantization quantization() const;
};

struct TfliteOperator {
  int32_t code = 0;              // the schema's number of a built-in operator
  std::string_view custom_code;  // the name of one that is not built in
  std::vector<int32_t> inputs;   // numbers of tensors; -1 is an input left out
  std::vector<int32_t> outputs;
  FlatBufferTable table;

  // The table of options, if it is of the schema's `type`.
  std::optional<FlatBufferTable> options(uint8_t type) const;
};

// The main one of the subgraphs.
struct TfliteModel {
  std::string who;
  std::vector<TfliteTensor> tensors;
  std::vector<int32_t> inputs;
  std::vector<int32_t> outputs;
  std::vector<TfliteOperator> operators;  // in the order in which they are run
};

// Throws Error starting with `who`. What it returns refers to the bytes and to `who`.
TfliteModel read_tflite(std::span<const std::byte> bytes, const std::string& who);

// A constant's values, floats where it is quantised.
TfConstant tflite_constant(const TfliteTensor& tensor, const std::string& who);

}  // namespace mnist
