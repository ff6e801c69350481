// Any bytes are an image (PNG, JPEG, PNM) or refused, and what is an image can be prepared.
#include <cstdint>

#include "data/prepare.h"
#include "mnist/error.h"
#include "mnist/image_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mnist;
  try {
    const Image image = decode_image({reinterpret_cast<const std::byte*>(data), size}, "fuzz");
    if (image.height * image.width <= 64UL * 64) prepare_digit(image);
  } catch (const Error&) {
  }
  return 0;
}
