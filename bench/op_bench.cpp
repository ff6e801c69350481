// Times single ops: forward and backward of one pass, as GFLOP/s where they multiply and add.
//   op_bench --benchmark_filter=Conv
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <string>
#include <vector>

#include "base/simd.h"
#include "engine/plan.h"

namespace mnist {
namespace {

struct Case {
  std::string name;
  Shape input;
  Node node;
  std::vector<Shape> weights;
};

std::vector<Case> cases() {
  using Ints = std::vector<int64_t>;
  const Attribute same = Ints{1, 1, 1, 1};
  const Attribute two = Ints{2, 2};
  return {
      {"Conv 1x28x28 -> 8, 3x3",
       {1, 28, 28},
       {"Conv", "n", {}, {"y"}, {{"pads", same}}},
       {{8, 1, 3, 3}, {8}}},
      {"Conv 8x14x14 -> 16, 3x3",
       {8, 14, 14},
       {"Conv", "n", {}, {"y"}, {{"pads", same}}},
       {{16, 8, 3, 3}, {16}}},
      {"Conv 24x14x14 -> 48, 3x3",
       {24, 14, 14},
       {"Conv", "n", {}, {"y"}, {{"pads", same}}},
       {{48, 24, 3, 3}, {48}}},
      {"Gemm 784 -> 500",
       {784},
       {"Gemm", "n", {}, {"y"}, {{"transB", int64_t{1}}}},
       {{500, 784}, {500}}},
      {"Gemm 784 -> 10",
       {784},
       {"Gemm", "n", {}, {"y"}, {{"transB", int64_t{1}}}},
       {{10, 784}, {10}}},
      {"Relu 8x28x28", {8, 28, 28}, {"Relu", "n", {}, {"y"}, {}}, {}},
      {"Sigmoid 8x28x28", {8, 28, 28}, {"Sigmoid", "n", {}, {"y"}, {}}, {}},
      {"MaxPool 8x28x28",
       {8, 28, 28},
       {"MaxPool", "n", {}, {"y"}, {{"kernel_shape", two}, {"strides", two}}},
       {}},
      {"BatchNormalization 24x14x14",
       {24, 14, 14},
       {"BatchNormalization", "n", {}, {"y"}, {}},
       {{24}, {24}, {24}, {24}}},
  };
}

Model make_model(const Case& row) {
  Model model;
  model.architecture = row.name;
  model.input_shape = row.input;
  model.output = "y";
  Node node = row.node;
  node.inputs = {model.input};
  for (size_t i = 0; i < row.weights.size(); ++i) {
    std::string name = fmt::format("w{}", i);
    model.weights[name] = {row.weights[i],
                           std::vector<float>(element_count(row.weights[i]), 0.01F)};
    node.inputs.push_back(name);
  }
  model.nodes.push_back(node);
  return model;
}

void run_case(benchmark::State& state, const Case& row, bool backward) {
  PlanOptions options;
  options.training = backward;
  options.input_gradient = backward;
  Plan plan(make_model(row), options);
  Workspace workspace = plan.make_workspace();
  FloatBuffer gradients(plan.weights().size());
  const size_t floats = plan.images() * plan.input_elements();
  for (size_t i = 0; i < floats; ++i) plan.input(workspace)[i] = static_cast<float>(i % 7) - 3.0F;
  plan.forward(workspace, plan.images());
  for (auto _ : state) {
    if (backward) {
      plan.backward(workspace, {gradients.data(), gradients.size()}, plan.images());
    } else {
      plan.forward(workspace, plan.images());
    }
    benchmark::ClobberMemory();
  }
  const uint64_t macs = backward ? plan.backward_macs() : plan.forward_macs();
  const double images =
      static_cast<double>(state.iterations()) * static_cast<double>(plan.images());
  state.counters["images/s"] = benchmark::Counter(images, benchmark::Counter::kIsRate);
  if (macs != 0) {
    state.counters["FLOP/s"] =
        benchmark::Counter(2.0 * static_cast<double>(macs) * images, benchmark::Counter::kIsRate);
  }
}

}  // namespace
}  // namespace mnist

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  benchmark::AddCustomContext("instruction set", mnist::simd_name());
  for (const mnist::Case& row : mnist::cases()) {
    for (bool backward : {false, true}) {
      benchmark::RegisterBenchmark(
          (row.name + (backward ? ", backward" : ", forward")).c_str(),
          [row, backward](benchmark::State& state) { mnist::run_case(state, row, backward); });
    }
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
