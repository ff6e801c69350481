// Functions that a file defines: their nodes take the places of the nodes that call them.
#include <fmt/format.h>

#include "base/text.h"
#include "formats/onnx/onnx.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr int kMostDepth = 32;
// What a file may grow to, in nodes of the usual size: a few bytes can ask for any number of them.
constexpr size_t kMostCost = 20'000;

// The bytes of an attribute beyond a node's usual ones, roughly.
struct AttributeBytes {
  size_t operator()(int64_t) const { return 8; }
  size_t operator()(float) const { return 8; }
  size_t operator()(const std::string& text) const { return text.size(); }
  template <typename T>
  size_t operator()(const std::vector<T>& values) const {
    return values.size() * sizeof(T);
  }
  size_t operator()(const std::vector<std::string>& texts) const {
    size_t sum = 0;
    for (const std::string& text : texts) sum += sizeof(std::string) + text.size();
    return sum;
  }
  size_t operator()(const OnnxTensor& tensor) const {
    return tensor.name.size() + 8 * (tensor.shape.size() + tensor.floats.size() +
                                     tensor.doubles.size() + tensor.whole.size());
  }
  template <typename Other>
  size_t operator()(const Other&) const {
    return 0;  // graphs are counted by their nodes
  }
};

size_t cost(const OnnxNode& node) {
  size_t bytes = node.name.size();
  for (const std::string& name : node.inputs) bytes += sizeof(std::string) + name.size();
  for (const std::string& name : node.outputs) bytes += sizeof(std::string) + name.size();
  for (const auto& [name, value] : node.attributes) {
    bytes += name.size() + std::visit(AttributeBytes(), value);
  }
  return 1 + bytes / 2048;
}

class Inliner {
 public:
  Inliner(const OnnxModel& model, const std::string& who) : model_(model), who_(who) {}

  std::vector<OnnxNode> run() {
    std::vector<OnnxNode> result;
    add_nodes(model_.graph.nodes, nullptr, 0, result);
    return result;
  }

 private:
  // One call: what the names and attributes of the function's nodes stand for.
  struct Call {
    const OnnxFunction& function;
    const OnnxNode& node;
    std::map<std::string, std::string> names;
    std::string prefix;

    std::string name(const std::string& inner) const {
      if (inner.empty()) return "";
      const auto found = names.find(inner);
      return found == names.end() ? prefix + inner : found->second;
    }
  };

  [[noreturn]] void fail(const OnnxNode& node, const char* reason) const {
    throw Error(fmt::format("{}: function '{}': {}", who_, printable(node.type, 80), reason));
  }

  void add_nodes(const std::vector<OnnxNode>& nodes, const Call* call, int depth,
                 std::vector<OnnxNode>& result) {
    for (const OnnxNode& node : nodes) {
      cost_ += cost(node);
      if (cost_ > kMostCost) fail(node, "its nodes are too many");
      OnnxNode copy = renamed(node, call, depth);
      const auto function = model_.functions.find({copy.domain, copy.type});
      if (function == model_.functions.end()) {
        result.push_back(std::move(copy));
      } else {
        add_call(function->second, copy, depth + 1, result);
      }
    }
  }

  void add_call(const OnnxFunction& function, const OnnxNode& node, int depth,
                std::vector<OnnxNode>& result) {
    if (depth > kMostDepth) fail(node, "calls itself, or too many others");
    if (node.inputs.size() > function.inputs.size() ||
        node.outputs.size() > function.outputs.size() || node.outputs.empty()) {
      fail(node, "inputs and outputs that are not its own");
    }
    Call call{function, node, {}, node.outputs[0] + "/"};
    for (size_t i = 0; i < function.inputs.size(); ++i) {
      call.names[function.inputs[i]] = i < node.inputs.size() ? node.inputs[i] : "";
    }
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i].empty()) continue;
      const auto [place, is_new] = call.names.emplace(function.outputs[i], node.outputs[i]);
      // An input that is an output, or one output twice.
      if (!is_new) {
        OnnxNode same;
        same.type = "Identity";
        same.opset = 13;
        same.inputs = {place->second};
        same.outputs = {node.outputs[i]};
        result.push_back(std::move(same));
      }
    }
    add_nodes(function.nodes, &call, depth, result);
  }

  OnnxNode renamed(const OnnxNode& node, const Call* call, int depth) {
    OnnxNode copy = node;
    if (call != nullptr) {
      if (!copy.name.empty()) copy.name = call->prefix + copy.name;
      for (std::string& name : copy.inputs) name = call->name(name);
      for (std::string& name : copy.outputs) name = call->name(name);
    }
    for (auto place = copy.attributes.begin(); place != copy.attributes.end();) {
      const bool stays = resolve(place->second, call, depth);
      place = stays ? std::next(place) : copy.attributes.erase(place);
    }
    return copy;
  }

  // Whether the attribute is there: one that refers to another may not be.
  bool resolve(OnnxAttribute& value, const Call* call, int depth) {
    if (const auto* graph = std::get_if<OnnxSubgraph>(&value)) {
      value = OnnxSubgraph(renamed(**graph, call, depth));
      return true;
    }
    const auto* reference = std::get_if<OnnxReference>(&value);
    if (reference == nullptr || call == nullptr) return true;
    const std::string name = reference->name;
    for (const auto* attributes : {&call->node.attributes, &call->function.usual}) {
      const auto found = attributes->find(name);
      if (found == attributes->end()) continue;
      cost_ += std::visit(AttributeBytes(), found->second) / 2048;
      value = found->second;
      return true;
    }
    return false;
  }

  std::shared_ptr<const OnnxGraph> renamed(const OnnxGraph& graph, const Call* call, int depth) {
    if (depth > kMostDepth) throw Error(fmt::format("{}: graphs within too many others", who_));
    auto copy = std::make_shared<OnnxGraph>();
    copy->initializers = graph.initializers;
    copy->outputs = graph.outputs;
    if (call != nullptr) {
      for (OnnxTensor& tensor : copy->initializers) tensor.name = call->name(tensor.name);
      for (OnnxValueInfo& output : copy->outputs) output.name = call->name(output.name);
    }
    add_nodes(graph.nodes, call, depth + 1, copy->nodes);
    return copy;
  }

  const OnnxModel& model_;
  const std::string& who_;
  size_t cost_ = 0;
};

}  // namespace

void inline_functions(OnnxModel& model, const std::string& who) {
  model.graph.nodes = Inliner(model, who).run();
  model.functions.clear();
}

}  // namespace mnist
