#include "web/training.h"

#include <algorithm>

#include "base/json.h"
#include "classify/evaluate.h"
#include "data/synthetic.h"
#include "engine/inference.h"
#include "model/architectures.h"
#include "web/gguf.h"
#include "web/session.h"

namespace mnist::web {
namespace {

constexpr size_t kDigits = 2048;  // drawn ones in an epoch
constexpr size_t kBatch = 64;
constexpr size_t kHeldOut = 1000;
constexpr size_t kPixels = 784;
constexpr uint64_t kHeldOutSeed = 0x7e57;  // no training seed: those are of the page's 31 bits, odd

TrainSettings settings_of(const TrainingTask& task) {
  TrainSettings settings;
  settings.epochs = 100'000;
  settings.batch_size = kBatch;
  settings.learning_rate = task.learning_rate;
  settings.warmup = 0.0;
  settings.decay = false;
  settings.beta2 = 0.99;
  settings.augmentation = "light";
  settings.seed = task.seed;
  return settings;
}

TrainingImages all_of(const Dataset& dataset) {
  TrainingImages images{&dataset, std::vector<uint32_t>(dataset.size())};
  for (uint32_t i = 0; i < images.indices.size(); ++i) images.indices[i] = i;
  return images;
}

}  // namespace

Training::Training(TrainingTask task)
    : threads_(task.threads),
      seed_(task.seed),
      digits_{"synthetic digits", 28, 28, 10, {}, {}, {}, {}, {}, {}},
      next_pixels_(kDigits * kPixels),
      next_labels_(kDigits),
      held_out_(synthetic_digits(kHeldOut, kHeldOutSeed)) {
  if (task.own_pixels.size() != task.own_labels.size() * kPixels) {
    throw Error("own drawings: a label and 28 x 28 pixels each expected");
  }
  digits_.pixels.resize(kDigits * kPixels);
  digits_.labels.resize(kDigits);
  draw(0, kDigits);
  next_epoch();
  // A quarter of each epoch is the page's own.
  const size_t own = task.own_labels.size();
  for (size_t copies = own == 0 ? 0 : (kDigits / 3 + own - 1) / own; copies > 0; --copies) {
    digits_.pixels.insert(digits_.pixels.end(), task.own_pixels.begin(), task.own_pixels.end());
    digits_.labels.insert(digits_.labels.end(), task.own_labels.begin(), task.own_labels.end());
  }
  digits_.classes = std::max<size_t>(10, count_classes(digits_.labels));
  trainer_ = std::make_unique<Trainer>(task.model, all_of(digits_), settings_of(task), threads_);
}

// Draws digits first..first+count-1 of the next epoch.
void Training::draw(size_t first, size_t count) {
  threads_.run(count, [&](size_t i, size_t) {
    next_labels_[first + i] = draw_synthetic_digit(seed_, drawn_ + first + i,
                                                   next_pixels_.data() + (first + i) * kPixels);
  });
}

void Training::next_epoch() {
  std::copy(next_pixels_.begin(), next_pixels_.end(), digits_.pixels.begin());
  std::copy(next_labels_.begin(), next_labels_.end(), digits_.labels.begin());
  drawn_ += kDigits;
}

Training::Progress Training::step() {
  const uint64_t steps = trainer_->steps_per_epoch();
  const uint64_t position = trainer_->step() % steps;
  const Trainer::StepResult result = trainer_->run_step();
  const size_t share = (kDigits + steps - 1) / steps;
  const size_t first = std::min<size_t>(kDigits, position * share);
  draw(first, std::min(share, kDigits - first));
  if (position + 1 == steps) next_epoch();
  images_ += result.images;
  return {images_, result.loss,
          static_cast<double>(result.correct) / static_cast<double>(result.images)};
}

Training::Check Training::check() {
  Inference inference(trainer_->model(), threads_);
  const Evaluation result = evaluate(inference, held_out_);
  return {result.loss, result.accuracy};
}

namespace {
Handles<Training>& trainings() {
  static Handles<Training> all;
  return all;
}
}  // namespace
}  // namespace mnist::web

using namespace mnist;
using namespace mnist::web;

// Settings: {"architecture": name of a network to start at random, or "" for the open model
// `handle`, "threads", "seed", "learning_rate"}. Own drawings: 784 pixels each. Returns the
// training's handle.
MNIST_EXPORT int mnist_train(int handle, const char* settings, size_t settings_size,
                             const void* pixels, size_t pixels_size, const void* labels,
                             size_t labels_size) {
  return guarded([&] {
    const Json json = json_at(settings, settings_size);
    const JsonView view(json, "settings");
    view.expect_keys({"architecture", "threads", "seed", "learning_rate"});
    TrainingTask task;
    const std::string architecture = view.at("architecture").text();
    task.threads = static_cast<size_t>(std::clamp<int64_t>(view.at("threads").integer(), 1, 64));
    task.seed = static_cast<uint64_t>(view.at("seed").integer());
    task.learning_rate = view.at("learning_rate").number();
    if (architecture.empty()) {
      task.model = session(handle).model();
    } else {
      task.model = make_architecture(architecture);
      initialize_weights(task.model, task.seed);
    }
    const std::span<const uint8_t> own = pixels_at(pixels, pixels_size);
    const std::span<const uint8_t> own_labels = pixels_at(labels, labels_size);
    task.own_pixels.assign(own.begin(), own.end());
    task.own_labels.assign(own_labels.begin(), own_labels.end());
    return trainings().add(std::make_unique<Training>(std::move(task)));
  });
}

// One step of the optimiser. Result: JSON.
MNIST_EXPORT int mnist_train_step(int training) {
  return guarded([&] {
    const Training::Progress progress = trainings().at(training).step();
    set_json(nlohmann::json{
        {"images", progress.images}, {"loss", progress.loss}, {"accuracy", progress.accuracy}});
    return 0;
  });
}

// Measures on digits that it never learns from. Result: JSON.
MNIST_EXPORT int mnist_train_check(int training) {
  return guarded([&] {
    const Training::Check check = trainings().at(training).check();
    set_json(nlohmann::json{{"loss", check.loss}, {"accuracy", check.accuracy}});
    return 0;
  });
}

// Result: the network as it is now, a GGUF file.
MNIST_EXPORT int mnist_train_model(int training) {
  return guarded([&] {
    set_result(gguf_of(trainings().at(training).model()));
    return 0;
  });
}

MNIST_EXPORT int mnist_train_close(int training) {
  return guarded([&] {
    trainings().remove(training);
    return 0;
  });
}
