// LSTM, GRU and RNN: their steps become plain nodes.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "formats/onnx/conversions.h"
#include "formats/recurrent.h"

namespace mnist {
namespace {

struct Kind {
  RecurrentCell cell;
  std::vector<size_t> blocks;      // the document's order of gates, counted in ONNX's
  std::vector<std::string> usual;  // functions of one direction
};

// Inputs.
constexpr size_t kKernel = 1;
constexpr size_t kRecurrent = 2;
constexpr size_t kBias = 3;
constexpr size_t kLengths = 4;
constexpr size_t kFirstState = 5;
constexpr size_t kFirstMemory = 6;
constexpr size_t kPeepholes = 7;

void expect_nothing_special(const OnnxCall& call, int64_t steps) {
  for (const char* attribute : {"layout", "input_forget"}) {
    if (call.node.integer(attribute, 0) != 0)
      call.node.fail(fmt::format("{}: 0 expected", attribute));
  }
  if (call.node.has("clip")) call.node.fail("clip is not known");
  if (call.has(kPeepholes)) call.node.fail("peepholes are not known");
  for (size_t i : {kFirstState, kFirstMemory}) {
    if (!call.has(i)) continue;
    const OnnxConstant& state = call.constant(i);
    const bool is_zero = is_real(state.type) && std::all_of(state.reals.begin(), state.reals.end(),
                                                            [](float v) { return v == 0; });
    if (!is_zero) call.node.fail("a state to start from that is not zero");
  }
  if (!call.has(kLengths)) return;
  const OnnxConstant& lengths = call.constant(kLengths);
  if (!std::all_of(lengths.whole.begin(), lengths.whole.end(),
                   [&](int64_t length) { return length == steps; })) {
    call.node.fail("sequences of different lengths");
  }
}

// The sequence as (steps, features).
std::string sequence_of(const OnnxCall& call) {
  const OnnxValue& x = call.activation(0);
  const Shape full = call.full_shape(x);
  if (full.size() != 3) {
    call.node.fail("an input (steps, images, features) expected, got " + to_string(full));
  }
  if (x.leads && x.batch_axis == 1) return x.name;
  if (call.graph.batch() != 1 || full[1] != 1) {
    call.node.fail("takes images for the steps of a sequence, which would mix them");
  }
  return call.add("Reshape", {x.name}, {{"shape", Shape{full[0], full[2]}}});
}

// The weights at `i`: of DynamicQuantizeLSTM (directions, inputs, rows) whole numbers, whose scale
// and zero point are at `scale_at`; `made` holds what they stand for.
const OnnxConstant& matrix(const OnnxCall& call, size_t i, size_t scale_at, OnnxConstant& made) {
  if (call.node.node().type != "DynamicQuantizeLSTM") return call.constant(i);
  OnnxNode dequantize;
  dequantize.name = call.node.label();
  dequantize.type = "DequantizeLinear";
  dequantize.attributes["axis"] = int64_t{2};
  const OnnxNodeView view(dequantize, call.node.who(), call.node.opset());
  if (call.constant(scale_at).size() != 1) call.node.fail("one scale of the weights expected");
  const OnnxConstant real = find_onnx_fold(dequantize.type)(
      {view,
       {&call.constant(i), &call.constant(scale_at), &call.constant(scale_at + 1)},
       call.graph.budget()});
  OnnxNode transpose = dequantize;
  transpose.type = "Transpose";
  transpose.attributes = {{"perm", std::vector<int64_t>{0, 2, 1}}};
  const OnnxNodeView turned(transpose, call.node.who(), call.node.opset());
  made = find_onnx_fold(transpose.type)({turned, {&real}, call.graph.budget()});
  return made;
}

// A direction's part of `all`, which is (directions, rows, ...): of its `end` equal parts number
// `begin`, in the order of blocks.
Tensor part(const OnnxCall& call, const OnnxConstant& all, size_t direction, size_t directions,
            size_t begin, size_t end, const std::vector<size_t>& blocks) {
  const bool fits = is_real(all.type) && all.shape.size() >= 2 &&
                    all.shape[0] == static_cast<int64_t>(directions) &&
                    all.shape[1] % static_cast<int64_t>(blocks.size() * end) == 0;
  if (!fits) call.node.fail("weights of the shape " + to_string(all.shape));
  const size_t each = all.reals.size() / directions;
  const size_t size = each / end;
  const auto from = all.reals.begin() + static_cast<ptrdiff_t>(direction * each + begin * size);
  Tensor tensor{{all.shape.begin() + 1, all.shape.end()},
                {from, from + static_cast<ptrdiff_t>(size)}};
  tensor.shape[0] /= static_cast<int64_t>(end);
  return reordered_blocks(tensor, blocks);
}

RecurrentLayer::Function function(const OnnxCall& call, const std::string& name) {
  constexpr const char* kKnown[] = {"Relu",     "Tanh",     "Sigmoid",
                                    "Softsign", "Softplus", "HardSigmoid"};
  const bool is_known = std::find(std::begin(kKnown), std::end(kKnown), name) != std::end(kKnown);
  if (!is_known) call.node.fail(fmt::format("activation '{}' is not known", printable(name, 40)));
  return recurrent_function(call.graph.builder(), name);
}

std::vector<std::string> functions(const OnnxCall& call, const Kind& kind, size_t directions) {
  for (const char* attribute : {"activation_alpha", "activation_beta"}) {
    if (!call.node.reals(attribute).empty()) {
      call.node.fail("activations with parameters are not known");
    }
  }
  std::vector<std::string> names = call.node.texts("activations");
  if (names.empty()) {
    for (size_t i = 0; i < directions; ++i) {
      names.insert(names.end(), kind.usual.begin(), kind.usual.end());
    }
  }
  if (names.size() != directions * kind.usual.size())
    call.node.fail("activations: too many or few");
  return names;
}

// The state behind each row, in the rows' order.
std::vector<std::string> states(const OnnxCall& call, const Kind& kind, size_t direction,
                                size_t directions, const std::string& sequence) {
  RecurrentLayer layer;
  layer.cell = kind.cell;
  layer.name = printable(call.node.label(), 200);
  if (directions == 2) layer.name += direction == 0 ? "/forward" : "/backward";
  layer.is_backwards = direction == 1 || call.node.text("direction", "forward") == "reverse";
  layer.resets_product = call.node.integer("linear_before_reset", 0) != 0;
  OnnxConstant made;
  layer.weights.kernel =
      part(call, matrix(call, kKernel, 8, made), direction, directions, 0, 1, kind.blocks);
  layer.weights.recurrent =
      part(call, matrix(call, kRecurrent, 10, made), direction, directions, 0, 1, kind.blocks);
  if (call.has(kBias)) {
    layer.weights.bias = part(call, call.constant(kBias), direction, directions, 0, 2, kind.blocks);
    layer.weights.recurrent_bias =
        part(call, call.constant(kBias), direction, directions, 1, 2, kind.blocks);
  }
  const std::vector<std::string> names = functions(call, kind, directions);
  const auto* own = &names[direction * kind.usual.size()];
  const bool has_gates = kind.cell != RecurrentCell::kSimple;
  if (has_gates) layer.gate = function(call, own[0]);
  layer.candidate = function(call, own[has_gates ? 1 : 0]);
  if (kind.cell == RecurrentCell::kLstm) layer.output = function(call, own[2]);
  return add_recurrent(call.graph.builder(), layer, sequence);
}

// Lists side by side under a shape that has the images before its last extent.
OnnxValue joined(const OnnxCall& call, const std::vector<std::string>& lists, Shape shape) {
  OnnxValue value = call.activation(0);
  value.leads = call.graph.batch() != 1;
  value.batch_axis = value.leads ? shape.size() - 1 : 0;
  if (!value.leads) shape.insert(shape.end() - 1, 1);
  const std::string row =
      lists.size() == 1 ? lists[0] : call.add("Concat", lists, {{"axis", int64_t{1}}});
  value.name = call.add("Reshape", {row}, {{"shape", shape}});
  return value;
}

void convert_recurrent(OnnxCall& call, const Kind& kind) {
  const std::string direction = call.node.text("direction", "forward");
  const size_t directions = direction == "bidirectional" ? 2 : 1;
  const std::string sequence = sequence_of(call);
  const int64_t steps = call.graph.builder().shape(sequence)[0];
  expect_nothing_special(call, steps);
  std::vector<std::vector<std::string>> all;
  for (size_t i = 0; i < directions; ++i) {
    all.push_back(states(call, kind, i, directions, sequence));
  }
  const int64_t units = call.graph.builder().shape(all[0][0])[0];
  std::vector<std::string> rows;
  for (size_t step = 0; step < all[0].size(); ++step) {
    for (const auto& each : all) rows.push_back(each[step]);
  }
  std::vector<std::string> last = {direction == "reverse" ? all[0].front() : all[0].back()};
  if (directions == 2) last.push_back(all[1].front());
  const auto count = static_cast<int64_t>(directions);
  const std::vector<std::string>& outputs = call.node.node().outputs;
  if (!outputs.empty() && !outputs[0].empty()) {
    call.set(joined(call, rows, {steps, count, units}), 0);
  }
  if (outputs.size() > 1 && !outputs[1].empty()) {
    call.set(joined(call, last, {count, units}), 1);
  }
}

}  // namespace

void convert_lstm(OnnxCall& call) {
  convert_recurrent(call, {RecurrentCell::kLstm, {0, 2, 1, 3}, {"Sigmoid", "Tanh", "Tanh"}});
}
// Its weights are what they stand for; the values between are not rounded as ONNX Runtime does.
void convert_dynamic_quantize_lstm(OnnxCall& call) { convert_lstm(call); }
void convert_gru(OnnxCall& call) {
  convert_recurrent(call, {RecurrentCell::kGru, {1, 0, 2}, {"Sigmoid", "Tanh"}});
}
void convert_rnn(OnnxCall& call) {
  convert_recurrent(call, {RecurrentCell::kSimple, {0}, {"Tanh"}});
}

}  // namespace mnist
