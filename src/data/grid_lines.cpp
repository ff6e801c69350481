#include "data/grid_lines.h"

#include <algorithm>

namespace mnist {
namespace {

constexpr size_t kSearchSide = 100;  // lines are looked for in a mask of this size
constexpr size_t kMostLines = 80;    // of one direction: squared paper
constexpr double kRim = 0.25;        // of the image on each side
constexpr double kThickest = 0.12;   // of the image's shorter side

struct Candidate {
  size_t hits = 0;
  double start = 0;  // row at the left edge
  double slope = 0;  // rows for each column
};

Mask transposed(const Mask& mask) {
  Mask out(mask.width, mask.height);
  for (size_t r = 0; r < mask.height; ++r) {
    for (size_t c = 0; c < mask.width; ++c) out.at(c, r) = mask.at(r, c);
  }
  return out;
}

// Every `factor` x `factor` square that holds ink becomes a pixel.
Mask pooled(const Mask& mask, size_t factor) {
  Mask out((mask.height + factor - 1) / factor, (mask.width + factor - 1) / factor);
  for (size_t r = 0; r < mask.height; ++r) {
    for (size_t c = 0; c < mask.width; ++c) out.at(r / factor, c / factor) |= mask.at(r, c);
  }
  return out;
}

// How many columns hold ink: no line has more hits.
size_t inked_columns(const Mask& mask) {
  std::vector<uint8_t> any(mask.width, 0);
  for (size_t r = 0; r < mask.height; ++r) {
    for (size_t c = 0; c < mask.width; ++c) any[c] |= mask.at(r, c);
  }
  return static_cast<size_t>(std::count(any.begin(), any.end(), uint8_t{1}));
}

bool in_rim(double place, double size) { return place < kRim * size || place > (1 - kRim) * size; }

// For each column of `mask` its rows, `margin` zeros before and after; ink counts for the row above
// it too, so that lines may be half a pixel off.
std::vector<uint8_t> columns_of(const Mask& mask, size_t margin) {
  const size_t stride = mask.height + 2 * margin;
  std::vector<uint8_t> out(mask.width * stride, 0);
  for (size_t r = 0; r < mask.height; ++r) {
    for (size_t c = 0; c < mask.width; ++c) {
      uint8_t* at = &out[c * stride + margin + r];
      *at |= mask.at(r, c);
      if (r > 0) at[-1] |= mask.at(r, c);
    }
  }
  return out;
}

// The straight line from left to right with the most ink on it or right below it.
Candidate best_line(const Mask& mask, bool rim) {
  Candidate best;
  const auto reach = static_cast<std::ptrdiff_t>(mask.width / 10);
  const size_t margin = static_cast<size_t>(reach) + 1;
  const size_t stride = mask.height + 2 * margin;
  const std::vector<uint8_t> ink = columns_of(mask, margin);
  static_assert(kSearchSide < 256, "hits are counted in bytes");
  std::vector<uint8_t> hits(mask.height);
  for (std::ptrdiff_t rise = -reach; rise <= reach; ++rise) {
    const double slope =
        mask.width > 1 ? static_cast<double>(rise) / static_cast<double>(mask.width - 1) : 0.0;
    std::fill(hits.begin(), hits.end(), uint8_t{0});
    for (size_t c = 0; c < mask.width; ++c) {
      const auto shift =
          static_cast<std::ptrdiff_t>(slope * static_cast<double>(c) + (rise < 0 ? -0.5 : 0.5));
      const uint8_t* column = &ink[c * stride] + static_cast<std::ptrdiff_t>(margin) + shift;
      for (size_t r = 0; r < mask.height; ++r) {
        hits[r] = static_cast<uint8_t>(hits[r] + column[r]);
      }
    }
    for (size_t r = 0; r < mask.height; ++r) {
      const double middle = static_cast<double>(r) + 0.5 + 0.5 * static_cast<double>(rise);
      if (rim && !in_rim(middle, static_cast<double>(mask.height))) continue;
      if (hits[r] > best.hits) best = {hits[r], static_cast<double>(r) + 0.5, slope};
    }
  }
  return best;
}

// A stretch of ink in one column.
struct Run {
  size_t top = 0;
  size_t bottom = 0;  // one past the end; equal to top: none
};

// The run of column `column` that is nearest to `row`, at most `tolerance` away.
Run nearest_run(const Mask& mask, size_t column, double row, size_t tolerance) {
  const auto height = static_cast<std::ptrdiff_t>(mask.height);
  const auto middle = static_cast<std::ptrdiff_t>(row);
  const auto ink = [&](std::ptrdiff_t y) {
    return y >= 0 && y < height && mask.at(static_cast<size_t>(y), column) != 0;
  };
  for (std::ptrdiff_t away = 0; away <= static_cast<std::ptrdiff_t>(tolerance); ++away) {
    for (std::ptrdiff_t y : {middle - away, middle + away}) {
      if (!ink(y)) continue;
      std::ptrdiff_t top = y;
      std::ptrdiff_t bottom = y + 1;
      while (ink(top - 1)) --top;
      while (ink(bottom)) ++bottom;
      return {static_cast<size_t>(top), static_cast<size_t>(bottom)};
    }
  }
  return {};
}

// Follows the line through the mask; no pixels where it is not a line after all.
GridLine trace(const Mask& mask, double start, double slope, size_t tolerance, double coverage) {
  GridLine line;
  line.inked.resize(mask.width);
  line.place =
      (start + slope * static_cast<double>(mask.width) / 2) / static_cast<double>(mask.height);
  std::vector<Run> runs(mask.width);
  std::vector<float> lengths;
  for (size_t c = 0; c < mask.width; ++c) {
    runs[c] = nearest_run(mask, c, start + slope * static_cast<double>(c), tolerance);
    line.inked[c] = runs[c].bottom > runs[c].top;
    if (line.inked[c]) lengths.push_back(static_cast<float>(runs[c].bottom - runs[c].top));
  }
  if (static_cast<double>(lengths.size()) < coverage * static_cast<double>(mask.width)) return line;
  line.thickness = quantile(std::move(lengths), 0.5);
  const auto side = static_cast<double>(std::min(mask.height, mask.width));
  if (static_cast<double>(line.thickness) > std::max(1.0, kThickest * side)) return line;
  for (size_t c = 0; c < mask.width; ++c) {
    const size_t length = runs[c].bottom - runs[c].top;
    if (static_cast<float>(length) > 1.5F * line.thickness + 1.0F) continue;
    for (size_t r = runs[c].top; r < runs[c].bottom; ++r) {
      line.pixels.push_back(r * mask.width + c);
    }
  }
  return line;
}

// All lines from left to right, taken out of `mask`.
std::vector<GridLine> remove_across(Mask& mask, double coverage, bool rim) {
  std::vector<GridLine> lines;
  const size_t factor = (std::max(mask.height, mask.width) + kSearchSide - 1) / kSearchSide;
  const size_t tolerance = 1 + std::max(factor, std::max(mask.height, mask.width) / 60);
  while (lines.size() < kMostLines) {
    const Mask small = pooled(mask, factor);
    const double least = coverage * static_cast<double>(small.width);
    if (static_cast<double>(inked_columns(small)) < least) break;
    const Candidate found = best_line(small, rim);
    if (static_cast<double>(found.hits) < least) break;
    GridLine line =
        trace(mask, found.start * static_cast<double>(factor), found.slope, tolerance, coverage);
    if (line.pixels.empty()) break;
    for (size_t at : line.pixels) mask.values[at] = 0;
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace

std::vector<GridLine> remove_grid_lines(Mask& ink, double coverage, bool rim) {
  Mask turned = transposed(ink);
  std::vector<GridLine> lines = remove_across(ink, coverage, rim);
  // Lines down are looked for in the whole ink too, so that a crossing is found by both.
  for (GridLine& line : remove_across(turned, coverage, rim)) {
    line.across = false;
    for (size_t& at : line.pixels) {
      at = at % turned.width * ink.width + at / turned.width;
      ink.values[at] = 0;
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace mnist
