// What is read comes back from a round trip, byte for byte.
#include <algorithm>

#include "format_fuzz.h"
#include "mnist/model_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mnist;
  fuzz_format("ggml", data, size);
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  try {
    if (!format_by_name("ggml").recognises(bytes)) return 0;
    const Model model = read_model(bytes, "fuzz");
    if (!std::ranges::equal(model_bytes(model, "again.ggml"), bytes)) std::abort();
  } catch (const Error&) {
  }
  return 0;
}
