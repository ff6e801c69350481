// How people write the ten digits: pen strokes as lists of control points, and the curves through
// them.
//
// A glyph is one way to write a digit (a two with a loop, a seven with a bar). It is drawn by
// several example shapes that have the same strokes and the same number of points, so that any
// weighted mean of them is again that glyph: every image gets its own point between the examples.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace mnist {

enum class PointKind : uint8_t {
  kSmooth,  // the curve runs through without a bend
  kCorner,  // the pen turns sharply
  kPenUp,   // first point of a new stroke
};

// Units: the digit's box is about 100 high and 50 to 70 wide, x to the right, y down.
struct GlyphPoint {
  int8_t x;
  int8_t y;
  PointKind kind = PointKind::kSmooth;
};

struct Glyph {
  int digit;
  float share;  // how often, of all images of this digit; the shares of a digit add to 1
  const GlyphPoint* shapes;  // shape_count rows of point_count points; kinds are those of row 0
  size_t shape_count;
  size_t point_count;
};

// The ways to write `digit` (0..9).
std::span<const Glyph> glyphs_of_digit(int digit);

inline constexpr size_t kMostGlyphPoints = 24;
inline constexpr size_t kMostGlyphShapes = 16;
inline constexpr size_t kMostStrokeSegments = 192;

struct StrokePoint {
  float x;
  float y;
  float radius;  // of the pen, as a factor
  PointKind kind;
};

// A straight piece of a flattened stroke.
struct Segment {
  float x0, y0, x1, y1;
  float radius;
};

// Lays a smooth curve (cubic Hermite, tangents as Catmull and Rom with chord lengths) through each
// stroke and cuts it into straight segments of about `step` units. `rounding` in [0, 1]: how far
// corners are smoothed. Returns the number of segments written, at most kMostStrokeSegments: a
// stroke beyond that is cut into longer pieces.
size_t flatten_strokes(std::span<const StrokePoint> points, float rounding, float step,
                       std::span<Segment, kMostStrokeSegments> segments);

}  // namespace mnist
