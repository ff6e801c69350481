// Labelled images in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mnist {

// Labels are bytes, and a set has at most this many classes.
constexpr size_t kMostClasses = 255;

struct Dataset {
  std::string name;  // what messages call it: "mnist", a folder, a file
  size_t height = 0;
  size_t width = 0;
  size_t classes = 0;           // every label is below it
  std::vector<uint8_t> pixels;  // [size()][height][width], 0 the background, 255 the ink
  std::vector<uint8_t> labels;  // [size()]

  std::vector<std::string> class_names;  // [classes], or empty: a class is called by its number
  std::vector<std::string> files;        // [size()], where each image is a file, else empty
  std::vector<std::string> sources;      // [size()], who drew it, where that is known, else empty

  size_t size() const { return labels.size(); }
  std::span<const uint8_t> image(size_t index) const {
    return std::span(pixels).subspan(index * height * width, height * width);
  }
};

// The highest label and one more, but at least 2. Throws Error "who: label 255 ..." when that is
// more than kMostClasses.
size_t count_classes(std::span<const uint8_t> labels, std::string_view who);

}  // namespace mnist
