// A model made ready to run: ops in order and fused, parameters in one flat array, buffers laid
// out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/simd.h"
#include "engine/backend.h"
#include "mnist/model.h"
#include "ops/op.h"

namespace mnist {

struct PlanOptions {
  bool training = false;
  // Leaves out a Softmax or LogSoftmax at the end, so that the output is logits.
  bool logits = true;
  // Training: also makes the gradient of the model's input.
  bool input_gradient = false;
  // Training as far as memory goes, but the function is that of inference (no dropout, statistics
  // as stored) and every node's output stays: for looking inside (Inspection).
  bool inspect = false;
  // simd_lanes(), or 1 for a single image at the lowest latency (inference only).
  size_t lanes = simd_lanes();
  // Blocks of a pass; 0: as many as suit the caches.
  size_t blocks = 0;
  // Training: large weights' gradients are made by deferred_gradient() for up to so many images at
  // once; 0: in backward().
  size_t kept_images = 0;
  const Backend* backend = nullptr;  // null: the CPU
};

// One weight's place in the flat array.
struct Parameter {
  std::string name;
  Shape shape;
  size_t offset = 0;  // in floats
  size_t count = 0;
  bool trainable = true;  // false: a running statistic, moved by statistic_rate
  double statistic_rate = 0.0;
  Initial initial;
  bool deferred = false;       // its gradient is deferred_gradient()'s
  size_t gradient_offset = 0;  // in an array of gradients
};

// Activations and gradients of one pass; one for each thread.
class Workspace {
 public:
  explicit Workspace(size_t floats) : memory_(floats) {}
  float* at(size_t offset) { return memory_.data() + offset; }

 private:
  FloatBuffer memory_;
};

class Plan {
 public:
  // Throws Error where the model cannot be run. The plan keeps nothing of `model`.
  Plan(const Model& model, const PlanOptions& options);
  ~Plan();
  Plan(Plan&&) noexcept;
  Plan& operator=(Plan&&) noexcept;

  size_t lanes() const { return options_.lanes; }
  size_t blocks() const { return blocks_; }
  size_t images() const { return lanes() * blocks_; }  // at most, in one pass
  size_t input_elements() const { return input_elements_; }
  size_t output_elements() const { return output_elements_; }
  bool output_is_probabilities() const { return output_is_probabilities_; }
  uint64_t forward_macs() const;   // multiply-adds for one image
  uint64_t backward_macs() const;  // those of the gradients that training needs

  // All weights as one array; gaps between them are zero. After changing them in an inference plan
  // call weights_changed().
  std::span<float> weights() { return {weights_.data(), weights_.size()}; }
  std::span<const float> weights() const { return {weights_.data(), weights_.size()}; }
  const std::vector<Parameter>& parameters() const { return parameters_; }
  // Training: weights that stay as they are, because every way from them to the output leads
  // through an op without a slope (Op::differentiable).
  const std::vector<std::string>& frozen_weights() const { return frozen_weights_; }
  void weights_changed();
  // Copies the plan's weights into those of the model that it was made of.
  void store_weights(Model& model) const;

  Workspace make_workspace() const { return Workspace(workspace_floats_); }
  float* input(Workspace& workspace) const;     // [blocks][input_elements][lanes]
  float* output(Workspace& workspace) const;    // [blocks][output_elements][lanes]
  float* d_output(Workspace& workspace) const;  // the same; the caller fills it before backward
  float* d_input(Workspace& workspace) const;   // with input_gradient
  // With inspect, after forward: what a node made, [blocks][elements][lanes]. Null for a name that
  // the plan does not compute.
  const float* value(Workspace& workspace, const std::string& name) const;

  // From input to output for the first `images` of the pass. `random_key` and `first_image` make
  // the random numbers of this pass (Dropout).
  void forward(Workspace& workspace, size_t images, uint64_t random_key = 0,
               uint64_t first_image = 0) const;
  // After forward with the same arguments: adds the gradients of the weights to `gradients`, an
  // array of shared_gradients() floats at least. With deferred gradients, `kept` takes what they
  // are made of; the pass is the images from `kept_first` on of those kept.
  void backward(Workspace& workspace, std::span<float> gradients, size_t images,
                uint64_t random_key = 0, uint64_t first_image = 0, float* kept = nullptr,
                size_t kept_first = 0) const;

  // All parameters' gradients take as many floats as weights(), the deferred ones' behind the rest.
  size_t shared_gradients() const { return shared_gradients_; }
  // The images that one array of kept_floats() floats takes: as wanted or fewer, whole passes; 0:
  // no gradient is deferred.
  size_t kept_images() const { return kept_images_; }
  size_t kept_floats() const { return kept_floats_; }
  // Rows first..first+count-1 of a deferred parameter's gradient, summed over the first `images`
  // that are kept; set in `gradients` or added to what is there.
  void deferred_gradient(const Parameter& parameter, float* kept, size_t images, size_t first,
                         size_t count, std::span<float> gradients, bool add) const;

 private:
  struct Value;
  struct Step;
  friend class PlanBuilder;

  KeptImages kept_of(const Step& step, float* kept, size_t first) const;
  Pass pass_of(const Step& step, size_t images, uint64_t random_key, uint64_t first_image) const;
  std::vector<const float*> step_inputs(const Step& step, Workspace& workspace) const;
  void backward_step(const Step& step, Workspace& workspace, std::span<float> gradients,
                     const Pass& pass, const KeptImages& kept) const;

  PlanOptions options_;
  size_t blocks_ = 1;
  size_t input_elements_ = 0;
  size_t output_elements_ = 0;
  bool output_is_probabilities_ = false;
  FloatBuffer weights_;
  FloatBuffer prepared_;
  std::vector<Parameter> parameters_;
  std::vector<std::string> frozen_weights_;
  std::vector<Value> values_;
  std::vector<Step> steps_;
  std::map<std::string, size_t> value_names_;  // with inspect
  size_t input_value_ = 0;
  size_t output_value_ = 0;
  size_t d_output_offset_ = 0;
  size_t scratch_offset_ = 0;
  size_t workspace_floats_ = 0;
  size_t shared_gradients_ = 0;
  size_t kept_images_ = 0;
  size_t kept_floats_ = 0;
};

}  // namespace mnist
