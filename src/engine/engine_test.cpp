// Plans and inference: fusion, views, gradients that several readers add to, single images.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "engine/inference.h"
#include "engine/plan.h"
#include "mnist/describe.h"
#include "mnist/error.h"
#include "model/architectures.h"

namespace mnist {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

void randomize(Model& model, uint64_t seed) {
  Random random(seed);
  for (auto& [name, tensor] : model.weights) {
    for (float& value : tensor.values) value = 0.2F * random.normal();
    if (name.ends_with(".var")) {
      for (float& value : tensor.values) value = 1.0F + value * value;
    }
  }
}

std::vector<uint8_t> random_pixels(size_t count, uint64_t seed) {
  Random random(seed);
  std::vector<uint8_t> pixels(count);
  for (uint8_t& pixel : pixels) {
    pixel = random.uniform() < 0.5F ? 0 : static_cast<uint8_t>(random.below(256));
  }
  return pixels;
}

// A net whose values have several readers: x -> a; a + relu(a), then joined with a.
Model branching() {
  Model model;
  model.architecture = "branching";
  model.input_shape = {2, 6, 6};
  const std::vector<int64_t> same = {1, 1, 1, 1};
  model.weights["w"] = {{3, 2, 3, 3}, std::vector<float>(54)};
  model.weights["b"] = {{3}, std::vector<float>(3)};
  model.weights["d"] = {{4, 216}, std::vector<float>(864)};
  model.nodes = {{"Conv", "a", {"input", "w", "b"}, {"a"}, {{"pads", same}}},
                 {"Relu", "r", {"a"}, {"r"}, {}},
                 {"Add", "s", {"a", "r"}, {"s"}, {}},
                 {"Identity", "i", {"a"}, {"i"}, {}},
                 {"Concat", "c", {"s", "i"}, {"c"}, {{"axis", int64_t{1}}}},
                 {"Flatten", "f", {"c"}, {"f"}, {}},
                 {"Gemm", "y", {"f", "d"}, {"y"}, {{"transB", int64_t{1}}}}};
  model.output = "y";
  randomize(model, 5);
  return model;
}

class OnTarget : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { choose_simd(GetParam()); }
  void TearDown() override { choose_simd(""); }
};
INSTANTIATE_TEST_SUITE_P(Simd, OnTarget, testing::ValuesIn(simd_choices()));

TEST_P(OnTarget, OneImageAloneAndAmongOthersGetsTheSameLogits) {
  for (const std::string& name : architecture_names()) {
    Model model = make_architecture(name);
    randomize(model, 3);
    ThreadPool threads(2);
    Inference inference(model, threads);
    const size_t count = 2 * simd_lanes() + 3;
    const std::vector<uint8_t> pixels = random_pixels(count * 784, 7);
    std::vector<float> together(count * 10);
    inference.run(pixels.data(), count, together.data());
    for (size_t i = 0; i < count; ++i) {
      float alone[10];
      inference.run(pixels.data() + i * 784, 1, alone);
      for (size_t c = 0; c < 10; ++c) {
        const float expected = together[i * 10 + c];
        EXPECT_NEAR(alone[c], expected, 1e-4 * std::max(1.0F, std::abs(expected)))
            << name << " image " << i;
      }
    }
  }
}

TEST_P(OnTarget, FusedPlanDoesWhatItsOpsDoOneByOne) {
  Model fused = make_architecture("mnist-cnn");
  randomize(fused, 3);
  // Two readers of every value keep the plan from fusing.
  Model apart = fused;
  for (size_t i = 0; i + 1 < fused.nodes.size(); ++i) {
    const std::string value = fused.nodes[i].outputs[0];
    apart.nodes.push_back({"Identity", "keep" + std::to_string(i), {value}, {value + "'"}, {}});
  }
  const std::vector<uint8_t> pixels = random_pixels(20 * 784, 7);
  std::vector<float> one(200);
  std::vector<float> two(200);
  ThreadPool threads(1);
  Inference(fused, threads).run(pixels.data(), 20, one.data());
  Inference(apart, threads).run(pixels.data(), 20, two.data());
  for (size_t i = 0; i < one.size(); ++i) EXPECT_NEAR(one[i], two[i], 1e-4) << i;
}

