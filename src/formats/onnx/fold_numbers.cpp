#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "formats/onnx/fold_internal.h"

namespace mnist {
namespace {

// An integer of a shape's arithmetic: plus + batches times the number of images.
struct Whole {
  int64_t plus = 0;
  int64_t batches = 0;
};

Whole whole_at(const OnnxConstant& value, size_t i) {
  return {value.whole[i], value.batches.empty() ? 0 : value.batches[i]};
}

void push_whole(OnnxConstant& result, const Whole& value) {
  const bool counts = value.batches != 0 || !result.batches.empty();
  if (counts) result.batches.resize(result.whole.size());
  result.whole.push_back(value.plus);
  if (counts) result.batches.push_back(value.batches);
}

// ---- two inputs ----

using RealBinary = float (*)(float, float);
// Nothing where the result is not known or does not fit.
using WholeBinary = std::optional<Whole> (*)(Whole, Whole);

std::optional<int64_t> sum(int64_t a, int64_t b) {
  int64_t result = 0;
  if (__builtin_add_overflow(a, b, &result)) return std::nullopt;
  return result;
}
std::optional<int64_t> product(int64_t a, int64_t b) {
  int64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) return std::nullopt;
  return result;
}

std::optional<Whole> both(std::optional<int64_t> plus, std::optional<int64_t> batches) {
  if (!plus || !batches) return std::nullopt;
  return Whole{*plus, *batches};
}

std::optional<Whole> add(Whole a, Whole b) {
  return both(sum(a.plus, b.plus), sum(a.batches, b.batches));
}

std::optional<Whole> multiply(Whole a, Whole b) {
  if (b.batches != 0) std::swap(a, b);
  if (b.batches != 0) return std::nullopt;
  return both(product(a.plus, b.plus), product(a.batches, b.plus));
}

std::optional<Whole> subtract(Whole a, Whole b) {
  const std::optional<Whole> negative = multiply(b, {-1, 0});
  return negative ? add(a, *negative) : std::nullopt;
}

// Towards zero, as C++ does.
std::optional<Whole> divide(Whole a, Whole b) {
  const bool multiples = a.plus == 0 && b.plus == 0 && b.batches > 0;
  if (multiples && a.batches % b.batches == 0) return Whole{a.batches / b.batches, 0};
  if (b.batches != 0 || b.plus == 0 || (b.plus == -1 && a.plus == INT64_MIN)) return std::nullopt;
  if (a.batches == 0) return Whole{a.plus / b.plus, 0};
  if (b.plus == -1 || a.batches % b.plus != 0 || a.plus % b.plus != 0) return std::nullopt;
  return Whole{a.plus / b.plus, a.batches / b.plus};
}

// ONNX's: the sign of the divisor.
std::optional<Whole> modulo(Whole a, Whole b) {
  if (a.batches != 0 || b.batches != 0 || b.plus == 0 || b.plus == -1) return std::nullopt;
  const int64_t rest = a.plus % b.plus;
  return Whole{rest != 0 && (rest < 0) != (b.plus < 0) ? rest + b.plus : rest, 0};
}

std::optional<Whole> larger(Whole a, Whole b) {
  if (a.batches != b.batches) return std::nullopt;
  return a.plus > b.plus ? a : b;
}
std::optional<Whole> smaller(Whole a, Whole b) {
  if (a.batches != b.batches) return std::nullopt;
  return a.plus < b.plus ? a : b;
}
std::optional<Whole> both_true(Whole a, Whole b) {
  return Whole{a.plus != 0 && b.plus != 0 ? 1 : 0, 0};
}
std::optional<Whole> one_true(Whole a, Whole b) {
  return Whole{a.plus != 0 || b.plus != 0 ? 1 : 0, 0};
}
std::optional<Whole> power(Whole base, Whole exponent) {
  if (base.batches != 0 || exponent.batches != 0 || exponent.plus < 0 || exponent.plus > 62) {
    return std::nullopt;
  }
  Whole result{1, 0};
  for (int64_t i = 0; i < exponent.plus; ++i) {
    const std::optional<Whole> next = multiply(result, base);
    if (!next) return std::nullopt;
    result = *next;
  }
  return result;
}

struct BinaryEntry {
  const char* type;
  RealBinary real;  // null: of integers only
  WholeBinary whole;
};
constexpr BinaryEntry kBinaries[] = {
    {"Add", [](float a, float b) { return a + b; }, add},
    {"Sub", [](float a, float b) { return a - b; }, subtract},
    {"Mul", [](float a, float b) { return a * b; }, multiply},
    {"Div", [](float a, float b) { return a / b; }, divide},
    {"Mod", [](float a, float b) { return std::fmod(a, b); }, modulo},
    {"Pow", [](float a, float b) { return std::pow(a, b); }, power},
    {"Max", [](float a, float b) { return std::max(a, b); }, larger},
    {"Min", [](float a, float b) { return std::min(a, b); }, smaller},
    {"And", nullptr, both_true},
    {"Or", nullptr, one_true},
};

const BinaryEntry& binary_entry(const OnnxNodeView& node) {
  for (const BinaryEntry& entry : kBinaries) {
    if (node.node().type == entry.type) return entry;
  }
  node.fail("not computed");
}

[[noreturn]] void fail_unknown(const OnnxNodeView& node, size_t i) {
  node.fail(fmt::format("value {} depends on the number of images, or does not fit", i));
}

OnnxConstant combined(const OnnxFoldCall& call, const OnnxConstant& a, const OnnxConstant& b) {
  const BinaryEntry& entry = binary_entry(call.node);
  if (is_real(a.type) != is_real(b.type)) call.node.fail("inputs of one type expected");
  OnnxConstant result;
  result.type = a.type;
  result.shape = onnx_broadcast(call.node, a.shape, b.shape);
  const size_t count = call.budget.spend(call.node, result.shape);
  const std::vector<uint32_t> from_a = broadcast_index(a.shape, result.shape);
  const std::vector<uint32_t> from_b = broadcast_index(b.shape, result.shape);
  for (size_t i = 0; i < count; ++i) {
    if (is_real(a.type)) {
      if (entry.real == nullptr) call.node.fail("integers expected");
      result.reals.push_back(entry.real(a.reals[from_a[i]], b.reals[from_b[i]]));
    } else {
      const std::optional<Whole> value =
          entry.whole(whole_at(a, from_a[i]), whole_at(b, from_b[i]));
      if (!value) fail_unknown(call.node, i);
      push_whole(result, *value);
    }
  }
  return result;
}

// ---- comparing ----

// -1, 0 or 1 as a is less than, equal to or greater than b, whatever the number of images; nothing
// where that is not known.
std::optional<int> order(Whole a, Whole b) {
  const std::optional<Whole> difference = subtract(a, b);
  if (!difference) return std::nullopt;
  const auto [plus, batches] = *difference;
  if (batches == 0) return plus < 0 ? -1 : plus > 0 ? 1 : 0;
  const std::optional<int64_t> nearest = sum(plus, batches);  // there is at least one image
  if (nearest && batches > 0 && *nearest > 0) return 1;
  if (nearest && batches < 0 && *nearest < 0) return -1;
  return std::nullopt;
}

bool holds(const std::string& type, int order) {
  if (type == "Equal") return order == 0;
  if (type == "Less") return order < 0;
  if (type == "LessOrEqual") return order <= 0;
  if (type == "Greater") return order > 0;
  return order >= 0;
}

// ---- rounding ----

using RealUnary = float (*)(float);
struct UnaryEntry {
  const char* type;
  RealUnary real;
};
constexpr UnaryEntry kUnaries[] = {
    {"Neg", [](float x) { return -x; }},
    {"Abs", [](float x) { return std::fabs(x); }},
    {"Floor", [](float x) { return std::floor(x); }},
    {"Ceil", [](float x) { return std::ceil(x); }},
    {"Round", [](float x) { return std::nearbyint(x); }},
    {"Sqrt", [](float x) { return std::sqrt(x); }},
    {"Exp", [](float x) { return std::exp(x); }},
    {"Log", [](float x) { return std::log(x); }},
    {"Reciprocal", [](float x) { return 1.0F / x; }},
};

std::optional<Whole> whole_unary(const std::string& type, Whole x) {
  if (type == "Neg") return multiply(x, {-1, 0});
  if (type == "Not") return Whole{x.plus == 0 ? 1 : 0, 0};
  if (type != "Abs") return std::nullopt;
  return x.plus < 0 || x.batches < 0 ? multiply(x, {-1, 0}) : x;
}

}  // namespace

