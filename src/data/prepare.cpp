#include "data/prepare.h"

#include <algorithm>
#include <cmath>

#include "data/find_digit.h"
#include "data/pen.h"

namespace mnist {
namespace {

constexpr size_t kDrawingSide = 100;  // the digit is drawn anew at this size, five times the box
constexpr uint8_t kFullInk = 250;     // MNIST's darkest pixel is at least this

// The digit as black and white at the drawing size, two pixels free on each side at least.
Mask redraw(const FoundDigit& found) {
  const double factor =
      static_cast<double>(kDrawingSide) / static_cast<double>(found.box.longest());
  const Plane cut = crop(found.ink, found.box, 3);
  const auto scaled = [&](size_t n) {
    return std::max<size_t>(1, static_cast<size_t>(static_cast<double>(n) * factor + 0.5));
  };
  const size_t rows = scaled(cut.height);
  const size_t columns = scaled(cut.width);
  Plane drawn = factor > 1 ? enlarge(cut, rows, columns)
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

struct Centre {
  double row = 0;
  double column = 0;
};

// In pixels from the top left corner.
Centre centre_of_mass(const Plane& plane) {
  Centre centre;
  double mass = 0;
  for (size_t r = 0; r < plane.height; ++r) {
    for (size_t c = 0; c < plane.width; ++c) {
      const auto value = static_cast<double>(plane.at(r, c));
      mass += value;
      centre.row += value * (static_cast<double>(r) + 0.5);
      centre.column += value * (static_cast<double>(c) + 0.5);
    }
  }
  return {centre.row / mass, centre.column / mass};
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
  const double top =
      static_cast<double>(box.top) - (height - static_cast<double>(box.height())) / 2;
  const double left =
      static_cast<double>(box.left) - (width - static_cast<double>(box.width())) / 2;
  const Plane small = area_average(drawn, top, left, height, width, rows, columns);
  const Centre centre = centre_of_mass(small);
  const auto start = [&](double middle, size_t length) {
    // Rounded up as in MNIST, whose centres of mass lie in [14, 15).
    const double wished = std::ceil(static_cast<double>(options.size) / 2 - middle);
    return static_cast<size_t>(std::clamp(wished, 0.0, static_cast<double>(options.size - length)));
  };
  const size_t first_row = start(centre.row, rows);
  const size_t first_column = start(centre.column, columns);
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
  const Plane plane = shrink(image, {0, 0, image.height, image.width}, image.height);
  if (bounds(plane, 0).longest() != options.box) return false;
  const Centre centre = centre_of_mass(plane);
  const double middle = static_cast<double>(options.size) / 2;
  const auto in_place = [&](double at) { return at >= middle && at < middle + 1; };
  const auto black = std::count(image.pixels.begin(), image.pixels.end(), uint8_t{0});
  return in_place(centre.row) && in_place(centre.column) &&
         *std::max_element(image.pixels.begin(), image.pixels.end()) >= kFullInk &&
         2 * static_cast<size_t>(black) >= image.pixels.size();
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
  Image blank{options.size, options.size, std::vector<uint8_t>(options.size * options.size)};
  if (image.height == 0 || image.width == 0) return blank;
  for (const bool dark : {false, true}) {
    Image upright = dark ? inverted(image) : image;
    if (!in_final_form(upright, options)) continue;
    told.dark_on_light = dark;
    told.unchanged = true;
    return upright;
  }
  const FoundDigit found = find_digit(image);
  told.dark_on_light = found.dark_on_light;
  told.removed_lines = found.removed_lines;
  if (found.box.longest() == 0) return blank;
  told.box = found.original_box();
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
