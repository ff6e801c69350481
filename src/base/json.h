// JSON (RFC 8259) from files that nobody vouches for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mnist {

using Json = nlohmann::json;

// No JSON document of this field is larger; read as values it takes up to 16 times its size.
constexpr size_t kLargestJson = size_t{256} << 20;

// The one value that `text` holds. Throws Error "who: line L, column C: ..." or "who: at /key/3:
// ..." for anything that two readers could understand differently: more than 64 levels, a key
// twice, a number that no double holds (1e999, integers beyond 64 bits), NaN, comments, invalid
// UTF-8, lone surrogates, bytes after the value, a text larger than `limit`.
Json parse_json(std::string_view text, const std::string& who, size_t limit = kLargestJson);

// `text` as a JSON string, quotes included; throws Error naming `who` if it is not UTF-8.
std::string quote_json(const std::string& text, const std::string& who);

// The shortest text that is read as `value`, also by a reader that goes through double.
std::string_view shortest_json(float value, std::span<char> buffer);

// Typed access that says which place of which file is wrong. Cheap to copy; the document outlives
// it.
class JsonView {
 public:
  JsonView(const Json& value, std::string who, std::string place = "")
      : value_(&value), who_(std::move(who)), place_(std::move(place)) {}

  const Json& value() const { return *value_; }
  const std::string& who() const { return who_; }

  // Members of an object. `find` leaves out what is absent; `at` throws.
  bool has(const std::string& key) const;
  JsonView at(const std::string& key) const;
  std::vector<std::pair<std::string, JsonView>> members() const;
  // Throws unless every member's key is one of `known`, proposing the nearest.
  void expect_keys(const std::vector<std::string>& known) const;

  std::vector<JsonView> elements() const;  // of an array
  std::string text() const;
  int64_t integer() const;
  double number() const;
  std::vector<std::string> texts() const;
  std::vector<int64_t> integers() const;
  std::vector<float> floats() const;  // throws where one does not fit float32

  // Throws Error "who: at /place: reason".
  [[noreturn]] void fail(std::string_view reason) const;

 private:
  std::string who_place(std::string_view key) const;

  const Json* value_;
  std::string who_;
  std::string place_;
};

}  // namespace mnist
