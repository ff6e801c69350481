// libFuzzer: any bytes are JSON, a network or a model, or refused with an Error; a network that is
// read is written and read to the same text.
#include <cstdlib>
#include <string_view>

#include "formats/format_list.h"
#include "mnist/error.h"
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
  try {
    const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
    check_model(format_by_name("json").read(bytes, "fuzz"));
  } catch (const Error&) {
  }
  return 0;
}