TEST_P(OnTarget, GradientsOfSeveralReadersAddUp) {
  const Model model = branching();
  PlanOptions options;
  options.training = true;
  options.input_gradient = true;
  options.blocks = 1;
  Plan plan(model, options);
  Workspace workspace = plan.make_workspace();
  const size_t floats = plan.images() * plan.input_elements();
  std::vector<float> input(floats);
  Random random(11);
  for (float& value : input) value = random.normal();
  std::vector<float> direction(plan.images() * plan.output_elements());
  for (float& value : direction) value = random.normal();
  auto objective = [&] {
    std::copy(input.begin(), input.end(), plan.input(workspace));
    plan.forward(workspace, plan.images());
    double sum = 0.0;
    for (size_t i = 0; i < direction.size(); ++i) {
      sum += static_cast<double>(direction[i]) * plan.output(workspace)[i];
    }
    return sum;
  };
  objective();
  std::copy(direction.begin(), direction.end(), plan.d_output(workspace));
  FloatBuffer gradients(plan.weights().size());
  plan.backward(workspace, {gradients.data(), gradients.size()}, plan.images());
  const std::vector<float> d_input(plan.d_input(workspace), plan.d_input(workspace) + floats);
  const float step = 1e-3F;  // small, for few values then cross the bend of Relu
  auto slope = [&](float& value) {
    const float kept = value;
    value = kept + step;
    const double up = objective();
    value = kept - step;
    const double down = objective();
    value = kept;
    return (up - down) / (2.0 * static_cast<double>(step));
  };
  for (size_t i = 0; i < floats; i += 13) {
    const double expected = slope(input[i]);
    EXPECT_NEAR(d_input[i], expected, 0.03 * std::max(1.0, std::abs(expected))) << i;
  }
  for (const Parameter& parameter : plan.parameters()) {
    for (size_t i = 0; i < parameter.count; i += 17) {
      const double expected = slope(plan.weights()[parameter.offset + i]);
      EXPECT_NEAR(gradients[parameter.offset + i], expected,
                  0.03 * std::max(1.0, std::abs(expected)))
          << parameter.name << " " << i;
    }
  }
}

// conv -> Round -> dense, and past the Round a second way.
Model rounding(bool second_way) {
  Model model;
  model.input_shape = {1, 4, 4};
  model.weights["w"] = {{2, 1, 3, 3}, std::vector<float>(18)};
  model.weights["d"] = {{3, 8}, std::vector<float>(24)};
  model.nodes = {{"Conv", "a", {"input", "w"}, {"a"}, {}},
                 {"Sigmoid", "s", {"a"}, {"s"}, {}},
                 {"Round", "r", {"s"}, {"r"}, {}},
                 {"Add", "t", {"r", second_way ? "s" : "r"}, {"t"}, {}},
                 {"Flatten", "f", {"t"}, {"f"}, {}},
                 {"Gemm", "y", {"f", "d"}, {"y"}, {{"transB", int64_t{1}}}}};
  model.output = "y";
  randomize(model, 5);
  return model;
}

TEST(Plan, FreezesWeightsThatNoGradientReaches) {
  PlanOptions options;
  options.training = true;
  for (bool second_way : {false, true}) {
    Plan plan(rounding(second_way), options);
    EXPECT_EQ(plan.frozen_weights().size(), second_way ? 0U : 1U);
    Workspace workspace = plan.make_workspace();
    std::fill_n(plan.input(workspace), plan.images() * 16, 0.5F);
    plan.forward(workspace, plan.images());
    std::fill_n(plan.d_output(workspace), plan.images() * 3, 1.0F);
    FloatBuffer gradients(plan.weights().size());
    plan.backward(workspace, {gradients.data(), gradients.size()}, plan.images());
    for (const Parameter& parameter : plan.parameters()) {
      const bool learns = second_way || parameter.name == "d";
      EXPECT_EQ(parameter.trainable, learns) << parameter.name;
      float sum = 0.0F;
      for (size_t i = 0; i < parameter.count; ++i) {
        sum += std::abs(gradients[parameter.offset + i]);
      }
      EXPECT_EQ(sum != 0.0F, learns) << parameter.name;
    }
  }
}

