// LSTM, GRU, SimpleRNN, alone, within RNN and in both directions: their steps become plain nodes.
#include <fmt/format.h>

#include <optional>

#include "base/text.h"
#include "formats/keras/config.h"
#include "formats/keras/layer_list.h"
#include "formats/recurrent.h"

namespace mnist {
namespace {

// Keras's order of gates is its own.
struct Cell {
  const char* keras;
  RecurrentCell cell;
  std::vector<size_t> blocks;  // the document's order, counted in Keras's
};

const Cell* find_cell(const std::string& class_name) {
  static const Cell kCells[] = {
      {"LSTM", RecurrentCell::kLstm, {0, 1, 3, 2}},
      {"LSTMCell", RecurrentCell::kLstm, {0, 1, 3, 2}},
      {"GRU", RecurrentCell::kGru, {1, 0, 2}},
      {"GRUCell", RecurrentCell::kGru, {1, 0, 2}},
      {"SimpleRNN", RecurrentCell::kSimple, {0}},
      {"SimpleRNNCell", RecurrentCell::kSimple, {0}},
  };
  for (const Cell& each : kCells) {
    if (class_name == each.keras) return &each;
  }
  return nullptr;
}

// Whose config says units and activations: the layer's own, or that of the cell within an RNN.
JsonView cell_config(const JsonView& config) {
  return config.has("cell") ? config.at("cell").at("config") : config;
}

const Cell& cell_of(const KerasTranslation& layer) {
  const JsonView& config = layer.config();
  const std::string name =
      config.has("cell") ? config.at("cell").at("class_name").text() : layer.layer().class_name;
  const Cell* cell = find_cell(name);
  if (cell == nullptr) {
    layer.fail(fmt::format("a cell '{}': LSTM, GRU and SimpleRNN are known", printable(name, 60)));
  }
  return *cell;
}

RecurrentLayer::Function function(KerasTranslation& layer, const JsonView& config, const char* key,
                                  const char* usual) {
  const std::optional<JsonView> given = config_value(config, key);
  if (!given) return recurrent_function(layer.graph(), usual);
  return [&layer, given](const std::string& value, const std::string& name) {
    const std::string suffix = name.substr(layer.layer().full_name().size() + 1);
    const Shape shape = layer.graph().shape(value);
    return activate_by(layer, {.name = value, .shape = shape}, *given, suffix).name;
  };
}

// (n, blocks * units) or (blocks * units) with the blocks as rows, in the document's order.
Tensor rows_of_blocks(const Tensor& tensor, const std::vector<size_t>& order) {
  return reordered_blocks(tensor.shape.size() == 2 ? transposed_matrix(tensor) : tensor, order);
}

RecurrentWeights take_weights(KerasTranslation& layer, const Cell& cell, bool resets_product) {
  const int64_t units = config_integer(cell_config(layer.config()), "units", 0);
  if (units < 1) layer.fail("units expected");
  const int64_t all = units * static_cast<int64_t>(cell.blocks.size());
  RecurrentWeights weights;
  weights.kernel = rows_of_blocks(layer.take("kernel", {-1, all}), cell.blocks);
  weights.recurrent = rows_of_blocks(layer.take("recurrent_kernel", {units, all}), cell.blocks);
  if (!layer.has("bias")) return weights;
  if (!resets_product) {
    weights.bias = rows_of_blocks(layer.take("bias", {all}), cell.blocks);
    return weights;
  }
  const Tensor both = layer.take("bias", {2, all});
  const auto half = both.values.begin() + static_cast<ptrdiff_t>(all);
  weights.bias = rows_of_blocks({{all}, {both.values.begin(), half}}, cell.blocks);
  weights.recurrent_bias = rows_of_blocks({{all}, {half, both.values.end()}}, cell.blocks);
  return weights;
}

// The state behind each row, in the rows' order.
std::vector<std::string> states(KerasTranslation& layer, bool is_backwards) {
  const KerasValue sequence = layer.order().in_order(layer.input());
  const Cell& cell = cell_of(layer);
  const JsonView config = cell_config(layer.config());
  for (const char* key : {"return_state", "time_major"}) {
    if (config_flag(layer.config(), key, false)) layer.fail(fmt::format("{}: false expected", key));
  }
  RecurrentLayer recurrent;
  recurrent.cell = cell.cell;
  recurrent.name = layer.layer().full_name();
  recurrent.is_backwards = is_backwards;
  recurrent.resets_product =
      cell.cell == RecurrentCell::kGru && config_flag(config, "reset_after", false);
  recurrent.weights = take_weights(layer, cell, recurrent.resets_product);
  recurrent.gate = function(layer, config, "recurrent_activation", "Sigmoid");
  recurrent.candidate = function(layer, config, "activation", "Tanh");
  recurrent.output = recurrent.candidate;
  return add_recurrent(layer.graph(), recurrent, sequence.name);
}

KerasValue value_of(KerasTranslation& layer, const std::string& name) {
  return {.name = name, .shape = layer.graph().shape(name)};
}

// What the layer gives of its states: all of them or the last, in the order in which it came to
// them unless `keeps_order`.
KerasValue result(KerasTranslation& layer, std::vector<std::string> states, bool is_backwards,
                  bool keeps_order) {
  if (!config_flag(layer.config(), "return_sequences", false)) {
    return value_of(layer, is_backwards ? states.front() : states.back());
  }
  if (is_backwards && !keeps_order) states = {states.rbegin(), states.rend()};
  return value_of(layer, add_sequence(layer.graph(), layer.layer().full_name(), {states}));
}

// The layers of a Bidirectional one.
JsonView forward_layer(const JsonView& config) { return config.at("layer"); }
JsonView backward_layer(const JsonView& config) {
  return config_value(config, "backward_layer") ? config.at("backward_layer") : config.at("layer");
}

KerasValue one_direction(KerasTranslation& layer, const JsonView& within, const char* prefix,
                         bool is_backwards) {
  KerasLayer inner = keras_layer_within(layer.layer(), within);
  if (!inner.name.starts_with(prefix)) inner.name = prefix + inner.name;
  KerasTranslation translation = layer.within(inner, layer.input(), prefix);
  return result(translation, states(translation, is_backwards), is_backwards, true);
}

}  // namespace

std::vector<KerasVariable> keras_recurrent_variables(const JsonView& config) {
  std::vector<KerasVariable> variables = {{"kernel", true, "cell"},
                                          {"recurrent_kernel", true, "cell"}};
  if (config_flag(cell_config(config), "use_bias", true)) {
    variables.push_back({"bias", true, "cell"});
  }
  return variables;
}

KerasValue keras_recurrent(KerasTranslation& layer) {
  const bool is_backwards = config_flag(layer.config(), "go_backwards", false);
  return result(layer, states(layer, is_backwards), is_backwards, false);
}
KerasValue keras_lstm(KerasTranslation& layer) { return keras_recurrent(layer); }
KerasValue keras_gru(KerasTranslation& layer) { return keras_recurrent(layer); }
KerasValue keras_simple_rnn(KerasTranslation& layer) { return keras_recurrent(layer); }

std::vector<KerasVariable> keras_bidirectional_variables(const JsonView& config) {
  if (!config_value(config, "layer")) return {};
  std::vector<KerasVariable> variables =
      keras_variables_within(forward_layer(config), "forward_", "forward_layer");
  for (KerasVariable& variable :
       keras_variables_within(backward_layer(config), "backward_", "backward_layer")) {
    variables.push_back(std::move(variable));
  }
  return variables;
}

KerasValue keras_bidirectional(KerasTranslation& layer) {
  const JsonView& config = layer.config();
  const KerasValue forward = one_direction(layer, forward_layer(config), "forward_", false);
  const KerasValue backward = one_direction(layer, backward_layer(config), "backward_", true);
  const std::string mode = config_text(config, "merge_mode", "");
  if (mode == "concat") {
    return layer.order().concatenated({forward, backward}, forward.shape.size() - 1);
  }
  if (forward.shape != backward.shape) layer.fail("two layers of as many units expected");
  if (mode == "mul") return value_of(layer, layer.add_node("Mul", {forward.name, backward.name}));
  if (mode != "sum" && mode != "ave") {
    layer.fail(fmt::format("merge_mode '{}': 'concat', 'sum', 'mul' or 'ave' expected",
                           printable(mode, 40)));
  }
  KerasValue sum = value_of(layer, layer.add_node("Add", {forward.name, backward.name}));
  if (mode == "sum") return sum;
  sum.name = layer.add_node("Mul", {sum.name, layer.add_weight("half", {{1}, {0.5F}})});
  return sum;
}

// ---- a layer for each row ----

std::vector<KerasVariable> keras_time_distributed_variables(const JsonView& config) {
  if (!config_value(config, "layer")) return {};
  return keras_variables_within(config.at("layer"), "", "layer");
}

KerasValue keras_time_distributed(KerasTranslation& layer) {
  const KerasValue sequence = layer.order().in_order(layer.input());
  const KerasLayer inner = keras_layer_within(layer.layer(), layer.config().at("layer"));
  const KerasLayerClass& known = *find_keras_class(inner.class_name);
  // A dense layer works on each row by itself as it is.
  if (inner.class_name == "Dense") {
    KerasTranslation translation = layer.within(inner, sequence, "");
    return known.translate(translation);
  }
  if (sequence.shape.size() < 2 || sequence.shape[0] > kMostSteps) {
    layer.fail(fmt::format("a sequence of at most {} steps expected, got {}", kMostSteps,
                           to_string(sequence.shape)));
  }
  std::vector<KerasValue> rows;
  Shape shape = sequence.shape;
  shape[0] = 1;
  for (int64_t i = 0; i < sequence.shape[0]; ++i) {
    const std::string row = layer.add_node(
        "Gather", {sequence.name}, {{"axis", int64_t{1}}, {"indices", i}}, fmt::format("row{}", i));
    KerasTranslation translation = layer.within(inner, value_of(layer, row), "");
    const KerasValue made = layer.order().in_order(known.translate(translation));
    Shape one = made.shape;
    one.insert(one.begin(), 1);
    rows.push_back(layer.order().reshaped(made, one));
  }
  return rows.size() == 1 ? rows[0] : layer.order().concatenated(rows, 0);
}

KerasValue keras_repeat_vector(KerasTranslation& layer) {
  const KerasValue value = layer.order().in_order(layer.input());
  const int64_t times = config_integer(layer.config(), "n", 0);
  if (value.shape.size() != 1 || times < 1 || times > kMostSteps) {
    layer.fail("a list, and a number of times, expected");
  }
  const KerasValue row = layer.order().reshaped(value, {1, value.shape[0]});
  return value_of(layer,
                  layer.add_node("Expand", {row.name}, {{"shape", Shape{times, value.shape[0]}}}));
}

}  // namespace mnist
