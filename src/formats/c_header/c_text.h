// C source as text: lines, blocks, arrays and names.
#pragma once

#include <fmt/format.h>

#include <set>
#include <span>
#include <string>
#include <string_view>

namespace mnist {

class CText {
 public:
  const std::string& text() const { return text_; }
  void add(const CText& other) { text_ += other.text_; }

  // An indented line; an empty one as it is.
  void line(std::string_view text);
  template <typename... Args>
  void line(fmt::format_string<Args...> pattern, Args&&... args) {
    line(std::string_view(fmt::format(pattern, std::forward<Args>(args)...)));
  }

  // "head {", and its "}".
  void open(std::string_view head);
  void close();

  // "for (int VARIABLE = 0; VARIABLE < COUNT; ++VARIABLE) {"
  void loop(std::string_view variable, int64_t count);

  // "static const TYPE NAME[COUNT] = {...};"
  void floats(const std::string& name, std::span<const float> values);
  void bytes(const std::string& name, std::span<const int8_t> values);

 private:
  template <typename T, typename Write>
  void array(std::string_view type, const std::string& name, std::span<const T> values,
             Write write);

  std::string text_;
  size_t depth_ = 0;
};

// The shortest C literal of type float that has this value.
std::string c_float(float value);

// `text` as a string literal.
std::string c_string(std::string_view text);

// `text` in a comment: only letters, digits and a few signs that cannot end it.
std::string c_comment(std::string_view text);

// Names that C accepts, each once.
class CNames {
 public:
  // Like `wanted`, with '_' for what a name cannot have and a number where it, or a constant named
  // after it ("conv1_weight"), is taken.
  std::string add(std::string_view wanted);

 private:
  bool is_free(const std::string& name) const;

  std::set<std::string> taken_;
};

}  // namespace mnist
