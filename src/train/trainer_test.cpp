#include "train/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/random.h"
#include "base/simd.h"
#include "data/synthetic.h"
#include "mnist/error.h"
#include "model/architectures.h"
#include "model/graph_json.h"

namespace mnist {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TrainingImages all_of(const Dataset& dataset) {
  TrainingImages images{&dataset, {}};
  for (uint32_t i = 0; i < dataset.size(); ++i) images.indices.push_back(i);
  return images;
}

TrainSettings short_settings() {
  TrainSettings settings;
  settings.epochs = 2;
  settings.batch_size = 48;
  settings.learning_rate = 2e-3;
  settings.augmentation = "light";
  settings.seed = 9;
  return settings;
}

Model started(const std::string& architecture) {
  Model model = make_architecture(architecture);
  initialize_weights(model, 4);
  return model;
}

// 784-24-10 with half of the hidden values dropped: cheap, and it draws random numbers.
Model dropout_net() {
  Model model = graph_from_json(R"({"format": "mnist.cpp graph", "version": 1, "nodes": [
    {"type": "Flatten"},
    {"type": "Gemm", "name": "fc1", "attributes": {"transB": 1}}, {"type": "Relu"},
    {"type": "Dropout"}, {"type": "Gemm", "name": "fc2", "attributes": {"transB": 1}}],
    "weights": {"fc1.weight": [24, 784], "fc1.bias": [24], "fc2.weight": [10, 24],
                "fc2.bias": [10]}})",
                                "dropout net");
  initialize_weights(model, 4);
  return model;
}

std::vector<float> train(const Model& model, const Dataset& data, const TrainSettings& settings,
                         size_t threads) {
  ThreadPool pool(threads);
  Trainer trainer(model, all_of(data), settings, pool);
  while (!trainer.finished()) trainer.run_step();
  return trainer.state().weights;
}

// The curve that tests/train/make_curve.py describes and PyTorch ran.
void set_by_formula(Model& model, const std::string& name, double phase, double scale) {
  std::vector<float>& values = model.weights.at(name).values;
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(scale * std::sin(1.7 * static_cast<double>(i) + phase));
  }
}

std::vector<float> initial_weights(const Model& model, const Dataset& data,
                                   const TrainSettings& settings) {
  ThreadPool threads(1);
  return Trainer(model, all_of(data), settings, threads).state().weights;
}

TEST(Trainer, LossCurveIsPyTorchs) {
  std::ifstream file(std::filesystem::path(MNIST_SOURCE_DIR) / "tests/train/loss_curve.json");
  const auto curves = nlohmann::json::parse(file);
  Model model = make_architecture("mnist-cnn");
  set_by_formula(model, "conv1.weight", 0.1, 0.4);
  set_by_formula(model, "conv1.bias", 0.2, 0.1);
  set_by_formula(model, "conv2.weight", 0.3, 0.15);
  set_by_formula(model, "conv2.bias", 0.4, 0.1);
  set_by_formula(model, "dense.weight", 0.5, 0.05);
  set_by_formula(model, "dense.bias", 0.6, 0.1);
  Dataset data{"formula", 28, 28, 10, {}, {}, {}, {}, {}, {}};
  for (uint64_t number = 0; number < 320; ++number) {
    const uint64_t label = number * 7 % 10;
    data.labels.push_back(static_cast<Label>(label));
    for (uint64_t i = 0; i < 784; ++i) {
      const uint64_t stripe = (i / 28 + label * 3) % 10 < 3 ? 255 : 0;
      data.pixels.push_back(static_cast<uint8_t>(stripe ^ (mix64(number * 784 + i) & 63)));
    }
  }
  TrainSettings settings;
  settings.epochs = 10;
  settings.batch_size = 32;
  settings.warmup = 0.0;
  settings.decay = false;
  settings.seed = 5;
  ThreadPool threads(2);
  for (OptimizerKind optimizer : {OptimizerKind::kMomentum, OptimizerKind::kAdam}) {
    settings.optimizer = optimizer;
    settings.learning_rate = optimizer == OptimizerKind::kAdam ? 1e-3 : 3e-3;
    settings.epsilon = 1e-4;
    const auto expected = curves.at(to_string(optimizer)).get<std::vector<double>>();
    ASSERT_EQ(expected.size(), 100U);
    for (const std::string& target : simd_choices()) {
      choose_simd(target);
      Trainer trainer(model, all_of(data), settings, threads);
      for (size_t step = 0; step < expected.size(); ++step) {
        EXPECT_NEAR(trainer.run_step().loss, expected[step], 1e-4 * std::max(1.0, expected[step]))
            << to_string(optimizer) << " " << target << " step " << step;
      }
    }
  }
  choose_simd("");
}

