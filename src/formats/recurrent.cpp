#include "formats/recurrent.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "mnist/error.h"

namespace mnist {
namespace {

size_t block_count(RecurrentCell cell) {
  switch (cell) {
    case RecurrentCell::kLstm:
      return 4;
    case RecurrentCell::kGru:
      return 3;
    default:
      return 1;
  }
}

// Rows of a matrix or elements of a list, from `begin` to before `end`.
Tensor rows(const Tensor& tensor, int64_t begin, int64_t end) {
  Tensor part{tensor.shape, {}};
  part.shape[0] = end - begin;
  const int64_t width = tensor.shape.size() > 1 ? tensor.shape[1] : 1;
  part.values.assign(tensor.values.begin() + begin * width, tensor.values.begin() + end * width);
  return part;
}

// One layer on its way into the document.
class Unrolling {
 public:
  Unrolling(GraphBuilder& graph, const RecurrentLayer& layer, std::string sequence)
      : graph_(graph), layer_(layer), sequence_(std::move(sequence)) {
    check();
    add_weights();
  }

  std::vector<std::string> run() {
    std::vector<std::string> states(static_cast<size_t>(steps_));
    for (int64_t i = 0; i < steps_; ++i) {
      step_ = layer_.is_backwards ? steps_ - 1 - i : i;
      x_ = node("Gather", "input", {projected_}, {{"axis", int64_t{1}}, {"indices", step_}});
      if (layer_.cell == RecurrentCell::kLstm) {
        lstm_step();
      } else if (layer_.cell == RecurrentCell::kGru) {
        gru_step();
      } else {
        state_ = layer_.candidate(plus_product(x_, recurrent_), name("state"));
      }
      states[static_cast<size_t>(step_)] = state_;
    }
    return states;
  }

 private:
  [[noreturn]] void fail(const std::string& reason) const {
    throw Error(fmt::format("{}: '{}': {}", graph_.who(), printable(layer_.name, 80), reason));
  }

  void expect(const char* what, const Tensor& tensor, const Shape& shape) const {
    if (tensor.shape == shape) return;
    fail(fmt::format("its {} has the shape {}, {} expected", what, to_string(tensor.shape),
                     to_string(shape)));
  }

  void check() {
    const Shape& shape = graph_.shape(sequence_);
    if (shape.size() != 2) {
      fail(fmt::format("a sequence (steps, features) expected, got {}", to_string(shape)));
    }
    steps_ = shape[0];
    if (steps_ > kMostSteps) {
      fail(fmt::format("{} steps, at most {} are read", steps_, kMostSteps));
    }
    const RecurrentWeights& weights = layer_.weights;
    units_ = weights.recurrent.shape.size() == 2 ? weights.recurrent.shape[1] : 0;
    const int64_t all = static_cast<int64_t>(block_count(layer_.cell)) * units_;
    if (units_ < 1) fail("recurrent weights expected");
    expect("recurrent weights", weights.recurrent, {all, units_});
    expect("weights", weights.kernel, {all, shape[1]});
    if (!weights.bias.values.empty()) expect("bias", weights.bias, {all});
    if (!weights.recurrent_bias.values.empty()) {
      expect("recurrent bias", weights.recurrent_bias, {all});
    }
  }

  // What does not depend on the state is added once, for all steps: the input's product and, but
  // for a GRU's candidate behind its reset gate, every bias.
  void add_weights() {
    const RecurrentWeights& weights = layer_.weights;
    Tensor bias = weights.bias;
    const Tensor& other = weights.recurrent_bias;
    const bool is_gru = layer_.cell == RecurrentCell::kGru;
    const bool keeps_candidate = is_gru && layer_.resets_product && !other.values.empty();
    if (!other.values.empty()) {
      if (bias.values.empty()) bias = {other.shape, std::vector<float>(other.values.size())};
      const auto shared = static_cast<size_t>(keeps_candidate ? 2 * units_ : other.shape[0]);
      for (size_t i = 0; i < shared; ++i) bias.values[i] += other.values[i];
    }
    projected_ = graph_.add_node("MatMul", layer_.name + "/product",
                                 {sequence_, weight("kernel", transposed_matrix(weights.kernel))});
    if (!bias.values.empty()) {
      projected_ =
          graph_.add_node("Add", layer_.name + "/input", {projected_, weight("bias", bias)});
    }
    if (!is_gru) {
      recurrent_ = weight("recurrent_kernel", weights.recurrent);
      return;
    }
    recurrent_ = weight("recurrent_kernel", rows(weights.recurrent, 0, 2 * units_));
    candidate_ =
        weight("recurrent_candidate_kernel", rows(weights.recurrent, 2 * units_, 3 * units_));
    if (keeps_candidate) {
      candidate_bias_ = weight("recurrent_candidate_bias", rows(other, 2 * units_, 3 * units_));
    }
  }

  std::string weight(const char* what, Tensor tensor) {
    return graph_.add_shared_weight(fmt::format("{}/{}", layer_.name, what), std::move(tensor));
  }

  // ---- one step ----

  std::string name(const char* part) const {
    return fmt::format("{}/{}/{}", layer_.name, step_, part);
  }
  std::string node(const char* type, const char* part, std::vector<std::string> inputs,
                   std::map<std::string, Attribute> attributes = {}) {
    return graph_.add_node(type, name(part), std::move(inputs), std::move(attributes));
  }

  // Blocks `begin` to before `end` of a list.
  std::string blocks(const std::string& value, const char* part, int64_t begin, int64_t end) {
    return node("Slice", part, {value},
                {{"starts", std::vector<int64_t>{begin * units_}},
                 {"ends", std::vector<int64_t>{end * units_}},
                 {"axes", std::vector<int64_t>{1}}});
  }

