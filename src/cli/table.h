// Tables in plain text.
#pragma once

#include <string>
#include <vector>

namespace mnist {

// Columns as wide as their longest cell, two spaces apart, the first row a heading. `left` says for
// each column whether it is aligned to the left; others are aligned to the right.
std::string table(const std::vector<std::vector<std::string>>& rows, const std::vector<bool>& left);

}  // namespace mnist
