#include "data/ink.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace mnist {
namespace {

constexpr size_t kThumbnail = 48;        // the background is smooth: this many pixels show it
constexpr float kLeastNoise = 2.0F;      // grey levels; JPEG and 8 bits are not better
constexpr float kEdgeWeight = 2.0F;      // the outer eighth of an image is rarely ink
constexpr float kLeastTolerance = 8.0F;  // grey levels from the paper that may be ink,
constexpr float kMostTolerance = 30.0F;  // and that must be
constexpr double kFlatEdge = 0.9;        // of the pixels at the edge are explained: a plain sheet
constexpr double kLightPaper = -0.25;    // of the leans' range -2..2: photographs show white paper
constexpr size_t kMedianGrid = 12;
constexpr int kRounds = 6;
constexpr size_t kTerms = 6;  // 1, x, y, xx, xy, yy
using Terms = std::array<double, kTerms>;

Terms terms_at(const Plane& plane, size_t row, size_t column) {
  const double y = (2.0 * static_cast<double>(row) + 1.0) / static_cast<double>(plane.height) - 1.0;
  const double x =
      (2.0 * static_cast<double>(column) + 1.0) / static_cast<double>(plane.width) - 1.0;
  return {1.0, x, y, x * x, x * y, y * y};
}

// Solves the symmetric, slightly ridged normal equations in place.
Terms solve(std::array<Terms, kTerms> matrix, Terms right) {
  for (size_t i = 0; i < kTerms; ++i) matrix[i][i] += 1e-6 * (1.0 + matrix[0][0]);
  for (size_t i = 0; i < kTerms; ++i) {
    for (size_t r = i + 1; r < kTerms; ++r) {
      const double factor = matrix[r][i] / matrix[i][i];
      for (size_t c = i; c < kTerms; ++c) matrix[r][c] -= factor * matrix[i][c];
      right[r] -= factor * right[i];
    }
  }
  for (size_t i = kTerms; i-- > 0;) {
    for (size_t c = i + 1; c < kTerms; ++c) right[i] -= matrix[i][c] * right[c];
    right[i] /= matrix[i][i];
  }
  return right;
}

bool at_edge(const Plane& plane, size_t row, size_t column) {
  const size_t rows = (plane.height + 7) / 8;
  const size_t columns = (plane.width + 7) / 8;
  return row < rows || column < columns || row + rows >= plane.height ||
         column + columns >= plane.width;
}

// The median where pixels near the edge count twice.
float edge_median(const Plane& plane) {
  std::vector<float> values = plane.values;
  for (size_t r = 0; r < plane.height; ++r) {
    for (size_t c = 0; c < plane.width; ++c) {
      if (at_edge(plane, r, c)) values.push_back(plane.at(r, c));
    }
  }
  return quantile(std::move(values), 0.5);
}

float spread(const Plane& values, const Plane& middle) {
  std::vector<float> distance(values.values.size());
  for (size_t i = 0; i < distance.size(); ++i) {
    distance[i] = std::abs(values.values[i] - middle.values[i]);
  }
  return std::max(kLeastNoise, 1.4826F * quantile(std::move(distance), 0.5));
}

// Weighted least squares of a quadratic surface through the pixels, whose terms are given.
Terms fit(const Plane& grey, const std::vector<Terms>& terms, const Plane& weights) {
  std::array<Terms, kTerms> matrix{};
  Terms right{};
  for (size_t at = 0; at < terms.size(); ++at) {
    const Terms& term = terms[at];
    for (size_t i = 0; i < kTerms; ++i) {
      const double weighted = static_cast<double>(weights.values[at]) * term[i];
      for (size_t j = i; j < kTerms; ++j) matrix[i][j] += weighted * term[j];
      right[i] += weighted * static_cast<double>(grey.values[at]);
    }
  }
  for (size_t i = 0; i < kTerms; ++i) {
    for (size_t j = 0; j < i; ++j) matrix[i][j] = matrix[j][i];
  }
  return solve(matrix, right);
}

// The surface that most pixels follow: weights fall with the distance from the last fit
// (Geman-McClure), so that ink has no say.
Plane quadratic_surface(const Plane& grey) {
  Plane surface(grey.height, grey.width, edge_median(grey));
  Plane weights(grey.height, grey.width);
  std::vector<Terms> terms;
  for (size_t r = 0; r < grey.height; ++r) {
    for (size_t c = 0; c < grey.width; ++c) terms.push_back(terms_at(grey, r, c));
  }
  for (int round = 0; round < kRounds; ++round) {
    const float scale = 2.0F * spread(grey, surface);
    for (size_t r = 0; r < grey.height; ++r) {
      for (size_t c = 0; c < grey.width; ++c) {
        const float distance = (grey.at(r, c) - surface.at(r, c)) / scale;
        const float inverse = 1.0F / (1.0F + distance * distance);
        weights.at(r, c) = inverse * inverse * (at_edge(grey, r, c) ? kEdgeWeight : 1.0F);
      }
    }
    const Terms factors = fit(grey, terms, weights);
    for (size_t at = 0; at < terms.size(); ++at) {
      double value = 0;
      for (size_t i = 0; i < kTerms; ++i) value += factors[i] * terms[at][i];
      surface.values[at] = static_cast<float>(std::clamp(value, 0.0, 255.0));
    }
  }
  return surface;
}

// Robust standard deviation of the noise, from pixels near each other: edges are few.
float noise_of(const Plane& grey) {
  const size_t step = 1 + std::max(grey.height, grey.width) / 100;
  std::vector<float> differences;
  for (size_t r = 0; r < grey.height; r += step) {
    for (size_t c = step; c < grey.width; ++c) {
      differences.push_back(std::abs(grey.at(r, c) - grey.at(r, c - step)));
    }
  }
  return 1.4826F / 1.4142F * quantile(std::move(differences), 0.5);
}

// How much stands out from the paper on either side, in grey levels summed over pixels.
struct Evidence {
  double dark = 0;
  double light = 0;

