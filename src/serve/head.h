// What stands before a request's body, checked more strictly than a parser has to.
//
// Two programs that read one message differently are how requests are smuggled past the first of
// them (RFC 9112, section 11.2). Whatever could be read in two ways is refused here, on the bytes
// as they came, before Boost.Beast parses them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mnist {

struct HeadLimits {
  size_t bytes = 8192;     // request line and headers together
  size_t lines = 64;       // headers
  size_t target = 2048;    // bytes of the request's path and query
  size_t body = 1U << 20;  // bytes of content
};

// Why a request is refused.
struct Refusal {
  int status = 400;
  std::string text;
};

// Finds where the head ends, in bytes that come little by little. What cannot become a head is
// refused with the first byte that shows it, so that nobody waits for the rest.
class HeadScanner {
 public:
  explicit HeadScanner(const HeadLimits& limits) : limits_(limits) {}

  // `bytes` are all that came so far, those of earlier calls at the front. Returns the length of
  // the head, with the empty line behind it; 0: more is needed. `refusal` is set where it is wrong.
  size_t scan(std::string_view bytes, std::optional<Refusal>& refusal);

 private:
  HeadLimits limits_;
  size_t scanned_ = 0;
  size_t line_ = 0;  // where the line begins that is being scanned
  size_t lines_ = 0;
};

// Whether the whole head is one that has exactly one meaning and this server's limits allow.
std::optional<Refusal> check_head(std::string_view head, const HeadLimits& limits);

}  // namespace mnist
