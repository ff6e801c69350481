#include "cli/json_output.h"

#include <fmt/format.h>

#include <cstdio>

namespace mnist {

void print_json(const OutputJson& value) {
  fmt::print("{}\n", value.dump(-1, ' ', false, OutputJson::error_handler_t::replace));
  std::fflush(stdout);
}

}  // namespace mnist
