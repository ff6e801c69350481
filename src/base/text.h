// Small helpers for text that people read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mnist {

// `text` on one line: control characters and invalid UTF-8 as \xNN, cut at `longest` bytes ("...").
std::string printable(std::string_view text, size_t longest);

// "a, b, c"
std::string join(const std::vector<std::string>& words, std::string_view separator = ", ");

// The same bytes as text, whatever they are.
std::string_view as_text(std::span<const std::byte> bytes);

// 1,234,567
std::string grouped(uint64_t number);

// The word of `known` that is nearest to `word`, if it is near enough to be a typing error, else
// "".
std::string nearest_word(std::string_view word, const std::vector<std::string>& known);

}  // namespace mnist
