#include "data/strokes.h"

#include <algorithm>
#include <cmath>

namespace mnist {
namespace {

struct Vector {
  float x, y;
};
Vector operator+(Vector a, Vector b) { return {a.x + b.x, a.y + b.y}; }
Vector operator-(Vector a, Vector b) { return {a.x - b.x, a.y - b.y}; }
Vector operator*(float s, Vector a) { return {s * a.x, s * a.y}; }
float length(Vector a) { return std::sqrt(a.x * a.x + a.y * a.y); }

Vector place(const StrokePoint& p) { return {p.x, p.y}; }

// Directions (per unit of length) in which the curve reaches and leaves point i of a stroke.
struct Tangents {
  Vector in, out;
};

Tangents tangents_at(std::span<const StrokePoint> stroke, size_t i, float rounding) {
  constexpr float kTiny = 1e-3F;
  bool first = i == 0;
  bool last = i + 1 == stroke.size();
  Vector here = place(stroke[i]);
  Vector before = first ? Vector{0, 0} : here - place(stroke[i - 1]);
  Vector after = last ? Vector{0, 0} : place(stroke[i + 1]) - here;
  float d0 = std::max(length(before), kTiny);
  float d1 = std::max(length(after), kTiny);
  Vector straight_in = (1 / d0) * before;
  Vector straight_out = (1 / d1) * after;
  if (first) return {straight_out, straight_out};
  if (last) return {straight_in, straight_in};
  Vector smooth = (1 / (d0 + d1)) * (d1 * straight_in + d0 * straight_out);
  if (stroke[i].kind != PointKind::kCorner) return {smooth, smooth};
  return {straight_in + rounding * (smooth - straight_in),
          straight_out + rounding * (smooth - straight_out)};
}

}  // namespace

size_t flatten_strokes(std::span<const StrokePoint> points, float rounding, float step,
                       std::span<Segment, kMostStrokeSegments> segments) {
  size_t count = 0;
  for (size_t begin = 0; begin < points.size();) {
    size_t end = begin + 1;
    while (end < points.size() && points[end].kind != PointKind::kPenUp) ++end;
    auto stroke = points.subspan(begin, end - begin);
    Tangents from = tangents_at(stroke, 0, rounding);
    for (size_t i = 0; i + 1 < stroke.size(); ++i) {
      Tangents to = tangents_at(stroke, i + 1, rounding);
      Vector a = place(stroke[i]);
      Vector b = place(stroke[i + 1]);
      float chord = length(b - a);
      // Every control point still to come keeps one segment, so the array cannot overflow.
      size_t room = segments.size() - count - (points.size() - begin - i - 1);
      auto pieces = std::min({1 + static_cast<size_t>(chord / step), size_t{16}, room + 1});
      Vector previous = a;
      for (size_t k = 1; k <= pieces; ++k) {
        float t = static_cast<float>(k) / static_cast<float>(pieces);
        float s = 1 - t;
        Vector p = s * s * (1 + 2 * t) * a + t * t * (1 + 2 * s) * b +
                   (chord * s * s * t) * from.out - (chord * t * t * s) * to.in;
        float radius = stroke[i].radius + (t - 0.5F / static_cast<float>(pieces)) *
                                              (stroke[i + 1].radius - stroke[i].radius);
        segments[count++] = {previous.x, previous.y, p.x, p.y, radius};
        previous = p;
      }
      from = to;
    }
    begin = end;
  }
  return count;
}

}  // namespace mnist
