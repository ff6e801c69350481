// Any names, shapes and order of weights are networks that hold, or refused.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <string>

#include "formats/recognise.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr size_t kMostTensors = 12;
constexpr size_t kMostValues = 20'000;  // what a network costs to build is known

// What recognise looks for in names, to be mixed with bytes.
constexpr std::array<const char*, 20> kWords = {
    "conv",     "fc",       "weight",   "bias",       "running_mean", "running_var", "kernel",
    "gamma",    "beta",     "features", "classifier", "module",       "bn",          "moving_mean",
    "weight_g", "weight_v", "layers",   "model",      "net",          "weight_orig"};
constexpr std::array<int64_t, 16> kExtents = {1,  2,  3,  4,  5,   6,   8,   10,
                                              16, 32, 49, 64, 120, 128, 784, 320};

std::string name_from(FuzzedDataProvider& bytes) {
  std::string name;
  for (int parts = bytes.ConsumeIntegralInRange(1, 4); parts > 0; --parts) {
    if (!name.empty()) name += bytes.ConsumeBool() ? '.' : '/';
    name += bytes.ConsumeBool() ? std::string(bytes.PickValueInArray(kWords))
                                : bytes.ConsumeRandomLengthString(6);
    if (bytes.ConsumeBool()) name += std::to_string(bytes.ConsumeIntegralInRange(0, 12));
  }
  return name;
}

Shape shape_from(FuzzedDataProvider& bytes) {
  Shape shape(bytes.ConsumeIntegralInRange<size_t>(0, 5));
  for (int64_t& extent : shape) extent = bytes.PickValueInArray(kExtents);
  return shape;
}

LooseWeights weights_from(FuzzedDataProvider& bytes) {
  LooseWeights weights;
  weights.dense =
      bytes.PickValueInArray({LooseWeights::Dense::kOutIn, LooseWeights::Dense::kInOut});
  weights.kernel = bytes.PickValueInArray(
      {LooseWeights::Kernel::kOIHW, LooseWeights::Kernel::kHWIO, LooseWeights::Kernel::kOHWI});
  weights.features = bytes.PickValueInArray(
      {LooseWeights::Features::kChannelFirst, LooseWeights::Features::kChannelLast});
  std::set<std::string> names;
  size_t values = 0;
  while (bytes.remaining_bytes() > 0 && weights.tensors.size() < kMostTensors) {
    Tensor tensor{shape_from(bytes), {}};
    size_t count = 1;
    for (const int64_t extent : tensor.shape)
      count = std::min<size_t>(count * extent, kMostValues + 1);
    values += count;
    if (values > kMostValues) break;
    tensor.values.assign(element_count(tensor.shape),
                         bytes.ConsumeFloatingPointInRange(-1.0F, 1.0F));
    std::string name = name_from(bytes);
    if (names.insert(name).second) weights.tensors.emplace_back(std::move(name), std::move(tensor));
  }
  return weights;
}

}  // namespace
}  // namespace mnist

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mnist;
  FuzzedDataProvider bytes(data, size);
  const LooseWeights weights = weights_from(bytes);
  try {
    for (const Model& model : recognise(weights, "fuzz")) check_model(model);
  } catch (const Error&) {
  }
  return 0;
}
