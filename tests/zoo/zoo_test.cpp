// Every file of the zoo: opened or refused with a line, its outputs beside those of the runtime
// that its author used, its accuracy beside the known one; once with what is known of its pixels,
// once with --calibrate only.
#include "zoo.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>

#include "classify/calibrate.h"
#include "classify/evaluate.h"
#include "data/source.h"
#include "mnist/error.h"
#include "mnist/model_file.h"

namespace mnist {
namespace {

constexpr double kAccuracyTolerance = 0.001 + 1e-9;  // a tenth of a point
constexpr double kOutputTolerance = 1e-3;            // of the greatest output, at least of 1
constexpr size_t kMnistSide = 28;

struct Row {
  std::string opened = "no";
  double difference = INFINITY;
  double accuracy = 0.0;
  std::string remark;

  bool is_right(const ZooEntry& entry) const {
    return entry.accuracy && std::abs(accuracy - *entry.accuracy) <= kAccuracyTolerance;
  }
  bool has_outputs() const { return difference <= kOutputTolerance; }
};

double compare_outputs(const Model& model, const ZooEntry& entry, const Dataset& images,
                       ThreadPool& threads);
Model with_hints(const Model& model, const ZooEntry& entry);

class Zoo : public testing::Test {
 protected:
  void SetUp() override {
    const char* zoo = std::getenv("MNIST_ZOO_DIR");
    const char* data = std::getenv("MNIST_DATA_DIR");
    if (zoo == nullptr || data == nullptr) {
      GTEST_SKIP() << "MNIST_ZOO_DIR or MNIST_DATA_DIR is not set";
    }
    entries_ = read_zoo(zoo);
    test_ = load_dataset(parse_data_source("mnist"), Split::kTest, {.offline = true});
    train_ = load_dataset(parse_data_source("mnist"), Split::kTrain, {.offline = true});
  }

  // With what is known of it; fills the row but for the accuracy. Nothing where it is refused.
  std::optional<Model> open(const ZooEntry& entry, Row& row) {
    try {
      const std::vector<Model> models = load_candidates(entry.path).models;
      row.opened = "open";
      Model model =
          models.size() == 1 ? with_hints(models.front(), entry) : authors_network(models, entry);
      if (entry.outputs && entry.scaling) {
        row.difference = compare_outputs(model, entry, test_, threads_);
      }
      return model;
    } catch (const Error& error) {
      row.remark = error.what();
      return std::nullopt;
    }
  }

  double accuracy(const Model& model, const Dataset& images) {
    Inference inference(model, threads_);
    return evaluate(inference, images).accuracy;
  }

  // Of several networks that fit the weights, the author's: the one with its outputs.
  Model authors_network(const std::vector<Model>& models, const ZooEntry& entry) {
    std::optional<Model> nearest;
    double least = INFINITY;
    for (const Model& model : models) {
      const InputSize size = input_size(model, entry.file);
      const bool is_same = size.height == kMnistSide && size.width == kMnistSide;
      if (!is_same && !can_fit(entry.fit, size, kMnistSide, kMnistSide)) continue;
      Model hinted = with_hints(model, entry);
      const double difference = compare_outputs(hinted, entry, test_, threads_);
      if (nearest && !(difference < least)) continue;
      nearest = std::move(hinted);
      least = difference;
    }
    if (!nearest) throw Error(entry.file + ": no network that fits the weights reads such images");
    return *std::move(nearest);
  }

