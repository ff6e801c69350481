// Tensors whose values are known while a graph is read: initializers, and what the graph computes
// from them and from shapes.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "formats/format.h"
#include "formats/onnx/onnx.h"
#include "mnist/model.h"

namespace mnist {

// The values that an integer type has.
struct OnnxRange {
  int64_t least;
  int64_t most;
};
OnnxRange range_of(OnnxType type);

// Float16, bfloat16 and double values are float32 here, as weights are.
struct OnnxConstant {
  OnnxType type = OnnxType::kFloat;
  Shape shape;
  // One of these holds the values: reals where is_real(type), whole for integers and bool.
  std::vector<float> reals;
  std::vector<int64_t> whole;
  // How many times the number of images, which is not known, is to be added to each of `whole`.
  // Empty where that is none: shapes alone have it.
  std::vector<int64_t> batches;

  size_t size() const { return is_real(type) ? reals.size() : whole.size(); }
  bool has_batch(size_t i) const { return !batches.empty() && batches[i] != 0; }
  bool has_batch() const;
};

// A constant of INT64.
OnnxConstant whole_constant(Shape shape, std::vector<int64_t> values);

// Reads the values of tensors: from the file, or from others beside it, each of which is read once.
class OnnxTensorReader {
 public:
  explicit OnnxTensorReader(const ModelSource& source) : source_(source) {}

  const ModelSource& source() const { return source_; }

  // Throws Error naming the file and the tensor: a type that holds no numbers, values that do not
  // fill the shape exactly, a file of values that is missing, too short or not plainly beside it.
  OnnxConstant read(const OnnxTensor& tensor);

  // `name` is one that the model says.
  std::span<const std::byte> file(const std::string& name);

 private:
  const ModelSource& source_;
  std::map<std::string, std::vector<std::byte>> files_;
};

// A constant of `shape` whose element i is element index[i] of `constant`.
OnnxConstant taken(const OnnxConstant& constant, Shape shape, const std::vector<uint32_t>& index);

}  // namespace mnist
