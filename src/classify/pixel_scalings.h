// The ways in which people bring pixels 0..255 to network inputs.
#pragma once

#include <string>
#include <vector>

#include "mnist/model.h"

namespace mnist {

struct NamedScaling {
  std::string name;
  std::string meaning;
  PixelScaling scaling;
};

// The most usual first.
const std::vector<NamedScaling>& named_scalings();

// A name of named_scalings(), or "SCALE,OFFSET": input = pixel * SCALE + OFFSET. Throws Error
// listing the names for anything else.
PixelScaling parse_scaling(const std::string& text);

// The scaling's name, or "SCALE,OFFSET".
std::string to_string(const PixelScaling& scaling);

}  // namespace mnist
