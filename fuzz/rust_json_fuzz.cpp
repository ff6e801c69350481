// What is read and can be written is read again.
#include "format_fuzz.h"
#include "mnist/model_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mnist;
  fuzz_format("rsnet", data, size);
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  std::vector<std::byte> written;
  size_t parameters = 0;
  try {
    if (!format_by_name("rsnet").recognises(bytes)) return 0;
    const Model model = read_model(bytes, "fuzz");
    parameters = model.parameter_count();
    written = model_bytes(model, "again.rsnet.json");
  } catch (const Error&) {
    return 0;
  }
  if (read_model(written, "again").parameter_count() != parameters) std::abort();
  return 0;
}
