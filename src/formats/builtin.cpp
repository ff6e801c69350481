#include "mnist/builtin.h"

#include <cstddef>
#include <span>

#include "mnist/model_file.h"

namespace mnist {

// models/digit.gguf, as the build made it an array (cmake/embed.cmake).
extern const unsigned char kDigitModel[];
extern const size_t kDigitModelSize;

const Model& builtin_model() {
  static const Model model =
      read_model(std::as_bytes(std::span(kDigitModel, kDigitModelSize)), "the built-in model");
  return model;
}

}  // namespace mnist
