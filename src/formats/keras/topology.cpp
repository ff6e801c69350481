#include "formats/keras/topology.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/text.h"
#include "formats/keras/config.h"
#include "formats/keras/layer_list.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr size_t kMostLayers = 10'000;
constexpr int64_t kUsualPixels = int64_t{28} * 28;

bool is_sequential(const std::string& class_name) { return class_name == "Sequential"; }
bool is_functional(const std::string& class_name) {
  return class_name == "Functional" || class_name == "Model";
}
bool is_model(const std::string& class_name) {
  return is_sequential(class_name) || is_functional(class_name);
}

// What a layer is within, on the way down.
struct Within {
  std::vector<std::string> models;
  std::vector<KerasLayer::Place> places;
  bool trainable = true;
};

// What a reference leads to: which call of which layer.
using Call = std::pair<std::string, int64_t>;

// One call of a layer of a Functional model.
struct PlannedCall {
  JsonView layer;
  size_t number;  // of its class
  Call call;
  std::vector<Call> reads;
};

class TopologyReader {
 public:
  KerasNetwork read(const JsonView& model) {
    network_.name = model_name(model);
    const std::string class_name = model.at("class_name").text();
    if (!is_model(class_name)) {
      model.fail(fmt::format("a Sequential or Functional model expected, got '{}'",
                             printable(class_name, 60)));
    }
    network_.output = read_model(model, {}, {});
    return std::move(network_);
  }

 private:
  static std::string model_name(const JsonView& model) {
    const JsonView config = model.at("config");
    return config.value().is_object() ? config_text(config, "name", "model") : "model";
  }

  // The number of the layer whose output is the model's. `inputs` are those of the model, none for
  // the outermost.
  size_t read_model(const JsonView& model, const std::vector<size_t>& inputs,
                    const Within& within) {
    return is_sequential(model.at("class_name").text()) ? read_sequential(model, inputs, within)
                                                        : read_functional(model, inputs, within);
  }

  size_t read_sequential(const JsonView& model, const std::vector<size_t>& inputs,
                         const Within& within);
  size_t read_functional(const JsonView& model, const std::vector<size_t>& inputs,
                         const Within& within);
  // The how manieth of its class each layer of a model is.
  using Numbers = std::map<std::string, size_t>;
  void add_calls(std::vector<PlannedCall> waiting, const Within& within,
                 std::map<Call, size_t>& made);
  size_t add(const JsonView& layer, size_t number, const std::vector<size_t>& inputs,
             const Within& within);
  size_t add_input(const JsonView& layer, const std::string& name, const JsonView& shape_list);
  Shape input_shape(const JsonView& shape_list) const;

  KerasNetwork network_;
  std::map<const Json*, size_t> first_calls_;  // of layers, by their places in the file
};

std::string layer_name(const JsonView& layer) {
  if (const auto name = config_value(layer, "name")) return name->text();
  const JsonView config = layer.at("config");
  if (!config.value().is_object()) return layer.at("class_name").text();
  return config_text(config, "name", layer.at("class_name").text());
}

void expect_known(const JsonView& layer) {
  const std::string class_name = layer.at("class_name").text();
  if (!is_model(class_name)) expect_keras_class(layer, class_name, layer_name(layer));
}

// Where the config says for which inputs the layer was made; [null, 28, 28, 1].
std::optional<JsonView> batch_shape(const JsonView& layer) {
  const JsonView config = layer.at("config");
  if (config.value().is_object()) {
    for (const char* key : {"batch_shape", "batch_input_shape", "build_input_shape"}) {
      if (auto shape = config_value(config, key)) return shape;
    }
  }
  if (const auto build = config_value(layer, "build_config")) {
    if (auto shape = config_value(*build, "input_shape")) return shape;
  }
  return std::nullopt;
}

std::vector<JsonView> sequential_layers(const JsonView& model) {
  const JsonView config = model.at("config");
  return config.value().is_array() ? config.elements() : config.at("layers").elements();
}

// The shape that a Sequential model, or the first layer within, was made for.
std::optional<JsonView> sequential_shape(const JsonView& model) {
  const std::vector<JsonView> layers = sequential_layers(model);
  if (!layers.empty()) {
    if (auto shape = batch_shape(layers[0])) return shape;
    if (is_sequential(layers[0].at("class_name").text())) {
      if (auto shape = sequential_shape(layers[0])) return shape;
    } else if (is_functional(layers[0].at("class_name").text())) {
      const std::vector<JsonView> inner = layers[0].at("config").at("layers").elements();
      if (!inner.empty()) {
        if (auto shape = batch_shape(inner[0])) return shape;
      }
    }
  }
  return batch_shape(model);
}

