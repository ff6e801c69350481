#include "data/prepare.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "data/components.h"
#include "data/grid_lines.h"
#include "data/ink.h"
#include "data/pen.h"

namespace mnist {
namespace {

constexpr size_t kWorkingSide = 256;    // the digit is looked for at this size
constexpr size_t kDrawingSide = 100;    // and drawn anew at this one: five times the box
constexpr double kWidePen = 0.6;        // of the longer side: no stroke is wider
constexpr double kThinPen = 0.15;       // likewise, of the strokes in most photographs
constexpr double kRuleCoverage = 0.8;   // of the way from edge to edge that a ruled line covers
constexpr double kFrameCoverage = 0.55; // likewise, a side of a frame
constexpr float kLeastContrast = 12.0F; // grey levels; less is no ink

struct Found {
  Plane ink;       // 0..1, of the digit only
  Box box;         // of the digit, in pixels of `ink`
  Box part;        // of the image, that `ink` shows
  float pen = 0;   // width of its strokes, likewise
  double scale = 1;  // pixels of the image for each of `ink`
  bool dark_on_light = true;
  size_t removed_lines = 0;
};

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

// The mask and the pixels next to it.
Mask grow(const Mask& mask) {
  const Plane near = box_blur(to_plane(mask), 1);
  return above(near, 0);
}

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
                                          line.inked.begin() + static_cast<std::ptrdiff_t>(to), true));
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
  if (10 * box.height() < 7 * strength.height || 10 * box.width() < 7 * strength.width) return ruled;
  Cleaned framed = without_frame(strength, limit);
  const bool inside = 4 * bounds(to_plane(framed.digit), 0).longest() >= box.longest();
  return inside ? framed : ruled;
}

// The digit among the strokes narrower than 2 * radius.
Found digit_of(const Sheet& sheet, size_t radius) {
  Found found;
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
  found.pen = pen_in(digit, found.box);
  const Mask region = grow(digit);
  for (size_t i = 0; i < region.values.size(); ++i) {
    float& value = found.ink.values[i];
    value = region.values[i] != 0 ? std::min(1.0F, value / (2.0F * own)) : 0.0F;
  }
  return found;
}

bool touches_edge(const Found& found) {
  return found.box.top == 0 || found.box.left == 0 || found.box.bottom == found.ink.height ||
         found.box.right == found.ink.width;
}

Found find_in(const Image& image, const Box& part, std::optional<bool> polarity) {
  const Plane grey = shrink(image, part, kWorkingSide);
  const Sheet sheet = flatten_lighting(grey, polarity);
  const size_t side = std::max(grey.height, grey.width);
  const auto radius = [&](double share) {
    return std::max<size_t>(1, static_cast<size_t>(share * static_cast<double>(side)));
  };
  Found found = digit_of(sheet, radius(kWidePen / 2));
  if (found.box.longest() == 0 || touches_edge(found)) {
    // Shadows and table tops reach the edge, and so may digits: a thin pen inside is better.
    Found thin = digit_of(sheet, radius(kThinPen / 2));
    if (10 * thin.box.longest() >= side && !touches_edge(thin) &&
        static_cast<double>(thin.pen) < kThinPen / 2 * static_cast<double>(side)) {
      found = std::move(thin);
    }
  }
  found.part = part;
  found.scale = static_cast<double>(part.longest()) / static_cast<double>(side);
  return found;
}

// `found.box` in pixels of the image.
Box original_box(const Found& found) {
  const auto pixels = [&](size_t n, size_t most) {
    return std::min(most, static_cast<size_t>(static_cast<double>(n) * found.scale + 0.5));
  };
  const size_t height = found.part.height();
  const size_t width = found.part.width();
  return {found.part.top + pixels(found.box.top, height), found.part.left + pixels(found.box.left, width),
          found.part.top + pixels(found.box.bottom, height),
          found.part.left + pixels(found.box.right, width)};
}

// Looks at the whole image; where the digit is small in a big one, once more at its neighbourhood.
Found find_digit(const Image& image) {
  Found found = find_in(image, {0, 0, image.height, image.width}, std::nullopt);
  if (found.box.longest() == 0 || found.scale < 1.3 || found.box.longest() > kDrawingSide) {
    return found;
  }
  const Box box = original_box(found);
  const size_t margin = box.longest() / 2;
  const Box near{box.top > margin ? box.top - margin : 0, box.left > margin ? box.left - margin : 0,
                 std::min(image.height, box.bottom + margin),
                 std::min(image.width, box.right + margin)};
  Found closer = find_in(image, near, found.dark_on_light);
  const Box again = original_box(closer);
  // The same digit and not a part of it, or of its neighbours.
  const bool same = 5 * again.longest() >= 4 * box.longest() && 5 * again.longest() <= 6 * box.longest();
  return same ? std::move(closer) : std::move(found);
}

// The digit as black and white at the drawing size, two pixels free on each side at least.
Mask redraw(const Found& found) {
  const double factor =
      static_cast<double>(kDrawingSide) / static_cast<double>(found.box.longest());
  const Plane cut = crop(found.ink, found.box, 3);
  const auto scaled = [&](size_t n) {
    return std::max<size_t>(1, static_cast<size_t>(static_cast<double>(n) * factor + 0.5));
  };
  const size_t rows = scaled(cut.height);
  const size_t columns = scaled(cut.width);
  Plane drawn = factor > 1
                    ? enlarge(cut, rows, columns)
                    : area_average(cut, 0, 0, static_cast<double>(cut.height),
                                   static_cast<double>(cut.width), rows, columns);
  drawn = box_blur(drawn, std::max<size_t>(1, static_cast<size_t>(factor / 2)));
  return above(drawn, factor > 2 ? 0.4F : 0.5F);
}

