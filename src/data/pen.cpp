#include "data/pen.h"

#include <algorithm>
#include <cmath>

namespace mnist {
namespace {

constexpr float kFar = 1e12F;
constexpr float kLongest = 1000.0F;  // where there is none; planes are a hundred pixels long

// Squared distances along one line to the lower envelope of parabolas rooted at f
// (Felzenszwalb and Huttenlocher, Distance Transforms of Sampled Functions, 2012).
class LineTransform {
 public:
  explicit LineTransform(size_t longest) : roots_(longest), starts_(longest + 1), out_(longest) {}

  void operator()(float* values, size_t count) {
    size_t last = 0;
    roots_[0] = 0;
    starts_[0] = -kFar;
    starts_[1] = kFar;
    for (size_t q = 1; q < count; ++q) {
      float cross = crossing(values, roots_[last], q);
      while (cross <= starts_[last]) cross = crossing(values, roots_[--last], q);
      roots_[++last] = q;
      starts_[last] = cross;
      starts_[last + 1] = kFar;
    }
    last = 0;
    for (size_t q = 0; q < count; ++q) {
      while (starts_[last + 1] < static_cast<float>(q)) ++last;
      const float step = static_cast<float>(q) - static_cast<float>(roots_[last]);
      out_[q] = step * step + values[roots_[last]];
    }
    for (size_t q = 0; q < count; ++q) values[q] = out_[q];
  }

 private:
  // Where the parabola of `right` begins to be below that of `left`.
  static float crossing(const float* values, size_t left, size_t right) {
    const auto l = static_cast<float>(left);
    const auto r = static_cast<float>(right);
    return ((values[right] + r * r) - (values[left] + l * l)) / (2.0F * (r - l));
  }

  std::vector<size_t> roots_;
  std::vector<float> starts_;
  std::vector<float> out_;
};

// Squared distances to the nearest pixel of the same column that is `value`: going down and up, a
// row at a time, distances are counted since the last one.
Plane distance_down(const Mask& ink, uint8_t value) {
  Plane out(ink.height, ink.width, kFar);
  std::vector<float> since(ink.width, kLongest);
  const auto pass = [&](size_t row) {
    for (size_t c = 0; c < ink.width; ++c) {
      since[c] = ink.at(row, c) == value ? 0.0F : std::min(kLongest, since[c] + 1.0F);
      out.at(row, c) = std::min(out.at(row, c), since[c] * since[c]);
    }
  };
  for (size_t r = 0; r < ink.height; ++r) pass(r);
  std::fill(since.begin(), since.end(), kLongest);
  for (size_t r = ink.height; r-- > 0;) pass(r);
  return out;
}

// Distances to the nearest pixel of `ink` that is `value`.
Plane distance_to(const Mask& ink, uint8_t value) {
  Plane out = distance_down(ink, value);
  LineTransform transform(ink.width);
  for (size_t r = 0; r < ink.height; ++r) transform(&out.values[r * ink.width], ink.width);
  for (float& d : out.values) d = std::sqrt(d);
  return out;
}

}  // namespace

Plane signed_distance(const Mask& ink) {
  Plane inside = distance_to(ink, 0);
  const Plane outside = distance_to(ink, 1);
  for (size_t i = 0; i < ink.values.size(); ++i) {
    inside.values[i] = ink.values[i] != 0 ? inside.values[i] - 0.5F : 0.5F - outside.values[i];
  }
  return inside;
}

float pen_width(const Plane& distance) {
  std::vector<float> ridge;
  for (size_t r = 1; r + 1 < distance.height; ++r) {
    for (size_t c = 1; c + 1 < distance.width; ++c) {
      const float here = distance.at(r, c);
      if (here <= 0) continue;
      bool top = true;
      for (size_t y = r - 1; y <= r + 1; ++y) {
        for (size_t x = c - 1; x <= c + 1; ++x) top = top && distance.at(y, x) <= here;
      }
      if (top) ridge.push_back(here);
    }
  }
  return 2.0F * quantile(std::move(ridge), 0.5);
}

}  // namespace mnist
