#include "base/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

#include "base/text.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr size_t kDeepest = 64;

// What nlohmann's parser calls; builds the value and refuses what the parser itself would let pass.
class Builder : public nlohmann::json_sax<Json> {
 public:
  Builder(std::string_view text, const std::string& who) : text_(text), who_(who) {}

  Json take() { return std::move(root_); }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t& digits) override {
    if (digits.find_first_of(".eE") == string_t::npos) {
      fail(fmt::format("the integer {} does not fit 64 bits", printable(digits, 40)));
    }
    return add(value);
  }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { fail("binary data"); }

  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& value) override {
    Level& level = levels_.back();
    auto [place, is_new] = level.container->get_ref<Json::object_t&>().emplace(value, nullptr);
    if (!is_new) fail(fmt::format("the key '{}' comes twice", printable(value, 80)));
    level.member = &place->second;
    level.key = value;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    const std::string_view before = text_.substr(0, std::min(text_.size(), position));
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    std::string_view reason = error.what();
    // Its own words begin "[json.exception.parse_error.101] parse error at line 1, column 2: ".
    size_t start = reason.find("syntax error");
    if (start == std::string_view::npos) start = reason.find("] ") + 2;  // npos + 2 is 1
    reason.remove_prefix(std::min(start, reason.size()));
    throw Error(fmt::format("{}: line {}, column {}: not JSON: {}", who_, line,
                            before.size() - line_start, reason));
  }

 private:
  struct Level {
    Json* container;
    Json* member;     // of an object: where the next value goes
    std::string key;  // of an object: its last key
  };

  template <typename T>
  bool add(T&& value) {
    place(Json(std::forward<T>(value)));
    return true;
  }

  Json* place(Json value) {
    if (levels_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Level& level = levels_.back();
    if (level.container->is_object()) {
      *level.member = std::move(value);
      return level.member;
    }
    auto& array = level.container->get_ref<Json::array_t&>();
    array.push_back(std::move(value));
    return &array.back();
  }

  bool open(Json container) {
    if (levels_.size() == kDeepest) fail(fmt::format("more than {} levels", kDeepest));
    levels_.push_back({place(std::move(container)), nullptr, ""});
    return true;
  }

  bool close() {
    levels_.pop_back();
    return true;
  }

  [[noreturn]] void fail(const std::string& reason) const {
    std::string path;
    for (const Level& level : levels_) {
      if (level.container->is_array()) {
        // The containers that are open are in their array already, the value that fails is not.
        const bool innermost = &level == &levels_.back();
        path += fmt::format("/{}", level.container->size() - (innermost ? 0 : 1));
      } else if (!level.key.empty()) {
        path += "/" + level.key;
      }
    }
    throw Error(
        fmt::format("{}: at {}: {}", who_, printable(path.empty() ? "/" : path, 120), reason));
  }

  std::string_view text_;
  const std::string& who_;
  Json root_;
  std::vector<Level> levels_;
};

}  // namespace

Json parse_json(std::string_view text, const std::string& who, size_t limit) {
  if (text.size() > limit) {
    throw Error(
        fmt::format("{}: {} bytes of JSON, at most {} are accepted", who, text.size(), limit));
  }
  // The parser takes a 0 for the end.
  if (const size_t zero = text.find('\0'); zero != std::string_view::npos) {
    throw Error(fmt::format("{}: not JSON: a 0 at byte {}", who, zero));
  }
  Builder builder(text, who);
  Json::sax_parse(text.begin(), text.end(), &builder);
  return builder.take();
}

std::string quote_json(const std::string& text, const std::string& who) {
  try {
    return Json(text).dump();
  } catch (const Json::type_error&) {
    throw Error(fmt::format("{}: the text '{}' is not UTF-8, JSON cannot hold it", who,
                            printable(text, 80)));
  }
}

