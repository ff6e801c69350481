// What Emscripten 3.1.6's standard library lacks of C++20, and this library uses: std::bit_cast and
// numbers with a point as text. Included before every file of the WebAssembly build.
#pragma once

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string>
#include <system_error>
#include <version>

namespace std {  // NOLINT(cert-dcl58-cpp): the names that the standard gives them

#ifndef __cpp_lib_bit_cast
template <class To, class From>
constexpr To bit_cast(const From& from) noexcept {
  return __builtin_bit_cast(To, from);
}
#endif

#ifndef __cpp_lib_to_chars
// The shortest text that is read as the same number.
template <class Real>
requires is_floating_point_v<Real> to_chars_result to_chars(char* first, char* last, Real value) {
  const auto room = static_cast<size_t>(last - first);
  const auto written = fmt::format_to_n(first, room, "{}", value);
  if (written.size > room) return {last, errc::value_too_large};
  return {written.out, errc()};
}

// Decimal numbers only, without spaces and plus before them.
inline from_chars_result from_chars(const char* first, const char* last, double& value) {
  const string text(first, last);
  if (text.empty() || !(text[0] == '-' || text[0] == '.' || (text[0] >= '0' && text[0] <= '9')) ||
      text.find_first_of("xX") != string::npos) {
    return {first, errc::invalid_argument};
  }
  char* end = nullptr;
  const double read = strtod(text.c_str(), &end);
  if (end == text.c_str()) return {first, errc::invalid_argument};
  const char* const stop = first + (end - text.c_str());
  if (isinf(read)) return {stop, errc::result_out_of_range};
  value = read;
  return {stop, errc()};
}
#endif

}  // namespace std
