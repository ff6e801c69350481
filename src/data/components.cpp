#include "data/components.h"

#include <algorithm>

namespace mnist {
namespace {

constexpr double kDust = 0.03;  // of the main piece's pixels
constexpr double kGap = 0.25;   // of the digit's longer side: farther pieces belong to others
constexpr double kLongest = 1.5;  // of the main piece's longer side: longer is a frame

// 1 in the middle, falling to 0.01 at the edge.
double centrality(const Mask& mask, size_t row, size_t column) {
  const auto part = [](size_t at, size_t size) {
    const double middle = static_cast<double>(size) / 2.0;
    const double place = static_cast<double>(at) + 0.5;
    return std::min(place, static_cast<double>(size) - place) / middle;
  };
  const double linear = 0.1 + 0.9 * std::min(part(row, mask.height), part(column, mask.width));
  return linear * linear;
}

// Fills one piece from a pixel of it; `stack` is scratch space.
Component flood(const Mask& mask, PlaneOf<uint32_t>& labels, size_t start, uint32_t label,
                std::vector<size_t>& stack) {
  Component piece;
  piece.box = {mask.height, mask.width, 0, 0};
  double reach = 0;
  stack.assign(1, start);
  labels.values[start] = label;
  while (!stack.empty()) {
    const size_t row = stack.back() / mask.width;
    const size_t column = stack.back() % mask.width;
    stack.pop_back();
    ++piece.pixels;
    reach = std::max(reach, centrality(mask, row, column));
    piece.box.top = std::min(piece.box.top, row);
    piece.box.left = std::min(piece.box.left, column);
    piece.box.bottom = std::max(piece.box.bottom, row + 1);
    piece.box.right = std::max(piece.box.right, column + 1);
    for (size_t r = row > 0 ? row - 1 : 0; r < std::min(mask.height, row + 2); ++r) {
      for (size_t c = column > 0 ? column - 1 : 0; c < std::min(mask.width, column + 2); ++c) {
        const size_t at = r * mask.width + c;
        if (mask.values[at] == 0 || labels.values[at] != 0) continue;
        labels.values[at] = label;
        stack.push_back(at);
      }
    }
  }
  piece.score = static_cast<double>(piece.pixels) * reach;
  piece.touches_edge = piece.box.top == 0 || piece.box.left == 0 ||
                       piece.box.bottom == mask.height || piece.box.right == mask.width;
  return piece;
}

// Pixels between two boxes along the axis where they are farther apart; 0 where they overlap.
size_t gap(const Box& a, const Box& b) {
  const auto between = [](size_t low, size_t high, size_t other_low, size_t other_high) {
    if (other_low > high) return other_low - high;
    return low > other_high ? low - other_high : size_t{0};
  };
  return std::max(between(a.top, a.bottom, b.top, b.bottom),
                  between(a.left, a.right, b.left, b.right));
}

Box join(const Box& a, const Box& b) {
  return {std::min(a.top, b.top), std::min(a.left, b.left), std::max(a.bottom, b.bottom),
          std::max(a.right, b.right)};
}

}  // namespace

Components find_components(const Mask& mask) {
  Components out;
  out.labels = PlaneOf<uint32_t>(mask.height, mask.width);
  std::vector<size_t> stack;
  for (size_t i = 0; i < mask.values.size(); ++i) {
    if (mask.values[i] == 0 || out.labels.values[i] != 0) continue;
    const auto label = static_cast<uint32_t>(out.all.size() + 1);
    out.all.push_back(flood(mask, out.labels, i, label, stack));
  }
  return out;
}

Mask select_digit(const Components& components) {
  Mask digit(components.labels.height, components.labels.width);
  if (components.all.empty()) return digit;
  std::vector<bool> chosen(components.all.size(), false);
  size_t best = 0;
  for (size_t i = 1; i < components.all.size(); ++i) {
    if (components.all[i].score > components.all[best].score) best = i;
  }
  const Component& main = components.all[best];
  chosen[best] = true;
  Box box = main.box;
  for (bool grown = true; grown;) {
    grown = false;
    for (size_t i = 0; i < components.all.size(); ++i) {
      const Component& piece = components.all[i];
      if (chosen[i] || static_cast<double>(piece.pixels) < kDust * static_cast<double>(main.pixels)) {
        continue;
      }
      if (static_cast<double>(piece.box.longest()) > kLongest * static_cast<double>(main.box.longest())) {
        continue;
      }
      if (piece.touches_edge && piece.score < 0.25 * main.score) continue;
      if (static_cast<double>(gap(box, piece.box)) > kGap * static_cast<double>(box.longest())) {
        continue;
      }
      chosen[i] = true;
      box = join(box, piece.box);
      grown = true;
    }
  }
  for (size_t i = 0; i < digit.values.size(); ++i) {
    const uint32_t label = components.labels.values[i];
    digit.values[i] = label != 0 && chosen[label - 1] ? 1 : 0;
  }
  return digit;
}

}  // namespace mnist
