#include "base/simd.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "base/highway.h"
#include "base/text.h"
#include "mnist/error.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "base/simd.cpp"
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace mnist::HWY_NAMESPACE {
namespace {
size_t lanes() { return hwy::HWY_NAMESPACE::Lanes(HWY_FULL(float)()); }
const char* name() { return hwy::TargetName(HWY_TARGET); }
}  // namespace
}  // namespace mnist::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mnist {
namespace {
HWY_EXPORT(lanes);
HWY_EXPORT(name);

// Of one target (WebAssembly) all is decided when compiling, without Highway's library.
#if (HWY_TARGETS & (HWY_TARGETS - 1)) == 0
int64_t supported_targets() { return HWY_TARGETS; }
void use_targets(int64_t) {}
#else
int64_t supported_targets() { return hwy::SupportedTargets() & HWY_TARGETS; }

// Of all that the processor has, these; 0: all.
void use_targets(int64_t targets) {
  hwy::SetSupportedTargetsForTest(targets);
  hwy::GetChosenTarget().DeInit();
}
#endif

std::vector<int64_t> targets() {
  std::vector<int64_t> result = {};
  int64_t available = supported_targets() | HWY_STATIC_TARGET;
  for (int64_t bits = available; bits != 0; bits &= bits - 1) {
    result.push_back(bits & -bits);
  }
  return result;
}
}  // namespace

size_t simd_lanes() { return HWY_DYNAMIC_DISPATCH(lanes)(); }
std::string simd_name() { return HWY_DYNAMIC_DISPATCH(name)(); }

std::vector<std::string> simd_choices() {
  use_targets(0);
  std::vector<std::string> names;
  for (int64_t target : targets()) names.emplace_back(hwy::TargetName(target));
  return names;
}

void choose_simd(const std::string& wanted) {
  use_targets(0);
  if (wanted.empty()) return;
  for (int64_t target : targets()) {
    if (wanted == hwy::TargetName(target)) {
      use_targets(target);
      return;
    }
  }
  throw Error(fmt::format("instruction set '{}' is not available: this processor has {}", wanted,
                          join(simd_choices())));
}

FloatBuffer::FloatBuffer(size_t count) : size_(count) {
  size_t bytes = (round_up(count, kFloatsPerLine) + kFloatsPerLine) * sizeof(float);
  data_.reset(static_cast<float*>(::operator new[](bytes, std::align_val_t{64})));
  std::memset(data_.get(), 0, bytes);
}

void FloatBuffer::Free::operator()(float* pointer) const {
  ::operator delete[](pointer, std::align_val_t{64});
}

}  // namespace mnist
#endif