// Two dense layers of 80,000 weights, the second of which is also read by another node, and one
// that is small.
Model large_dense() {
  Model model;
  model.input_shape = {1, 10, 40};
  model.weights["w"] = {{200, 400}, std::vector<float>(80000)};
  model.weights["b"] = {{200}, std::vector<float>(200)};
  model.weights["v"] = {{400, 200}, std::vector<float>(80000)};
  model.weights["u"] = {{3, 200}, std::vector<float>(600)};
  const std::map<std::string, Attribute> transposed = {{"transB", int64_t{1}}};
  model.nodes = {{"Flatten", "f", {"input"}, {"f"}, {}},
                 {"Gemm", "h", {"f", "w", "b"}, {"h"}, transposed},
                 {"Relu", "r", {"h"}, {"r"}, {}},
                 {"Gemm", "s", {"r", "v"}, {"s"}, transposed},
                 {"Gemm", "t", {"h", "v"}, {"t"}, transposed},
                 {"Add", "a", {"s", "t"}, {"a"}, {}},
                 {"Gemm", "y", {"h", "u"}, {"y"}, transposed},
                 {"Concat", "z", {"a", "y"}, {"z"}, {{"axis", int64_t{1}}}}};
  model.output = "z";
  randomize(model, 6);
  return model;
}

// Random values of `count` images of a pass, and zeros in the lanes behind them.
void fill_images(const Plan& plan, size_t count, size_t elements, Random& random, float* values) {
  std::fill_n(values, plan.images() * elements, 0.0F);
  for (size_t i = 0; i < count; ++i) {
    float* block = values + i / plan.lanes() * plan.lanes() * elements;
    for (size_t k = 0; k < elements; ++k) {
      block[k * plan.lanes() + i % plan.lanes()] = random.normal();
    }
  }
}

// Runs three passes, the last of them not full, and returns the gradients.
FloatBuffer gradients_of_passes(const Plan& plan, size_t images, float* kept) {
  Workspace workspace = plan.make_workspace();
  FloatBuffer gradients(plan.weights().size());
  Random random(12);
  for (size_t first = 0; first < images; first += plan.images()) {
    const size_t count = std::min(plan.images(), images - first);
    fill_images(plan, count, plan.input_elements(), random, plan.input(workspace));
    plan.forward(workspace, count);
    fill_images(plan, count, plan.output_elements(), random, plan.d_output(workspace));
    plan.backward(workspace, {gradients.data(), gradients.size()}, count, 0, first, kept, first);
  }
  return gradients;
}

TEST_P(OnTarget, DeferredGradientsAreThoseOfAllPasses) {
  const Model model = large_dense();
  PlanOptions options;
  options.training = true;
  options.blocks = 2;
  const Plan plain(model, options);
  const size_t images = 2 * plain.images() + plain.lanes() / 2 + 1;
  const FloatBuffer expected = gradients_of_passes(plain, images, nullptr);

  options.kept_images = images;
  const Plan plan(model, options);
  ASSERT_GE(plan.kept_images(), images);
  FloatBuffer kept(plan.kept_floats());
  FloatBuffer gradients = gradients_of_passes(plan, images, kept.data());
  const std::span<float> all(gradients.data(), gradients.size());
  for (size_t p = 0; p < plan.parameters().size(); ++p) {
    const Parameter& parameter = plan.parameters()[p];
    EXPECT_EQ(parameter.deferred, parameter.name == "w") << parameter.name;
    EXPECT_EQ(parameter.gradient_offset >= plan.shared_gradients(), parameter.deferred);
    float* made = gradients.data() + parameter.gradient_offset;
    if (parameter.deferred) {
      std::fill_n(made, parameter.count, 1e9F);  // is overwritten
      for (const bool add : {false, true}) {
        plan.deferred_gradient(parameter, kept.data(), images, 0, 64, all, add);
        plan.deferred_gradient(parameter, kept.data(), images, 64, 136, all, add);
      }
      for (size_t i = 0; i < parameter.count; ++i) made[i] *= 0.5F;
    }
    for (size_t i = 0; i < parameter.count; ++i) {
      const float wanted = expected[plain.parameters()[p].gradient_offset + i];
      EXPECT_NEAR(made[i], wanted, 1e-3F * std::max(1.0F, std::abs(wanted)))
          << parameter.name << " " << i;
    }
  }
}

