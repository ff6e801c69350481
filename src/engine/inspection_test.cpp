#include "engine/inspection.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "engine/inference.h"
#include "mnist/error.h"
#include "model/architectures.h"

namespace mnist {
namespace {

// A network with dropout and batch statistics: what inference must not use.
Model random_network(const std::string& name) {
  Model model = make_architecture(name);
  Random random(7);
  for (auto& [weight, tensor] : model.weights) {
    const bool positive = weight.ends_with(".var") || weight.ends_with(".scale");
    for (float& value : tensor.values) {
      value = 0.1F * random.normal();
      if (positive) value = 1.0F + 0.3F * std::abs(value);
    }
  }
  return model;
}

std::vector<uint8_t> picture() {
  std::vector<uint8_t> pixels(784);
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint8_t>(i * 37 % 251);
  return pixels;
}

class InspectionOf : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Networks, InspectionOf,
                         testing::Values("mnist-fc", "mnist-cnn", "mnist-best"));

TEST_P(InspectionOf, ComputesWhatInferenceDoes) {
  const Model model = random_network(GetParam());
  const std::vector<uint8_t> pixels = picture();
  ThreadPool threads(1);
  Inference inference(model, threads);
  std::vector<float> expected(10);
  inference.run(pixels.data(), 1, expected.data());
  Inspection inspection(model);
  inspection.run(pixels);
  const std::vector<float> logits = inspection.logits();
  for (size_t i = 0; i < 10; ++i) EXPECT_NEAR(logits[i], expected[i], 1e-3F);
}

TEST_P(InspectionOf, ShowsEveryLayer) {
  const Model model = random_network(GetParam());
  Inspection inspection(model);
  inspection.run(picture());
  ASSERT_EQ(inspection.layers().size(), model.nodes.size());
  for (size_t i = 0; i < inspection.layers().size(); ++i) {
    const std::vector<float> values = inspection.activation(i);
    EXPECT_EQ(values.size(), element_count(inspection.layers()[i].shape));
    if (inspection.layers()[i].type != "Relu") continue;
    // A value that was not kept would be overwritten by later layers'.
    const std::vector<float> before = inspection.activation(i - 1);
    for (size_t k = 0; k < values.size(); ++k) EXPECT_EQ(values[k], std::max(0.0F, before[k]));
  }
}

TEST_P(InspectionOf, SaliencyIsTheSlopeOfTheLogit) {
  Model model = random_network(GetParam());
  std::vector<uint8_t> pixels = picture();
  Inspection inspection(model);
  inspection.run(pixels);
  const float before = inspection.logits()[3];
  const std::vector<float> saliency = inspection.saliency(3);
  ASSERT_EQ(saliency.size(), 784U);
  // A step along the gradient changes the logit by its squared length, where no ReLU switches.
  const size_t strongest = static_cast<size_t>(
      std::max_element(saliency.begin(), saliency.end(),
                       [](float a, float b) { return std::abs(a) < std::abs(b); }) -
      saliency.begin());
  pixels[strongest] = static_cast<uint8_t>(pixels[strongest] + 1);
  inspection.run(pixels);
  const float slope = (inspection.logits()[3] - before) * 255.0F;
  EXPECT_NEAR(slope, saliency[strongest], 0.1F * std::abs(saliency[strongest]) + 0.02F);
}

TEST(Inspection, RefusesWhatDoesNotFit) {
  Inspection inspection(make_architecture("mnist-fc"));
  EXPECT_THROW(inspection.run(std::vector<uint8_t>(783)), Error);
  EXPECT_THROW(inspection.saliency(10), Error);
}

}  // namespace
}  // namespace mnist
