#include "train/settings_json.h"

#include <string>
#include <type_traits>
#include <vector>

namespace mnist {
namespace {

// Calls visit(name, member) for every setting.
template <typename Settings, typename Visit>
void each_setting(Settings& settings, Visit visit) {
  // Does not compile any more when a setting is added: it then belongs in the list below.
  auto& [epochs, batch_size, physical_batch_size, optimizer, learning_rate, weight_decay, momentum,
         beta1, beta2, epsilon, warmup, decay, label_smoothing, augmentation, seed] = settings;
  visit("epochs", epochs);
  visit("batch_size", batch_size);
  visit("physical_batch_size", physical_batch_size);
  visit("optimizer", optimizer);
  visit("learning_rate", learning_rate);
  visit("weight_decay", weight_decay);
  visit("momentum", momentum);
  visit("beta1", beta1);
  visit("beta2", beta2);
  visit("epsilon", epsilon);
  visit("warmup", warmup);
  visit("decay", decay);
  visit("label_smoothing", label_smoothing);
  visit("augmentation", augmentation);
  visit("seed", seed);
}

template <typename Value>
void read_setting(const JsonView& json, Value& value) {
  if constexpr (std::is_same_v<Value, OptimizerKind>) {
    value = parse_optimizer(json.text());
  } else if constexpr (std::is_same_v<Value, std::string>) {
    value = json.text();
  } else if constexpr (std::is_same_v<Value, bool>) {
    if (!json.value().is_boolean()) json.fail("true or false expected");
    value = json.value().get<bool>();
  } else if constexpr (std::is_floating_point_v<Value>) {
    value = json.number();
  } else {
    if (!json.value().is_number_unsigned()) json.fail("a count expected");
    value = json.value().get<Value>();
  }
}

}  // namespace

Json to_json(const TrainSettings& settings) {
  Json json = Json::object();
  each_setting(settings, [&](const char* name, const auto& value) {
    if constexpr (std::is_same_v<std::decay_t<decltype(value)>, OptimizerKind>) {
      json[name] = to_string(value);
    } else {
      json[name] = value;
    }
  });
  return json;
}

TrainSettings settings_from_json(const JsonView& value) {
  TrainSettings settings;
  std::vector<std::string> names;
  each_setting(settings, [&](const char* name, auto& setting) {
    names.emplace_back(name);
    read_setting(value.at(name), setting);
  });
  value.expect_keys(names);
  return settings;
}

}  // namespace mnist
