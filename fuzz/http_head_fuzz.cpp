// Any bytes are the head of a request, one that is not finished, or refused; and that does not
// depend on how they came in pieces.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "serve/head.h"

namespace {

using namespace mnist;

struct Outcome {
  size_t head = 0;
  int status = 0;  // of the refusal
};

// In pieces of `step` bytes.
Outcome scan(std::string_view bytes, size_t step) {
  HeadScanner scanner(HeadLimits{});
  std::optional<Refusal> refusal;
  Outcome outcome;
  for (size_t end = 0; end < bytes.size() && outcome.head == 0 && !refusal;) {
    end = std::min(end + step, bytes.size());
    outcome.head = scanner.scan(bytes.substr(0, end), refusal);
  }
  if (refusal) outcome.status = refusal->status;
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Outcome whole = scan(bytes, bytes.size() + 1);
  const Outcome pieces = scan(bytes, 1);
  if (whole.head != pieces.head) std::abort();
  // A bound on bytes may be met before what else is wrong is seen.
  if ((whole.status == 0) != (pieces.status == 0)) std::abort();
  if (whole.head == 0) return 0;
  if (whole.head > HeadLimits{}.bytes || !bytes.substr(0, whole.head).ends_with("\r\n\r\n")) {
    std::abort();
  }
  const auto refusal = check_head(bytes.substr(0, whole.head), HeadLimits{});
  if (refusal && (refusal->status < 400 || refusal->text.empty())) std::abort();
  return 0;
}
