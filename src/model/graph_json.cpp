#include "model/graph_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/text.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr int64_t kVersion = 1;
// A few bytes of text may ask for weights of any size; 2^26 of them are 256 MB.
constexpr size_t kMostParameters = size_t{1} << 26;
// What make_architecture and most frameworks call the weights of a node, in ONNX's order.
constexpr const char* kWeightEndings[] = {".weight", ".scale", ".bias", ".mean", ".var"};

// ---- writing ----

std::string number_to_json(double value, const std::string& who) {
  if (!std::isfinite(value)) throw Error(fmt::format("{}: {} is not finite", who, value));
  return Json(value).dump();  // the shortest text that gives the same double, "1.0" for 1
}

struct AttributeToJson {
  const std::string& who;

  std::string operator()(int64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const { return number_to_json(value, who); }
  std::string operator()(const std::string& value) const { return quote_json(value, who); }
  std::string operator()(const std::vector<int64_t>& values) const {
    return fmt::format("[{}]", fmt::join(values, ", "));
  }
  std::string operator()(const std::vector<double>& values) const {
    if (values.empty()) return R"({"floats": []})";  // [] is an empty list of integers
    std::vector<std::string> texts;
    for (double value : values) texts.push_back(number_to_json(value, who));
    return fmt::format("[{}]", join(texts));
  }
};

std::string quote_list(const std::vector<std::string>& texts, const std::string& who) {
  std::vector<std::string> quoted;
  for (const std::string& text : texts) quoted.push_back(quote_json(text, who));
  return fmt::format("[{}]", join(quoted));
}

std::string node_to_json(const Node& node) {
  const std::string who = fmt::format("node '{}' ({})", node.name, node.type);
  if (node.outputs.size() != 1) throw Error(who + ": exactly one output expected");
  std::string line = fmt::format(R"({{"type": {}, "name": {}, "inputs": {}, "output": {})",
                                 quote_json(node.type, who), quote_json(node.name, who),
                                 quote_list(node.inputs, who), quote_json(node.outputs[0], who));
  if (!node.attributes.empty()) {
    std::vector<std::string> members;
    for (const auto& [name, value] : node.attributes) {
      members.push_back(
          fmt::format("{}: {}", quote_json(name, who), std::visit(AttributeToJson{who}, value)));
    }
    line += fmt::format(R"(, "attributes": {{{}}})", join(members));
  }
  return line + "}";
}

std::string metadata_to_json(const Model& model) {
  std::vector<std::string> members;
  for (const auto& [key, value] : model.metadata) {
    members.push_back(
        fmt::format("    {}: {}", quote_json(key, "metadata"), quote_json(value, "metadata")));
  }
  return fmt::format("{{\n{}\n  }}", join(members, ",\n"));
}

// ---- reading ----

bool is_whole_list(const Json& list) {
  return std::all_of(list.begin(), list.end(), [](const Json& e) { return e.is_number_integer(); });
}

std::vector<double> numbers(const JsonView& list) {
  std::vector<double> values;
  for (const JsonView& element : list.elements()) values.push_back(element.number());
  return values;
}

Attribute attribute_from_json(const JsonView& value) {
  const Json& json = value.value();
  if (json.is_number_integer()) return value.integer();
  if (json.is_number_float()) return value.number();
  if (json.is_string()) return value.text();
  if (json.is_object()) {
    value.expect_keys({"floats"});
    return numbers(value.at("floats"));
  }
  if (!json.is_array()) value.fail("a number, a text or a list of numbers expected");
  if (is_whole_list(json)) return value.integers();
  return numbers(value);
}

// Reads the list of nodes, filling in what may be left out.
class NodeReader {
 public:
  NodeReader(const JsonView& nodes, Model& model) : model_(model), last_(model.input) {
    const std::vector<JsonView> elements = nodes.elements();
    for (const JsonView& element : elements) {
      if (element.has("name")) taken_.insert(element.at("name").text());
    }
    for (const JsonView& element : elements) model_.nodes.push_back(read(element));
  }

  const std::string& last_output() const { return last_; }

 private:
  Node read(const JsonView& element) {
    element.expect_keys({"type", "name", "inputs", "output", "attributes"});
    Node node;
    node.type = element.at("type").text();
    node.name = element.has("name") ? element.at("name").text() : fresh_name(node.type);
    node.inputs = element.has("inputs") ? element.at("inputs").texts() : usual_inputs(node.name);
    last_ = element.has("output") ? element.at("output").text() : node.name;
    node.outputs = {last_};
    if (element.has("attributes")) {
      for (const auto& [name, value] : element.at("attributes").members()) {
        node.attributes[name] = attribute_from_json(value);
      }
    }
    return node;
  }

  // "conv1" for the first Conv, and so on, past names that other nodes have been given.
  std::string fresh_name(const std::string& type) {
    std::string word = type;
    for (char& letter : word) {
      if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    }
    while (true) {
      std::string name = fmt::format("{}{}", word, ++counts_[type]);
      if (taken_.insert(name).second) return name;
    }
  }

  std::vector<std::string> usual_inputs(const std::string& name) const {
    std::vector<std::string> inputs = {last_};
    for (const char* ending : kWeightEndings) {
      if (model_.is_weight(name + ending)) inputs.push_back(name + ending);
    }
    return inputs;
  }

