#include "formats/c_header/c_functions.h"

#include <algorithm>
#include <limits>

#include "ops/broadcast.h"

namespace mnist {
namespace {

// A function of `v`; `a` and `b` are the attributes' values.
struct Map {
  const char* type;
  const char* name;  // of its helper
  const char* expression;
  const char* attributes[2] = {nullptr, nullptr};
  double defaults[2] = {0.0, 0.0};
};

// Stands for a bound that is not there.
constexpr double kGreatest = std::numeric_limits<float>::max();
// Gelu with approximate = "tanh".
constexpr char kTanhGelu[] = "Gelu tanh";

constexpr Map kMaps[] = {
    {"Abs", "abs", "fabsf(v)"},
    {"Celu", "celu", "fmaxf(0.0f, v) + fminf(0.0f, a * expm1f(v / a))", {"alpha"}, {1.0}},
    {"Clip", "clip", "fminf(fmaxf(v, a), b)", {"min", "max"}, {-kGreatest, kGreatest}},
    {"Elu", "elu", "v > 0.0f ? v : a * expm1f(v)", {"alpha"}, {1.0}},
    {"Exp", "exp", "expf(v)"},
    {"Gelu", "gelu", "0.5f * v * (1.0f + erff(0.70710678f * v))"},
    {kTanhGelu, "gelu_tanh",
     "0.5f * v * (1.0f + tanhf(0.79788456f * (v + 0.044715f * v * v * v)))"},
    {"HardSigmoid",
     "hard_sigmoid",
     "fmaxf(0.0f, fminf(1.0f, a * v + b))",
     {"alpha", "beta"},
     {0.2, 0.5}},
    {"HardSwish", "hard_swish", "v * fmaxf(0.0f, fminf(1.0f, v / 6.0f + 0.5f))"},
    {"LeakyRelu", "leaky_relu", "v >= 0.0f ? v : a * v", {"alpha"}, {0.01}},
    {"Log", "log", "logf(v)"},
    {"Mish", "mish", "v * tanhf(fmaxf(v, 0.0f) + log1pf(expf(-fabsf(v))))"},
    {"Neg", "neg", "-v"},
    {"Relu", "relu", "v > 0.0f ? v : 0.0f"},
    {"Selu",
     "selu",
     "b * (v > 0.0f ? v : a * expm1f(v))",
     {"alpha", "gamma"},
     {1.67326319217681884765625, 1.05070102214813232421875}},
    {"Sigmoid", "sigmoid", "1.0f / (1.0f + expf(-v))"},
    {"Softplus", "softplus", "fmaxf(v, 0.0f) + log1pf(expf(-fabsf(v)))"},
    {"Softsign", "softsign", "v / (1.0f + fabsf(v))"},
    {"Sqrt", "sqrt", "sqrtf(v)"},
    {"Swish", "swish", "v / (1.0f + expf(-a * v))", {"alpha"}, {1.0}},
    {"Tanh", "tanh", "tanhf(v)"},
    {"ThresholdedRelu", "thresholded_relu", "v > a ? v : 0.0f", {"alpha"}, {1.0}},
};

struct Binary {
  const char* type;
  const char* expression;  // {0} and {1} stand for the operands
};

constexpr Binary kBinaries[] = {
    {"Add", "{0} + {1}"},       {"Div", "{0} / {1}"}, {"Max", "fmaxf({0}, {1})"},
    {"Min", "fminf({0}, {1})"}, {"Mul", "{0} * {1}"}, {"Sub", "{0} - {1}"},
};

constexpr char kSoftmax[] =
    R"(/* Over `classes` values that are `inner` apart. */
static inline void digit_softmax(const float *x, float *y, int count, int classes, int inner) {
  for (int i = 0; i < count / classes; ++i) {
    const int first = i / inner * inner * classes + i % inner;
    float most = x[first];
    float sum = 0.0f;
    for (int k = 1; k < classes; ++k) {
      if (x[first + k * inner] > most) most = x[first + k * inner];
    }
    for (int k = 0; k < classes; ++k) {
      const float value = expf(x[first + k * inner] - most);
      y[first + k * inner] = value;
      sum += value;
    }
    for (int k = 0; k < classes; ++k) y[first + k * inner] /= sum;
  }
}
)";

constexpr char kLogSoftmax[] =
    R"(/* Over `classes` values that are `inner` apart. */
static inline void digit_log_softmax(const float *x, float *y, int count, int classes, int inner) {
  for (int i = 0; i < count / classes; ++i) {
    const int first = i / inner * inner * classes + i % inner;
    float most = x[first];
    float sum = 0.0f;
    for (int k = 1; k < classes; ++k) {
      if (x[first + k * inner] > most) most = x[first + k * inner];
    }
    for (int k = 0; k < classes; ++k) sum += expf(x[first + k * inner] - most);
    for (int k = 0; k < classes; ++k) y[first + k * inner] = x[first + k * inner] - most - logf(sum);
  }
}
)";

constexpr char kCopy[] =
    R"(/* Runs of `run` values, whose places are `step` apart. */