OnnxConstant fold_binary(const OnnxFoldCall& call) {
  OnnxConstant result = call.input(0);
  for (size_t i = 1; i < call.inputs.size(); ++i) result = combined(call, result, call.input(i));
  return result;
}

OnnxConstant fold_compare(const OnnxFoldCall& call) {
  const OnnxConstant& a = call.input(0);
  const OnnxConstant& b = call.input(1);
  if (is_real(a.type) != is_real(b.type)) call.node.fail("inputs of one type expected");
  OnnxConstant result;
  result.type = OnnxType::kBool;
  result.shape = onnx_broadcast(call.node, a.shape, b.shape);
  const size_t count = call.budget.spend(call.node, result.shape);
  const std::vector<uint32_t> from_a = broadcast_index(a.shape, result.shape);
  const std::vector<uint32_t> from_b = broadcast_index(b.shape, result.shape);
  for (size_t i = 0; i < count; ++i) {
    std::optional<int> found;
    if (is_real(a.type)) {
      const float x = a.reals[from_a[i]];
      const float y = b.reals[from_b[i]];
      found = x < y ? -1 : x > y ? 1 : 0;
    } else {
      found = order(whole_at(a, from_a[i]), whole_at(b, from_b[i]));
    }
    if (!found) fail_unknown(call.node, i);
    result.whole.push_back(holds(call.node.node().type, *found) ? 1 : 0);
  }
  return result;
}

