#include "data/augment.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "base/random.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr size_t kModes = 4;        // of the displacement field along each axis
constexpr size_t kChunk = 64;       // columns resampled at a time
constexpr int32_t kFraction = 256;  // steps between two pixels

// Mean 0, deviation 1, within 3; plain arithmetic, alike on every machine.
float bell(Random& random) {
  uint64_t bits = random.bits();
  constexpr uint64_t kMask = (1U << 21) - 1;
  uint64_t sum = (bits & kMask) + ((bits >> 21) & kMask) + ((bits >> 42) & kMask);
  return 2 * (static_cast<float>(sum) * 0x1p-21F - 1.5F);
}

// Close to exp(x), and stretch(-x) = 1 / stretch(x).
float stretch(float x) { return (2 + x) / (2 - x); }

// The image inside a border of background, so that neighbours need no test of the edges.
struct Canvas {
  Canvas(size_t height_, size_t width_)
      : height(height_), width(width_), stride(width_ + 3), pixels((height_ + 3) * stride) {}
  uint8_t* row(size_t y) { return &pixels[(y + 1) * stride + 1]; }
  const uint8_t* row(size_t y) const { return &pixels[(y + 1) * stride + 1]; }

  size_t height, width, stride;
  std::vector<uint8_t> pixels;
};

// Where an output pixel's value comes from: centre + matrix * (pixel - centre) + field(pixel).
struct Warp {
  float xx, xy, yx, yy;  // from output to input
  float move_x, move_y;
  std::array<std::array<float, kModes>, kModes> field_x, field_y;  // [row mode][column mode]
  bool elastic;
};

Warp draw_warp(const Augmentation& limits, Random& random) {
  Warp warp;
  // tan(a / 2) by its series: within 1e-3 for the 45 degrees allowed.
  constexpr float kRadians = 0.0174532925F;
  float a = 0.5F * kRadians * limits.rotation_degrees * random.uniform(-1, 1);
  float half = a * (1 + a * a * (1.0F / 3 + a * a * (2.0F / 15)));
  float cosine = (1 - half * half) / (1 + half * half);
  float sine = 2 * half / (1 + half * half);
  float scale = stretch(limits.scale * random.uniform(-1, 1));
  float aspect = stretch(0.5F * limits.aspect * random.uniform(-1, 1));
  float shear = limits.shear * random.uniform(-1, 1);
  float x = 1 / (scale * aspect);
  float y = aspect / scale;
  warp.xx = x * (cosine + shear * sine);
  warp.xy = x * (shear * cosine - sine);
  warp.yx = y * sine;
  warp.yy = y * cosine;
  warp.move_x = limits.translate_pixels * random.uniform(-1, 1);
  warp.move_y = limits.translate_pixels * random.uniform(-1, 1);
  warp.elastic = limits.elastic_pixels > 0;
  if (!warp.elastic) return warp;
  // exp(-(pi k 5 / 28)^2 / 2): noise smoothed by a Gaussian of 5 pixels in an image of 28. 1.1
  // makes the deviation 1 in the middle two thirds of the image (measured). The constant mode of
  // both axes, a translation, is left out.
  constexpr std::array<float, kModes> kShare{1, 0.85F, 0.53F, 0.24F};
  for (size_t i = 0; i < kModes; ++i)
    for (size_t j = 0; j < kModes; ++j) {
      float amount = i + j == 0 ? 0 : limits.elastic_pixels * kShare[i] * kShare[j];
      warp.field_x[i][j] = 1.1F * amount * bell(random);
      warp.field_y[i][j] = 1.1F * amount * bell(random);
    }
  return warp;
}

// The first cosine modes at the middle of pixel i of n: cos(k * pi * (i + 1/2) / n).
std::array<float, kModes> modes_at(size_t i, size_t n) {
  constexpr float kPi = 3.14159265F;
  float t = kPi * ((static_cast<float>(i) + 0.5F) / static_cast<float>(n) - 0.5F);
  float s = t * t;
  float c = -t * (1 + s * (-1.0F / 6 + s * (1.0F / 120 + s * (-1.0F / 5040 + s / 362880))));
  std::array<float, kModes> modes{1, c};
  for (size_t k = 2; k < kModes; ++k) modes[k] = 2 * c * modes[k - 1] - modes[k - 2];
  return modes;
}

struct Sample {
  std::array<float, kChunk> sx, sy;  // in pixels of the image
  std::array<int32_t, kChunk> x, y;  // in 1/256 pixel from the canvas's corner
};