static inline void digit_copy(const float *x, float *y, int count, int run, int step) {
  for (int i = 0; i < count; ++i) y[i / run * step + i % run] = x[i];
}
)";

template <typename Table>
auto find_type(const Table& table, const std::string& type) {
  return std::find_if(std::begin(table), std::end(table),
                      [&](const auto& entry) { return type == entry.type; });
}

// "i0 * 4 + i1", the element of an operand whose values are so far apart.
std::string element_text(const std::vector<size_t>& steps) {
  std::string text;
  for (size_t axis = 0; axis < steps.size(); ++axis) {
    if (steps[axis] == 0) continue;
    text += fmt::format("{}i{} * {}", text.empty() ? "" : " + ", axis, steps[axis]);
  }
  return text.empty() ? "0" : text;
}

}  // namespace

bool is_c_map(const std::string& type) { return find_type(kMaps, type) != std::end(kMaps); }

void add_c_map(const CNode& node, CParts& parts) {
  const bool is_tanh = node.spec.node.text("approximate", "none") == "tanh";
  const Map& map = *find_type(kMaps, is_tanh ? kTanhGelu : node.spec.node.type);
  std::string parameters;
  std::string arguments;
  for (size_t i : {0U, 1U}) {
    if (map.attributes[i] == nullptr) continue;
    parameters += fmt::format(", float {}", i == 0 ? 'a' : 'b');
    const double value = node.spec.node.real(map.attributes[i], map.defaults[i]);
    arguments += ", " + c_float(static_cast<float>(std::clamp(value, -kGreatest, kGreatest)));
  }
  CText text;
  text.open(fmt::format("static inline void digit_{}(const float *x, float *y, int count{})",
                        map.name, parameters));
  text.open("for (int i = 0; i < count; ++i)");
  text.line("const float v = x[i];");
  text.line("y[i] = {};", map.expression);
  text.close();
  text.close();
  parts.helpers.emplace(map.name, text.text());
  parts.calls.push_back(fmt::format("digit_{}({}, {}, {}{});", map.name, node.inputs[0],
                                    node.result, element_count(node.output), arguments));
}

bool is_c_binary(const std::string& type) {
  return find_type(kBinaries, type) != std::end(kBinaries);
}

void add_c_binary(const CNode& node, CParts& parts) {
  const Broadcast shapes = broadcast_inputs(node.spec);
  CText& text = parts.functions;
  std::string operands[2];
  std::string parameters;
  std::string arguments;
  for (size_t k : {0U, 1U}) {
    const OpInput& input = node.spec.inputs[k];
    std::string name = k == 0 ? "a" : "b";
    if (input.weight != nullptr) {
      name = node.name + "_weight";
      text.floats(name, input.weight->values);
    } else {
      parameters += fmt::format("const float *{}, ", name);
      arguments += node.inputs[k] + ", ";
    }
    operands[k] = fmt::format("{}[{}]", name, element_text(shapes.steps[k]));
  }
  text.open(fmt::format("static inline void {}({}float *y)", node.name, parameters));
  std::vector<size_t> steps(node.output.size(), 1);
  for (size_t axis = steps.size(); axis-- > 1;) {
    steps[axis - 1] = steps[axis] * static_cast<size_t>(node.output[axis]);
  }
  for (size_t axis = 0; axis < node.output.size(); ++axis) {
    text.loop(fmt::format("i{}", axis), node.output[axis]);
  }
  const char* expression = find_type(kBinaries, node.spec.node.type)->expression;
  text.line("y[{}] = {};", element_text(steps),
            fmt::format(fmt::runtime(expression), operands[0], operands[1]));
  for (size_t axis = 0; axis <= node.output.size(); ++axis) text.close();
  parts.calls.push_back(fmt::format("{}({}{});", node.name, arguments, node.result));
}

void add_c_softmax(const CNode& node, CParts& parts) {
  const bool is_log = node.spec.node.type == "LogSoftmax";
  const char* const name = is_log ? "log_softmax" : "softmax";
  parts.helpers.emplace(name, is_log ? kLogSoftmax : kSoftmax);
  const Shape& shape = node.output;
  const auto rank = static_cast<int64_t>(shape.size());
  const int64_t axis = node.spec.node.integer("axis", -1);
  const auto index = static_cast<size_t>(axis < 0 ? axis + rank : axis - 1);
  int64_t inner = 1;
  for (size_t i = index + 1; i < shape.size(); ++i) inner *= shape[i];
  parts.calls.push_back(fmt::format("digit_{}({}, {}, {}, {}, {});", name, node.inputs[0],
                                    node.result, element_count(shape), shape[index], inner));
}

void add_c_softmax_helper(CParts& parts) { parts.helpers.emplace("softmax", kSoftmax); }
void add_c_copy_helper(CParts& parts) { parts.helpers.emplace("copy", kCopy); }

void add_c_names(CNames& names) {
  for (const Map& map : kMaps) names.add(map.name);
  for (const char* name : {"copy", "softmax", "log_softmax"}) names.add(name);
}

}  // namespace mnist