OnnxConstant fold_where(const OnnxFoldCall& call) {
  const OnnxConstant& condition = call.input(0);
  const OnnxConstant& yes = call.input(1);
  const OnnxConstant& no = call.input(2);
  if (condition.type != OnnxType::kBool || is_real(yes.type) != is_real(no.type)) {
    call.node.fail("a condition and two inputs of one type expected");
  }
  OnnxConstant result;
  result.type = yes.type;
  result.shape =
      onnx_broadcast(call.node, condition.shape, onnx_broadcast(call.node, yes.shape, no.shape));
  const size_t count = call.budget.spend(call.node, result.shape);
  const std::vector<uint32_t> from_condition = broadcast_index(condition.shape, result.shape);
  const std::vector<uint32_t> from_yes = broadcast_index(yes.shape, result.shape);
  const std::vector<uint32_t> from_no = broadcast_index(no.shape, result.shape);
  for (size_t i = 0; i < count; ++i) {
    const bool take_yes = condition.whole[from_condition[i]] != 0;
    const OnnxConstant& from = take_yes ? yes : no;
    const size_t at = take_yes ? from_yes[i] : from_no[i];
    if (is_real(from.type)) {
      result.reals.push_back(from.reals[at]);
    } else {
      push_whole(result, whole_at(from, at));
    }
  }
  return result;
}

OnnxConstant fold_unary(const OnnxFoldCall& call) {
  const std::string& type = call.node.node().type;
  OnnxConstant result = call.input(0);
  call.budget.spend(call.node, result.shape);
  if (!is_real(result.type)) {
    const OnnxConstant from = result;
    result.whole.clear();
    result.batches.clear();
    for (size_t i = 0; i < from.size(); ++i) {
      const std::optional<Whole> value = whole_unary(type, whole_at(from, i));
      if (!value) fail_unknown(call.node, i);
      push_whole(result, *value);
    }
    return result;
  }
  for (const UnaryEntry& entry : kUnaries) {
    if (type != entry.type) continue;
    for (float& value : result.reals) value = entry.real(value);
    return result;
  }
  call.node.fail("integers expected");
}

OnnxConstant fold_cast(const OnnxFoldCall& call) {
  const OnnxConstant& from = call.input(0);
  const auto type = static_cast<OnnxType>(call.node.integer("to", 0));
  if (!is_real(type) && !is_whole(type)) {
    call.node.fail("to " + to_string(type) + ": not a type of numbers");
  }
  call.budget.spend(call.node, from.shape);
  OnnxConstant result = from;
  result.type = type;
  if (is_real(from.type) && is_real(type)) return result;
  if (is_real(type)) {
    // Exporters take shapes through float32 where an operator wanted that; they stay whole here.
    if (from.has_batch()) return from;
    result.reals.assign(from.whole.begin(), from.whole.end());
    result.whole.clear();
    result.batches.clear();
    return result;
  }
  const OnnxRange range = range_of(type);
  const bool truth = type == OnnxType::kBool;
  for (size_t i = 0; i < from.reals.size(); ++i) {
    const double value = truth ? (from.reals[i] != 0 ? 1 : 0) : std::trunc(from.reals[i]);
    // 2^63 itself is no int64.
    if (!(std::fabs(value) < 0x1p63)) call.node.fail(fmt::format("value {} does not fit", i));
    result.whole.push_back(static_cast<int64_t>(value));
  }
  result.reals.clear();
  for (int64_t& value : result.whole) {
    if (truth) value = value != 0 ? 1 : 0;
    if (value < range.least || value > range.most) {
      call.node.fail(fmt::format("{} is no value of {}", value, to_string(type)));
    }
  }
  return result;
}