  Model& model_;
  std::string last_;
  std::set<std::string> taken_;
  std::map<std::string, int> counts_;
};

void expect_format(const JsonView& document, const std::string& format) {
  const std::string found = document.at("format").text();
  if (found != format) {
    document.at("format").fail(
        fmt::format("\"{}\" expected, got \"{}\"", format, printable(found, 60)));
  }
  const int64_t version = document.at("version").integer();
  if (version != kVersion) {
    document.at("version").fail(
        fmt::format("version {} expected, got {}: written by a newer "
                    "program?",
                    kVersion, version));
  }
}

void read_input(const JsonView& document, Model& model) {
  model.input_shape = {1, 28, 28};
  if (!document.has("input")) return;
  const JsonView input = document.at("input");
  input.expect_keys({"name", "shape"});
  if (input.has("name")) model.input = input.at("name").text();
  if (input.has("shape")) model.input_shape = shape_from_json(input.at("shape"));
}

void read_pixels(const JsonView& document, Model& model) {
  if (!document.has("pixels")) return;
  const JsonView pixels = document.at("pixels");
  pixels.expect_keys({"scale", "offset"});
  if (pixels.has("scale")) model.pixels.scale = pixels.at("scale").number();
  if (pixels.has("offset")) model.pixels.offset = pixels.at("offset").number();
}

}  // namespace

Shape shape_from_json(const JsonView& value) {
  Shape shape = value.integers();
  if (shape.size() > 32) value.fail("more than 32 dimensions");
  try {
    element_count(shape);
  } catch (const Error& error) {
    value.fail(error.what());
  }
  return shape;
}

std::string graph_members_to_json(const Model& model) {
  const std::string who = "the model";
  std::vector<std::string> members = {
      fmt::format(R"(  "architecture": {})", quote_json(model.architecture, who)),
      fmt::format(R"(  "input": {{"name": {}, "shape": [{}]}})", quote_json(model.input, who),
                  fmt::join(model.input_shape, ", ")),
      fmt::format(R"(  "output": {})", quote_json(model.output, who)),
      fmt::format(R"(  "pixels": {{"scale": {}, "offset": {}}})",
                  number_to_json(model.pixels.scale, "pixel scale"),
                  number_to_json(model.pixels.offset, "pixel offset"))};
  if (!model.class_names.empty()) {
    members.push_back("  \"class_names\": " + quote_list(model.class_names, "class names"));
  }
  if (!model.metadata.empty()) members.push_back("  \"metadata\": " + metadata_to_json(model));
  std::vector<std::string> nodes;
  for (const Node& node : model.nodes) nodes.push_back("    " + node_to_json(node));
  members.push_back(fmt::format("  \"nodes\": [\n{}\n  ]", join(nodes, ",\n")));
  return join(members, ",\n");
}

std::string graph_to_json(const Model& model) {
  std::vector<std::string> weights;
  for (const auto& [name, tensor] : model.weights) {
    weights.push_back(
        fmt::format("    {}: [{}]", quote_json(name, "weight"), fmt::join(tensor.shape, ", ")));
  }
  return fmt::format(
      "{{\n  \"format\": \"{}\",\n  \"version\": {},\n{},\n  \"weights\": {{\n{}\n  }}"
      "\n}}\n",
      kGraphFormat, kVersion, graph_members_to_json(model), join(weights, ",\n"));
}

Model graph_from_document(const JsonView& document, const std::string& format,
                          Shape (*weight_shape)(const JsonView& weight),
                          const std::vector<std::string>& others) {
  expect_format(document, format);
  std::vector<std::string> known = {"format", "version",     "architecture", "input", "output",
                                    "pixels", "class_names", "metadata",     "nodes", "weights"};
  known.insert(known.end(), others.begin(), others.end());
  document.expect_keys(known);
  Model model;
  model.architecture = document.has("architecture") ? document.at("architecture").text() : "custom";
  read_input(document, model);
  read_pixels(document, model);
  if (document.has("class_names")) model.class_names = document.at("class_names").texts();
  if (document.has("metadata")) {
    for (const auto& [key, value] : document.at("metadata").members()) {
      model.metadata[key] = value.text();
    }
  }
  if (document.has("weights")) {
    for (const auto& [name, value] : document.at("weights").members()) {
      model.weights[name].shape = weight_shape(value);
    }
  }
  const NodeReader reader(document.at("nodes"), model);
  model.output = document.has("output") ? document.at("output").text() : reader.last_output();
  return model;
}

Model graph_from_json(std::string_view text, const std::string& who) {
  const Json json = parse_json(text, who);
  Model model = graph_from_document({json, who}, kGraphFormat, shape_from_json);
  size_t total = 0;
  for (const auto& [name, tensor] : model.weights) total += element_count(tensor.shape);
  if (total > kMostParameters) {
    throw Error(
        fmt::format("{}: {} parameters, at most {} are accepted", who, total, kMostParameters));
  }
  for (auto& [name, tensor] : model.weights) tensor.values.resize(element_count(tensor.shape));
  try {
    check_model(model);
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", who, error.what()));
  }
  return model;
}

}  // namespace mnist
