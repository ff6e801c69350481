#include "data/find_digit.h"

#include <algorithm>
#include <array>
#include <optional>

#include "data/components.h"
#include "data/grid_lines.h"
#include "data/ink.h"
#include "data/pen.h"

namespace mnist {
namespace {

constexpr size_t kWorkingSide = 160;     // the digit is looked for at this size
constexpr size_t kFineSide = 100;        // pixels of its longer side tell all there is to tell
constexpr double kWidePen = 0.6;         // of the longer side: no stroke is wider
constexpr double kThinPen = 0.15;        // likewise, of the strokes in most photographs
constexpr double kRuleCoverage = 0.8;    // of the way from edge to edge that a ruled line covers
constexpr double kFrameCoverage = 0.55;  // likewise, a side of a frame
constexpr float kLeastContrast = 12.0F;  // grey levels; less is no ink

// The pen's width in the ink of `mask` within `box`.
float pen_in(const Mask& mask, const Box& box) {
  return pen_width(signed_distance(above(crop(to_plane(mask), box, 1), 0)));
}

float ink_level(const Plane& strength, const Mask& mask, double share) {
  std::vector<float> values;
  for (size_t i = 0; i < mask.values.size(); ++i) {
    if (mask.values[i] != 0) values.push_back(strength.values[i]);
  }
  return quantile(std::move(values), share);
}

// The middle of what the values of `plane` are in `pixels`.
float typical(const Plane& plane, const std::vector<size_t>& pixels) {
  std::vector<float> values;
  for (size_t at : pixels) values.push_back(plane.values[at]);
  return quantile(std::move(values), 0.5);
}

// Whether the line goes on to the image's edge on both sides of the digit in `box`. One that does
// not is a stroke of the digit, like the bar of a tightly cut 7.
bool goes_beyond(const GridLine& line, const Box& box) {
  const size_t side = line.inked.size();
  const size_t low = line.across ? box.left : box.top;
  const size_t high = line.across ? box.right : box.bottom;
  const size_t margin = std::max<size_t>(1, side / 20);
  const auto inked = [&](size_t from, size_t to) {
    return static_cast<double>(std::count(line.inked.begin() + static_cast<std::ptrdiff_t>(from),
                                          line.inked.begin() + static_cast<std::ptrdiff_t>(to),
                                          true));
  };
  if (low < margin || high + margin > side) return false;
  if (inked(0, margin) == 0 || inked(side - margin, side) == 0) return false;
  return inked(0, low) >= 0.75 * static_cast<double>(low) &&
         inked(high, side) >= 0.75 * static_cast<double>(side - high);
}

// A digit with what is no ink of it taken away.
struct Cleaned {
  Mask digit;
  size_t removed_lines = 0;
};

// Lines from edge to edge go where they are no stroke of the digit.
Cleaned without_rules(const Plane& strength, float limit) {
  Mask ink = above(strength, limit);
  const std::vector<GridLine> lines = remove_grid_lines(ink, kRuleCoverage, false);
  Cleaned out{select_digit(find_components(ink))};
  if (lines.empty()) return out;
  const Box box = bounds(to_plane(out.digit), 0);
  const float pen = pen_in(out.digit, box);
  const float level = ink_level(strength, out.digit, 0.5);
  for (const GridLine& line : lines) {
    // In the middle of the image a line as strong as the pen may be a stroke from edge to edge.
    const bool rim = line.place < 0.2 || line.place > 0.8;
    const bool weaker =
        line.thickness <= 0.7F * pen || typical(strength, line.pixels) < 0.75F * level;
    if (8 * box.longest() >= line.inked.size() && goes_beyond(line, box) && (rim || weaker)) {
      ++out.removed_lines;
      continue;
    }
    for (size_t at : line.pixels) ink.values[at] = 1;
  }
  out.digit = select_digit(find_components(ink));
  return out;
}

// What seems to fill the image may hang on a frame: at least three sides and a digit inside.
Cleaned without_frame(const Plane& strength, float limit) {
  Mask ink = above(strength, limit);
  std::array<bool, 4> sides{};
  Cleaned out;
  for (const GridLine& line : remove_grid_lines(ink, kFrameCoverage, true)) {
    sides[(line.across ? 0U : 2U) + (line.place > 0.5 ? 1U : 0U)] = true;
    ++out.removed_lines;
  }
  if (std::count(sides.begin(), sides.end(), true) >= 3) {
    out.digit = select_digit(find_components(ink));
  }
  return out;
}

// The digit of the pixels above `limit`, without ruled lines and frames.
Cleaned clean_digit(const Plane& strength, float limit) {
  Cleaned ruled = without_rules(strength, limit);
  const Box box = bounds(to_plane(ruled.digit), 0);
  if (10 * box.height() < 7 * strength.height || 10 * box.width() < 7 * strength.width)
    return ruled;
  Cleaned framed = without_frame(strength, limit);
  const bool inside = 4 * bounds(to_plane(framed.digit), 0).longest() >= box.longest();
  return inside ? framed : ruled;
}

// The digit among the strokes narrower than 2 * radius.
FoundDigit digit_of(const Sheet& sheet, size_t radius) {
  FoundDigit found;
  found.ink = narrow_ink(sheet, radius);
  found.dark_on_light = sheet.dark_on_light;
  const float strongest = quantile(found.ink.values, 0.995);
  const float limit = std::max({kLeastContrast, 4.0F * sheet.noise, 0.25F * strongest});
  const float level = ink_level(found.ink, clean_digit(found.ink, limit).digit, 0.75);
  if (level <= 0) return found;
  // Once more with the digit's own ink as the measure.
  const float own = std::max({kLeastContrast, 3.0F * sheet.noise, 0.4F * level});
  const Cleaned cleaned = clean_digit(found.ink, own);
  const Mask& digit = cleaned.digit;
  found.removed_lines = cleaned.removed_lines;
  found.box = bounds(to_plane(digit), 0);
  const Mask region = grow(digit);
  for (size_t i = 0; i < region.values.size(); ++i) {
    float& value = found.ink.values[i];
    value = region.values[i] != 0 ? std::min(1.0F, value / (2.0F * own)) : 0.0F;
  }
  return found;
}

bool touches_edge(const FoundDigit& found) {
  return found.box.top == 0 || found.box.left == 0 || found.box.bottom == found.ink.height ||
         found.box.right == found.ink.width;
}

FoundDigit find_in(const Image& image, const Box& part, std::optional<bool> polarity) {
  const Plane grey = shrink(image, part, kWorkingSide);
  const Sheet sheet = flatten_lighting(grey, polarity);
  const size_t side = std::max(grey.height, grey.width);
  const auto radius = [&](double share) {
    return std::max<size_t>(1, static_cast<size_t>(share * static_cast<double>(side)));
  };
  FoundDigit found = digit_of(sheet, radius(kWidePen / 2));
  if (found.box.longest() == 0 || touches_edge(found)) {
    // Shadows and table tops reach the edge, and so may digits: a thin pen inside is better.
    FoundDigit thin = digit_of(sheet, radius(kThinPen / 2));
    if (10 * thin.box.longest() >= side && !touches_edge(thin) &&
        static_cast<double>(pen_in(above(thin.ink, 0.5F), thin.box)) <
            kThinPen / 2 * static_cast<double>(side)) {
      found = std::move(thin);
    }
  }
  found.part = part;
  found.scale = static_cast<double>(part.longest()) / static_cast<double>(side);
  return found;
}

}  // namespace

Box FoundDigit::original_box() const {
  const auto pixels = [&](size_t n, size_t most) {
    return std::min(most, static_cast<size_t>(static_cast<double>(n) * scale + 0.5));
  };
  return {part.top + pixels(box.top, part.height()), part.left + pixels(box.left, part.width()),
          part.top + pixels(box.bottom, part.height()),
          part.left + pixels(box.right, part.width())};
}

FoundDigit find_digit(const Image& image) {
  FoundDigit found = find_in(image, {0, 0, image.height, image.width}, std::nullopt);
  if (found.box.longest() == 0 || found.scale < 1.3 || found.box.longest() > kFineSide) {
    return found;
  }
  const Box box = found.original_box();
  const size_t margin = box.longest() / 2;
  const Box near{box.top > margin ? box.top - margin : 0, box.left > margin ? box.left - margin : 0,
                 std::min(image.height, box.bottom + margin),
                 std::min(image.width, box.right + margin)};
  FoundDigit closer = find_in(image, near, found.dark_on_light);
  const Box again = closer.original_box();
  // The same digit and not a part of it, or of its neighbours.
  const bool same =
      5 * again.longest() >= 4 * box.longest() && 5 * again.longest() <= 6 * box.longest();
  return same ? std::move(closer) : std::move(found);
}

}  // namespace mnist
