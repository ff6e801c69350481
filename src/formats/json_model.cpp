// A whole model as JSON that people and other programs can read: the network as in docs/network.md,
// each weight as {"shape": [...], "values": [...]}.
//
// A value is written with the fewest digits that give the same float32 again, also to a reader that
// goes through double.
#include "formats/json_model.h"

#include <fmt/format.h>

#include "base/text.h"
#include "formats/format_list.h"
#include "mnist/error.h"
#include "model/graph_json.h"

namespace mnist {
namespace {

constexpr char kModelFormat[] = "mnist.cpp model";

Shape weight_shape(const JsonView& weight) {
  weight.expect_keys({"shape", "values"});
  Shape shape = shape_from_json(weight.at("shape"));
  const JsonView values = weight.at("values");
  if (!values.value().is_array() || values.value().size() != element_count(shape)) {
    values.fail(fmt::format("a list of {} numbers expected", element_count(shape)));
  }
  return shape;
}

FileContents read(const ModelSource& source) {
  const Json json = parse_json(as_text(source.bytes), source.who);
  return model_from_json({json, source.who});
}

void write_weight(const std::string& name, const Tensor& tensor, Sink& sink) {
  std::string text = fmt::format("    {}: {{\"shape\": [{}], \"values\": [",
                                 quote_json(name, "weight"), fmt::join(tensor.shape, ", "));
  // A line for each row, kernel or whatever the outermost extent counts.
  const bool has_rows = tensor.shape.size() > 1 && tensor.shape[0] > 1;
  const size_t row = tensor.values.size() / static_cast<size_t>(has_rows ? tensor.shape[0] : 1);
  char buffer[64];
  for (size_t i = 0; i < tensor.values.size(); ++i) {
    if (i != 0) text += ',';
    if (has_rows && i % row == 0) text += "\n      ";
    text += shortest_json(tensor.values[i], buffer);
  }
  text += "]}";
  sink.write(text);
}

void write(const Model& model, const SaveOptions&, Sink& sink) {
  write_json_model(model, "", sink);
}

}  // namespace

void write_json_model(const Model& model, std::string_view training, Sink& sink) {
  sink.write(fmt::format("{{\n  \"format\": \"{}\",\n  \"version\": 1,\n{},\n  \"weights\": {{\n",
                         kModelFormat, graph_members_to_json(model)));
  size_t left = model.weights.size();
  for (const auto& [name, tensor] : model.weights) {
    write_weight(name, tensor, sink);
    sink.write(std::string_view(--left == 0 ? "\n" : ",\n"));
  }
  sink.write(std::string_view("  }"));
  if (!training.empty()) {
    sink.write(fmt::format(",\n  \"{}\": {}", kTrainingMember, training));
  }
  sink.write(std::string_view("\n}\n"));
}

Model model_from_json(const JsonView& document) {
  const std::string& who = document.who();
  if (document.at("format").value() == kGraphFormat) {
    throw Error(fmt::format("{}: a network without weights: train it first (mnist train {} OUTPUT)",
                            who, who));
  }
  Model model = graph_from_document(document, kModelFormat, weight_shape, {kTrainingMember});
  for (auto& [name, tensor] : model.weights) {
    tensor.values = document.at("weights").at(name).at("values").floats();
  }
  return model;
}

// A JSON object that says in its first lines that it is ours.
bool is_json_model(std::span<const std::byte> head) {
  const std::string_view text = as_text(head.first(std::min(head.size(), kHeadBytes)));
  const size_t start = text.find_first_not_of(" \t\r\n");
  return start != std::string_view::npos && text[start] == '{' &&
         text.find("\"mnist.cpp ") != std::string_view::npos;
}

extern const Format kJsonModel;
const Format kJsonModel = {
    .name = "json",
    .description = "network and weights as readable JSON",
    .suffixes = {".json"},
    .recognises = is_json_model,
    .read = read,
    .write = write,
    .abilities = {.keeps_document = true},
};

}  // namespace mnist
