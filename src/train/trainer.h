// Training: epochs of batches, shared out to threads so that the result does not depend on them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/threads.h"
#include "data/dataset.h"
#include "mnist/model.h"
#include "train/settings.h"

namespace mnist {

// All that a stopped run needs to go on as if it had not been: arrays are those of the plan
// (Plan::weights()), in its order. Random numbers are functions of seed, epoch and image, so there
// is no generator to save.
struct TrainState {
  uint64_t step = 0;  // optimiser steps done
  std::vector<float> weights;
  std::vector<float> first_moment;   // momentum, Adam; else empty
  std::vector<float> second_moment;  // Adam; else empty
  // Sums over the steps of the running epoch.
  double epoch_loss = 0.0;
  uint64_t epoch_correct = 0;
  uint64_t epoch_images = 0;
};

// The images of a dataset that a run learns from.
struct TrainingImages {
  const Dataset* dataset = nullptr;  // must outlive the trainer
  std::vector<uint32_t> indices;
};

// Splits 0..count-1 by `seed` into training and validation; both in ascending order.
struct ValidationSplit {
  std::vector<uint32_t> training;
  std::vector<uint32_t> validation;
};
ValidationSplit split_for_validation(uint32_t count, double validation_share, uint64_t seed);

// Weights of all the model's nodes as their ops want them (Op::initial), from `seed`.
void initialize_weights(Model& model, uint64_t seed);

class Trainer {
 public:
  // Starts from the model's weights. Throws Error where the model cannot be trained on these
  // images: another size of input, fewer outputs than classes, settings that make no sense.
  Trainer(const Model& model, TrainingImages images, const TrainSettings& settings,
          ThreadPool& threads);
  ~Trainer();

  // Weights of the model that this training leaves as they are (Plan::frozen_weights).
  const std::vector<std::string>& frozen_weights() const;

  uint64_t steps_per_epoch() const;  // the last batch of an epoch may be smaller
  uint64_t steps() const;            // of the whole run
  uint64_t step() const;             // done so far
  bool finished() const { return step() >= steps(); }
  double learning_rate() const;  // of the next step

  struct StepResult {
    double loss = 0.0;  // mean over the batch
    size_t correct = 0;
    size_t images = 0;
  };
  // One optimiser step. Throws Error ("loss became nan at epoch 2 step 311 ...") where the loss is
  // not finite; the weights are then those before the step.
  StepResult run_step();

  // Means over the epoch so far, or of the last one when an epoch has just ended.
  StepResult epoch_result() const;

  TrainState state() const;
  // Goes on from a state of a trainer with the same model, images and settings. Throws Error if the
  // arrays do not fit.
  void restore(const TrainState& state);

  // The model with the current weights.
  Model model() const;

  // Multiply-adds of a training step for one image: forward and the gradients that are needed.
  uint64_t macs() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mnist