// Source coordinates of columns [first, first + count) of row y. `modes` holds the column modes,
// [mode][width]. Short loops over plain arrays: the compiler turns each into SIMD.
void sample_places(const Warp& warp, const Canvas& canvas, size_t y, size_t first, size_t count,
                   const float* modes, Sample& sample) {
  std::array<float, kModes> row_x{}, row_y{};
  if (warp.elastic) {
    auto row_modes = modes_at(y, canvas.height);
    for (size_t i = 0; i < kModes; ++i)
      for (size_t j = 0; j < kModes; ++j) {
        row_x[j] += row_modes[i] * warp.field_x[i][j];
        row_y[j] += row_modes[i] * warp.field_y[i][j];
      }
  }
  float centre_x = 0.5F * static_cast<float>(canvas.width - 1);
  float centre_y = 0.5F * static_cast<float>(canvas.height - 1);
  float v = static_cast<float>(y) - centre_y;
  float left = static_cast<float>(first) - centre_x;
  float base_x = centre_x + warp.xy * v - warp.move_x + row_x[0];
  float base_y = centre_y + warp.yy * v - warp.move_y + row_y[0];
  for (size_t k = 0; k < count; ++k) {
    float u = left + static_cast<float>(static_cast<int32_t>(k));
    sample.sx[k] = base_x + warp.xx * u;
    sample.sy[k] = base_y + warp.yx * u;
  }
  for (size_t j = 1; warp.elastic && j < kModes; ++j) {
    const float* mode = modes + j * canvas.width + first;
    for (size_t k = 0; k < count; ++k) {
      sample.sx[k] += row_x[j] * mode[k];
      sample.sy[k] += row_y[j] * mode[k];
    }
  }
  auto last_x = static_cast<float>(canvas.width);
  auto last_y = static_cast<float>(canvas.height);
  auto fixed = [](float s, float last) {
    s = s > -1 ? s : -1;
    s = s < last ? s : last;
    return static_cast<int32_t>((s + 1) * kFraction + 0.5F);
  };
  for (size_t k = 0; k < count; ++k) {
    sample.x[k] = fixed(sample.sx[k], last_x);
    sample.y[k] = fixed(sample.sy[k], last_y);
  }
}

void resample(const Canvas& from, const Warp& warp, uint8_t* out) {
  std::vector<float> modes(warp.elastic ? kModes * from.width : 0);
  for (size_t x = 0; warp.elastic && x < from.width; ++x) {
    auto at = modes_at(x, from.width);
    for (size_t j = 0; j < kModes; ++j) modes[j * from.width + x] = at[j];
  }
  const uint8_t* corner = from.pixels.data();
  size_t stride = from.stride;
  Sample sample;
  for (size_t y = 0; y < from.height; ++y)
    for (size_t first = 0; first < from.width; first += kChunk) {
      size_t count = std::min(kChunk, from.width - first);
      sample_places(warp, from, y, first, count, modes.data(), sample);
      uint8_t* target = out + y * from.width + first;
      for (size_t k = 0; k < count; ++k) {
        auto x = static_cast<uint32_t>(sample.x[k]);
        auto row = static_cast<uint32_t>(sample.y[k]);
        auto fx = static_cast<int32_t>(x % kFraction);
        auto fy = static_cast<int32_t>(row % kFraction);
        const uint8_t* p = corner + row / kFraction * stride + x / kFraction;
        const uint8_t* q = p + stride;
        int32_t upper = p[0] * kFraction + (p[1] - p[0]) * fx;
        int32_t lower = q[0] * kFraction + (q[1] - q[0]) * fx;
        target[k] = static_cast<uint8_t>((upper * kFraction + (lower - upper) * fy + 32768) >> 16);
      }
    }
}

Canvas on_canvas(const uint8_t* in, size_t height, size_t width) {
  Canvas canvas(height, width);
  for (size_t y = 0; y < height; ++y) std::memcpy(canvas.row(y), in + y * width, width);
  return canvas;
}

// a + (b - a) * share / 256, in 16 bits so that SIMD takes eight at a time. share <= 256.
inline uint8_t blend(uint8_t a, uint8_t b, uint16_t share) {
  auto left = static_cast<uint16_t>(a * static_cast<uint16_t>(256 - share));
  auto right = static_cast<uint16_t>(b * share);
  return static_cast<uint8_t>(static_cast<uint16_t>(left + right) >> 8);
}