Shape TopologyReader::input_shape(const JsonView& shape_list) const {
  const std::vector<JsonView> extents = shape_list.elements();
  Shape shape;
  for (size_t i = 1; i < extents.size(); ++i) {
    // A sequence of any length: of an image, its rows.
    if (i == 1 && extents.size() == 3 && extents[1].value().is_null()) {
      const int64_t features = extents[2].integer();
      if (features < 1 || kUsualPixels % features != 0) {
        shape_list.fail("rows of 28 pixels, or a part of 784, expected");
      }
      shape.push_back(kUsualPixels / features);
      continue;
    }
    if (extents[i].value().is_null()) {
      extents[i].fail("an input of a fixed size expected: this network takes images of any size");
    }
    shape.push_back(extents[i].integer());
    if (shape.back() < 1 || shape.back() > 1 << 20)
      extents[i].fail("an extent of an image expected");
  }
  if (shape.empty()) shape_list.fail("the batch and at least one extent expected");
  return shape;
}

size_t TopologyReader::add_input(const JsonView& layer, const std::string& name,
                                 const JsonView& shape_list) {
  if (!network_.layers.empty()) layer.fail("a second input: networks with one input are read");
  network_.layers.push_back({.class_name = "InputLayer",
                             .name = name,
                             .models = {},
                             .config = layer,
                             .inputs = {},
                             .input_shape = input_shape(shape_list),
                             .places = {}});
  return 0;
}

// Adds a layer, or the layers of a model that is one.
size_t TopologyReader::add(const JsonView& layer, size_t number, const std::vector<size_t>& inputs,
                           const Within& within) {
  if (network_.layers.size() >= kMostLayers) layer.fail("too many layers");
  const std::string class_name = layer.at("class_name").text();
  const std::string name = layer_name(layer);
  const JsonView config = layer.at("config");
  Within inside = within;
  inside.places.push_back({snake_case(class_name), number});
  inside.trainable =
      within.trainable && (!config.value().is_object() || config_flag(config, "trainable", true));
  if (is_model(class_name)) {
    inside.models.push_back(name);
    return read_model(layer, inputs, inside);
  }
  const size_t place = network_.layers.size();
  const auto [first, is_first] = first_calls_.emplace(&layer.value(), place);
  network_.layers.push_back({.class_name = class_name,
                             .name = name,
                             .models = inside.models,
                             .config = config,
                             .trainable = inside.trainable,
                             .inputs = inputs,
                             .input_shape = {},
                             .places = inside.places});
  if (!is_first) network_.layers.back().first_call = first->second;
  return place;
}

size_t TopologyReader::read_sequential(const JsonView& model, const std::vector<size_t>& inputs,
                                       const Within& within) {
  if (inputs.size() > 1) model.fail("a Sequential model reads one input");
  std::optional<size_t> last;
  if (!inputs.empty()) last = inputs[0];
  Numbers numbers;
  for (const JsonView& layer : sequential_layers(model)) {
    const bool is_input = layer.at("class_name").text() == "InputLayer";
    if (!is_input) expect_known(layer);
    if (!last) {
      const std::optional<JsonView> shape = is_input ? batch_shape(layer) : sequential_shape(model);
      if (!shape) model.fail("no layer says which shape its input has");
      last = add_input(layer, is_input ? layer_name(layer) : "input", *shape);
    }
    if (!is_input) last = add(layer, numbers[layer.at("class_name").text()]++, {*last}, within);
  }
  if (!last) model.fail("a model without layers");
  return *last;
}

// The calls that a Functional model's references lead to, whatever lists they are in: ["dense",0,0]
// before Keras 3, {"class_name": "__keras_tensor__", "config": {"keras_history": ["dense",0,0]}}
// since.
void find_references(const JsonView& value, std::vector<Call>& calls) {
  const Json& json = value.value();
  if (json.is_array() && json.size() >= 3 && json[0].is_string() && json[1].is_number_integer() &&
      json[2].is_number_integer()) {
    if (json[2] != 0) value.fail("a layer with several outputs");
    calls.emplace_back(json[0].get<std::string>(), json[1].get<int64_t>());
  } else if (json.is_array()) {
    for (const JsonView& element : value.elements()) find_references(element, calls);
  } else if (json.is_object() && value.has("keras_history")) {
    find_references(value.at("keras_history"), calls);
  } else if (json.is_object()) {
    for (const auto& [key, member] : value.members()) {
      if (key == "args" || key == "config") find_references(member, calls);
    }
  }
}

