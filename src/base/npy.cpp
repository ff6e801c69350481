#include "base/npy.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "base/bytes.h"
#include "base/text.h"
#include "mnist/error.h"

namespace mnist {
namespace {

// NumPy pads headers to a multiple of 64 bytes; those of arrays of numbers are short.
constexpr uint32_t kLongestHeader = 1 << 12;
constexpr size_t kMostDimensions = 32;

// The Python literal in the header: {'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }
// with its keys in this order, as NumPy writes them.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& who) : text_(text), who_(who) {}

  NpyArray parse() {
    NpyArray array;
    expect("{'descr': '");
    const size_t end = std::min(text_.find('\'', position_), text_.size());
    array.type = std::string(text_.substr(position_, end - position_));
    position_ = end;
    expect("', 'fortran_order': ");
    array.fortran_order = skip("True");
    if (!array.fortran_order) expect("False");
    expect(", 'shape': (");
    while (!skip(")")) {
      if (array.shape.size() == kMostDimensions) fail();
      array.shape.push_back(number());
      if (!skip(",")) {
        expect(")");
        break;
      }
      skip(" ");
    }
    skip(",");
    skip(" ");
    expect("}");
    if (text_.find_first_not_of(" \n", position_) != std::string_view::npos) fail();
    return array;
  }

 private:
  [[noreturn]] void fail() const {
    throw Error(
        fmt::format("{}: NumPy header {{'descr': ..., 'fortran_order': False, 'shape': ...}} "
                    "expected, got: {}",
                    who_, printable(text_, 100)));
  }
  bool skip(std::string_view word) {
    if (!text_.substr(position_).starts_with(word)) return false;
    position_ += word.size();
    return true;
  }
  void expect(std::string_view word) {
    if (!skip(word)) fail();
  }
  uint64_t number() {
    uint64_t value = 0;
    const char* start = text_.data() + position_;
    const auto [end, error] = std::from_chars(start, text_.data() + text_.size(), value);
    if (error != std::errc()) fail();
    position_ += static_cast<size_t>(end - start);
    return value;
  }

  std::string_view text_;
  const std::string& who_;
  size_t position_ = 0;
};

}  // namespace

NpyArray parse_npy(std::span<const std::byte> bytes, const std::string& who) {
  ByteReader reader(bytes, who);
  if (reader.text(6, "magic number") != std::string_view("\x93NUMPY", 6)) {
    reader.fail("not a NumPy array");
  }
  const auto version = reader.big<uint16_t>("version");
  if (version != 0x0100 && version != 0x0200) reader.fail("NumPy's format 1.0 or 2.0 expected");
  const uint32_t length = version == 0x0100 ? reader.little<uint16_t>("header length")
                                            : reader.little<uint32_t>("header length");
  if (length > std::min<uint64_t>(reader.remaining(), kLongestHeader)) {
    reader.fail("the header is too long");
  }
  NpyArray array = HeaderParser(reader.text(length, "header"), who).parse();
  array.content = bytes.subspan(reader.position());
  return array;
}

}  // namespace mnist
