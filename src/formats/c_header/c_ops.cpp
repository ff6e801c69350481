#include "formats/c_header/c_ops.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "formats/c_header/c_functions.h"
#include "formats/c_header/c_window.h"
#include "formats/layer_chain.h"

namespace mnist {
namespace {

// ---- ops with constants of their own ----

void add_dense(const CNode& node, CParts& parts) {
  const std::vector<OpInput>& inputs = node.spec.inputs;
  const Tensor* bias = inputs.size() > 2 && inputs[2].present ? inputs[2].weight : nullptr;
  const LayerWeights layer = dense_weights(node.spec.node, *inputs[1].weight, bias);
  add_c_weights(node, layer.weights, layer.bias, parts);
  open_c_function(node, parts);
  CText& text = parts.functions;
  text.loop("o", layer.outputs);
  text.line("float sum = 0.0f;");
  text.line("for (int k = 0; k < {}; ++k) sum += {} * x[k];", layer.inputs,
            c_weight(node, parts, fmt::format("o * {} + k", layer.inputs)));
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

void call(const CNode& node, CParts& parts) {
  parts.calls.push_back(fmt::format("{}({}, {});", node.name, node.inputs[0], node.result));
}

void add_concat(const CNode& node, CParts& parts) {
  const auto rank = static_cast<int64_t>(node.output.size());
  const int64_t axis = node.spec.node.integer("axis", 0);
  const int64_t index = axis < 0 ? axis + rank : axis - 1;
  int64_t outer = 1;
  for (int64_t i = 0; i < index; ++i) outer *= node.output[static_cast<size_t>(i)];
  const int64_t whole = static_cast<int64_t>(element_count(node.output)) / outer;
  add_c_copy_helper(parts);
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

// Besides the functions of one and two variables.
constexpr Entry kEntries[] = {
    {"AveragePool", false, with_call<add_c_average_pool>},
    {"BatchNormalization", true, with_call<add_batch_normalization>},
    {"Concat", false, add_concat},
    {"Conv", false, with_call<add_c_conv>},
    {"Gemm", false, with_call<add_dense>},
    {"GlobalAveragePool", false, with_call<add_global_average>},
    {"LogSoftmax", true, add_c_softmax},
    {"MaxPool", false, with_call<add_c_max_pool>},
    {"Softmax", true, add_c_softmax},
};

const Entry* find_entry(const Node& node) {
  for (const Entry& entry : kEntries) {
    if (node.type == entry.type) return &entry;
  }
  return nullptr;
}

void add_node(const CNode& node, CParts& parts) {
  const Node& described = node.spec.node;
  if (is_c_map(described.type)) return add_c_map(node, parts);
  if (is_c_binary(described.type)) return add_c_binary(node, parts);
  const Entry* entry = find_entry(described);
  if (entry == nullptr) node.spec.fail("there is no C for this operator yet");
  entry->add(node, parts);
}

}  // namespace

bool c_works_in_place(const Node& node) {
  if (is_c_map(node.type) || is_c_binary(node.type)) return true;
  const Entry* entry = find_entry(node);
  return entry != nullptr && entry->in_place;
}

void add_c_op(const CNode& node, const std::string& comment, CParts& parts) {
  CText before = std::exchange(parts.functions, CText());
  add_node(node, parts);
  if (!parts.functions.text().empty()) {
    before.line(comment);
    before.add(parts.functions);
  }
  parts.functions = std::move(before);
}

}  // namespace mnist
