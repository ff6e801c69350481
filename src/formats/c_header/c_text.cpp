#include "formats/c_header/c_text.h"

#include <algorithm>
#include <charconv>

namespace mnist {
namespace {

constexpr size_t kIndent = 2;
constexpr size_t kLongestLine = 100;
// What is appended to a node's name; nothing for its function.
constexpr const char* kConstants[] = {"", "_weight", "_scale", "_bias", "_mean", "_factor"};

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

void CText::line(std::string_view text) {
  if (!text.empty()) text_.append(depth_ * kIndent, ' ').append(text);
  text_ += '\n';
}

void CText::open(std::string_view head) {
  line(fmt::format("{} {{", head));
  ++depth_;
}

void CText::close() {
  --depth_;
  line("}");
}

void CText::loop(std::string_view variable, int64_t count) {
  open(fmt::format("for (int {0} = 0; {0} < {1}; ++{0})", variable, count));
}

template <typename T, typename Write>
void CText::array(std::string_view type, const std::string& name, std::span<const T> values,
                  Write write) {
  line("static const {} {}[{}] = {{", type, name, values.size());
  std::string row(kIndent, ' ');
  for (const T value : values) {
    const std::string word = write(value) + ",";
    if (row.size() + word.size() > kLongestLine) {
      line(row);
      row.assign(kIndent, ' ');
    }
    row += word;
  }
  line(row);
  line("};");
}

void CText::floats(const std::string& name, std::span<const float> values) {
  array("float", name, values, c_float);
}

void CText::bytes(const std::string& name, std::span<const int8_t> values) {
  array("int8_t", name, values, [](int8_t value) { return std::to_string(value); });
}

std::string c_float(float value) {
  char buffer[64];
  std::string text(buffer, std::to_chars(buffer, buffer + sizeof(buffer), value).ptr);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text + "f";
}

std::string c_string(std::string_view text) {
  std::string literal = "\"";
  for (char c : text) {
    if (is_letter_or_digit(c) || c == ' ') {
      literal += c;
    } else {
      literal += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
    }
  }
  return literal + "\"";
}

std::string c_comment(std::string_view text) {
  constexpr size_t kLongest = 60;
  std::string result(text.substr(0, kLongest));
  for (char& c : result) {
    if (!is_letter_or_digit(c) && std::string_view(" .,:()-+").find(c) == std::string_view::npos) {
      c = '_';
    }
  }
  return result;
}

bool CNames::is_free(const std::string& name) const {
  return std::none_of(std::begin(kConstants), std::end(kConstants),
                      [&](const char* constant) { return taken_.contains(name + constant); });
}

std::string CNames::add(std::string_view wanted) {
  constexpr size_t kLongest = 40;
  std::string name(wanted.substr(0, kLongest));
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !is_letter_or_digit(c); }, '_');
  std::string unused = name;
  for (size_t number = 2; !is_free(unused); ++number) unused = fmt::format("{}_{}", name, number);
  for (const char* constant : kConstants) taken_.insert(unused + constant);
  return unused;
}

}  // namespace mnist
