#include <fmt/format.h>

#include <map>

#include "base/text.h"
#include "formats/recognise/candidate.h"

namespace mnist {
namespace {

using Integers = std::vector<int64_t>;

// "3", or "3x5" where the extents differ.
std::string extents(const Integers& values) {
  return values.size() == 2 && values[0] != values[1] ? fmt::format("{}x{}", values[0], values[1])
         : values.empty()                             ? ""
                                                      : std::to_string(values[0]);
}

std::string describe_conv(const Node& node, const Model& model) {
  const Shape& shape = model.weight(node.inputs[1]).shape;
  std::string text = fmt::format("Conv{}({}", shape[0], extents({shape[2], shape[3]}));
  const Integers pads = node.integers("pads", {0, 0, 0, 0});
  if (pads != Integers(4, 0)) text += fmt::format(",p{}", pads[0]);
  if (node.text("auto_pad", "NOTSET").starts_with("SAME")) text += ",same";
  const Integers strides = node.integers("strides", {1, 1});
  if (strides != Integers{1, 1}) text += fmt::format(",s{}", extents(strides));
  if (node.integer("group", 1) != 1) text += fmt::format(",g{}", node.integer("group", 1));
  return text + ")";
}

std::string describe_pool(const Node& node) {
  const Integers kernel = node.integers("kernel_shape", {1, 1});
  const Integers strides = node.integers("strides", {1, 1});
  std::string text = fmt::format("{}{}", node.type == "MaxPool" ? "max" : "avg", extents(kernel));
  if (strides != kernel) text += fmt::format("(s{})", extents(strides));
  if (node.integer("ceil_mode", 0) != 0) text += "(ceil)";
  return text;
}

std::string describe_node(const Node& node, const Model& model) {
  static const std::map<std::string, std::string> kWords = {{"Relu", "relu"},
                                                            {"Tanh", "tanh"},
                                                            {"Sigmoid", "sigmoid"},
                                                            {"Elu", "elu"},
                                                            {"Gelu", "gelu"},
                                                            {"Swish", "silu"},
                                                            {"Selu", "selu"},
                                                            {"HardSwish", "hardswish"},
                                                            {"Mish", "mish"},
                                                            {"Softplus", "softplus"},
                                                            {"BatchNormalization", "BN"},
                                                            {"GlobalAveragePool", "avg"},
                                                            {"Softmax", "softmax"},
                                                            {"LogSoftmax", "log_softmax"}};
  if (node.type == "Flatten" || node.type == "Dropout" || node.type == "Identity") return "";
  if (node.type == "Conv" && node.inputs.size() > 1) return describe_conv(node, model);
  if (node.type == "Gemm" && node.inputs.size() > 1) {
    const Shape& shape = model.weight(node.inputs[1]).shape;
    return fmt::format("FC{}", shape[node.integer("transB", 0) != 0 ? 0 : 1]);
  }
  if (node.type == "MaxPool" || node.type == "AveragePool") return describe_pool(node);
  if (node.type == "LeakyRelu") return fmt::format("leaky{}", node.real("alpha", 0.01));
  const auto found = kWords.find(node.type);
  return found == kWords.end() ? node.type : found->second;
}

}  // namespace

std::string describe_network(const Model& model) {
  std::vector<std::string> words;
  for (const Node& node : model.nodes) {
    std::string word = describe_node(node, model);
    if (!word.empty()) words.push_back(std::move(word));
  }
  std::string text = join(words, "-");
  const bool is_usual = model.input_shape == Shape{1, 28, 28};
  return is_usual ? text : fmt::format("{} {}", to_string(model.input_shape), text);
}

}  // namespace mnist
