// Functions of numbers, lists and texts, of which TorchScript's conditions are made.
#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "formats/torchscript/script_call.h"

namespace mnist {
namespace {

// Numbers and truth as one; nothing for anything else, the number of images above all.
std::optional<double> number(const ScriptValue& value) {
  if (const auto* integer = value.as<int64_t>()) return static_cast<double>(*integer);
  if (const auto* real = value.as<double>()) return *real;
  if (const auto* flag = value.as<bool>()) return *flag ? 1.0 : 0.0;
  return std::nullopt;
}

bool is_equal(const ScriptCall& call, const ScriptValue& a, const ScriptValue& b) {
  if (const auto* text = a.as<std::string>()) {
    const auto* other = b.as<std::string>();
    return other != nullptr && *other == *text;
  }
  const auto first = number(a);
  const auto second = number(b);
  if (!first || !second) call.fail("numbers expected");
  return *first == *second;
}

template <typename Compare>
ScriptValue compared(const ScriptCall& call, Compare compare) {
  const auto first = number(call.argument(0));
  const auto second = number(call.argument(1));
  if (!first || !second) call.fail("numbers expected");
  return {compare(*first, *second)};
}

template <typename Compute>
ScriptValue computed(const ScriptCall& call, Compute compute) {
  const auto* first = call.argument(0).as<int64_t>();
  const auto* second = call.argument(1).as<int64_t>();
  constexpr int64_t kMost = int64_t{1} << 31;
  const auto is_small = [](const int64_t* value) {
    return value != nullptr && *value <= kMost && *value >= -kMost;
  };
  if (!is_small(first) || !is_small(second)) call.fail("integers expected");
  return {compute(*first, *second)};
}

bool is_same(const ScriptCall& call) { return call.is_none(0) == call.is_none(1); }

bool contains(const ScriptCall& call) {
  const auto* list = call.argument(0).as<ScriptList>();
  if (list == nullptr) call.fail("a list expected");
  return std::any_of(list->items().begin(), list->items().end(), [&](const ScriptValue& item) {
    return is_equal(call, item, call.argument(1));
  });
}

ScriptValue floor_division(const ScriptCall& call) {
  return computed(call, [&](int64_t a, int64_t b) {
    if (b < 1 || a < 0) call.fail("numbers over 0 expected");
    return a / b;
  });
}

ScriptValue length(const ScriptCall& call) {
  const auto* list = call.argument(0).as<ScriptList>();
  if (list == nullptr) call.fail("a list expected");
  return {static_cast<int64_t>(list->items().size())};
}

ScriptValue integer_of(const ScriptCall& call) {
  const auto* real = call.argument(0).as<double>();
  if (real == nullptr) return call.argument(0);
  if (!(std::abs(*real) < 1e9)) call.fail("a number that is too large");
  return {static_cast<int64_t>(*real)};
}

ScriptValue none(const ScriptCall&) { return {}; }
ScriptValue first(const ScriptCall& call) { return call.argument(0); }
ScriptValue second(const ScriptCall& call) { return call.argument(1); }

}  // namespace

std::optional<ScriptValue> call_plain(const ScriptCall& call) {
  static const ScriptMakers kMakers = {
      {"eq",
       [](const ScriptCall& c) { return ScriptValue{is_equal(c, c.argument(0), c.argument(1))}; }},
      {"ne",
       [](const ScriptCall& c) { return ScriptValue{!is_equal(c, c.argument(0), c.argument(1))}; }},
      {"lt", [](const ScriptCall& c) { return compared(c, std::less<>()); }},
      {"gt", [](const ScriptCall& c) { return compared(c, std::greater<>()); }},
      {"le", [](const ScriptCall& c) { return compared(c, std::less_equal<>()); }},
      {"ge", [](const ScriptCall& c) { return compared(c, std::greater_equal<>()); }},
      {"add", [](const ScriptCall& c) { return computed(c, std::plus<>()); }},
      {"sub", [](const ScriptCall& c) { return computed(c, std::minus<>()); }},
      {"mul", [](const ScriptCall& c) { return computed(c, std::multiplies<>()); }},
      {"floordiv", floor_division},
      {"floor_divide", floor_division},
      {"__is__", [](const ScriptCall& c) { return ScriptValue{is_same(c)}; }},
      {"__isnot__", [](const ScriptCall& c) { return ScriptValue{!is_same(c)}; }},
      {"__not__", [](const ScriptCall& c) { return ScriptValue{!c.flag(0, false)}; }},
      {"__contains__", [](const ScriptCall& c) { return ScriptValue{contains(c)}; }},
      {"len", length},
      {"int", integer_of},
      {"Int", integer_of},
      {"float", first},
      {"bool", first},
      {"NumToTensor", first},
      {"annotate", second},
      {"unchecked_cast", second},
      {"format", none},
      {"warn", none},
      {"device", none},
  };
  return call_from(kMakers, call);
}

}  // namespace mnist