  // `value` and the product of the state with weights; the first step's state is zero.
  std::string plus_product(const std::string& value, const std::string& weights) {
    if (state_.empty()) return value;
    const std::string product =
        node("Gemm", "recurrent", {state_, weights}, {{"transB", int64_t{1}}});
    return node("Add", "sum", {value, product});
  }

  void lstm_step() {
    const std::string sum = plus_product(x_, recurrent_);
    const std::string gates = layer_.gate(blocks(sum, "sum_of_gates", 0, 3), name("gates"));
    const std::string candidate =
        layer_.candidate(blocks(sum, "sum_of_candidate", 3, 4), name("candidate"));
    const std::string added = node("Mul", "added", {blocks(gates, "in", 0, 1), candidate});
    if (memory_.empty()) {
      memory_ = added;
    } else {
      const std::string kept = node("Mul", "kept", {blocks(gates, "forget", 1, 2), memory_});
      memory_ = node("Add", "memory", {kept, added});
    }
    const std::string out = layer_.output(memory_, name("output"));
    state_ = node("Mul", "state", {blocks(gates, "out", 2, 3), out});
  }

  void gru_step() {
    const std::string sum = plus_product(blocks(x_, "input_of_gates", 0, 2), recurrent_);
    const std::string gates = layer_.gate(sum, name("gates"));
    const std::string update = blocks(gates, "update", 1, 2);
    std::string inner = blocks(x_, "input_of_candidate", 2, 3);
    if (const std::string part = gru_candidate_part(gates); !part.empty()) {
      inner = node("Add", "sum_of_candidate", {inner, part});
    }
    const std::string candidate = layer_.candidate(inner, name("candidate"));
    // candidate + update * (state - candidate)
    if (state_.empty()) {
      const std::string part = node("Mul", "unchanged", {update, candidate});
      state_ = node("Sub", "state", {candidate, part});
    } else {
      const std::string difference = node("Sub", "difference", {state_, candidate});
      const std::string part = node("Mul", "unchanged", {update, difference});
      state_ = node("Add", "state", {candidate, part});
    }
  }

  // What the state adds to the candidate; "" for nothing.
  std::string gru_candidate_part(const std::string& gates) {
    if (state_.empty() && candidate_bias_.empty()) return "";
    const std::string reset = blocks(gates, "reset", 0, 1);
    if (state_.empty()) return node("Mul", "reset_part", {reset, candidate_bias_});
    std::vector<std::string> inputs = {state_, candidate_};
    if (!layer_.resets_product) {
      inputs[0] = node("Mul", "reset_state", {reset, state_});
      return node("Gemm", "reset_part", std::move(inputs), {{"transB", int64_t{1}}});
    }
    if (!candidate_bias_.empty()) inputs.push_back(candidate_bias_);
    const std::string product =
        node("Gemm", "product", std::move(inputs), {{"transB", int64_t{1}}});
    return node("Mul", "reset_part", {reset, product});
  }

  GraphBuilder& graph_;
  const RecurrentLayer& layer_;
  std::string sequence_;
  int64_t steps_ = 0;
  int64_t units_ = 0;
  std::string projected_;  // the input's products, of all steps
  std::string recurrent_;
  std::string candidate_;  // kGru's, apart from the gates
  std::string candidate_bias_;
  int64_t step_ = 0;
  std::string x_;      // of this step
  std::string state_;  // empty: zeros
  std::string memory_;
};

}  // namespace

std::vector<std::string> add_recurrent(GraphBuilder& graph, const RecurrentLayer& layer,
                                       const std::string& sequence) {
  return Unrolling(graph, layer, sequence).run();
}

std::string add_sequence(GraphBuilder& graph, const std::string& name,
                         const std::vector<std::vector<std::string>>& directions) {
  const size_t steps = directions.at(0).size();
  std::vector<std::string> states;
  for (size_t step = 0; step < steps; ++step) {
    for (const auto& each : directions) states.push_back(each.at(step));
  }
  const std::string row = states.size() == 1 ? states[0]
                                             : graph.add_node("Concat", name + "/states", states,
                                                              {{"axis", int64_t{1}}});
  const auto rows = static_cast<int64_t>(steps);
  return graph.add_node("Reshape", name, {row},
                        {{"shape", Shape{rows, graph.shape(row)[0] / rows}}});
}

Tensor reordered_blocks(const Tensor& tensor, const std::vector<size_t>& order) {
  Tensor result{tensor.shape, {}};
  result.values.reserve(tensor.values.size());
  const size_t block = tensor.values.size() / order.size();
  for (size_t i : order) {
    const auto begin = tensor.values.begin() + static_cast<ptrdiff_t>(i * block);
    result.values.insert(result.values.end(), begin, begin + static_cast<ptrdiff_t>(block));
  }
  return result;
}

Tensor transposed_matrix(const Tensor& tensor) {
  const auto height = static_cast<size_t>(tensor.shape.at(0));
  const auto width = static_cast<size_t>(tensor.shape.at(1));
  Tensor result{{tensor.shape[1], tensor.shape[0]}, std::vector<float>(tensor.values.size())};
  for (size_t row = 0; row < height; ++row) {
    for (size_t column = 0; column < width; ++column) {
      result.values[column * height + row] = tensor.values[row * width + column];
    }
  }
  return result;
}

RecurrentLayer::Function recurrent_function(GraphBuilder& graph, const std::string& type) {
  return [&graph, type](const std::string& value, const std::string& name) {
    return graph.add_node(type, name, {value});
  };
}

}  // namespace mnist
