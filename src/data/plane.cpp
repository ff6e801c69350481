#include "data/plane.h"

#include <algorithm>
#include <cmath>

namespace mnist {
namespace {

constexpr size_t kMostSamples = 8192;  // a quantile's error is 0.6 % of the values then

// One output pixel's reach along one axis: inputs first..first + weights.size() - 1.
struct Tap {
  size_t first = 0;
  std::vector<float> weights;
};

// Taps that average [start, start + length) of `inputs` positions into `outputs` equal parts.
std::vector<Tap> area_taps(double start, double length, size_t inputs, size_t outputs) {
  std::vector<Tap> taps(outputs);
  const double step = length / static_cast<double>(outputs);
  for (size_t i = 0; i < outputs; ++i) {
    const double from = start + step * static_cast<double>(i);
    const double low = std::max(from, 0.0);
    const double high = std::min(from + step, static_cast<double>(inputs));
    if (high <= low) continue;
    taps[i].first = static_cast<size_t>(low);
    for (size_t x = taps[i].first; x < inputs && static_cast<double>(x) < high; ++x) {
      const double left = std::max(low, static_cast<double>(x));
      const double right = std::min(high, static_cast<double>(x + 1));
      taps[i].weights.push_back(static_cast<float>((right - left) / step));
    }
  }
  return taps;
}

// Taps that read `outputs` points, the centres of equal parts of the input.
std::vector<Tap> linear_taps(size_t inputs, size_t outputs) {
  std::vector<Tap> taps(outputs);
  const double step = static_cast<double>(inputs) / static_cast<double>(outputs);
  for (size_t i = 0; i < outputs; ++i) {
    const double x = std::clamp(step * (static_cast<double>(i) + 0.5) - 0.5, 0.0,
                                static_cast<double>(inputs - 1));
    taps[i].first = std::min(static_cast<size_t>(x), inputs - std::min<size_t>(inputs, 2));
    if (inputs == 1) {
      taps[i].weights = {1.0F};
      continue;
    }
    const auto part = static_cast<float>(x - static_cast<double>(taps[i].first));
    taps[i].weights = {1.0F - part, part};
  }
  return taps;
}

// `source(row, column)` is read at most once for each tap of a row.
template <typename Source>
Plane apply(const Source& source, const std::vector<Tap>& rows, const std::vector<Tap>& columns,
            size_t width) {
  Plane out(rows.size(), columns.size());
  std::vector<float> line(width);
  for (size_t r = 0; r < rows.size(); ++r) {
    std::fill(line.begin(), line.end(), 0.0F);
    for (size_t k = 0; k < rows[r].weights.size(); ++k) {
      const float weight = rows[r].weights[k];
      for (size_t x = 0; x < width; ++x) line[x] += weight * source(rows[r].first + k, x);
    }
    for (size_t c = 0; c < columns.size(); ++c) {
      float sum = 0;
      for (size_t k = 0; k < columns[c].weights.size(); ++k) {
        sum += columns[c].weights[k] * line[columns[c].first + k];
      }
      out.at(r, c) = sum;
    }
  }
  return out;
}

// Each value the best of the `radius` ones above and below it, by van Herk's and Gil and Werman's
// method: the best from each block's start and to each block's end, whatever the radius.
template <typename Better>
Plane best_down(const Plane& in, size_t radius, Better better) {
  const size_t window = 2 * radius + 1;
  Plane behind = in;  // the best since the block's start
  Plane ahead = in;   // and until its end
  const auto fold = [&](Plane& plane, size_t row, size_t from) {
    for (size_t c = 0; c < in.width; ++c) {
      plane.at(row, c) = better(plane.at(row, c), plane.at(from, c));
    }
  };
  for (size_t r = 1; r < in.height; ++r) {
    if (r % window != 0) fold(behind, r, r - 1);
  }
  for (size_t r = in.height - 1; r-- > 0;) {
    if ((r + 1) % window != 0) fold(ahead, r, r + 1);
  }
  Plane out(in.height, in.width);
  for (size_t r = 0; r < in.height; ++r) {
    const size_t low = r > radius ? r - radius : 0;
    const size_t high = std::min(in.height - 1, r + radius);
    // A window clipped at the edges may lie within one block, at its start or its end.
    const bool one_block = low / window == high / window;
    const Plane& first = one_block && low % window == 0 ? behind : ahead;
    const Plane& second = one_block && low % window != 0 ? ahead : behind;
    const size_t first_row = &first == &ahead ? low : high;
    const size_t second_row = &second == &ahead ? low : high;
    for (size_t c = 0; c < in.width; ++c) {
      out.at(r, c) = better(first.at(first_row, c), second.at(second_row, c));
    }
  }
  return out;
}

Plane transposed(const Plane& plane) {
  Plane out(plane.width, plane.height);
  for (size_t r = 0; r < plane.height; ++r) {
    for (size_t c = 0; c < plane.width; ++c) out.at(c, r) = plane.at(r, c);
  }
  return out;
}

template <typename Better>
Plane window_filter(const Plane& plane, size_t radius, Better better) {
  return transposed(best_down(transposed(best_down(plane, radius, better)), radius, better));
}

}  // namespace

Plane shrink(const Image& image, const Box& part, size_t longest) {
  const size_t side = part.longest();
  const auto shorter = [&](size_t n) {
    return side <= longest ? n : std::max<size_t>(1, n * longest / side);
  };
  const size_t rows = shorter(part.height());
  const size_t columns = shorter(part.width());
  const auto source = [&](size_t row, size_t column) {
    return static_cast<float>(image.at(part.top + row, part.left + column));
  };
  return apply(source, area_taps(0, static_cast<double>(part.height()), part.height(), rows),
               area_taps(0, static_cast<double>(part.width()), part.width(), columns),
               part.width());
}

Plane area_average(const Plane& plane, double top, double left, double height, double width,
                   size_t rows, size_t columns) {
  const auto source = [&](size_t row, size_t column) { return plane.at(row, column); };
  return apply(source, area_taps(top, height, plane.height, rows),
               area_taps(left, width, plane.width, columns), plane.width);
}

Plane enlarge(const Plane& plane, size_t rows, size_t columns) {
  const auto source = [&](size_t row, size_t column) { return plane.at(row, column); };
  return apply(source, linear_taps(plane.height, rows), linear_taps(plane.width, columns),
               plane.width);
}

Plane crop(const Plane& plane, const Box& box, size_t margin) {
  Plane out(box.height() + 2 * margin, box.width() + 2 * margin);
  for (size_t r = 0; r < box.height(); ++r) {
    for (size_t c = 0; c < box.width(); ++c) {
      out.at(r + margin, c + margin) = plane.at(box.top + r, box.left + c);
    }
  }
  return out;
}

Plane box_blur(const Plane& plane, size_t radius) {
  Plane across(plane.height, plane.width);
  std::vector<double> sums(plane.width + 1);
  for (size_t r = 0; r < plane.height; ++r) {
    for (size_t c = 0; c < plane.width; ++c) {
      sums[c + 1] = sums[c] + static_cast<double>(plane.at(r, c));
    }
    for (size_t c = 0; c < plane.width; ++c) {
      const size_t low = c > radius ? c - radius : 0;
      const size_t high = std::min(plane.width, c + radius + 1);
      across.at(r, c) =
          static_cast<float>((sums[high] - sums[low]) / static_cast<double>(high - low));
    }
  }
  // Down the columns, a whole row at a time: a running sum for each column.
  Plane out(plane.height, plane.width);
  std::vector<double> running(plane.width, 0.0);
  size_t low = 0;
  size_t high = 0;
  for (size_t r = 0; r < plane.height; ++r) {
    for (; high < std::min(plane.height, r + radius + 1); ++high) {
      for (size_t c = 0; c < plane.width; ++c)
        running[c] += static_cast<double>(across.at(high, c));
    }
    for (; low + radius < r; ++low) {
      for (size_t c = 0; c < plane.width; ++c) running[c] -= static_cast<double>(across.at(low, c));
    }
    for (size_t c = 0; c < plane.width; ++c) {
      out.at(r, c) = static_cast<float>(running[c] / static_cast<double>(high - low));
    }
  }
  return out;
}

Plane window_max(const Plane& plane, size_t radius) {
  return window_filter(plane, radius, [](float a, float b) { return a > b ? a : b; });
}

Plane window_min(const Plane& plane, size_t radius) {
  return window_filter(plane, radius, [](float a, float b) { return a < b ? a : b; });
}

Box bounds(const Plane& plane, float limit) {
  Box box{plane.height, plane.width, 0, 0};
  for (size_t r = 0; r < plane.height; ++r) {
    for (size_t c = 0; c < plane.width; ++c) {
      if (plane.at(r, c) <= limit) continue;
      box.top = std::min(box.top, r);
      box.left = std::min(box.left, c);
      box.bottom = std::max(box.bottom, r + 1);
      box.right = std::max(box.right, c + 1);
    }
  }
  return box.bottom == 0 ? Box{} : box;
}

Mask grow(const Mask& mask) {
  Mask out(mask.height, mask.width);
  for (size_t r = 0; r < mask.height; ++r) {
    for (size_t c = 0; c < mask.width; ++c) {
      if (mask.at(r, c) == 0) continue;
      for (size_t y = r > 0 ? r - 1 : 0; y < std::min(mask.height, r + 2); ++y) {
        for (size_t x = c > 0 ? c - 1 : 0; x < std::min(mask.width, c + 2); ++x) out.at(y, x) = 1;
      }
    }
  }
  return out;
}

Mask above(const Plane& plane, float limit) {
  Mask mask(plane.height, plane.width);
  for (size_t i = 0; i < plane.values.size(); ++i) mask.values[i] = plane.values[i] > limit;
  return mask;
}

Plane to_plane(const Mask& mask) {
  Plane plane(mask.height, mask.width);
  for (size_t i = 0; i < mask.values.size(); ++i) plane.values[i] = mask.values[i];
  return plane;
}

float quantile(std::vector<float> values, double share) {
  if (values.empty()) return 0;
  const size_t stride = 1 + values.size() / kMostSamples;
  if (stride > 1) {
    const size_t kept = values.size() / stride;
    for (size_t i = 0; i < kept; ++i) values[i] = values[i * stride];
    values.resize(kept);
  }
  const auto last = static_cast<double>(values.size() - 1);
  const auto place = static_cast<std::ptrdiff_t>(std::clamp(share, 0.0, 1.0) * last);
  std::nth_element(values.begin(), values.begin() + place, values.end());
  return values[static_cast<size_t>(place)];
}

}  // namespace mnist
