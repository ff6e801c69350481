// A network that is read is written and read to the same text.
#include <string_view>

#include "format_fuzz.h"
#include "model/draw.h"
#include "model/graph_json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mnist;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const Model model = graph_from_json(text, "fuzz");
    const std::string written = graph_to_json(model);
    if (graph_to_json(graph_from_json(written, "again")) != written) std::abort();
    draw_dot(model);
    draw_svg(model);
  } catch (const Error&) {
  }
  fuzz_format("json", data, size);
  return 0;
}
