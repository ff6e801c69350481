#include "model/draw_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr size_t kLongestName = 30;
constexpr size_t kLongestDetails = 42;

// Types that look alike; what is not listed is "other".
constexpr std::pair<const char*, const char*> kKinds[] = {
    {"Conv", "conv"},          {"Gemm", "dense"},
    {"MatMul", "dense"},       {"MaxPool", "pool"},
    {"AveragePool", "pool"},   {"GlobalAveragePool", "pool"},
    {"Relu", "activation"},    {"LeakyRelu", "activation"},
    {"Sigmoid", "activation"}, {"Tanh", "activation"},
    {"Softmax", "activation"}, {"LogSoftmax", "activation"},
    {"Dropout", "norm"},       {"BatchNormalization", "norm"},
};

constexpr DrawnColours kColours[] = {
    {"end", "#f4f4f5", "#a1a1aa", "#27272a", "#71717a"},
    {"conv", "#dbeafe", "#60a5fa", "#1e3a5f", "#60a5fa"},
    {"dense", "#ede9fe", "#a78bfa", "#3b2f63", "#a78bfa"},
    {"pool", "#ffedd5", "#fb923c", "#4f3113", "#fb923c"},
    {"activation", "#dcfce7", "#4ade80", "#17402a", "#4ade80"},
    {"norm", "#ccfbf1", "#2dd4bf", "#134441", "#2dd4bf"},
    {"other", "#f1f5f9", "#94a3b8", "#2a3442", "#94a3b8"},
};

std::string kind_of(const std::string& type) {
  for (const auto& [known, kind] : kKinds) {
    if (type == known) return kind;
  }
  return "other";
}

struct AttributeText {
  std::string operator()(int64_t value) const { return fmt::format("{}", value); }
  std::string operator()(double value) const { return fmt::format("{:.4g}", value); }
  std::string operator()(const std::string& value) const { return value; }
  std::string operator()(const std::vector<int64_t>& values) const {
    return fmt::format("{}", fmt::join(values, "×"));
  }
  std::string operator()(const std::vector<double>& values) const {
    return fmt::format("{:.4g}", fmt::join(values, "×"));
  }
};

std::string details_of(const Node& node) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : node.attributes) {
    parts.push_back(fmt::format("{} {}", name, std::visit(AttributeText{}, value)));
  }
  return printable(join(parts), kLongestDetails);
}

std::string shape_text(const Shape& shape) { return fmt::format("{}", fmt::join(shape, " × ")); }

std::string facts_of(const NodeFacts& facts) {
  std::string text = shape_text(facts.output_shape);
  if (facts.parameters != 0) text += fmt::format(" · {} parameters", grouped(facts.parameters));
  return text;
}

DrawnBox box_of(const Node& node) {
  return {kind_of(node.type), printable(node.type, kLongestName),
          printable(node.name, kLongestName), details_of(node), ""};
}

}  // namespace

DrawnGraph drawn_graph(const Model& model, std::span<const NodeFacts> facts) {
  if (!facts.empty() && facts.size() != model.nodes.size()) {
    throw Error(fmt::format("drawing: facts of {} nodes expected, got {}", model.nodes.size(),
                            facts.size()));
  }
  DrawnGraph graph;
  std::map<std::string, size_t> maker = {{model.input, 0}};
  std::set<std::pair<size_t, size_t>> edges;
  graph.boxes.push_back(
      {"end", "Input", printable(model.input, kLongestName), "", shape_text(model.input_shape)});
  for (const Node& node : model.nodes) {
    const size_t number = graph.boxes.size();
    graph.boxes.push_back(box_of(node));
    if (!facts.empty()) graph.boxes.back().facts = facts_of(facts[number - 1]);
    for (const std::string& input : node.inputs) {
      if (auto found = maker.find(input); found != maker.end())
        edges.emplace(found->second, number);
    }
    for (const std::string& output : node.outputs) maker[output] = number;
  }
  if (auto found = maker.find(model.output); found != maker.end()) {
    edges.emplace(found->second, graph.boxes.size());
  }
  graph.boxes.push_back({"end", "Output", printable(model.output, kLongestName), "", ""});
  graph.edges.assign(edges.begin(), edges.end());
  return graph;
}

std::span<const DrawnColours> drawn_colours() { return kColours; }

}  // namespace mnist
