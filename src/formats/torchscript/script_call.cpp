#include "formats/torchscript/script_call.h"

#include <fmt/format.h>

#include "base/text.h"
#include "mnist/error.h"

namespace mnist {

void ScriptCall::fail(std::string_view reason) const {
  throw Error(
      fmt::format("{}: call of '{}': {}", builder_.who(), printable(function_, 60), reason));
}

const ScriptValue& ScriptCall::argument(size_t place, const char* keyword) const {
  static const ScriptValue kNone;
  const auto found = keywords_.find(keyword);
  if (found != keywords_.end()) return found->second;
  return place < arguments_.size() ? arguments_[place] : kNone;
}

bool ScriptCall::is_activation(size_t place) const {
  return argument(place).as<ScriptActivation>() != nullptr;
}

std::string ScriptCall::activation(size_t place) const {
  if (!is_activation(place)) fail(fmt::format("argument {}: an activation expected", place + 1));
  return argument(place).as<ScriptActivation>()->value;
}

std::string ScriptCall::weight(size_t place, const char* keyword) const {
  const ScriptValue& value = argument(place, keyword);
  if (value.is_none()) return "";
  const auto* weight = value.as<ScriptWeight>();
  if (weight == nullptr) fail(fmt::format("argument {}: a weight expected", place + 1));
  return weight_(weight->name);
}

const Tensor& ScriptCall::tensor(size_t place) const {
  const std::string name = weight(place);
  if (name.empty()) fail(fmt::format("argument {}: a weight expected", place + 1));
  return builder_.weight(name);
}

const Tensor& ScriptCall::stored(const ScriptWeight& weight) const {
  if (weight.transposed) fail("a weight as it is stored expected");
  return builder_.weight(weight_(weight.name));
}

int64_t ScriptCall::integer(size_t place, std::optional<int64_t> otherwise,
                            const char* keyword) const {
  const ScriptValue& value = argument(place, keyword);
  if (const auto* integer = value.as<int64_t>()) return *integer;
  if (value.is_none() && otherwise) return *otherwise;
  fail(fmt::format("argument {}: an integer expected", place + 1));
}

double ScriptCall::real(size_t place, std::optional<double> otherwise, const char* keyword) const {
  const ScriptValue& value = argument(place, keyword);
  if (const auto* real = value.as<double>()) return *real;
  if (const auto* integer = value.as<int64_t>()) return static_cast<double>(*integer);
  if (value.is_none() && otherwise) return *otherwise;
  fail(fmt::format("argument {}: a number expected", place + 1));
}

bool ScriptCall::flag(size_t place, bool otherwise, const char* keyword) const {
  const ScriptValue& value = argument(place, keyword);
  if (const auto* flag = value.as<bool>()) return *flag;
  if (const auto* integer = value.as<int64_t>()) return *integer != 0;
  if (value.is_none()) return otherwise;
  fail(fmt::format("argument {}: True or False expected", place + 1));
}

std::string ScriptCall::text(size_t place, const char* keyword) const {
  const auto* text = argument(place, keyword).as<std::string>();
  return text == nullptr ? "" : *text;
}

std::vector<int64_t> ScriptCall::list(size_t place) const {
  const ScriptValue& value = argument(place);
  if (const auto* one = value.as<int64_t>()) return {*one};
  const auto* list = value.as<ScriptList>();
  if (list == nullptr) fail(fmt::format("argument {}: integers expected", place + 1));
  std::vector<int64_t> result;
  for (const ScriptValue& item : list->items()) {
    const auto* integer = item.as<int64_t>();
    if (integer == nullptr) fail(fmt::format("argument {}: integers expected", place + 1));
    result.push_back(*integer);
  }
  return result;
}

std::vector<int64_t> ScriptCall::integers(size_t place,
                                          std::optional<std::vector<int64_t>> otherwise,
                                          const char* keyword) const {
  const ScriptValue& value = argument(place, keyword);
  std::vector<int64_t> result;
  if (!value.is_none()) result = list(place);
  if (result.empty() && otherwise) return *otherwise;
  if (result.size() == 1) result.push_back(result[0]);
  if (result.size() != 2) fail(fmt::format("argument {}: two integers expected", place + 1));
  return result;
}

ScriptValue ScriptCall::node(const std::string& type, std::vector<std::string> inputs,
                             std::map<std::string, Attribute> attributes) const {
  while (!inputs.empty() && inputs.back().empty()) inputs.pop_back();
  return {ScriptActivation{builder_.add_node(type, "", std::move(inputs), std::move(attributes))}};
}

std::optional<ScriptValue> call_from(const ScriptMakers& makers, const ScriptCall& call) {
  const auto found = makers.find(call.function());
  if (found == makers.end()) return std::nullopt;
  return found->second(call);
}

}  // namespace mnist
