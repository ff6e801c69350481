#include "cli/json_output.h"

#include <charconv>
#include <iterator>

#include "cli/standard_streams.h"

namespace mnist {

double shortest(float value) {
  char digits[64];
  const char* end = std::to_chars(std::begin(digits), std::end(digits), value).ptr;
  double result = 0.0;
  std::from_chars(digits, end, result);
  return result;
}

void print_json(const OutputJson& value) {
  write_output(value.dump(-1, ' ', false, OutputJson::error_handler_t::replace) + "\n");
}

}  // namespace mnist
