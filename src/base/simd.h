// What the running processor's vectors are like.
//
// Kernels are written once with Highway and compiled for several instruction sets; the best that
// the processor has is chosen at run time, the same for all kernels.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace mnist {

// Floats in a vector of the chosen instruction set: the number of images in a block ("lanes").
size_t simd_lanes();

// The chosen instruction set: "AVX3" (AVX-512), "AVX2", "SSE4", "EMU128" (the plain baseline),
// "NEON", "WASM".
std::string simd_name();

// Those of simd_name()'s answers that this processor can run, best first.
std::vector<std::string> simd_choices();

// Uses `name` from now on; "" goes back to the best. Throws Error naming the choices. Plans built
// before keep their block size and must not be run afterwards: for tests and benchmarks.
void choose_simd(const std::string& name);

// Floats from one vector of any instruction set to the next: buffers are aligned and padded to
// this.
constexpr size_t kFloatsPerLine = 16;

constexpr size_t round_up(size_t count, size_t multiple) {
  return (count + multiple - 1) / multiple * multiple;
}

// Floats, zeroed, aligned for any vector, with a line of padding behind them that kernels may read
// and write.
class FloatBuffer {
 public:
  FloatBuffer() = default;
  explicit FloatBuffer(size_t count);

  float* data() { return data_.get(); }
  const float* data() const { return data_.get(); }
  size_t size() const { return size_; }
  float& operator[](size_t i) { return data_[i]; }
  float operator[](size_t i) const { return data_[i]; }
  float* begin() { return data_.get(); }
  float* end() { return data_.get() + size_; }
  const float* begin() const { return data_.get(); }
  const float* end() const { return data_.get() + size_; }

 private:
  struct Free {
    void operator()(float* pointer) const;
  };
  std::unique_ptr<float[], Free> data_;
  size_t size_ = 0;
};

}  // namespace mnist
