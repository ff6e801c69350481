// Counter-based random numbers: a value is a pure function of (key, counter), so the same image
// gets the same augmentation and the same dropout mask on whatever thread, rank or machine it is
// drawn, and a resumed run has no generator state to restore.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

namespace mnist {

// What a stream of random numbers is for; keeps streams of one seed apart.
enum class RandomUse : uint64_t {
  kInitialWeights = 1,
  kShuffle = 2,
  kDropout = 3,
  kAugment = 4,
  kSynthetic = 5,
  kSplit = 6,
  kSample = 7,
};

// SplitMix64's finaliser (Steele, Lea, Flood 2014): a bijection with full avalanche.
constexpr uint64_t mix64(uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9ULL;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// A key made of up to four words; order matters.
constexpr uint64_t random_key(uint64_t seed, RandomUse use, uint64_t a = 0, uint64_t b = 0) {
  uint64_t key = mix64(seed + 0x9e3779b97f4a7c15ULL);
  key = mix64(key ^ (static_cast<uint64_t>(use) * 0xd1342543de82ef95ULL));
  key = mix64(key ^ (a + 0x9e3779b97f4a7c15ULL));
  return mix64(key ^ (b + 0x2545f4914f6cdd1dULL));
}

// A sequence of numbers drawn under one key. Copy it to replay it.
class Random {
 public:
  explicit constexpr Random(uint64_t key) : key_(key) {}

  uint64_t bits() { return mix64(key_ + 0x9e3779b97f4a7c15ULL * ++counter_); }

  // In [0, 1), all 24 bits of a float's precision.
  float uniform() { return static_cast<float>(bits() >> 40) * 0x1p-24F; }
  float uniform(float low, float high) { return low + (high - low) * uniform(); }

  // In [0, bound), by multiplication (Lemire 2019); its bias is below 2^-32 for bounds below 2^32.
  uint64_t below(uint64_t bound) {
    return static_cast<uint64_t>((__extension__ static_cast<unsigned __int128>(bits()) * bound) >>
                                 64);
  }

  // Mean 0, deviation 1 (Box and Muller 1958; one of the pair is dropped).
  float normal() {
    float radius = std::sqrt(-2.0F * std::log(1.0F - uniform()));
    return radius * std::cos(2.0F * std::numbers::pi_v<float> * uniform());
  }

 private:
  uint64_t key_;
  uint64_t counter_ = 0;
};

// The numbers 0..count-1 in an order that depends on `key` only (Fisher and Yates).
std::vector<uint32_t> random_permutation(uint32_t count, uint64_t key);

}  // namespace mnist
