#include "cli/ascii_art.h"

#include <algorithm>

namespace mnist {
namespace {

// From light to dark.
constexpr std::string_view kRamp = " .:-=+*#%@";

char letter(unsigned value) { return kRamp[(value * (kRamp.size() - 1) + 127) / 255]; }

// The mean of the pixels of `image` that cell (row, column) of height x width covers.
unsigned mean(const Image& image, size_t row, size_t column, size_t height, size_t width) {
  const size_t top = row * image.height / height;
  const size_t bottom = std::max(top + 1, (row + 1) * image.height / height);
  const size_t left = column * image.width / width;
  const size_t right = std::max(left + 1, (column + 1) * image.width / width);
  size_t sum = 0;
  for (size_t y = top; y < bottom; ++y) {
    for (size_t x = left; x < right; ++x) sum += image.at(y, x);
  }
  return static_cast<unsigned>(sum / ((bottom - top) * (right - left)));
}

}  // namespace

std::string ascii_art(const Image& image, size_t columns) {
  if (image.height == 0 || image.width == 0) return "";
  const size_t most = std::max<size_t>(2, columns / 2);
  const size_t side = std::max(image.height, image.width);
  auto scaled = [&](size_t extent) {
    return side <= most ? extent : std::max<size_t>(1, extent * most / side);
  };
  const size_t height = scaled(image.height);
  const size_t width = scaled(image.width);
  std::string text;
  for (size_t row = 0; row < height; ++row) {
    std::string line;
    for (size_t column = 0; column < width; ++column) {
      line.append(2, letter(mean(image, row, column, height, width)));
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

}  // namespace mnist