OnnxConstant fold_reduce(const OnnxFoldCall& call) {
  const OnnxConstant& value = call.input(0);
  const std::string kind = call.node.node().type.substr(6);  // behind "Reduce"
  const std::vector<int64_t> wanted = call.integers("axes", 1);
  if (wanted.empty() && call.node.integer("noop_with_empty_axes", 0) != 0) return value;
  const std::vector<size_t> axes = call.node.axes(wanted, value.shape.size());
  OnnxConstant result;
  result.type = value.type;
  result.shape = value.shape;
  for (size_t axis : axes) result.shape[axis] = 1;
  const size_t count = element_count(result.shape);
  call.budget.spend(call.node, value.shape);
  if (value.size() == 0) call.node.fail("an input that is not empty expected");
  const std::vector<uint32_t> place = broadcast_index(result.shape, value.shape);
  const char* pair = kind == "Prod" ? "Mul" : kind == "Max" ? "Max" : kind == "Min" ? "Min" : "Add";
  const BinaryEntry& entry =
      *std::find_if(std::begin(kBinaries), std::end(kBinaries),
                    [&](const BinaryEntry& each) { return std::string_view(pair) == each.type; });
  std::vector<bool> begun(count, false);
  std::vector<Whole> whole(is_real(value.type) ? 0 : count);
  result.reals.resize(is_real(value.type) ? count : 0);
  for (size_t i = 0; i < value.size(); ++i) {
    const size_t at = place[i];
    if (is_real(value.type)) {
      float& sum = result.reals[at];
      sum = begun[at] ? entry.real(sum, value.reals[i]) : value.reals[i];
    } else {
      const std::optional<Whole> next =
          begun[at] ? entry.whole(whole[at], whole_at(value, i)) : whole_at(value, i);
      if (!next) fail_unknown(call.node, at);
      whole[at] = *next;
    }
    begun[at] = true;
  }
  const size_t each = value.size() / count;
  for (const Whole& number : whole) push_whole(result, number);
  if (kind == "Mean") {
    if (!is_real(value.type)) call.node.fail("the mean of integers is not computed");
    for (float& sum : result.reals) sum /= static_cast<float>(each);
  }
  if (call.node.integer("keepdims", 1) == 0) {
    for (size_t i = axes.size(); i-- > 0;) {
      result.shape.erase(result.shape.begin() + static_cast<ptrdiff_t>(axes[i]));
    }
  }
  return result;
}

OnnxConstant fold_range(const OnnxFoldCall& call) {
  OnnxConstant result;
  result.type = call.input(0).type;
  for (size_t i : {0U, 1U, 2U}) {
    const OnnxConstant& each = call.input(i);
    if (each.size() != 1 || each.type != result.type || each.has_batch()) {
      call.node.fail("three numbers of one type expected");
    }
  }
  const auto number = [&](size_t i) {
    const OnnxConstant& each = call.input(i);
    return is_real(each.type) ? double{each.reals[0]} : static_cast<double>(each.whole[0]);
  };
  const double step = number(2);
  const double count = std::ceil((number(1) - number(0)) / step);
  if (step == 0 || !(count < 0x1p31)) call.node.fail("impossible range");
  result.shape = {count <= 0 ? 0 : static_cast<int64_t>(count)};
  call.budget.spend(call.node, result.shape);
  for (int64_t i = 0; i < result.shape[0]; ++i) {
    const double value = number(0) + static_cast<double>(i) * step;
    if (is_real(result.type)) {
      result.reals.push_back(static_cast<float>(value));
    } else if (std::fabs(value) < 0x1p53) {
      result.whole.push_back(static_cast<int64_t>(value));
    } else {
      call.node.fail("impossible range");
    }
  }
  return result;
}

}  // namespace mnist
