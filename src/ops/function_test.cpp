// Functions of one variable far from 0, where the rows' values do not reach.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ops/op_list.h"
#include "ops/op_rows.h"

namespace mnist {
namespace {

std::vector<float> outputs_of(const std::string& type, const std::vector<float>& values) {
  OpRow row;
  row.node = {type, "f", {"x"}, {"y"}, {}};
  row.inputs = {{RowInput::Kind::kActivation, {static_cast<int64_t>(values.size())}}};
  OpRun run(row, 1, 1, false);
  run.set_values(0, values);
  run.forward();
  return run.output();
}

struct Function {
  const char* type;
  double (*definition)(double);
  double least;
  double most;
};

double logistic(double x) { return 1.0 / (1.0 + std::exp(-x)); }

constexpr double kSeluScale = 1.05070102214813232421875;
constexpr double kSeluAlpha = 1.67326319217681884765625;

const Function kFunctions[] = {
    {"Elu", [](double x) { return x > 0 ? x : std::expm1(x); }, -90, 90},
    {"Erf", [](double x) { return std::erf(x); }, -20, 20},
    {"Exp", [](double x) { return std::exp(x); }, -80, 80},
    {"Gelu", [](double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }, -3, 90},
    {"Log", [](double x) { return std::log(x); }, 1e-6, 1e6},
    {"Mish", [](double x) { return x * std::tanh(std::log1p(std::exp(x))); }, -80, 90},
    {"Selu", [](double x) { return kSeluScale * (x > 0 ? x : kSeluAlpha * std::expm1(x)); }, -90,
     90},
    {"Sigmoid", logistic, -80, 90},
    {"Softplus", [](double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); },
     -80, 90},
    {"Sqrt", [](double x) { return std::sqrt(x); }, 0, 1e6},
    {"Swish", [](double x) { return x * logistic(x); }, -80, 90},
    {"Tanh", [](double x) { return std::tanh(x); }, -90, 90},
};

// Gelu's negative side ends in a difference of numbers near 1; the others' errors are relative
// everywhere.
TEST(Function, AccurateOverTheRange) {
  constexpr int kPoints = 20000;
  for (const std::string& name : simd_choices()) {
    choose_simd(name);
    for (const Function& function : kFunctions) {
      SCOPED_TRACE(std::string(function.type) + " on " + name);
      std::vector<float> values;
      for (int i = 0; i <= kPoints; ++i) {
        double share = static_cast<double>(i) / kPoints;
        values.push_back(
            static_cast<float>(function.least + share * (function.most - function.least)));
      }
      for (float x : {1e-3F, 1e-6F, -1e-6F, 1e-20F}) {
        if (static_cast<double>(x) >= function.least) values.push_back(x);
      }
      std::vector<float> got = outputs_of(function.type, values);
      double allowed = std::string(function.type) == "Gelu" ? 1e-6 : 0.0;
      for (size_t i = 0; i < values.size(); ++i) {
        double want = function.definition(static_cast<double>(values[i]));
        ASSERT_NEAR(got[i], want, 1e-6 * std::abs(want) + allowed + 1e-38) << "at " << values[i];
      }
    }
  }
  choose_simd("");
}

TEST(Function, WhereThereIsNoFiniteValue) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const std::string& name : simd_choices()) {
    choose_simd(name);
    SCOPED_TRACE(name);
    std::vector<float> logs = outputs_of("Log", {0.0F, -1.0F});
    EXPECT_EQ(logs[0], -kInfinity);
    EXPECT_TRUE(std::isnan(logs[1]));
    EXPECT_EQ(outputs_of("Reciprocal", {0.0F})[0], kInfinity);
    EXPECT_EQ(outputs_of("Exp", {-1000.0F})[0], 0.0F);
    EXPECT_THAT(outputs_of("Exp", {178.0F, 1000.0F}), testing::Each(kInfinity));
    EXPECT_THAT(outputs_of("Sigmoid", {-178.0F, -1e30F}), testing::Each(0.0F));
    EXPECT_THAT(outputs_of("Sigmoid", {-1000.0F, 1000.0F}), testing::ElementsAre(0.0F, 1.0F));
    EXPECT_THAT(outputs_of("Softplus", {-1000.0F, 1000.0F}), testing::ElementsAre(0.0F, 1000.0F));
    EXPECT_EQ(outputs_of("Mish", {-1000.0F, 1000.0F})[1], 1000.0F);
    EXPECT_THAT(outputs_of("Gelu", {-1000.0F, 1000.0F}), testing::ElementsAre(0.0F, 1000.0F));
    EXPECT_THAT(outputs_of("Erf", {-1000.0F, 1000.0F}), testing::ElementsAre(-1.0F, 1.0F));
  }
  choose_simd("");
}

TEST(Function, RoundsHalvesToEven) {
  for (const std::string& name : simd_choices()) {
    choose_simd(name);
    EXPECT_THAT(outputs_of("Round", {0.5F, 1.5F, 2.5F, -0.5F, -1.5F, 1e9F, 0.49999997F}),
                testing::ElementsAre(0, 2, 2, 0, -2, 1e9F, 0))
        << name;
    EXPECT_THAT(outputs_of("Sign", {0.0F, -2.0F, 1e-30F}), testing::ElementsAre(0, -1, 1)) << name;
  }
  choose_simd("");
}

}  // namespace
}  // namespace mnist
