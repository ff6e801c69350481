#include "formats/tfjs/graph_json.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <set>

#include "base/text.h"
#include "mnist/error.h"

namespace mnist {
namespace {

// Protocol Buffers' 64-bit integers are texts in JSON.
int64_t read_integer(const JsonView& value) {
  if (!value.value().is_string()) return value.integer();
  const std::string text = value.text();
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) value.fail("an integer expected");
  return number;
}

// Bytes are Base64.
std::string read_bytes(const JsonView& value) {
  std::string result;
  uint32_t bits = 0;
  int count = 0;
  for (char letter : value.text()) {
    if (letter == '=') break;
    constexpr std::string_view kLetters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const size_t place = kLetters.find(letter);
    if (place == std::string_view::npos) value.fail("Base64 expected");
    bits = (bits << 6) | static_cast<uint32_t>(place);
    if ((count += 6) < 8) continue;
    count -= 8;
    result += static_cast<char>((bits >> count) & 0xff);
  }
  return result;
}

int64_t read_type(const JsonView& value) {
  const std::string name = value.text();
  if (name == "DT_FLOAT") return kTfFloat;
  if (name == "DT_INT32") return kTfInt32;
  if (name == "DT_INT64") return kTfInt64;
  if (name == "DT_UINT8") return kTfUint8;
  if (name == "DT_BOOL") return kTfBool;
  if (name == "DT_HALF") return kTfHalf;
  return 0;
}

Shape read_shape(const JsonView& shape) {
  Shape result;
  if (!shape.has("dim")) return result;
  for (const JsonView& dimension : shape.at("dim").elements()) {
    const int64_t size = dimension.has("size") ? read_integer(dimension.at("size")) : 0;
    if (size < -1) dimension.fail("an extent expected");
    result.push_back(size);
  }
  return result;
}

TfAttribute read_attribute(const JsonView& value) {
  TfAttribute attribute;
  for (const auto& [key, member] : value.members()) {
    if (key == "s") attribute.text = read_bytes(member);
    if (key == "i") attribute.integer = read_integer(member);
    if (key == "f" && member.value().is_number()) attribute.real = member.number();
    if (key == "b" && member.value().is_boolean()) attribute.flag = member.value().get<bool>();
    if (key == "type") attribute.type = member.value().is_string() ? read_type(member) : 0;
    if (key != "list") continue;
    if (member.has("i")) {
      for (const JsonView& each : member.at("i").elements()) {
        attribute.integers.push_back(read_integer(each));
      }
    }
    if (member.has("s")) {
      for (const JsonView& each : member.at("s").elements()) {
        attribute.texts.push_back(read_bytes(each));
      }
    }
  }
  return attribute;
}

TfNode read_node(const JsonView& json) {
  TfNode node;
  node.name = json.at("name").text();
  node.op = json.at("op").text();
  if (json.has("input")) {
    for (std::string& input : json.at("input").texts()) {
      if (!input.starts_with('^')) node.inputs.push_back(std::move(input));
    }
  }
  if (json.has("attr")) {
    for (const auto& [key, value] : json.at("attr").members()) {
      node.attributes[key] = read_attribute(value);
    }
  }
  return node;
}

// What is fed and fetched, as the signature says; one of each.
bool read_signature(const JsonView& document, TfGraph& graph) {
  std::optional<JsonView> signature;
  if (document.has("signature")) signature = document.at("signature");
  if (!signature && document.has("userDefinedMetadata") &&
      document.at("userDefinedMetadata").has("signature")) {
    signature = document.at("userDefinedMetadata").at("signature");
  }
  if (!signature || !signature->has("inputs") || !signature->has("outputs")) return false;
  const auto inputs = signature->at("inputs").members();
  const auto outputs = signature->at("outputs").members();
  if (inputs.size() != 1 || outputs.size() != 1) {
    signature->fail(fmt::format("{} inputs and {} outputs: networks with one of each are read",
                                inputs.size(), outputs.size()));
  }
  const JsonView& input = inputs[0].second;
  graph.input = input.at("name").text();
  graph.input_shape = read_shape(input.at("tensorShape"));
  graph.input_type = read_type(input.at("dtype"));
  graph.output = outputs[0].second.at("name").text();
  return true;
}

// Without a signature: the only placeholder, and the only node that nothing reads.
void find_ends(const JsonView& topology, TfGraph& graph) {
  std::set<std::string> read;
  for (const auto& [name, node] : graph.nodes) {
    for (const std::string& input : node.inputs) read.insert(parse_reference(input).node);
  }
  for (const JsonView& json : topology.at("node").elements()) {
    const TfNode& node = graph.nodes.at(json.at("name").text());
    if (node.op == "Placeholder") {
      if (!graph.input.empty()) json.fail("a second input");
      graph.input = node.name;
      graph.input_shape = read_shape(json.at("attr").at("shape").at("shape"));
    } else if (!read.contains(node.name)) {
      if (!graph.output.empty()) json.fail("a second output");
      graph.output = node.name;
    }
  }
  if (graph.input.empty() || graph.output.empty()) topology.fail("an input and an output expected");
}

}  // namespace

TfGraph read_tfjs_graph(const JsonView& document, std::map<std::string, TfConstant> weights) {
  TfGraph graph;
  const JsonView topology = document.at("modelTopology");
  for (const JsonView& json : topology.at("node").elements()) {
    if (graph.nodes.size() >= kMostTfNodes) json.fail("too many nodes");
    TfNode node = read_node(json);
    if (node.op == "Const") {
      auto value = weights.extract(node.name);
      if (value.empty())
        json.fail(fmt::format("the values of '{}' are missing", printable(node.name, 80)));
      node.attributes["value"].constant =
          std::make_shared<const TfConstant>(std::move(value.mapped()));
    }
    const std::string name = node.name;
    if (!graph.nodes.emplace(name, std::move(node)).second) json.fail("a node's name twice");
  }
  if (topology.has("library") && topology.at("library").has("function")) {
    topology.fail("functions, which TensorFlow.js does not write");
  }
  if (!read_signature(document, graph)) find_ends(topology, graph);
  return graph;
}

}  // namespace mnist
