#include "train/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "mnist/error.h"

namespace mnist {
namespace {

struct OptimizerName {
  OptimizerKind kind;
  const char* name;
};
constexpr OptimizerName kOptimizers[] = {{OptimizerKind::kSgd, "sgd"},
                                         {OptimizerKind::kMomentum, "momentum"},
                                         {OptimizerKind::kAdam, "adam"},
                                         {OptimizerKind::kAdamW, "adamw"}};

// Accuracy on the 10,000 images held out, mean of two seeds: 98.67 without augmentation (of 6 or of
// 10 epochs), 98.88 with "light" and rate 0.004, 99.05 with 0.008, 99.02 with 0.012.
TrainSettings convolutional() {
  TrainSettings settings;
  settings.epochs = 8;
  settings.batch_size = 128;
  settings.learning_rate = 0.01;
  settings.beta2 = 0.99;
  settings.augmentation = "light";
  return settings;
}

// Likewise: 98.08 without label smoothing (5 epochs, rate 0.002), 98.49 with, 98.70 as it is.
TrainSettings dense() {
  TrainSettings settings;
  settings.epochs = 6;
  settings.batch_size = 128;
  settings.learning_rate = 0.003;
  settings.beta2 = 0.99;
  settings.label_smoothing = 0.1;
  return settings;
}

TrainSettings strong() {
  TrainSettings settings = convolutional();
  settings.epochs = 12;
  settings.learning_rate = 4e-3;
  settings.optimizer = OptimizerKind::kAdamW;
  settings.weight_decay = 0.02;
  settings.label_smoothing = 0.05;
  return settings;
}

// One epoch: 99.09 (mean of three seeds), 98.94 with 16 instead of 20 channels, 98.87 with rate
// 0.01.
TrainSettings sprint() {
  TrainSettings settings;
  settings.epochs = 1;
  settings.batch_size = 64;
  settings.learning_rate = 0.02;
  settings.warmup = 0.1;
  settings.beta2 = 0.99;
  settings.label_smoothing = 0.1;
  return settings;
}

void require(bool holds, const std::string& message) {
  if (!holds) throw Error("training: " + message);
}

}  // namespace

OptimizerKind parse_optimizer(const std::string& name) {
  std::vector<std::string> names;
  for (const OptimizerName& entry : kOptimizers) {
    if (name == entry.name) return entry.kind;
    names.emplace_back(entry.name);
  }
  throw Error(fmt::format("optimizer '{}' is not known; known: {}", name, join(names)));
}

std::string to_string(OptimizerKind kind) {
  for (const OptimizerName& entry : kOptimizers) {
    if (entry.kind == kind) return entry.name;
  }
  return "";
}

TrainSettings default_settings(const std::string& architecture) {
  if (architecture == "mnist-fc" || architecture == "mnist-mlp") return dense();
  if (architecture == "mnist-best") return strong();
  return convolutional();
}

std::vector<std::string> recipe_names() { return {"fast"}; }

Recipe find_recipe(const std::string& name) {
  if (name == "fast") return {"mnist-fast", sprint()};
  throw Error(fmt::format("recipe '{}' is not known; known: {}", name, join(recipe_names())));
}

void check_settings(const TrainSettings& s) {
  require(s.epochs >= 1 && s.epochs <= 1'000'000, fmt::format("{} epochs", s.epochs));
  require(s.batch_size >= 1 && s.batch_size <= (1U << 24),
          fmt::format("a batch of {} images", s.batch_size));
  require(s.physical_batch_size == 0 || s.batch_size % s.physical_batch_size == 0,
          fmt::format("a physical batch of {} does not divide the batch of {}",
                      s.physical_batch_size, s.batch_size));
  require(std::isfinite(s.learning_rate) && s.learning_rate > 0.0,
          fmt::format("a learning rate of {}", s.learning_rate));
  require(std::isfinite(s.weight_decay) && s.weight_decay >= 0.0,
          fmt::format("a weight decay of {}", s.weight_decay));
  for (double share : {s.momentum, s.beta1, s.beta2, s.label_smoothing}) {
    require(share >= 0.0 && share < 1.0, fmt::format("a factor of {}, not in [0, 1)", share));
  }
  require(s.warmup >= 0.0 && s.warmup <= 1.0, fmt::format("a warm-up of {}", s.warmup));
  require(s.epsilon > 0.0 && std::isfinite(s.epsilon), fmt::format("an epsilon of {}", s.epsilon));
}

double learning_rate_at(const TrainSettings& settings, uint64_t step, uint64_t steps) {
  double done = (static_cast<double>(step) + 0.5) / static_cast<double>(steps);
  if (done < settings.warmup) return settings.learning_rate * done / settings.warmup;
  if (!settings.decay) return settings.learning_rate;
  return settings.learning_rate * (1.0 - done) / (1.0 - settings.warmup);
}

}  // namespace mnist
