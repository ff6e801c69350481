#include "formats/pytorch/characters.h"

#include <algorithm>

namespace mnist {
namespace {

bool is_plain(char letter) { return (letter & 0x80) == 0; }

}  // namespace

bool is_ascii(std::string_view text) { return std::all_of(text.begin(), text.end(), is_plain); }

std::optional<std::string> bytes_of_characters(std::string_view text) {
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto first = static_cast<unsigned char>(text[i]);
    if (first < 0x80) {
      bytes += text[i];
      continue;
    }
    // Two bytes for the characters from 0x80 to 0xff.
    const bool is_byte = first == 0xc2 || first == 0xc3;
    if (!is_byte || i + 1 == text.size() || (text[i + 1] & 0xc0) != 0x80) return std::nullopt;
    bytes += static_cast<char>((first & 3) << 6 | (text[++i] & 0x3f));
  }
  return bytes;
}

}  // namespace mnist