TEST(Trainer, WeightsAreTheSameForAnyNumberOfThreads) {
  const Dataset data = synthetic_digits(120, 3);
  for (const Model& model :
       {started("mnist-cnn"), started("mnist-fast"), started("mnist-mlp"), dropout_net()}) {
    const std::vector<float> one = train(model, data, short_settings(), 1);
    for (size_t threads : {2, 3, 5}) {
      EXPECT_EQ(train(model, data, short_settings(), threads), one) << model.architecture;
    }
  }
}

TEST(Trainer, ResumedRunIsTheSameAsOneThatWasNeverStopped) {
  const Dataset data = synthetic_digits(200, 3);
  for (OptimizerKind optimizer : {OptimizerKind::kSgd, OptimizerKind::kMomentum,
                                  OptimizerKind::kAdam, OptimizerKind::kAdamW}) {
    TrainSettings settings = short_settings();
    settings.optimizer = optimizer;
    const std::vector<float> straight = train(dropout_net(), data, settings, 2);
    ThreadPool threads(2);
    Trainer first(dropout_net(), all_of(data), settings, threads);
    for (int i = 0; i < 7; ++i) first.run_step();  // in the middle of the second epoch
    Trainer second(dropout_net(), all_of(data), settings, threads);
    second.restore(first.state());
    while (!second.finished()) second.run_step();
    EXPECT_EQ(second.state().weights, straight) << to_string(optimizer);
  }
}

TEST(Trainer, PhysicalBatchesAddUpToTheLogicalOne) {
  const Dataset data = synthetic_digits(128, 3);
  TrainSettings settings = short_settings();
  settings.batch_size = 64;
  const std::vector<float> whole = train(started("mnist-cnn"), data, settings, 2);
  settings.physical_batch_size = 16;
  const std::vector<float> parts = train(started("mnist-cnn"), data, settings, 2);
  ASSERT_EQ(parts.size(), whole.size());
  for (size_t i = 0; i < whole.size(); ++i) EXPECT_NEAR(parts[i], whole[i], 2e-4) << i;
}

// mnist-mlp's first gradient is deferred: made of 1,024 images at most, then added up.
TEST(Trainer, DeferredGradientsOfPartsAddUp) {
  const Dataset data = synthetic_digits(1100, 3);
  TrainSettings settings = short_settings();
  settings.optimizer = OptimizerKind::kMomentum;
  settings.batch_size = 1100;
  const std::vector<float> whole = train(started("mnist-mlp"), data, settings, 2);
  EXPECT_EQ(train(started("mnist-mlp"), data, settings, 1), whole);
  settings.physical_batch_size = 275;
  const std::vector<float> parts = train(started("mnist-mlp"), data, settings, 3);
  const std::vector<float> start = initial_weights(started("mnist-mlp"), data, settings);
  ASSERT_EQ(parts.size(), whole.size());
  size_t moved = 0;
  for (size_t i = 0; i < whole.size(); ++i) {
    EXPECT_NEAR(parts[i], whole[i], 1e-6) << i;
    moved += std::abs(whole[i] - start[i]) > 1e-5 ? 1 : 0;
  }
  EXPECT_GT(moved, whole.size() / 5);  // most pixels are never set
}

TEST(Trainer, LearnsWithEveryOptimizer) {
  const Dataset data = synthetic_digits(300, 3);
  for (OptimizerKind optimizer : {OptimizerKind::kSgd, OptimizerKind::kMomentum,
                                  OptimizerKind::kAdam, OptimizerKind::kAdamW}) {
    TrainSettings settings = short_settings();
    settings.optimizer = optimizer;
    settings.epochs = 8;
    settings.augmentation = "none";
    settings.learning_rate = optimizer == OptimizerKind::kSgd        ? 0.3
                             : optimizer == OptimizerKind::kMomentum ? 0.05
                                                                     : 5e-3;
    ThreadPool threads(2);
    Trainer trainer(started("mnist-cnn"), all_of(data), settings, threads);
    const double first = trainer.run_step().loss;
    while (!trainer.finished()) trainer.run_step();
    EXPECT_LT(trainer.epoch_result().loss, 0.5 * first) << to_string(optimizer);
    EXPECT_EQ(trainer.epoch_result().images, 300U);
  }
}

