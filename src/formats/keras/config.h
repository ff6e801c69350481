// Values of a Keras layer's config, where null and a missing key both mean the usual value.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "base/json.h"
#include "mnist/model.h"

namespace mnist {

// The member `key`, nothing where it is missing or null.
std::optional<JsonView> config_value(const JsonView& config, const std::string& key);

int64_t config_integer(const JsonView& config, const std::string& key, int64_t otherwise);
double config_number(const JsonView& config, const std::string& key, double otherwise);
bool config_flag(const JsonView& config, const std::string& key, bool otherwise);
std::string config_text(const JsonView& config, const std::string& key,
                        const std::string& otherwise);
// Two integers, or one that stands for both.
std::pair<int64_t, int64_t> config_pair(const JsonView& config, const std::string& key,
                                        std::pair<int64_t, int64_t> otherwise);

// The name of what Keras wrote as a text or as {"class_name": ..., "config": ...}, a function's or
// a class's; and the config, where there is one.
struct KerasObject {
  std::string name;
  std::optional<JsonView> config;
};
KerasObject keras_object(const JsonView& value);

// "MaxPooling2D" -> "max_pooling2d", as Keras names what it saves.
std::string snake_case(const std::string& class_name);

}  // namespace mnist