std::vector<Call> references(const JsonView& value) {
  std::vector<Call> calls;
  find_references(value, calls);
  return calls;
}

std::vector<PlannedCall> planned_calls(const JsonView& layer, size_t number) {
  expect_known(layer);
  const std::string name = layer_name(layer);
  const std::vector<JsonView> nodes = layer.at("inbound_nodes").elements();
  if (nodes.empty()) layer.fail(fmt::format("layer '{}' is not used", printable(name, 60)));
  std::vector<PlannedCall> calls;
  for (size_t i = 0; i < nodes.size(); ++i) {
    std::vector<Call> reads = references(nodes[i]);
    if (reads.empty()) layer.fail("a layer that reads nothing");
    calls.push_back({layer, number, {name, static_cast<int64_t>(i)}, std::move(reads)});
  }
  return calls;
}

size_t TopologyReader::read_functional(const JsonView& model, const std::vector<size_t>& inputs,
                                       const Within& within) {
  const JsonView config = model.at("config");
  const std::vector<Call> input_calls = references(config.at("input_layers"));
  const std::vector<Call> outputs = references(config.at("output_layers"));
  if (input_calls.size() != std::max<size_t>(inputs.size(), 1) || outputs.size() != 1) {
    model.fail(fmt::format("{} inputs and {} outputs: networks with one of each are read",
                           input_calls.size(), outputs.size()));
  }
  std::map<Call, size_t> made;
  std::vector<PlannedCall> waiting;
  std::set<std::string> names;
  Numbers numbers;
  for (const JsonView& layer : config.at("layers").elements()) {
    const std::string name = layer_name(layer);
    if (!names.insert(name).second)
      layer.fail(fmt::format("layer '{}' is there twice", printable(name, 60)));
    if (layer.at("class_name").text() != "InputLayer") {
      const size_t number = numbers[layer.at("class_name").text()]++;
      for (PlannedCall& call : planned_calls(layer, number)) waiting.push_back(std::move(call));
      continue;
    }
    const auto place = std::find_if(input_calls.begin(), input_calls.end(),
                                    [&](const Call& call) { return call.first == name; });
    if (place == input_calls.end()) layer.fail("an input that is not among the model's");
    if (!inputs.empty()) {
      made[*place] = inputs[static_cast<size_t>(place - input_calls.begin())];
    } else if (const auto shape = batch_shape(layer)) {
      made[*place] = add_input(layer, name, *shape);
    } else {
      layer.fail("the input's shape is missing");
    }
  }
  add_calls(std::move(waiting), within, made);
  const auto output = made.find(outputs[0]);
  if (output == made.end()) config.fail("the output is no layer's");
  return output->second;
}

// Keras lists layers by their depth, each after those that it reads; but what a later call of one
// reads may come behind it.
void TopologyReader::add_calls(std::vector<PlannedCall> waiting, const Within& within,
                               std::map<Call, size_t>& made) {
  constexpr int kMostRounds = 100;
  for (int round = 0; !waiting.empty(); ++round) {
    std::vector<PlannedCall> later;
    for (PlannedCall& call : waiting) {
      std::vector<size_t> read;
      for (const Call& each : call.reads) {
        const auto found = made.find(each);
        if (found != made.end()) read.push_back(found->second);
      }
      if (read.size() == call.reads.size()) {
        made[call.call] = add(call.layer, call.number, read, within);
      } else {
        later.push_back(std::move(call));
      }
    }
    if (later.size() == waiting.size() || round == kMostRounds) {
      const PlannedCall& first = later.front();
      first.layer.fail(fmt::format("layer '{}' reads what is never made, or what needs it",
                                   printable(first.call.first, 60)));
    }
    waiting = std::move(later);
  }
}

}  // namespace

std::string KerasLayer::full_name() const {
  std::string full;
  for (const std::string& model : models) full += fmt::format("{}/", model);
  return full + name;
}

KerasNetwork read_keras_topology(const JsonView& model) { return TopologyReader().read(model); }

}  // namespace mnist