// First the shortest text as float, and, for the few floats where reading that as double and
// rounding ends one beside it, as double.
std::string_view shortest_json(float value, std::span<char> buffer) {
  if (value == 0 && std::signbit(value)) return "-0.0";  // "-0" is the integer 0
  char* const begin = buffer.data();
  char* const limit = begin + buffer.size();
  char* end = std::to_chars(begin, limit, value).ptr;
  double parsed = 0;
  std::from_chars(begin, end, parsed);
  if (std::bit_cast<uint32_t>(static_cast<float>(parsed)) != std::bit_cast<uint32_t>(value)) {
    end = std::to_chars(begin, limit, static_cast<double>(value)).ptr;
  }
  return {begin, static_cast<size_t>(end - begin)};
}

std::string JsonView::who_place(std::string_view key) const {
  return fmt::format("{}/{}", place_, printable(key, 80));
}

void JsonView::fail(std::string_view reason) const {
  throw Error(
      fmt::format("{}: at {}: {}", who_, place_.empty() ? "/" : printable(place_, 120), reason));
}

bool JsonView::has(const std::string& key) const {
  if (!value_->is_object()) fail(fmt::format("an object expected, got {}", value_->type_name()));
  return value_->contains(key);
}

JsonView JsonView::at(const std::string& key) const {
  if (!has(key)) fail(fmt::format("the key '{}' is missing", key));
  return {*value_->find(key), who_, who_place(key)};
}

std::vector<std::pair<std::string, JsonView>> JsonView::members() const {
  if (!value_->is_object()) fail(fmt::format("an object expected, got {}", value_->type_name()));
  std::vector<std::pair<std::string, JsonView>> result;
  for (const auto& [key, value] : value_->items()) {
    result.emplace_back(key, JsonView(value, who_, who_place(key)));
  }
  return result;
}

void JsonView::expect_keys(const std::vector<std::string>& known) const {
  if (!value_->is_object()) fail(fmt::format("an object expected, got {}", value_->type_name()));
  for (const auto& [key, value] : value_->items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const std::string nearest = nearest_word(key, known);
    fail(fmt::format("unknown key '{}': {}", printable(key, 60),
                     nearest.empty() ? "expected one of " + join(known)
                                     : fmt::format("did you mean '{}'?", nearest)));
  }
}

std::vector<JsonView> JsonView::elements() const {
  if (!value_->is_array()) fail(fmt::format("a list expected, got {}", value_->type_name()));
  std::vector<JsonView> result;
  result.reserve(value_->size());
  for (const Json& value : *value_) {
    result.emplace_back(value, who_, who_place(std::to_string(result.size())));
  }
  return result;
}

std::string JsonView::text() const {
  if (!value_->is_string()) fail(fmt::format("a text expected, got {}", value_->type_name()));
  return value_->get<std::string>();
}

int64_t JsonView::integer() const {
  const bool fits =
      value_->is_number_integer() && (!value_->is_number_unsigned() ||
                                      value_->get<uint64_t>() <= static_cast<uint64_t>(INT64_MAX));
  if (!fits) fail(fmt::format("an integer expected, got {}", printable(value_->dump(), 40)));
  return value_->get<int64_t>();
}

double JsonView::number() const {
  if (!value_->is_number()) fail(fmt::format("a number expected, got {}", value_->type_name()));
  return value_->get<double>();
}

std::vector<std::string> JsonView::texts() const {
  std::vector<std::string> result;
  for (const JsonView& element : elements()) result.push_back(element.text());
  return result;
}

std::vector<int64_t> JsonView::integers() const {
  std::vector<int64_t> result;
  for (const JsonView& element : elements()) result.push_back(element.integer());
  return result;
}

std::vector<float> JsonView::floats() const {
  if (!value_->is_array()) fail(fmt::format("a list expected, got {}", value_->type_name()));
  std::vector<float> result;
  result.reserve(value_->size());
  for (const Json& value : *value_) {
    // Over float32's range this gives infinity (IEEE 754), and FLT_MAX for its shortest text, which
    // is a little over it.
    const auto number = value.is_number() ? static_cast<float>(value.get<double>()) : NAN;
    if (!std::isfinite(number)) {
      fail(fmt::format("value {}: a number in float32's range expected", result.size()));
    }
    result.push_back(number);
  }
  return result;
}

}  // namespace mnist
