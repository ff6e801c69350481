// Running a model on any number of images, with all threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/threads.h"
#include "engine/plan.h"
#include "mnist/model.h"

namespace mnist {

// Not for use by several threads at once: it holds the activations of its passes.
class Inference {
 public:
  // Throws Error where the model cannot be run. With `logits`, a Softmax at the model's end is left
  // out. `threads` must outlive this.
  Inference(const Model& model, ThreadPool& threads, bool logits = true,
            const Backend* backend = nullptr);

  size_t input_elements() const { return input_elements_; }
  size_t output_elements() const { return output_elements_; }
  uint64_t macs() const;  // multiply-adds for one image

  // How the pixels of images become inputs from now on, instead of the model's own way.
  void set_pixels(const PixelScaling& pixels) { pixels_ = pixels; }

  // outputs[image][output_elements()] of images of input_elements() pixels each. One image alone
  // runs the way that takes the least time, several run in blocks; the results agree to float32's
  // accuracy.
  void run(std::span<const uint8_t* const> images, float* outputs);
  // Images that lie one behind the other.
  void run(const uint8_t* pixels, size_t count, float* outputs);
  // Values that are network inputs already: inputs[image] has input_elements() floats.
  void run_inputs(std::span<const float* const> inputs, float* outputs);

 private:
  // A plan with as many workspaces as threads that may run it, made when first needed.
  struct Engine {
    Plan plan;
    std::vector<Workspace> workspaces;
  };
  Engine& engine(bool single);
  template <class Load>
  void run_passes(size_t count, float* outputs, Load load);

  Model model_;
  ThreadPool& threads_;
  bool logits_;
  const Backend* backend_;
  size_t input_elements_ = 0;
  size_t output_elements_ = 0;
  std::optional<Engine> blocks_;
  std::optional<Engine> single_;
  PixelScaling pixels_;
};

}  // namespace mnist
