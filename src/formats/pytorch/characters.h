// Text whose characters stand for bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mnist {

bool is_ascii(std::string_view text);

// The bytes that UTF-8's characters 0 to 255 stand for (Python's "latin1"); nothing for a text with
// others.
std::optional<std::string> bytes_of_characters(std::string_view text);

}  // namespace mnist
