#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace mnist {
namespace {

// Length of the well-formed UTF-8 sequence at the start of `text` that is not a control character,
// 0 if there is none (RFC 3629).
size_t printable_length(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned char first = byte(0);
  if (first >= 0x20 && first < 0x7f) return 1;
  size_t length = first >= 0xf0 && first <= 0xf4   ? 4
                  : first >= 0xe0 && first <= 0xef ? 3
                  : first >= 0xc2 && first <= 0xdf ? 2
                                                   : 0;
  if (length == 0 || length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  bool surrogate = first == 0xed && byte(1) > 0x9f;
  bool too_large = first == 0xf4 && byte(1) > 0x8f;
  bool control = first == 0xc2 && byte(1) < 0xa0;
  // Bidirectional overrides and line separators would let a file rearrange our message.
  bool format = first == 0xe2 && (byte(1) == 0x80 || byte(1) == 0x81);
  return overlong || surrogate || too_large || control || format ? 0 : length;
}

// Letters that were swapped count as one mistake, like one that is wrong, missing or too many
// (the restricted Damerau-Levenshtein distance).
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 0; i < a.size(); ++i) {
    std::vector<size_t> next(b.size() + 1, i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      next[j + 1] = std::min({row[j] + (a[i] == b[j] ? 0 : 1), next[j] + 1, row[j + 1] + 1});
      if (i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j]) {
        next[j + 1] = std::min(next[j + 1], before[j - 1] + 1);
      }
    }
    before = std::move(row);
    row = std::move(next);
  }
  return row.back();
}

}  // namespace

std::string printable(std::string_view text, size_t longest) {
  std::string result;
  while (!text.empty()) {
    size_t length = printable_length(text);
    std::string piece = length != 0 ? std::string(text.substr(0, length))
                                    : fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
    if (result.size() + piece.size() > longest) return result + "...";
    result += piece;
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return result;
}

std::string join(const std::vector<std::string>& words, std::string_view separator) {
  return fmt::format("{}", fmt::join(words, separator));
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string grouped(uint64_t number) {
  std::string digits = std::to_string(number);
  for (size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, 1, ',');
  return digits;
}

std::string nearest_word(std::string_view word, const std::vector<std::string>& known) {
  std::string best;
  size_t best_distance = std::max<size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : known) {
    size_t distance = edit_distance(word.substr(0, 64), candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace mnist
