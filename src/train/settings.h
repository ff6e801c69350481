// What a training run is told, and what it does where it is told nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace mnist {

enum class OptimizerKind { kSgd, kMomentum, kAdam, kAdamW };

// "sgd", "momentum", "adam", "adamw". Throws Error naming them.
OptimizerKind parse_optimizer(const std::string& name);
std::string to_string(OptimizerKind kind);

struct TrainSettings {
  size_t epochs = 10;
  size_t batch_size = 128;         // images that one optimiser step learns from
  size_t physical_batch_size = 0;  // images in memory at once; divides batch_size; 0: all of them
  OptimizerKind optimizer = OptimizerKind::kAdam;
  double learning_rate = 1e-3;  // the highest of the schedule
  double weight_decay = 0.0;    // AdamW: decoupled; the others: added to the gradient (L2)
  double momentum = 0.9;        // of kMomentum (Nesterov's)
  double beta1 = 0.9;           // of Adam
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double warmup = 0.2;  // share of all steps in which the rate rises from 0, linearly
  bool decay = true;    // afterwards it falls to 0, linearly; false: it stays
  double label_smoothing = 0.0;
  std::string augmentation = "none";  // a preset of data/augment.h
  uint64_t seed = 1;
};

// The settings that reach the best accuracy in sensible time for an architecture of model/
// architectures.h; other networks get those of mnist-cnn. Each was chosen on 10,000 images of the
// training set that were held out, never on the test set.
TrainSettings default_settings(const std::string& architecture);

// A whole plan: network and settings. "fast": the least time to 99 % on MNIST.
struct Recipe {
  std::string architecture;
  TrainSettings settings;
};
Recipe find_recipe(const std::string& name);  // throws Error naming those there are
std::vector<std::string> recipe_names();

// Throws Error naming the first setting that makes no sense: sizes of 0, a physical batch that does
// not divide the batch, rates that are not finite or negative.
void check_settings(const TrainSettings& settings);

// Of step `step` (from 0) of `steps`.
double learning_rate_at(const TrainSettings& settings, uint64_t step, uint64_t steps);

}  // namespace mnist