TEST(Plan, RefusesToTrainWhereNothingCanLearn) {
  Model model = rounding(false);
  model.nodes.resize(4);
  model.output = "t";
  model.weights.erase("d");
  PlanOptions options;
  options.training = true;
  EXPECT_THAT([&] { Plan(model, options); }, ThrowsMessage<Error>(HasSubstr("node 'r' (Round)")));
  options.training = false;
  EXPECT_NO_THROW(Plan(model, options));
}

TEST(Inference, IsTheSameForAnyNumberOfThreads) {
  Model model = make_architecture("mnist-cnn");
  randomize(model, 3);
  const std::vector<uint8_t> pixels = random_pixels(500 * 784, 7);
  std::vector<float> expected(5000);
  ThreadPool one(1);
  Inference(model, one).run(pixels.data(), 500, expected.data());
  for (size_t count : {2, 3, 7}) {
    ThreadPool threads(count);
    std::vector<float> outputs(5000);
    Inference(model, threads).run(pixels.data(), 500, outputs.data());
    EXPECT_EQ(outputs, expected);
  }
}

TEST(Inference, TakesNetworkInputsToo) {
  Model model = make_architecture("mnist-mlp");
  randomize(model, 3);
  ThreadPool threads(1);
  Inference inference(model, threads);
  const std::vector<uint8_t> pixels = random_pixels(9 * 784, 7);
  std::vector<float> inputs(pixels.size());
  for (size_t i = 0; i < pixels.size(); ++i) inputs[i] = static_cast<float>(pixels[i]) / 255.0F;
  std::vector<const float*> rows;
  for (size_t i = 0; i < 9; ++i) rows.push_back(inputs.data() + i * 784);
  std::vector<float> from_pixels(90);
  std::vector<float> from_inputs(90);
  inference.run(pixels.data(), 9, from_pixels.data());
  inference.run_inputs(rows, from_inputs.data());
  for (size_t i = 0; i < 90; ++i) EXPECT_NEAR(from_inputs[i], from_pixels[i], 1e-4);
}

TEST(Inference, SoftmaxAtTheEndIsKeptOnRequest) {
  Model model = make_architecture("mnist-mlp");
  randomize(model, 3);
  model.nodes.push_back({"Softmax", "p", {model.output}, {"p"}, {}});
  model.output = "p";
  const std::vector<uint8_t> pixels = random_pixels(3 * 784, 7);
  ThreadPool threads(1);
  float logits[30];
  float probabilities[30];
  Inference(model, threads, true).run(pixels.data(), 3, logits);
  Inference(model, threads, false).run(pixels.data(), 3, probabilities);
  double sum = 0.0;
  for (size_t c = 0; c < 10; ++c) sum += static_cast<double>(probabilities[c]);
  EXPECT_NEAR(sum, 1.0, 1e-5);
  EXPECT_NEAR(std::log(probabilities[0] / probabilities[1]), logits[0] - logits[1], 1e-3);
}

TEST(Describe, GivesShapesParametersAndCost) {
  const std::vector<NodeFacts> facts = describe(make_architecture("mnist-cnn"));
  ASSERT_EQ(facts.size(), 8U);
  EXPECT_EQ(facts[0].output_shape, (Shape{8, 28, 28}));
  EXPECT_EQ(facts[0].parameters, 80U);
  EXPECT_EQ(facts[0].macs, 56'448U);
  EXPECT_EQ(facts[3].macs, 225'792U);
  EXPECT_EQ(facts[7].macs, 7'840U);
}

TEST(Plan, RefusesGraphsThatCannotRun) {
  Model model = branching();
  model.nodes[1].type = "Rellu";
  EXPECT_THAT([&] { Plan(model, {}); }, ThrowsMessage<Error>(HasSubstr("did you mean Relu?")));
  model = branching();
  model.weights["d"] = {{4, 215}, std::vector<float>(860)};
  EXPECT_THAT([&] { Plan(model, {}); }, ThrowsMessage<Error>(HasSubstr("'y' (Gemm)")));
  model = branching();
  model.weights["w"].values[3] = std::nanf("");
  EXPECT_THAT([&] { Plan(model, {}); }, ThrowsMessage<Error>(HasSubstr("weight 'w'")));
}

TEST(Backend, ThoseAvailableAreNamed) {
  EXPECT_EQ(find_backend("cpu").name(), "CPU");
  EXPECT_THAT([] { find_backend("CUDA0"); }, ThrowsMessage<Error>(HasSubstr("available: CPU")));
}

}  // namespace
}  // namespace mnist
