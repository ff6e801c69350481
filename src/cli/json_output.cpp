#include "cli/json_output.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <iterator>

namespace mnist {

double shortest(float value) {
  char digits[64];
  const char* end = std::to_chars(std::begin(digits), std::end(digits), value).ptr;
  double result = 0.0;
  std::from_chars(digits, end, result);
  return result;
}

void print_json(const OutputJson& value) {
  fmt::print("{}\n", value.dump(-1, ' ', false, OutputJson::error_handler_t::replace));
  std::fflush(stdout);
}

}  // namespace mnist
