// Drawings for the tests of preparing: polylines on paper of any size.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "mnist/image.h"

namespace mnist::testing {

using Points = std::vector<std::pair<double, double>>;  // (x, y) in 0..1 of the digit's box

inline Image sheet(size_t height, size_t width, uint8_t paper) {
  return {height, width, std::vector<uint8_t>(height * width, paper)};
}

// Mixes `ink` into all pixels nearer than half a `pen` to the line, which is scaled by `side`
// pixels and starts at (left, top); the edge is one pixel soft.
inline void draw(Image& image, const Points& line, double left, double top, double side, double pen,
                 uint8_t ink) {
  for (size_t r = 0; r < image.height; ++r) {
    for (size_t c = 0; c < image.width; ++c) {
      double nearest = 1e9;
      for (size_t i = 1; i < line.size(); ++i) {
        const double ax = left + side * line[i - 1].first;
        const double ay = top + side * line[i - 1].second;
        const double bx = left + side * line[i].first - ax;
        const double by = top + side * line[i].second - ay;
        const double x = static_cast<double>(c) + 0.5 - ax;
        const double y = static_cast<double>(r) + 0.5 - ay;
        const double part = std::clamp((x * bx + y * by) / (bx * bx + by * by + 1e-12), 0.0, 1.0);
        nearest = std::min(nearest, std::hypot(x - part * bx, y - part * by));
      }
      const double share = std::clamp(pen / 2 - nearest + 0.5, 0.0, 1.0);
      uint8_t& pixel = image.at(r, c);
      pixel = static_cast<uint8_t>(pixel + share * (static_cast<double>(ink) - pixel) + 0.5);
    }
  }
}

inline const Points& seven() {
  static const Points points{{0.15, 0.05}, {0.8, 0.0}, {0.55, 0.45}, {0.4, 1.0}};
  return points;
}

inline const Points& five() {
  static const Points points{{0.75, 0.0},  {0.25, 0.02}, {0.22, 0.42}, {0.55, 0.38},
                             {0.75, 0.55}, {0.72, 0.82}, {0.5, 1.0},   {0.2, 0.93}};
  return points;
}

// Grey levels apart, on average over the pixels.
inline double mean_difference(const Image& a, const Image& b) {
  double sum = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) sum += std::abs(a.pixels[i] - b.pixels[i]);
  return sum / static_cast<double>(a.pixels.size());
}

}  // namespace mnist::testing
