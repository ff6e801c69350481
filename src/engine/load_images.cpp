#include "engine/load_images.h"

#include <algorithm>
#include <cstring>

#include "base/highway.h"
#include "base/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/load_images.cpp"
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "ops/transpose-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace mnist::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using Floats = HWY_FULL(float);
using Vector = hn::Vec<Floats>;

// kLanes images' pixels; null stands for a lane without an image.
void load_block(const uint8_t* const* images, size_t elements, float scale, float offset,
                float* out) {
  const Floats d;
  const hn::Rebind<int32_t, Floats> d_int;
  const hn::Rebind<uint8_t, Floats> d_byte;
  const Vector factor = hn::Set(d, scale);
  const Vector start = hn::Set(d, offset);
  for (size_t k = 0; k < elements; k += kLanes) {
    const size_t count = std::min(kLanes, elements - k);
    Vector v[kLanes];
    for (size_t i = 0; i < kLanes; ++i) {
      HWY_ALIGN uint8_t last[kLanes] = {};
      const uint8_t* from = last;
      if (images[i] != nullptr) {
        from = images[i] + k;
        if (count < kLanes) from = static_cast<uint8_t*>(std::memcpy(last, from, count));
      }
      v[i] = hn::ConvertTo(d, hn::PromoteTo(d_int, hn::LoadU(d_byte, from)));
    }
    transpose(v);
    for (size_t i = 0; i < count; ++i) {
      hn::Store(hn::MulAdd(v[i], factor, start), d, out + (k + i) * kLanes);
    }
  }
}

}  // namespace
}  // namespace mnist::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mnist {
namespace {
HWY_EXPORT(load_block);
constexpr size_t kMostLanes = 16;
}  // namespace

void load_images(std::span<const uint8_t* const> images, size_t elements, size_t lanes,
                 const PixelScaling& scaling, float* out) {
  const auto scale = static_cast<float>(scaling.scale);
  const auto offset = static_cast<float>(scaling.offset);
  if (lanes == 1) {
    for (size_t i = 0; i < elements; ++i) {
      out[i] = static_cast<float>(images[0][i]) * scale + offset;
    }
    return;
  }
  for (size_t first = 0; first < images.size(); first += lanes) {
    const uint8_t* block[kMostLanes] = {};
    std::copy_n(images.data() + first, std::min(lanes, images.size() - first), block);
    HWY_DYNAMIC_DISPATCH(load_block)(block, elements, scale, offset, out + first * elements);
  }
}

void load_inputs(std::span<const float* const> inputs, size_t elements, size_t lanes, float* out) {
  const size_t blocks = (inputs.size() + lanes - 1) / lanes;
  std::memset(out, 0, blocks * lanes * elements * sizeof(float));
  for (size_t i = 0; i < inputs.size(); ++i) {
    float* lane = out + i / lanes * elements * lanes + i % lanes;
    for (size_t k = 0; k < elements; ++k) lane[k * lanes] = inputs[i][k];
  }
}

void store_outputs(const float* values, size_t images, size_t elements, size_t lanes, float* out) {
  for (size_t i = 0; i < images; ++i) {
    const float* lane = values + i / lanes * elements * lanes + i % lanes;
    for (size_t k = 0; k < elements; ++k) out[i * elements + k] = lane[k * lanes];
  }
}

}  // namespace mnist
#endif