  void add(float distance, float tolerance) {
    if (distance < -tolerance) dark += static_cast<double>(-distance - tolerance);
    if (distance > tolerance) light += static_cast<double>(distance - tolerance);
  }
  double lean() const { return dark + light > 0 ? (dark - light) / (dark + light) : 0.0; }
};

// The medians of a grid of windows, each a third of the image wide: paper on both sides of a hard
// shadow.
Plane local_median(const Plane& grey) {
  const size_t rows = std::min(grey.height, kMedianGrid);
  const size_t columns = std::min(grey.width, kMedianGrid);
  Plane medians(rows, columns);
  std::vector<float> values;
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < columns; ++c) {
      const size_t row = (2 * r + 1) * grey.height / (2 * rows);
      const size_t column = (2 * c + 1) * grey.width / (2 * columns);
      const size_t up = grey.height / 5;
      const size_t aside = grey.width / 5;
      values.clear();
      for (size_t y = row > up ? row - up : 0; y < std::min(grey.height, row + up + 1); ++y) {
        for (size_t x = column > aside ? column - aside : 0;
             x < std::min(grey.width, column + aside + 1); ++x) {
          values.push_back(grey.at(y, x));
        }
      }
      medians.at(r, c) = quantile(values, 0.5);
    }
  }
  return enlarge(medians, grey.height, grey.width);
}

// Whether the image is dark on light. Where the surface explains the edge of the image, what
// differs from it is ink, however thick the pen. Elsewhere (shadows, a table, an image cut to the
// digit) what differs from the paper nearby and what is narrow have the say, and paper is mostly
// light.
bool is_dark_on_light(const Plane& grey, const Plane& surface) {
  const float tolerance = std::min(3.0F * spread(grey, surface), kMostTolerance);
  Evidence far;
  size_t edge = 0;
  size_t explained = 0;
  for (size_t r = 0; r < grey.height; ++r) {
    for (size_t c = 0; c < grey.width; ++c) {
      const float distance = grey.at(r, c) - surface.at(r, c);
      far.add(distance, tolerance);
      if (!at_edge(grey, r, c)) continue;
      ++edge;
      explained += std::abs(distance) <= tolerance ? 1 : 0;
    }
  }
  if (static_cast<double>(explained) >= kFlatEdge * static_cast<double>(edge)) {
    return far.lean() >= 0;
  }
  Evidence near;
  Evidence narrow;
  const float least = std::max(kLeastTolerance, 4.0F * noise_of(grey));
  const Plane median = local_median(grey);
  const size_t radius = std::max<size_t>(1, std::max(grey.height, grey.width) / 10);
  const Plane closed = window_min(window_max(grey, radius), radius);
  const Plane opened = window_max(window_min(grey, radius), radius);
  for (size_t i = 0; i < grey.values.size(); ++i) {
    near.add(grey.values[i] - median.values[i], least);
    narrow.add(grey.values[i] - closed.values[i], least);
    narrow.add(grey.values[i] - opened.values[i], least);
  }
  return near.lean() + narrow.lean() >= kLightPaper;
}

}  // namespace

Sheet flatten_lighting(const Plane& grey, std::optional<bool> polarity) {
  const size_t side = std::max(grey.height, grey.width);
  const auto small = [&](size_t n) {
    return side <= kThumbnail ? n : std::max<size_t>(1, n * kThumbnail / side);
  };
  const Plane thumbnail =
      area_average(grey, 0, 0, static_cast<double>(grey.height), static_cast<double>(grey.width),
                   small(grey.height), small(grey.width));
  const Plane surface = quadratic_surface(thumbnail);
  Sheet sheet;
  sheet.dark_on_light = polarity.has_value() ? *polarity : is_dark_on_light(thumbnail, surface);
  const Plane lighting = enlarge(surface, grey.height, grey.width);
  sheet.strength = box_blur(grey, side / 200);
  sheet.noise = noise_of(sheet.strength);
  const float sign = sheet.dark_on_light ? -1.0F : 1.0F;
  for (size_t i = 0; i < grey.values.size(); ++i) {
    sheet.strength.values[i] = sign * (sheet.strength.values[i] - lighting.values[i]);
  }
  return sheet;
}

Plane narrow_ink(const Sheet& sheet, size_t radius) {
  Plane ink = sheet.strength;
  const Plane background = window_max(window_min(ink, radius), radius);
  for (size_t i = 0; i < ink.values.size(); ++i) ink.values[i] -= background.values[i];
  // The background lies below the paper by what the noise does.
  const float bias = quantile(ink.values, 0.4);
  for (float& value : ink.values) value = std::max(0.0F, value - bias);
  return ink;
}

}  // namespace mnist
