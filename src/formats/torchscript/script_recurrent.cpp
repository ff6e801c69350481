// PyTorch's recurrent layers, with the images along the first axis.
#include <fmt/format.h>

#include "formats/torch_recurrent.h"
#include "formats/torchscript/script_call.h"

namespace mnist {
namespace {

constexpr char kZeros[] = "zeros";

// zeros(shape, ...): the state that recurrent layers start from; nothing else reads it.
ScriptValue zeros(const ScriptCall&) { return {ScriptName{kZeros}}; }

bool is_zeros(const ScriptValue& value) {
  const auto* name = value.as<ScriptName>();
  if (name != nullptr) return name->name == kZeros;
  const auto* list = value.as<ScriptList>();
  return list != nullptr && !list->items().empty() &&
         std::all_of(list->items().begin(), list->items().end(), is_zeros);
}

// lstm(x, (h, c), weights, has_biases, num_layers, dropout, train, bidirectional, batch_first):
// the rows, h_n and c_n. gru, rnn_tanh and rnn_relu likewise, without c.
ScriptValue recurrent(const ScriptCall& call) {
  const std::string x = call.activation(0);
  if (call.shape(x).size() != 2) call.fail("rows of features expected");
  if (!is_zeros(call.argument(1))) call.fail("a state to start from that is not zero");
  if (!call.flag(8, false, "batch_first")) call.fail("batch_first expected");
  const auto* list = call.argument(2).as<ScriptList>();
  if (list == nullptr) call.fail("a list of weights expected");
  const bool is_lstm = call.function() == "lstm";
  TorchRecurrent module;
  module.cell = is_lstm                    ? RecurrentCell::kLstm
                : call.function() == "gru" ? RecurrentCell::kGru
                                           : RecurrentCell::kSimple;
  if (call.function() == "rnn_relu") module.function = "Relu";
  module.name = call.function();
  module.has_bias = call.flag(3, true);
  module.layers = static_cast<size_t>(std::max<int64_t>(call.integer(4), 0));
  module.is_bidirectional = call.flag(7, false);
  for (const ScriptValue& item : list->items()) {
    const auto* weight = item.as<ScriptWeight>();
    if (weight == nullptr) call.fail("a list of weights expected");
    module.weights.push_back(call.stored(*weight));
  }
  const TorchRecurrentOutput output = add_torch_recurrent(call.builder(), module, x);
  std::vector<ScriptValue> last;
  for (const std::string& state : output.last) last.push_back({ScriptActivation{state}});
  std::vector<ScriptValue> results = {{ScriptActivation{output.sequence}}, {ScriptList(last)}};
  if (is_lstm) results.push_back({});
  return {ScriptList(std::move(results))};
}

// select(h_n, 0, place), what h_n[-1] is: h_n is a list here, of an activation for each layer.
ScriptValue selected(const ScriptCall& call) {
  const std::vector<ScriptValue>& items = call.argument(0).as<ScriptList>()->items();
  const auto count = static_cast<int64_t>(items.size());
  const int64_t place = call.integer(2);
  if (call.integer(1) != 0 || place < -count || place >= count) call.fail("no such place");
  return items[static_cast<size_t>(place < 0 ? place + count : place)];
}

// squeeze(h_n, 0) of one layer
ScriptValue squeezed(const ScriptCall& call) {
  const std::vector<ScriptValue>& items = call.argument(0).as<ScriptList>()->items();
  if (items.size() != 1 || call.integer(1, 0) != 0) call.fail("one layer expected");
  return items[0];
}

}  // namespace

std::optional<ScriptValue> call_recurrent(const ScriptCall& call) {
  static const ScriptMakers kMakers = {
      {"zeros", zeros},        {"lstm", recurrent},     {"gru", recurrent},
      {"rnn_tanh", recurrent}, {"rnn_relu", recurrent},
  };
  static const ScriptMakers kOfLists = {{"select", selected}, {"squeeze", squeezed}};
  if (std::optional<ScriptValue> made = call_from(kMakers, call)) return made;
  if (call.count() == 0 || call.argument(0).as<ScriptList>() == nullptr) return std::nullopt;
  return call_from(kOfLists, call);
}

}  // namespace mnist
