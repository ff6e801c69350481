#include "engine/peak.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include "base/highway.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/peak.cpp"
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace mnist::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Twelve independent chains: more than the latency times the throughput of any multiply-add so far
// (Intel and AMD: 4 cycles times 2 units; Arm's 4 times 4 falls a little short).
constexpr size_t kChains = 12;

// Returns the operations done; the results go to `sink` so that they are needed.
double multiply_add(size_t rounds, float* sink) {
  const HWY_FULL(float) d;
  hn::Vec<HWY_FULL(float)> sums[kChains];
#pragma GCC unroll 12
  for (size_t i = 0; i < kChains; ++i) sums[i] = hn::Set(d, static_cast<float>(i));
  const auto factor = hn::Set(d, 0.999F);
  const auto term = hn::Set(d, 0.001F);
  for (size_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (size_t i = 0; i < kChains; ++i) sums[i] = hn::MulAdd(sums[i], factor, term);
  }
#pragma GCC unroll 12
  for (size_t i = 1; i < kChains; ++i) sums[0] = hn::Add(sums[0], sums[i]);
  hn::StoreU(sums[0], d, sink);
  return 2.0 * static_cast<double>(rounds * kChains * hn::Lanes(d));
}

}  // namespace
}  // namespace mnist::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mnist {
namespace {
HWY_EXPORT(multiply_add);
constexpr size_t kLine = 64;  // floats between the threads' sinks
}  // namespace

double measure_fma_peak(ThreadPool& threads) {
  constexpr size_t kRounds = 1'000'000;
  constexpr int kRepeats = 5;
  std::vector<float> sinks(threads.threads() * kLine);
  std::vector<double> operations(threads.threads());
  double best = 0.0;
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    threads.run(threads.threads(), [&](size_t task, size_t) {
      operations[task] = HWY_DYNAMIC_DISPATCH(multiply_add)(kRounds, &sinks[task * kLine]);
    });
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    double sum = 0.0;
    for (double count : operations) sum += count;
    best = std::max(best, sum / time.count() * 1e-9);
  }
  return best;
}

}  // namespace mnist
#endif
