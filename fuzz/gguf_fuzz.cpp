// libFuzzer: any bytes are a GGUF model or refused with an Error; what is read is sound, and comes
// back from a round trip.
#include <cstdlib>

#include "formats/format_list.h"
#include "formats/gguf.h"
#include "mnist/error.h"
#include "mnist/model_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mnist;
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  try {
    const GgufFile file = read_gguf(bytes, "fuzz");
    for (const auto& [key, value] : file.values) gguf_value_text(value);
    Model model = format_by_name("gguf").read(bytes, "fuzz");
    check_model(model);
    MemorySink sink;
    format_by_name("gguf").write(model, {.tensor_type = TensorType::kF32}, sink);
    const Model again = read_model(sink.bytes, "again");
    if (again.parameter_count() != model.parameter_count()) std::abort();
  } catch (const Error&) {
  }
  return 0;
}
