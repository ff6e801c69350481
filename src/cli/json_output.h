// JSON for other programs, on standard output.
#pragma once

#include <nlohmann/json.hpp>

namespace mnist {

// Keys stay in the order in which they are written down.
using OutputJson = nlohmann::ordered_json;

// One line. Text that is no UTF-8 (a file's name may be anything) gets replacement characters.
void print_json(const OutputJson& value);

}  // namespace mnist
