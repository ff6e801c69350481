#include "data/synthetic.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/random.h"
#include "data/raster.h"
#include "data/strokes.h"

namespace mnist {
namespace {

// Streams under one seed.
constexpr uint64_t kLabels = 1;
constexpr uint64_t kPicture = 2;
constexpr uint64_t kNoise = 3;

// Nearly normal: mean 0, deviation 1, never beyond 3. Plain arithmetic (no logarithm or cosine), so
// that every machine draws the same picture.
float bell(Random& random) {
  uint64_t bits = random.bits();
  constexpr uint64_t kMask = (1U << 21) - 1;
  uint64_t sum = (bits & kMask) + ((bits >> 21) & kMask) + ((bits >> 42) & kMask);
  return 2 * (static_cast<float>(sum) * 0x1p-21F - 1.5F);
}

// Close to exp(x) for |x| < 1, always positive, and factor(-x) = 1 / factor(x).
float factor(float x) { return (2 + x) / (2 - x); }

int label_at(uint64_t seed, uint64_t index) {
  std::array<int, 10> digits{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  Random random(random_key(seed, RandomUse::kSynthetic, kLabels, index / 10));
  for (size_t i = 10; i > 1; --i) std::swap(digits[i - 1], digits[random.below(i)]);
  return digits[index % 10];
}

const Glyph& choose_glyph(int digit, Random& random) {
  auto glyphs = glyphs_of_digit(digit);
  float left = random.uniform();
  for (const Glyph& glyph : glyphs) {
    left -= glyph.share;
    if (left < 0) return glyph;
  }
  return glyphs.back();
}

using Points = std::array<StrokePoint, kMostGlyphPoints>;

// A random weighted mean of the glyph's shapes; mostly one of them prevails.
std::span<StrokePoint> mix_shapes(const Glyph& glyph, Random& random, Points& points) {
  std::array<float, kMostGlyphShapes> weights{};
  float sum = 0;
  for (size_t s = 0; s < glyph.shape_count; ++s) {
    float u = random.uniform();
    u = u * u * u;
    weights[s] = u * u + 1e-3F;
    sum += weights[s];
  }
  for (size_t p = 0; p < glyph.point_count; ++p) {
    float x = 0, y = 0;
    for (size_t s = 0; s < glyph.shape_count; ++s) {
      const GlyphPoint& point = glyph.shapes[s * glyph.point_count + p];
      x += weights[s] * static_cast<float>(point.x);
      y += weights[s] * static_cast<float>(point.y);
    }
    points[p] = {x / sum, y / sum, 1, glyph.shapes[p].kind};
  }
  return std::span(points).first(glyph.point_count);
}

// Hand tremor, strokes set a little off, ends too short or too long, uneven pressure.
void jitter(std::span<StrokePoint> points, Random& random) {
  float wobble = 3.2F * factor(0.5F * bell(random));
  float uneven = 0.08F * factor(0.5F * bell(random));
  float shift_x = 0, shift_y = 0;
  for (size_t i = 0; i < points.size(); ++i) {
    StrokePoint& p = points[i];
    if (p.kind == PointKind::kPenUp && i > 0) {
      shift_x = 3 * bell(random);
      shift_y = 3 * bell(random);
    }
    bool end = p.kind == PointKind::kPenUp || i + 1 == points.size() ||
               points[i + 1].kind == PointKind::kPenUp;
    float amount = end ? 1.7F * wobble : wobble;
    p.x += shift_x + amount * bell(random);
    p.y += shift_y + amount * bell(random);
    p.radius = factor(uneven * bell(random));
  }
}

// Bends the digit as a whole by a random polynomial of degree 3 in its box, then slants, turns and
// stretches it.
void deform(std::span<StrokePoint> points, int digit, Random& random) {
  constexpr float kBend = 8.0F;  // units; deviation of each term at the box's edge
  std::array<float, 8> c;
  for (float& value : c) value = kBend * bell(random);
  float width = 1.12F * factor(0.22F * bell(random));
  float slant = 0.14F + 0.22F * bell(random);
  if (digit == 1) slant = 0.22F + 0.28F * bell(random);
  float half = 0.5F * 0.13F * bell(random);  // tangent of half the angle
  float cosine = (1 - half * half) / (1 + half * half);
  float sine = 2 * half / (1 + half * half);
  for (StrokePoint& p : points) {
    float u = (p.x - 30) / 50;
    float v = (p.y - 50) / 50;
    float x = p.x + c[0] * v * v + c[1] * u * v + c[2] * u * u + 0.7F * c[3] * v * v * v;
    float y = p.y + c[4] * v * v + c[5] * u * v + c[6] * u * u + 0.7F * c[7] * u * u * v;
    x = width * x - slant * y;
    p.x = cosine * x - sine * y;
    p.y = sine * x + cosine * y;
  }
}

Pen choose_pen(Random& random) {
  Pen pen;
  pen.radius = std::clamp(1.18F * factor(0.28F * bell(random)), 0.65F, 3.2F);
  pen.edge = 1.5F + 0.2F * bell(random);
  pen.roughness = 0.15F + 0.10F * random.uniform();
  return pen;
}

}  // namespace

Label draw_synthetic_digit(uint64_t seed, uint64_t index, uint8_t* pixels784) {
  constexpr float kStep = 8;  // units, about one and a half pixels
  int digit = label_at(seed, index);
  Random random(random_key(seed, RandomUse::kSynthetic, kPicture, index));
  Points storage;
  auto points = mix_shapes(choose_glyph(digit, random), random, storage);
  jitter(points, random);
  deform(points, digit, random);
  std::array<Segment, kMostStrokeSegments> segments;
  size_t count = flatten_strokes(points, 0.7F * random.uniform(), kStep, segments);
  draw_normalised(std::span(segments).first(count), choose_pen(random),
                  random_key(seed, RandomUse::kSynthetic, kNoise, index), pixels784);
  return static_cast<Label>(digit);
}

Dataset synthetic_digits(size_t count, uint64_t seed) {
  Dataset set;
  set.name = "synthetic";
  set.height = kDigitSide;
  set.width = kDigitSide;
  set.classes = 10;
  set.pixels.resize(count * kDigitSide * kDigitSide);
  set.labels.resize(count);
  for (size_t i = 0; i < count; ++i) {
    set.labels[i] = draw_synthetic_digit(seed, i, &set.pixels[i * kDigitSide * kDigitSide]);
  }
  return set;
}

}  // namespace mnist
