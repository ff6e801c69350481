// Recurrent layers as plain nodes: a network of images of one size takes a known number of steps,
// so each step becomes nodes of its own, and all of them share the layer's weights.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "formats/graph_builder.h"
#include "mnist/model.h"

namespace mnist {

enum class RecurrentCell { kSimple, kLstm, kGru };

// Rows of a weight for `units` each, one block for each gate, in this order:
//   kSimple  the state alone
//   kLstm    input, forget, output, candidate
//   kGru     reset, update, candidate
struct RecurrentWeights {
  Tensor kernel;     // (blocks * units, features)
  Tensor recurrent;  // (blocks * units, units)
  // (blocks * units), or without values: what is added to the input's part and to the state's.
  Tensor bias;
  Tensor recurrent_bias;
};

struct RecurrentLayer {
  // Adds the nodes of a function of each element, called `name`, and returns their value.
  using Function = std::function<std::string(const std::string& value, const std::string& name)>;

  RecurrentCell cell = RecurrentCell::kLstm;
  std::string name;  // "lstm": nodes are "lstm/3/gates"
  RecurrentWeights weights;
  Function gate;       // of gates, usually Sigmoid; kSimple has none
  Function candidate;  // usually Tanh
  Function output;     // kLstm: of the state that goes out, usually Tanh
  // kGru: the reset gate applies to the state's product with its weights rather than to the state.
  bool resets_product = false;
  bool is_backwards = false;  // from the last row to the first
};

// The state behind each row of `sequence`, (steps, features), in the rows' order: (units) each; the
// first step starts from zeros. Throws Error starting with graph.who() for weights that do not fit
// and for more than kMostSteps rows.
std::vector<std::string> add_recurrent(GraphBuilder& graph, const RecurrentLayer& layer,
                                       const std::string& sequence);
inline constexpr int64_t kMostSteps = 1024;

// States as a sequence again, (steps, units): those of several directions side by side.
std::string add_sequence(GraphBuilder& graph, const std::string& name,
                         const std::vector<std::vector<std::string>>& directions);

// Blocks of `tensor`'s rows in another order: block i of the result is block order[i].
Tensor reordered_blocks(const Tensor& tensor, const std::vector<size_t>& order);
// (rows, columns) to (columns, rows).
Tensor transposed_matrix(const Tensor& tensor);

// A function of the document without attributes: Sigmoid, Tanh, Relu.
RecurrentLayer::Function recurrent_function(GraphBuilder& graph, const std::string& type);

}  // namespace mnist
