// Rows: nodes with the values that PyTorch computed for them, from which tests and the benchmark
// run every op in the same way. They are in tests/ops/rows.json, written by tests/ops/make_rows.py;
// a new row is tested by everything in op_test.cpp. Not part of the library.
//
// Values of inputs are not stored but computed, the same by both sides (row_values).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/simd.h"
#include "mnist/model.h"
#include "ops/op.h"

namespace mnist {

// An array that PyTorch computed: every reference_step(count)-th value, and the sum of all values
// times those of stream kReferenceStream.
struct Reference {
  bool present = false;
  std::vector<double> values;
  double sum = 0.0;
};

struct RowInput {
  enum class Kind { kAbsent, kActivation, kWeight, kPositiveWeight } kind = Kind::kAbsent;
  Shape shape;                     // an activation's is per image
  std::vector<float> values = {};  // a weight's, where they are not the pattern's

  bool is_weight() const { return kind == Kind::kWeight || kind == Kind::kPositiveWeight; }
};

struct OpRow {
  Node node;  // node.name is the row's, "Conv 3x3 padding 1"
  std::vector<RowInput> inputs;
  size_t images = 1;      // of the references
  bool training = false;  // computes something else in training; the row is only about that
  bool ties = false;      // many equal inputs: no derivative where a maximum is shared
  bool distinct = false;  // any 256 neighbouring inputs differ
  bool positive = false;  // inputs are at least 1/2: for functions that have no value at 0
  // The gradient is one by agreement, not a derivative: that of rounding is the identity's.
  bool straight_through = false;
  Shape output_shape;
  Reference output;                  // [image][element]
  std::vector<Reference> gradients;  // of the inputs, for the output gradient of kProjectionStream;
                                     // empty: not tested
};

// Throws Error or nlohmann's exception if the file is not as make_rows.py writes it.
std::vector<OpRow> read_op_rows(const std::string& path);

// Streams of pattern values: an input's is its index.
constexpr uint32_t kProjectionStream = 100;
constexpr uint32_t kReferenceStream = 101;

// (k + 1/2) / 64 within (-2, 2), a pure function of stream and index.
float pattern_value(uint32_t stream, size_t index);
size_t reference_step(size_t count);

// The values of input `input`: a weight's, or an activation's for image 0, 1, ... [image][element].
std::vector<float> row_values(const OpRow& row, size_t input, size_t images);

// The op of a row with all the buffers of one pass, filled. Whatever the op may not rely on
// (scratch, lanes behind the last image, gradients to be overwritten) holds garbage.
class OpRun {
 public:
  // `lanes` is simd_lanes() or 1. `op` takes the place of the row's own (a fused one).
  OpRun(const OpRow& row, size_t lanes, size_t images, bool training,
        std::unique_ptr<Op> op = nullptr);

  const Op& op() const { return *op_; }
  Pass& pass() { return pass_; }

  void forward();
  // After forward. `d_output`: [image][element]. Gradients of weights are added to.
  void backward(const std::vector<float>& d_output);

  // All as [image][element], a weight's gradient as the weight.
  std::vector<float> output() const;
  std::vector<float> d_input(size_t input) const;
  const std::vector<float>& values(size_t input) const { return values_[input]; }
  void set_values(size_t input, const std::vector<float>& values);

  // Sets the activations of the lanes behind the last image to what a network's input has there.
  void clear_behind_images();
  // From now on backward is not to make this gradient.
  void refuse_d_input(size_t input);
  // The sum of the magnitudes in lanes behind the last image, NaN if one is.
  float d_input_behind_images(size_t input) const;
  float output_behind_images() const;

 private:
  size_t elements(const Shape& shape) const {
    return pass_.blocks * pass_.lanes * element_count(shape);
  }
  void make_inputs();
  float sum_behind_images(const FloatBuffer& buffer, const Shape& shape) const;
  std::vector<float> unpacked(const FloatBuffer& buffer, const Shape& shape) const;
  void pack(const std::vector<float>& values, const Shape& shape, float rest,
            FloatBuffer& buffer) const;

  OpRow row_;
  std::vector<Tensor> weights_;
  std::unique_ptr<Op> op_;
  Pass pass_;
  std::vector<std::vector<float>> values_;
  std::vector<FloatBuffer> inputs_;
  std::vector<FloatBuffer> d_inputs_;
  std::vector<const float*> input_pointers_;
  std::vector<float*> d_input_pointers_;
  FloatBuffer prepared_;
  FloatBuffer output_;
  FloatBuffer d_output_;
  FloatBuffer saved_;
  FloatBuffer scratch_;
};

// The op of a row, as the engine would make it.
std::unique_ptr<Op> make_row_op(const OpRow& row);

}  // namespace mnist