TEST(Trainer, RefusesWhatCannotBeTrained) {
  const Dataset data = synthetic_digits(20, 3);
  ThreadPool threads(1);
  TrainSettings settings;
  auto make = [&](const Model& model, const Dataset& set) {
    Trainer trainer(model, all_of(set), settings, threads);
  };
  EXPECT_THAT(
      [&] {
        make(make_architecture("mnist-cnn", {1, 20, 20}), data);
      },
      ThrowsMessage<Error>(HasSubstr("28 x 28 pixels do not fit")));
  EXPECT_THAT(
      [&] {
        make(make_architecture("mnist-cnn", {1, 28, 28}, 5), data);
      },
      ThrowsMessage<Error>(HasSubstr("10 classes, but the network has 5 outputs")));
  EXPECT_THAT(
      [&] {
        make(started("mnist-cnn"), Dataset{"none", 28, 28, 10, {}, {}, {}, {}, {}, {}});
      },
      ThrowsMessage<Error>(HasSubstr("no images")));
  settings.physical_batch_size = 48;
  EXPECT_THAT([&] { make(started("mnist-cnn"), data); },
              ThrowsMessage<Error>(HasSubstr("does not divide the batch")));
}

TEST(Trainer, StopsWhenTheLossIsNotFinite) {
  const Dataset data = synthetic_digits(100, 3);
  TrainSettings settings = short_settings();
  settings.optimizer = OptimizerKind::kSgd;
  settings.learning_rate = 1e20;
  settings.warmup = 0.0;
  settings.epochs = 20;
  ThreadPool threads(1);
  Trainer trainer(started("mnist-cnn"), all_of(data), settings, threads);
  auto run = [&] {
    while (!trainer.finished()) trainer.run_step();
  };
  EXPECT_THAT(run, ThrowsMessage<Error>(HasSubstr("training: loss became")));
}

TEST(Trainer, RefusesAStateOfAnotherNetwork) {
  const Dataset data = synthetic_digits(20, 3);
  ThreadPool threads(1);
  Trainer cnn(started("mnist-cnn"), all_of(data), {}, threads);
  Trainer fc(started("mnist-fc"), all_of(data), {}, threads);
  EXPECT_THROW(cnn.restore(fc.state()), Error);
}

TEST(Split, CoversEverythingOnceAndDependsOnTheSeed) {
  const ValidationSplit split = split_for_validation(1000, 0.1, 7);
  EXPECT_EQ(split.validation.size(), 100U);
  EXPECT_EQ(split.training.size(), 900U);
  std::vector<uint32_t> all = split.training;
  all.insert(all.end(), split.validation.begin(), split.validation.end());
  std::sort(all.begin(), all.end());
  for (uint32_t i = 0; i < 1000; ++i) EXPECT_EQ(all[i], i);
  EXPECT_NE(split_for_validation(1000, 0.1, 8).validation, split.validation);
  EXPECT_THROW(split_for_validation(1000, 1.0, 7), Error);
}

TEST(Schedule, RisesAndFallsLinearly) {
  TrainSettings settings;
  settings.learning_rate = 1.0;
  settings.warmup = 0.5;
  EXPECT_NEAR(learning_rate_at(settings, 0, 100), 0.01, 1e-12);
  EXPECT_NEAR(learning_rate_at(settings, 49, 100), 0.99, 1e-12);
  EXPECT_NEAR(learning_rate_at(settings, 99, 100), 0.01, 1e-12);
  settings.decay = false;
  EXPECT_EQ(learning_rate_at(settings, 99, 100), 1.0);
}

TEST(Settings, NamesAreChecked) {
  EXPECT_EQ(parse_optimizer("adamw"), OptimizerKind::kAdamW);
  EXPECT_THAT([] { parse_optimizer("adma"); }, ThrowsMessage<Error>(HasSubstr("sgd, momentum")));
  EXPECT_THAT([] { find_recipe("slow"); }, ThrowsMessage<Error>(HasSubstr("known: fast")));
}

}  // namespace
}  // namespace mnist
