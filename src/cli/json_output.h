// JSON for other programs, on standard output.
#pragma once

#include <nlohmann/json.hpp>

namespace mnist {

// Keys stay in the order in which they are written down.
using OutputJson = nlohmann::ordered_json;

// `value` as a double of as few digits: 0.1F is 0.1, not 0.10000000149011612.
double shortest(float value);

// One line. Text that is no UTF-8 (a file's name may be anything) gets replacement characters.
void print_json(const OutputJson& value);

}  // namespace mnist
