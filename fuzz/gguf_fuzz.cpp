#include "format_fuzz.h"
#include "formats/gguf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mnist;
  try {
    const GgufFile file = read_gguf({reinterpret_cast<const std::byte*>(data), size}, "fuzz");
    for (const auto& [key, value] : file.values) gguf_value_text(value);
  } catch (const Error&) {
  }
  fuzz_format("gguf", data, size);
  return 0;
}