// Moves every pixel towards the largest (amount > 0) or smallest (amount < 0) of its cross of five.
void change_thickness(float amount, Canvas& canvas) {
  const Canvas old = canvas;
  auto share = static_cast<uint16_t>(std::abs(amount) * 256);
  for (size_t y = 0; y < canvas.height; ++y) {
    const uint8_t* here = old.row(y);
    const uint8_t* above = here - old.stride;
    const uint8_t* below = here + old.stride;
    uint8_t* out = canvas.row(y);
    if (amount > 0) {
      for (size_t x = 0; x < canvas.width; ++x) {
        uint8_t sides = std::max(here[x - 1], here[x + 1]);
        uint8_t most = std::max(std::max(above[x], below[x]), std::max(sides, here[x]));
        out[x] = blend(here[x], most, share);
      }
    } else {
      for (size_t x = 0; x < canvas.width; ++x) {
        uint8_t sides = std::min(here[x - 1], here[x + 1]);
        uint8_t least = std::min(std::min(above[x], below[x]), std::min(sides, here[x]));
        out[x] = blend(here[x], least, share);
      }
    }
  }
}

// Blends with the binomial mean (1 2 1; 2 4 2; 1 2 1) / 16.
void blur(float amount, Canvas& canvas) {
  const Canvas old = canvas;
  auto share = static_cast<uint16_t>(amount * 256);
  std::vector<uint16_t> sums(canvas.width + 2);
  for (size_t y = 0; y < canvas.height; ++y) {
    const uint8_t* here = old.row(y) - 1;
    const uint8_t* above = here - old.stride;
    const uint8_t* below = here + old.stride;
    for (size_t x = 0; x < canvas.width + 2; ++x)
      sums[x] = static_cast<uint16_t>(above[x] + 2 * here[x] + below[x]);
    uint8_t* out = canvas.row(y);
    for (size_t x = 0; x < canvas.width; ++x) {
      auto sum = static_cast<uint16_t>(sums[x] + 2 * sums[x + 1] + sums[x + 2]);
      out[x] = blend(here[x + 1], static_cast<uint8_t>(sum >> 4), share);
    }
  }
}

// Greys times `gain` (0..1), and up to `noise` (0..1) of 255 more or less.
void change_grey(float gain, float noise, size_t count, Random& random, uint8_t* pixels) {
  auto factor = static_cast<uint16_t>(gain * 256);
  auto reach = static_cast<int16_t>(noise * 255);
  std::array<uint64_t, 8> bits{};
  std::array<uint8_t, sizeof bits> bytes{};
  for (size_t first = 0; first < count; first += bytes.size()) {
    if (reach > 0)
      for (uint64_t& word : bits) word = random.bits();
    for (size_t k = 0; k < bytes.size(); ++k)
      bytes[k] = static_cast<uint8_t>(bits[k / 8] >> (k % 8 * 8));
    size_t some = std::min(bytes.size(), count - first);
    for (size_t k = 0; k < some; ++k) {
      uint8_t grey = blend(0, pixels[first + k], factor);
      auto deviation = static_cast<int16_t>(static_cast<int16_t>(bytes[k] - 128) * reach);
      auto value = static_cast<int16_t>(grey + (deviation >> 7));
      value = reach > 0 ? value : grey;
      pixels[first + k] = static_cast<uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
    }
  }
}

// The customary ranges for handwritten digits; no figure of a data set stands behind them.
constexpr Augmentation kLight{.rotation_degrees = 12,
                              .scale = 0.10F,
                              .aspect = 0.10F,
                              .shear = 0.15F,
                              .translate_pixels = 1.5F,
                              .elastic_pixels = 0.6F};
constexpr Augmentation kStrong{.rotation_degrees = 14,
                               .scale = 0.12F,
                               .aspect = 0.15F,
                               .shear = 0.25F,
                               .translate_pixels = 1.5F,
                               .elastic_pixels = 0.8F,
                               .thickness = 0.5F,
                               .blur = 0.5F,
                               .contrast = 0.25F,
                               .noise = 0.05F};

}  // namespace

Augmentation augmentation_by_name(std::string_view name) {
  if (name == "none") return {};
  if (name == "light") return kLight;
  if (name == "strong") return kStrong;
  throw Error("augmentation: expected none, light or strong, got '" + std::string(name) + "'");
}

void augment(const uint8_t* in, size_t height, size_t width, const Augmentation& limits,
             uint64_t key, uint8_t* out) {
  if (limits == Augmentation{} || height == 0 || width == 0) {
    std::copy_n(in, height * width, out);
    return;
  }
  Random random(key);
  Warp warp = draw_warp(limits, random);
  Canvas canvas = on_canvas(in, height, width);
  float thickness = limits.thickness * random.uniform(-1, 1);
  if (thickness != 0) change_thickness(thickness, canvas);
  float softness = limits.blur * random.uniform();
  if (softness > 0) blur(softness, canvas);
  resample(canvas, warp, out);
  float gain = 1 - limits.contrast * random.uniform();
  if (limits.contrast > 0 || limits.noise > 0)
    change_grey(gain, limits.noise * random.uniform(), height * width, random, out);
}

}  // namespace mnist
