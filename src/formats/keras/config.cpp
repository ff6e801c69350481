#include "formats/keras/config.h"

#include <cctype>

namespace mnist {
namespace {

bool is_upper(char letter) { return letter >= 'A' && letter <= 'Z'; }
bool is_lower(char letter) { return letter >= 'a' && letter <= 'z'; }

}  // namespace

std::optional<JsonView> config_value(const JsonView& config, const std::string& key) {
  if (!config.has(key) || config.at(key).value().is_null()) return std::nullopt;
  return config.at(key);
}

int64_t config_integer(const JsonView& config, const std::string& key, int64_t otherwise) {
  const std::optional<JsonView> value = config_value(config, key);
  return value ? value->integer() : otherwise;
}

double config_number(const JsonView& config, const std::string& key, double otherwise) {
  const std::optional<JsonView> value = config_value(config, key);
  if (!value) return otherwise;
  // Keras writes what was a NumPy number as an object around it.
  if (value->value().is_object() && value->has("value")) return value->at("value").number();
  return value->number();
}

bool config_flag(const JsonView& config, const std::string& key, bool otherwise) {
  const std::optional<JsonView> value = config_value(config, key);
  if (!value) return otherwise;
  if (!value->value().is_boolean()) value->fail("true or false expected");
  return value->value().get<bool>();
}

std::string config_text(const JsonView& config, const std::string& key,
                        const std::string& otherwise) {
  const std::optional<JsonView> value = config_value(config, key);
  return value ? value->text() : otherwise;
}

std::pair<int64_t, int64_t> config_pair(const JsonView& config, const std::string& key,
                                        std::pair<int64_t, int64_t> otherwise) {
  const std::optional<JsonView> value = config_value(config, key);
  if (!value) return otherwise;
  if (!value->value().is_array()) return {value->integer(), value->integer()};
  const std::vector<int64_t> both = value->integers();
  if (both.size() != 2) value->fail("two integers expected");
  return {both[0], both[1]};
}

KerasObject keras_object(const JsonView& value) {
  if (!value.value().is_object()) return {value.text(), std::nullopt};
  const std::string class_name = value.at("class_name").text();
  const std::optional<JsonView> config = config_value(value, "config");
  // {"class_name": "function", "config": "relu"}
  if (config && config->value().is_string()) return {config->text(), std::nullopt};
  return {class_name, config};
}

std::string snake_case(const std::string& class_name) {
  std::string split;  // "(.)([A-Z][a-z]+)" -> "\1_\2"
  for (size_t i = 0; i < class_name.size(); ++i) {
    const bool begins_word = is_upper(class_name[i]) && i + 1 < class_name.size() &&
                             is_lower(class_name[i + 1]) && i > 0;
    if (begins_word) split += '_';
    split += class_name[i];
  }
  std::string result;  // "([a-z])([A-Z])" -> "\1_\2"
  for (size_t i = 0; i < split.size(); ++i) {
    if (i > 0 && is_upper(split[i]) && is_lower(split[i - 1])) result += '_';
    result += static_cast<char>(std::tolower(static_cast<unsigned char>(split[i])));
  }
  return result;
}

}  // namespace mnist
