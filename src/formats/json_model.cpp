// A whole model as JSON that people and other programs can read: the network as in docs/network.md,
// each weight as {"shape": [...], "values": [...]}.
//
// A value is written with the fewest digits that give the same float32 again, also to a reader that
// goes through double.
#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <cmath>

#include "base/json.h"
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

std::vector<float> read_values(const JsonView& values) {
  std::vector<float> result;
  result.reserve(values.value().size());
  for (const Json& value : values.value()) {
    // Over float32's range this gives infinity (IEEE 754), and FLT_MAX for its shortest text, which
    // is a little over it.
    const auto number = value.is_number() ? static_cast<float>(value.get<double>()) : NAN;
    if (!std::isfinite(number)) {
      values.fail(fmt::format("value {}: a number in float32's range expected", result.size()));
    }
    result.push_back(number);
  }
  return result;
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

FileContents read(const ModelSource& source) {
  const std::string& who = source.who;
  const std::string_view text = text_of(source.bytes);
  const Json json = parse_json(text, who);
  const JsonView document(json, who);
  if (document.at("format").value() == kGraphFormat) {
    throw Error(fmt::format("{}: a network without weights: train it first (mnist train {} OUTPUT)",
                            who, who));
  }
  Model model = graph_from_document(document, kModelFormat, weight_shape);
  for (auto& [name, tensor] : model.weights) {
    tensor.values = read_values(document.at("weights").at(name).at("values"));
  }
  return model;
}

// The shortest text that is read as `value`: first as float, and, for the few floats where reading
// that as double and rounding ends one beside it, as double.
std::string_view shortest(float value, std::span<char> buffer) {
  if (value == 0 && std::signbit(value)) return "-0.0";  // "-0" is the integer 0
  char* const begin = buffer.data();
  char* const limit = begin + buffer.size();
  char* end = std::to_chars(begin, limit, value).ptr;
  double parsed = 0;
  std::from_chars(begin, end, parsed);
  if (std::bit_cast<uint32_t>(static_cast<float>(parsed)) != std::bit_cast<uint32_t>(value)) {
    end = std::to_chars(begin, limit, static_cast<double>(value)).ptr;
  }
  return {begin, end};
}

void write_weight(const std::string& name, const Tensor& tensor, Sink& sink) {
  std::string text = fmt::format("    {}: {{\"shape\": [{}], \"values\": [",
                                 quote_json(name, "weight"), fmt::join(tensor.shape, ", "));
  char buffer[64];
  for (size_t i = 0; i < tensor.values.size(); ++i) {
    if (i != 0) text += ',';
    text += shortest(tensor.values[i], buffer);
  }
  text += "]}";
  sink.write(text);
}

void write(const Model& model, const SaveOptions&, Sink& sink) {
  sink.write(fmt::format("{{\n  \"format\": \"{}\",\n  \"version\": 1,\n{},\n  \"weights\": {{\n",
                         kModelFormat, graph_members_to_json(model)));
  size_t left = model.weights.size();
  for (const auto& [name, tensor] : model.weights) {
    write_weight(name, tensor, sink);
    sink.write(std::string_view(--left == 0 ? "\n" : ",\n"));
  }
  sink.write(std::string_view("  }\n}\n"));
}

// A JSON object that says in its first lines that it is ours.
bool recognises(std::span<const std::byte> head) {
  const std::string_view text = text_of(head.first(std::min(head.size(), kHeadBytes)));
  const size_t start = text.find_first_not_of(" \t\r\n");
  return start != std::string_view::npos && text[start] == '{' &&
         text.find("\"mnist.cpp ") != std::string_view::npos;
}

}  // namespace

extern const Format kJsonModel;
const Format kJsonModel = {
    .name = "json",
    .description = "network and weights as readable JSON",
    .suffixes = {".json"},
    .recognises = recognises,
    .read = read,
    .write = write,
    .abilities = {.keeps_document = true},
};

}  // namespace mnist
