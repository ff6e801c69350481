#include "data/strokes.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

namespace mnist {
namespace {

TEST(Strokes, GlyphTableIsConsistent) {
  for (int digit = 0; digit < 10; ++digit) {
    auto glyphs = glyphs_of_digit(digit);
    ASSERT_GE(glyphs.size(), 2U) << digit;
    float shares = 0;
    for (const Glyph& glyph : glyphs) {
      EXPECT_EQ(glyph.digit, digit);
      EXPECT_GT(glyph.share, 0);
      shares += glyph.share;
      ASSERT_GE(glyph.shape_count, 2U);
      ASSERT_LE(glyph.shape_count, kMostGlyphShapes);
      ASSERT_LE(glyph.point_count, kMostGlyphPoints);
      for (size_t s = 0; s < glyph.shape_count; ++s) {
        const GlyphPoint* shape = glyph.shapes + s * glyph.point_count;
        EXPECT_EQ(shape[0].kind, PointKind::kPenUp) << digit;
        EXPECT_NE(shape[glyph.point_count - 1].kind, PointKind::kPenUp) << digit;
        for (size_t p = 0; p < glyph.point_count; ++p)
          EXPECT_EQ(shape[p].kind, glyph.shapes[p].kind)
              << "digit " << digit << ", shape " << s << ", point " << p;
      }
    }
    EXPECT_NEAR(shares, 1, 1e-5) << digit;
  }
  EXPECT_TRUE(glyphs_of_digit(10).empty());
}

TEST(Strokes, CurvePassesThroughItsPoints) {
  std::vector<StrokePoint> points = {{0, 0, 1, PointKind::kPenUp},
                                     {30, 10, 1, PointKind::kSmooth},
                                     {40, 50, 1, PointKind::kCorner},
                                     {0, 60, 1, PointKind::kSmooth}};
  std::array<Segment, kMostStrokeSegments> storage;
  size_t count = flatten_strokes(points, 0.5F, 4, storage);
  ASSERT_GE(count, 20U);
  for (const StrokePoint& p : points) {
    float nearest = 1e9F;
    for (size_t i = 0; i < count; ++i) {
      nearest = std::min(nearest, std::hypot(storage[i].x0 - p.x, storage[i].y0 - p.y));
      nearest = std::min(nearest, std::hypot(storage[i].x1 - p.x, storage[i].y1 - p.y));
    }
    EXPECT_LT(nearest, 1e-3F);
  }
  for (size_t i = 1; i < count; ++i) {
    EXPECT_EQ(storage[i].x0, storage[i - 1].x1);
    EXPECT_EQ(storage[i].y0, storage[i - 1].y1);
  }
}

TEST(Strokes, SharpCornerStaysOnStraightLines) {
  std::vector<StrokePoint> points = {{0, 0, 1, PointKind::kPenUp},
                                     {50, 0, 1, PointKind::kCorner},
                                     {50, 50, 1, PointKind::kSmooth}};
  std::array<Segment, kMostStrokeSegments> storage;
  size_t count = flatten_strokes(points, 0, 5, storage);
  for (size_t i = 0; i < count; ++i)
    EXPECT_TRUE(std::abs(storage[i].y1) < 1e-4F || std::abs(storage[i].x1 - 50) < 1e-4F);
  count = flatten_strokes(points, 1, 5, storage);
  bool leaves_the_lines = false;
  for (size_t i = 0; i < count; ++i)
    leaves_the_lines |= std::abs(storage[i].y1) > 1 && std::abs(storage[i].x1 - 50) > 1;
  EXPECT_TRUE(leaves_the_lines);
}

TEST(Strokes, LiftedPenLeavesAGap) {
  std::vector<StrokePoint> points = {{0, 0, 1, PointKind::kPenUp},
                                     {10, 0, 1, PointKind::kSmooth},
                                     {10, 40, 1, PointKind::kPenUp},
                                     {0, 40, 1, PointKind::kSmooth}};
  std::array<Segment, kMostStrokeSegments> storage;
  size_t count = flatten_strokes(points, 0, 100, storage);
  ASSERT_EQ(count, 2U);
  EXPECT_EQ(storage[0].y1, 0);
  EXPECT_EQ(storage[1].y0, 40);
}

TEST(Strokes, EndlesslyFineStepsStayInTheArray) {
  std::vector<StrokePoint> points(kMostGlyphPoints, {0, 0, 1, PointKind::kSmooth});
  points[0].kind = PointKind::kPenUp;
  for (size_t i = 0; i < points.size(); ++i) {
    points[i].x = static_cast<float>(i % 2) * 1000;
    points[i].y = static_cast<float>(i) * 10;
  }
  std::array<Segment, kMostStrokeSegments> storage;
  size_t count = flatten_strokes(points, 0, 1e-3F, storage);
  EXPECT_LE(count, storage.size());
  EXPECT_EQ(storage[count - 1].y1, points.back().y);
}

TEST(Strokes, PointsOnOneSpotGiveNumbers) {
  std::vector<StrokePoint> points(5, {7, 7, 1, PointKind::kSmooth});
  points[0].kind = PointKind::kPenUp;
  std::array<Segment, kMostStrokeSegments> storage;
  size_t count = flatten_strokes(points, 0.5F, 4, storage);
  for (size_t i = 0; i < count; ++i) {
    EXPECT_EQ(storage[i].x1, 7);
    EXPECT_EQ(storage[i].y1, 7);
  }
}

}  // namespace
}  // namespace mnist