// The outline moved outwards (below 0: inwards) by `offset`, with soft edges; never all away.
Plane move_outline(const Plane& distance, float offset) {
  Plane out = distance;
  for (float& d : out.values) d = std::clamp(d + offset + 0.5F, 0.0F, 1.0F);
  return out;
}

// Scales what is in `box` of `drawn` into the options' box and centres it by mass, as MNIST did.
Image place(const Plane& drawn, const PrepareOptions& options) {
  Image out{options.size, options.size, std::vector<uint8_t>(options.size * options.size)};
  const Box box = bounds(drawn, 0.5F);
  if (box.longest() == 0) return out;
  const double scale = static_cast<double>(options.box) / static_cast<double>(box.longest());
  const auto scaled = [&](size_t n) {
    return std::max<size_t>(1, static_cast<size_t>(static_cast<double>(n) * scale + 0.5));
  };
  const size_t rows = scaled(box.height());
  const size_t columns = scaled(box.width());
  const double height = static_cast<double>(rows) / scale;
  const double width = static_cast<double>(columns) / scale;
  const double top = static_cast<double>(box.top) - (height - static_cast<double>(box.height())) / 2;
  const double left = static_cast<double>(box.left) - (width - static_cast<double>(box.width())) / 2;
  const Plane small = area_average(drawn, top, left, height, width, rows, columns);
  double mass = 0;
  double row_mass = 0;
  double column_mass = 0;
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < columns; ++c) {
      const auto value = static_cast<double>(small.at(r, c));
      mass += value;
      row_mass += value * (static_cast<double>(r) + 0.5);
      column_mass += value * (static_cast<double>(c) + 0.5);
    }
  }
  const auto start = [&](double centre, size_t length) {
    // Rounded up as in MNIST, whose centres of mass lie in [14, 15).
    const double wished = std::ceil(static_cast<double>(options.size) / 2 - centre);
    return static_cast<size_t>(
        std::clamp(wished, 0.0, static_cast<double>(options.size - length)));
  };
  const size_t first_row = start(row_mass / mass, rows);
  const size_t first_column = start(column_mass / mass, columns);
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < columns; ++c) {
      out.at(first_row + r, first_column + c) =
          static_cast<uint8_t>(std::min(255.0F, small.at(r, c) * 255.0F + 0.5F));
    }
  }
  return out;
}

// Whether the image is as MNIST's are: of the size, black around a digit that fills the box on its
// longer side, with its centre of mass within the pixel right and below of the middle. True for
// 99.98 % of MNIST.
bool in_final_form(const Image& image, const PrepareOptions& options) {
  if (image.height != options.size || image.width != options.size) return false;
  Plane plane(image.height, image.width);
  double mass = 0;
  double row_mass = 0;
  double column_mass = 0;
  for (size_t r = 0; r < image.height; ++r) {
    for (size_t c = 0; c < image.width; ++c) {
      const auto value = static_cast<double>(image.at(r, c));
      plane.at(r, c) = static_cast<float>(value);
      mass += value;
      row_mass += value * (static_cast<double>(r) + 0.5);
      column_mass += value * (static_cast<double>(c) + 0.5);
    }
  }
  if (bounds(plane, 0).longest() != options.box) return false;
  const double middle = static_cast<double>(options.size) / 2;
  const auto centred = [&](double centre) { return centre >= middle && centre < middle + 1; };
  return centred(row_mass / mass) && centred(column_mass / mass) &&
         *std::max_element(image.pixels.begin(), image.pixels.end()) >= 250 &&
         2 * std::count(image.pixels.begin(), image.pixels.end(), uint8_t{0}) >=
             static_cast<std::ptrdiff_t>(image.pixels.size());
}

Image inverted(Image image) {
  for (uint8_t& pixel : image.pixels) pixel = static_cast<uint8_t>(255 - pixel);
  return image;
}

}  // namespace

Image prepare_digit(const Image& image, const PrepareOptions& options, PrepareReport* report) {
  PrepareReport ignored;
  PrepareReport& told = report != nullptr ? *report : ignored;
  told = {};
  const Image blank{options.size, options.size, std::vector<uint8_t>(options.size * options.size)};
  if (image.height == 0 || image.width == 0) return blank;
  for (const bool dark : {false, true}) {
    Image upright = dark ? inverted(image) : image;
    if (!in_final_form(upright, options)) continue;
    told.dark_on_light = dark;
    told.unchanged = true;
    return upright;
  }
  const Found found = find_digit(image);
  told.dark_on_light = found.dark_on_light;
  told.removed_lines = found.removed_lines;
  if (found.box.longest() == 0) return blank;
  told.box = original_box(found);
  const Plane distance = signed_distance(redraw(found));
  const float width = pen_width(distance);
  const Box box = bounds(distance, 0);
  if (box.longest() == 0) return blank;
  const auto inner = static_cast<float>(options.box);
  const auto longest = static_cast<float>(box.longest());
  told.pen = width * inner / longest;
  const float target = std::clamp(told.pen, options.thinnest_pen, options.thickest_pen);
  // The box is scaled to 20 after the outline was moved, so both change.
  const float wished = (target * longest / inner - width) / (2.0F * (1.0F - target / inner));
  // Thinning more would eat the thin parts of a drawing whose loops are filled.
  const float offset = std::max(wished, -0.2F * width);
  return place(move_outline(distance, offset), options);
}

}  // namespace mnist