  std::vector<ZooEntry> entries_;
  Dataset test_, train_;
  ThreadPool threads_;
};

std::vector<float> softmax_of(std::vector<float> values, size_t classes, bool logarithm) {
  for (size_t i = 0; i < values.size(); i += classes) {
    softmax(&values[i], classes);
    for (size_t c = 0; logarithm && c < classes; ++c) values[i + c] = std::log(values[i + c]);
  }
  return values;
}

double greatest_difference(const std::vector<float>& ours, const std::vector<float>& theirs) {
  double greatest = 0.0;
  double scale = 1.0;
  for (size_t i = 0; i < theirs.size(); ++i) {
    const double difference = std::abs(static_cast<double>(ours[i]) - theirs[i]);
    if (!(difference <= greatest)) greatest = difference;
    if (std::isfinite(theirs[i])) scale = std::max(scale, std::abs(static_cast<double>(theirs[i])));
  }
  return greatest / scale;
}

// Weights do not tell whether their author ended in a softmax or its logarithm, and class numbers
// are compared as such.
double output_difference(const std::vector<float>& ours, size_t classes, const Npy& theirs) {
  const size_t images = static_cast<size_t>(theirs.shape[0]);
  if (theirs.values.size() == images && classes > 1) {
    std::vector<float> numbers;
    for (size_t i = 0; i < images; ++i) {
      const auto first = ours.begin() + static_cast<std::ptrdiff_t>(i * classes);
      numbers.push_back(static_cast<float>(
          std::max_element(first, first + static_cast<std::ptrdiff_t>(classes)) - first));
    }
    return greatest_difference(numbers, theirs.values);
  }
  if (ours.size() != theirs.values.size()) return INFINITY;
  return std::min({greatest_difference(ours, theirs.values),
                   greatest_difference(softmax_of(ours, classes, false), theirs.values),
                   greatest_difference(softmax_of(ours, classes, true), theirs.values)});
}

double compare_outputs(const Model& model, const ZooEntry& entry, const Dataset& images,
                       ThreadPool& threads) {
  Inference inference(model, threads, false);
  const size_t count = static_cast<size_t>(entry.outputs->shape[0]);
  std::vector<float> ours(count * inference.output_elements());
  inference.run(images.pixels.data(), count, ours.data());
  return output_difference(ours, inference.output_elements(), *entry.outputs);
}

// The candidate as the zoo says that it is used.
Model with_hints(const Model& model, const ZooEntry& entry) {
  Model hinted = model;
  if (entry.scaling) hinted.pixels = *entry.scaling;
  return adapt_input(hinted, kMnistSide, kMnistSide, entry.fit, entry.file);
}

void print_row(const ZooEntry& entry, const Row& row, bool is_right) {
  fmt::print("{:5} {:42} {:>9} {:>9} {:>8}  {}\n", is_right ? "ok" : row.opened, entry.file,
             std::isfinite(row.difference) ? fmt::format("{:.1e}", row.difference) : "-",
             row.accuracy > 0 ? fmt::format("{:.2f}", 100 * row.accuracy) : "-",
             entry.accuracy ? fmt::format("{:.2f}", 100 * *entry.accuracy) : "-",
             entry.is_trained_classifier ? "" : "(not counted)");
  if (!row.remark.empty()) fmt::print("      {}\n", row.remark);
}

// What the sanitizers watch; the other tests evaluate for minutes with them.
TEST_F(Zoo, FilesAreOpenedOrRefusedWithALine) {
  for (const ZooEntry& entry : entries_) {
    Row row;
    if (!open(entry, row)) {
      EXPECT_EQ(row.remark.find('\n'), std::string::npos) << entry.file;
      EXPECT_NE(row.remark.find(entry.file.substr(entry.file.rfind('/') + 1)), std::string::npos)
          << row.remark;
    }
  }
}

TEST_F(Zoo, FilesGiveTheOutputsOfTheirOwnRuntimeAndItsAccuracy) {
  size_t counted = 0;
  size_t right = 0;
  fmt::print("{:5} {:42} {:>9} {:>9} {:>8}\n", "", "file", "outputs", "accuracy", "known");
  for (const ZooEntry& entry : entries_) {
    Row row;
    const std::optional<Model> model = open(entry, row);
    if (model && entry.accuracy) row.accuracy = accuracy(*model, test_);
    const bool is_right = row.is_right(entry) && (!entry.outputs || row.has_outputs());
    counted += entry.is_trained_classifier ? 1 : 0;
    right += entry.is_trained_classifier && is_right ? 1 : 0;
    print_row(entry, row, is_right);
  }
  fmt::print("{} of {} trained classifiers give their runtime's outputs and accuracy\n", right,
             counted);
  EXPECT_GE(static_cast<double>(right), 0.95 * static_cast<double>(counted));
}

TEST_F(Zoo, FilesReachTheirAccuracyWithCalibrationOnly) {
  size_t counted = 0;
  size_t right = 0;
  for (const ZooEntry& entry : entries_) {
    if (!entry.is_trained_classifier) continue;
    Row row;
    try {
      const Calibration calibration =
          calibrate(load_candidates(entry.path).models, train_, threads_, entry.file);
      row.opened = "open";
      row.accuracy = accuracy(calibration.model, test_);
      row.remark = calibration.model.metadata.at("mnist.calibrated");
    } catch (const Error& error) {
      row.remark = error.what();
    }
    // More than the known accuracy is right, too: the scaling is then better than the known one.
    const bool is_right = row.accuracy >= *entry.accuracy - kAccuracyTolerance;
    ++counted;
    right += is_right ? 1 : 0;
    print_row(entry, row, is_right);
  }
  fmt::print("{} of {} trained classifiers reach their accuracy by calibration alone\n", right,
             counted);
  EXPECT_GE(static_cast<double>(right), 0.8 * static_cast<double>(counted));
}

}  // namespace
}  // namespace mnist
