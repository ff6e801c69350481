// The one exception of mnist.cpp.
//
// Thrown at the doors only: reading files, building a plan, parsing arguments. Kernels never throw.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace mnist {

// Its text is one line of at most 400 printable characters: "who: what: expected, got: likely
// cause", e.g. "digit.gguf: tensor 'fc1.weight': 1568000 bytes expected, file ends after 1024".
// `message` may hold bytes that come from a file: control characters are escaped, here, once.
class Error : public std::runtime_error {
 public:
  explicit Error(std::string_view message);
};

}  // namespace mnist
