// Any body is an inference request, which is answered, or refused. The first two bytes say how much
// of it is JSON where the rest are binary tensors (0: all of it).
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "classify/adapt_input.h"
#include "mnist/builtin.h"
#include "mnist/error.h"
#include "serve/infer.h"

namespace {

using namespace mnist;

const ServedModel& served() {
  static ThreadPool threads(1);
  static const ServedModel model("digit", grey_input(builtin_model(), "digit"), threads, nullptr);
  return model;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  Request request;
  request.body.assign(reinterpret_cast<const char*>(data) + 2, size - 2);
  const unsigned header = data[0] + 256U * data[1];
  if (header != 0) {
    request.headers.emplace_back("Inference-Header-Content-Length", std::to_string(header));
  }
  try {
    const InferRequest parsed = parse_infer(request, served());
    const size_t pixels = parsed.pixels.empty() ? parsed.inputs.size() : parsed.pixels.size();
    // Memory follows what was sent.
    if (parsed.images == 0 || pixels != parsed.images * 784 || pixels > size) std::abort();
    infer_response(parsed, served(), std::vector<float>(parsed.images * served().classes()));
  } catch (const Error&) {
  }
  return 0;
}
