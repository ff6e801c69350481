#include "data/components.h"

#include <algorithm>

namespace mnist {
namespace {

constexpr double kDust = 0.03;    // of the main piece's pixels
constexpr double kGap = 0.2;      // of the digit's longer side: farther pieces belong to others
constexpr double kRim = 0.2;      // a reach below this is the outer tenth
constexpr double kLongest = 1.1;  // of the main piece's longer side: longer is a frame

// 1 in the middle, 0 at the edge.
double centrality(const Mask& mask, size_t row, size_t column) {
  const auto part = [](size_t at, size_t size) {
    return static_cast<double>(std::min(at, size - 1 - at)) * 2.0 / static_cast<double>(size);
  };
  return std::min(part(row, mask.height), part(column, mask.width));
}

// Fills one piece from a pixel of it; `stack` is scratch space.
Component flood(const Mask& mask, PlaneOf<uint32_t>& labels, size_t start, uint32_t label,
                std::vector<size_t>& stack) {
  Component piece;
  piece.box = {mask.height, mask.width, 0, 0};
  stack.assign(1, start);
  labels.values[start] = label;
  while (!stack.empty()) {
    const size_t row = stack.back() / mask.width;
    const size_t column = stack.back() % mask.width;
    stack.pop_back();
    ++piece.pixels;
    piece.reach = std::max(piece.reach, centrality(mask, row, column));
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

// Whether `outer` goes round `inner`, as a frame does.
bool encloses(const Box& outer, const Box& inner) {
  return outer.top < inner.top && outer.left < inner.left && outer.bottom > inner.bottom &&
         outer.right > inner.right;
}

// The index of the piece with the highest score; where that is a frame, of the best one inside.
size_t main_piece(const std::vector<Component>& all) {
  size_t best = 0;
  for (size_t i = 1; i < all.size(); ++i) {
    if (all[i].score() > all[best].score()) best = i;
  }
  size_t inside = best;
  for (size_t i = 0; i < all.size(); ++i) {
    if (!encloses(all[best].box, all[i].box)) continue;
    if (4 * all[i].box.longest() < all[best].box.longest()) continue;
    if (inside == best || all[i].score() > all[inside].score()) inside = i;
  }
  return inside;
}

// Whether `piece` may be a stroke of the digit in `box`, whose main piece is `main`.
bool belongs(const Component& piece, const Component& main, const Box& box) {
  const auto side = static_cast<double>(box.longest());
  if (static_cast<double>(piece.pixels) < kDust * static_cast<double>(main.pixels)) return false;
  if (static_cast<double>(piece.box.longest()) > kLongest * side) return false;
  if (encloses(piece.box, main.box)) return false;
  if (piece.reach < kRim && main.reach > 2 * kRim) return false;
  if (piece.touches_edge && piece.score() < 0.25 * main.score()) return false;
  return static_cast<double>(gap(box, piece.box)) <= kGap * side;
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
  const size_t first = main_piece(components.all);
  const Component& main = components.all[first];
  chosen[first] = true;
  Box box = main.box;
  for (bool grown = true; grown;) {
    grown = false;
    for (size_t i = 0; i < components.all.size(); ++i) {
      if (chosen[i] || !belongs(components.all[i], main, box)) continue;
      chosen[i] = true;
      box = join(box, components.all[i].box);
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
