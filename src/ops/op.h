// What an op is: attributes and shapes fixed when it is made, a forward and a backward pass.
//
// Activations lie in blocks of `lanes` images: [block][element][lane], where the elements of an
// image are in C,H,W order and a lane is one image. A kernel is written as if for one image, with a
// vector of lanes where the scalar would stand. `lanes` is simd_lanes() or, for the lowest latency
// with a single image in inference, 1 (backward always sees simd_lanes()). Buffers are aligned to
// 64 bytes and padded by kFloatsPerLine floats.
//
// Adding an op: one file in this folder with a class and a make function, one line in op_list.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "mnist/model.h"

namespace mnist {

// What an op is told of one of its node's inputs.
struct OpInput {
  bool present = false;            // false: the node leaves it out
  Shape shape;                     // an activation's is per image
  const Tensor* weight = nullptr;  // null: an activation
};

// A node and its inputs, from which an op is made. The helpers throw Error naming the node.
struct OpSpec {
  const Node& node;
  std::vector<OpInput> inputs;

  [[noreturn]] void fail(const std::string& reason) const;
  // Checks the number of inputs, that the first `activations` are activations and the rest weights.
  void expect_inputs(size_t activations, size_t least_weights, size_t most_weights) const;
  // Throws unless the node has no attributes but these.
  void expect_attributes(std::initializer_list<const char*> known) const;
};

// The part of a batch that one call works on.
struct Pass {
  size_t lanes = 1;
  size_t blocks = 1;
  size_t images = 1;        // the first `images` of the blocks * lanes are real, the rest are zeros
  bool training = false;    // a backward pass follows
  bool frozen = false;      // in it, statistics are those of inference
  uint64_t random_key = 0;  // of this op in this step: for dropout
  uint64_t first_image = 0;  // number of the pass's first image within its batch

  bool uses_batch_statistics() const { return training && !frozen; }
};

struct ForwardArgs {
  Pass pass;
  std::span<const float* const> inputs;  // null where the node leaves it out
  float* output = nullptr;
  const float* prepared = nullptr;  // what prepare() made, if prepared_floats() is not 0
  float* saved = nullptr;    // saved_floats() floats that stay until backward; null in inference
  float* scratch = nullptr;  // scratch_floats() floats, contents undefined
};

// What backward leaves behind of its images for a gradient that is made later, for all passes that
// share it at once.
struct KeptImages {
  float* floats = nullptr;  // Op::kept_floats(images)
  size_t images = 0;        // places, a multiple of the lanes
  size_t first = 0;         // the pass's first image's place
};

struct BackwardArgs {
  Pass pass;
  std::span<const float* const> inputs;
  const float* output = nullptr;
  const float* d_output = nullptr;
  // Gradients of the inputs the node has. An activation's is overwritten, or null where not wanted;
  // a weight's is always there and added to, summed over the images of the pass.
  std::span<float* const> d_inputs;
  KeptImages kept;  // without floats: every gradient is made at once
  const float* saved = nullptr;
  float* scratch = nullptr;
};

// Rows `first` to first + count - 1 of a large weight's gradient.
struct DeferredArgs {
  KeptImages kept;  // its first `images` places are filled, lanes behind them with zeros
  size_t images = 0;
  size_t first = 0;
  size_t count = 0;
  float* gradient = nullptr;  // of the whole weight
  bool add = false;           // to what is there; otherwise it is overwritten
};

// Zeroes what lies in the lanes behind the last image. An op that makes infinities of zeros does so
// with its output: they would turn the zero gradients of those lanes into NaNs.
void clear_behind_images(const Pass& pass, size_t elements, float* values);

// What a producer may do to each of its outputs on the way to memory.
enum class Epilogue { kNone, kRelu, kMaxPool2x2 };

// How the values of a weight start.
struct Initial {
  enum class Kind { kZero, kOne, kKaiming } kind = Kind::kZero;
  size_t fan_in = 1;  // kKaiming: normal with deviation sqrt(2 / fan_in) (He et al. 2015)
};

class Op {
 public:
  explicit Op(Shape output_shape) : output_shape_(std::move(output_shape)) {}
  virtual ~Op() = default;
  Op(const Op&) = delete;
  Op& operator=(const Op&) = delete;

  const Shape& output_shape() const { return output_shape_; }  // per image

  virtual void forward(const ForwardArgs& args) const = 0;
  virtual void backward(const BackwardArgs& args) const = 0;

  // Floats that a pass of this many lanes and blocks needs.
  virtual size_t saved_floats(const Pass& pass) const;
  virtual size_t scratch_floats(const Pass& pass) const;

  // Floats that are made of the weights once for each inference plan (a rearranged copy), and the
  // making. `inputs` has the weights, null for activations.
  virtual size_t prepared_floats(size_t lanes) const;
  virtual void prepare(std::span<const float* const> inputs, float* prepared) const;

  // False: the derivative is 0 wherever there is one (Floor, Greater, ArgMax), so that nothing
  // before the op can learn through it.
  virtual bool differentiable() const { return true; }

  // The gradient of input 1, where it is so large that adding up one of each thread costs much:
  // the floats that backward, if it is given them, keeps of `images` images instead of making it
  // (0: it is not that large), and the making, by rows of its first dimension.
  virtual size_t kept_floats(size_t /*images*/) const { return 0; }
  virtual void deferred_gradient(const DeferredArgs& /*args*/) const {}

  // Multiply-adds of the forward pass for one image.
  virtual uint64_t macs() const { return 0; }

  // The output's bytes are the first input's: forward and backward are not called, the plan lets
  // both names stand for one buffer. May depend on whether it is for training (Dropout).
  virtual bool is_view(bool training) const;

  // This op as something that another may do on its way to memory, and the other side: this op with
  // the epilogue, or null where it cannot.
  virtual Epilogue epilogue() const { return Epilogue::kNone; }
  virtual std::unique_ptr<Op> with_epilogue(Epilogue) const { return nullptr; }

  // Of the node's input `input`, a weight: how it starts, and whether an optimiser moves it. One
  // that is not trainable is a running statistic: backward adds (new statistic - old) * images to
  // its gradient, and the trainer moves it by statistic_rate() times the mean of that.
  virtual Initial initial(size_t input) const;
  virtual bool trainable(size_t input) const;
  virtual double statistic_rate() const { return 0.1; }

  // The fewest images that training should pass at once (batch statistics need some).
  virtual size_t least_images() const { return 1; }

 private:
  Shape output_shape_;
};

using MakeOp = std::unique_ptr<Op> (*)(const OpSpec&);

}  // namespace mnist
