// Labelled images in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mnist {

// The number of an image's class.
using Label = uint16_t;
constexpr size_t kMostClasses = 65'536;

struct Dataset {
  std::string name;  // what messages call it: "mnist", a folder, a file
  size_t height = 0;
  size_t width = 0;
  size_t classes = 0;           // every label is below it
  std::vector<uint8_t> pixels;  // [size()][height][width], 0 the background, 255 the ink
  std::vector<Label> labels;    // [size()]

  std::vector<std::string> class_names;  // [classes], or empty: a class is called by its number
  std::vector<std::string> files;        // [size()], where each image is a file, else empty
  std::vector<std::string> sources;      // [size()], who drew it, where that is known, else empty
  std::string labels_file;               // where the labels stand in a file of their own, else ""

  size_t size() const { return labels.size(); }
  std::span<const uint8_t> image(size_t index) const {
    return std::span(pixels).subspan(index * height * width, height * width);
  }
};

// The highest label and one more, but at least 2.
size_t count_classes(std::span<const Label> labels);

// Throws Error "who: label 200 of image 17 ..." where the highest label looks like damage, because
// hardly an image has it while the others have many: a network would be made for all of them.
void expect_plausible_labels(std::span<const Label> labels, std::string_view who);

}  // namespace mnist
