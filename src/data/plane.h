// Planes of floats and the few filters that preparing a photograph needs.
//
// Everything here is plain arithmetic in a fixed order: the same bits with any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "mnist/image.h"

namespace mnist {

// height * width values, row by row from the top.
template <typename T>
struct PlaneOf {
  size_t height = 0;
  size_t width = 0;
  std::vector<T> values;

  PlaneOf() = default;
  PlaneOf(size_t rows, size_t columns, T value = T{})
      : height(rows), width(columns), values(rows * columns, value) {}
  T& at(size_t row, size_t column) { return values[row * width + column]; }
  const T& at(size_t row, size_t column) const { return values[row * width + column]; }
};
using Plane = PlaneOf<float>;
using Mask = PlaneOf<uint8_t>;  // 0 or 1

// Rows top..bottom-1 and columns left..right-1; empty when bottom == top.
struct Box {
  size_t top = 0;
  size_t left = 0;
  size_t bottom = 0;
  size_t right = 0;

  size_t height() const { return bottom - top; }
  size_t width() const { return right - left; }
  size_t longest() const { return height() > width() ? height() : width(); }
};

// `part` of `image` (0..255), shrunk by area averaging until no side is longer than `longest`;
// never enlarged, and no side below one pixel.
Plane shrink(const Image& image, const Box& part, size_t longest);

// Area average of the real-valued rectangle [top, top + height) x [left, left + width) of `plane`
// into rows x columns; what lies outside of `plane` counts as 0.
Plane area_average(const Plane& plane, double top, double left, double height, double width,
                   size_t rows, size_t columns);

// Bilinear sampling of the whole of `plane`, for enlarging; the edge values go on outside.
Plane enlarge(const Plane& plane, size_t rows, size_t columns);

// `box` of `plane` with `margin` zeros around it.
Plane crop(const Plane& plane, const Box& box, size_t margin);

// Mean over a (2 * radius + 1) square window, clipped at the edges.
Plane box_blur(const Plane& plane, size_t radius);

// Largest (smallest) value of a (2 * radius + 1) square window, clipped at the edges.
Plane window_max(const Plane& plane, size_t radius);
Plane window_min(const Plane& plane, size_t radius);

// The smallest box around all values above `limit`.
Box bounds(const Plane& plane, float limit);

// The mask and the pixels that touch it by a side or a corner.
Mask grow(const Mask& mask);

// 1 where the plane is above `limit`.
Mask above(const Plane& plane, float limit);

Plane to_plane(const Mask& mask);

// The value below which `share` (0..1) of `values` lie; 0 for none. Of many values every n-th is
// looked at.
float quantile(std::vector<float> values, double share);

}  // namespace mnist
