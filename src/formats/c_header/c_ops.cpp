#include "formats/c_header/c_ops.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "formats/c_header/c_window.h"

namespace mnist {
namespace {

// ---- ops with constants of their own ----

void add_dense(const CNode& node, CParts& parts) {
  const OpSpec& spec = node.spec;
  const Tensor& stored = *spec.inputs[1].weight;
  const bool is_transposed = spec.node.integer("transB", 0) != 0;
  const auto outputs = static_cast<size_t>(stored.shape[is_transposed ? 0 : 1]);
  const auto inputs = static_cast<size_t>(stored.shape[is_transposed ? 1 : 0]);
  const auto alpha = static_cast<float>(spec.node.real("alpha", 1.0));
  const auto beta = static_cast<float>(spec.node.real("beta", 1.0));
  std::vector<float> weights;
  std::vector<float> bias(outputs, 0.0F);
  for (size_t o = 0; o < outputs; ++o) {
    for (size_t k = 0; k < inputs; ++k) {
      weights.push_back(alpha * stored.values[is_transposed ? o * inputs + k : k * outputs + o]);
    }
    if (spec.inputs.size() > 2 && spec.inputs[2].present) {
      bias[o] = beta * spec.inputs[2].weight->values[o];
    }
  }
  add_c_weights(node, weights, bias, parts);
  open_c_function(node, parts);
  CText& text = parts.functions;
  text.loop("o", static_cast<int64_t>(outputs));
  text.line("float sum = 0.0f;");
  text.line("for (int k = 0; k < {}; ++k) sum += {} * x[k];", inputs,
            c_weight(node, parts, fmt::format("o * {} + k", inputs)));
  text.line("y[o] = {};", c_result(node, parts));
  text.close();
  text.close();
}

// (x - mean) * factor + bias, with what is known of the factor computed here.
void add_batch_normalization(const CNode& node, CParts& parts) {
  const OpSpec& spec = node.spec;
  const auto values = [&](size_t input) -> const std::vector<float>& {
    return spec.inputs[input].weight->values;
  };
  const auto epsilon = static_cast<float>(spec.node.real("epsilon", 1e-5));
  std::vector<float> factors;
  for (size_t c = 0; c < values(1).size(); ++c) {
    factors.push_back(values(1)[c] / std::sqrt(values(4)[c] + epsilon));
  }
  const std::string& name = node.name;
  CText& text = parts.functions;
  text.floats(name + "_mean", values(3));
  text.floats(name + "_factor", factors);
  text.floats(name + "_bias", values(2));
  open_c_function(node, parts);
  const size_t plane = element_count(node.output) / factors.size();
  text.loop("c", static_cast<int64_t>(factors.size()));
  text.open(fmt::format("for (int i = c * {0}; i < (c + 1) * {0}; ++i)", plane));
  text.line("y[i] = (x[i] - {0}_mean[c]) * {0}_factor[c] + {0}_bias[c];", name);
  text.close();
  text.close();
  text.close();
}

// How far apart the values of `weight` are along each axis of `image`; 0 where one is repeated.
std::vector<int64_t> broadcast_steps(const Shape& image, Shape weight) {
  while (weight.size() > image.size()) weight.erase(weight.begin());
  std::vector<int64_t> steps(image.size(), 0);
  int64_t step = 1;
  for (size_t i = 0; i < weight.size(); ++i) {
    const size_t axis = image.size() - 1 - i;
    const int64_t extent = weight[weight.size() - 1 - i];
    if (extent != 1) steps[axis] = step;
    step *= extent;
  }
  return steps;
}

// An activation and a weight, which is repeated along some axes.
void add_broadcast(const CNode& node, CParts& parts, char sign) {
  const size_t weight = node.spec.inputs[0].weight != nullptr ? 0 : 1;
  const Tensor& tensor = *node.spec.inputs[weight].weight;
  const std::string name = node.name + "_weight";
  const std::vector<int64_t> steps = broadcast_steps(node.output, tensor.shape);
  CText& text = parts.functions;
  text.floats(name, tensor.values);
  open_c_function(node, parts);
  std::string at;
  std::string of_weight;
  for (size_t axis = 0; axis < node.output.size(); ++axis) {
    const std::string variable = fmt::format("i{}", axis);
    text.loop(variable, node.output[axis]);
    at = axis == 0 ? variable : fmt::format("({}) * {} + {}", at, node.output[axis], variable);
    of_weight += fmt::format("{}{} * {}", axis == 0 ? "" : " + ", variable, steps[axis]);
  }
  text.line("const int i = {};", at);
  text.line("y[i] = x[i] {} {}[{}];", sign, name, of_weight);
  for (size_t axis = 0; axis <= node.output.size(); ++axis) text.close();
}

// ---- ops that share a function ----

void call(const CNode& node, CParts& parts) {
  const auto x = std::find_if(node.inputs.begin(), node.inputs.end(),
                              [](const std::string& input) { return !input.empty(); });
  parts.calls.push_back(fmt::format("{}({}, {});", node.name, *x, node.result));
}

void call_helper(const CNode& node, CParts& parts, CHelper helper, const std::string& name,
                 const std::string& more = "") {
  parts.helpers.insert(helper);
  std::string inputs = node.inputs[0];
  for (size_t i = 1; i < node.inputs.size(); ++i) inputs += ", " + node.inputs[i];
  parts.calls.push_back(fmt::format("digit_{}({}, {}, {}{});", name, inputs, node.result,
                                    element_count(node.output), more));
}

void add_softmax(const CNode& node, CParts& parts, CHelper helper, const char* name) {
  const Shape& shape = node.output;
  const auto rank = static_cast<int64_t>(shape.size());
  const int64_t axis = node.spec.node.integer("axis", -1);
  const int64_t index = axis < 0 ? axis + rank : axis - 1;
  int64_t inner = 1;
  for (int64_t i = index + 1; i < rank; ++i) inner *= shape[static_cast<size_t>(i)];
  call_helper(node, parts, helper, name,
              fmt::format(", {}, {}", shape[static_cast<size_t>(index)], inner));
}

void add_pair(const CNode& node, CParts& parts, bool is_sum) {
  if (node.spec.inputs[0].weight == nullptr && node.spec.inputs[1].weight == nullptr) {
    call_helper(node, parts, is_sum ? CHelper::kAdd : CHelper::kMultiply,
                is_sum ? "add" : "multiply");
    return;
  }
  add_broadcast(node, parts, is_sum ? '+' : '*');
  call(node, parts);
}

void add_concat(const CNode& node, CParts& parts) {
  const auto rank = static_cast<int64_t>(node.output.size());
  const int64_t axis = node.spec.node.integer("axis", 0);
  const int64_t index = axis < 0 ? axis + rank : axis - 1;
  int64_t outer = 1;
  for (int64_t i = 0; i < index; ++i) outer *= node.output[static_cast<size_t>(i)];
  const int64_t whole = static_cast<int64_t>(element_count(node.output)) / outer;
  parts.helpers.insert(CHelper::kCopy);
  int64_t start = 0;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const int64_t run = static_cast<int64_t>(element_count(node.spec.inputs[i].shape)) / outer;
    parts.calls.push_back(fmt::format("digit_copy({}, {} + {}, {}, {}, {});", node.inputs[i],
                                      node.result, start, outer * run, run, whole));
    start += run;
  }
}

void add_global_average(const CNode& node, CParts& parts) {
  const size_t plane = element_count(node.spec.inputs[0].shape) / element_count(node.output);
  open_c_function(node, parts);
  CText& text = parts.functions;
  text.loop("c", static_cast<int64_t>(element_count(node.output)));
  text.line("float sum = 0.0f;");
  text.line("for (int i = 0; i < {0}; ++i) sum += x[c * {0} + i];", plane);
  text.line("y[c] = sum / {}.0f;", plane);
  text.close();
  text.close();
}

// ---- the list ----

struct Entry {
  const char* type;
  bool in_place;
  void (*add)(const CNode& node, CParts& parts);
};

template <void (*kAdd)(const CNode&, CParts&)>
void with_call(const CNode& node, CParts& parts) {
  kAdd(node, parts);
  call(node, parts);
}

constexpr Entry kEntries[] = {
    {"Add", true, [](const CNode& n, CParts& p) { add_pair(n, p, true); }},
    {"AveragePool", false, with_call<add_c_average_pool>},
    {"BatchNormalization", true, with_call<add_batch_normalization>},
    {"Concat", false, add_concat},
    {"Conv", false, with_call<add_c_conv>},
    {"Gemm", false, with_call<add_dense>},
    {"GlobalAveragePool", false, with_call<add_global_average>},
    {"LeakyRelu", true,
     [](const CNode& n, CParts& p) {
       const auto alpha = static_cast<float>(n.spec.node.real("alpha", 0.01));
       call_helper(n, p, CHelper::kLeakyRelu, "leaky_relu", ", " + c_float(alpha));
     }},
    {"LogSoftmax", true,
     [](const CNode& n, CParts& p) { add_softmax(n, p, CHelper::kLogSoftmax, "log_softmax"); }},
    {"MaxPool", false, with_call<add_c_max_pool>},
    {"Mul", true, [](const CNode& n, CParts& p) { add_pair(n, p, false); }},
    {"Relu", true, [](const CNode& n, CParts& p) { call_helper(n, p, CHelper::kRelu, "relu"); }},
    {"Sigmoid", true,
     [](const CNode& n, CParts& p) { call_helper(n, p, CHelper::kSigmoid, "sigmoid"); }},
    {"Softmax", true,
     [](const CNode& n, CParts& p) { add_softmax(n, p, CHelper::kSoftmax, "softmax"); }},
    {"Tanh", true, [](const CNode& n, CParts& p) { call_helper(n, p, CHelper::kTanh, "tanh"); }},
};

const Entry* find_entry(const Node& node) {
  for (const Entry& entry : kEntries) {
    if (node.type == entry.type) return &entry;
  }
  return nullptr;
}

}  // namespace

bool c_works_in_place(const Node& node) {
  const Entry* entry = find_entry(node);
  return entry != nullptr && entry->in_place;
}

void add_c_op(const CNode& node, const std::string& comment, CParts& parts) {
  const Entry* entry = find_entry(node.spec.node);
  if (entry == nullptr) node.spec.fail("there is no C for this operator yet");
  CText before = std::exchange(parts.functions, CText());
  entry->add(node, parts);
  if (!parts.functions.text().empty()) {
    before.line(comment);
    before.add(parts.functions);
  }
  parts.functions = std::move(before);
}

}  // namespace mnist
