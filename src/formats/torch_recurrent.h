// PyTorch's nn.LSTM, nn.GRU and nn.RNN: layers upon each other, in one direction or both.
#pragma once

#include <string>
#include <vector>

#include "formats/graph_builder.h"
#include "formats/recurrent.h"

namespace mnist {

struct TorchRecurrent {
  RecurrentCell cell = RecurrentCell::kLstm;
  std::string name = {};
  // Of each layer, of each of its directions: weight_ih, weight_hh and, `has_bias`, bias_ih and
  // bias_hh.
  std::vector<Tensor> weights = {};
  bool has_bias = true;
  size_t layers = 1;
  bool is_bidirectional = false;
  std::string function = "Tanh";  // kSimple: "Relu" or this
};

struct TorchRecurrentOutput {
  std::string sequence;                        // of the last layer: (steps, directions * units)
  std::vector<std::vector<std::string>> rows;  // the same by direction and row
  std::vector<std::string> last;               // h_n: of each layer, of each direction
};

// Throws Error starting with graph.who() where the weights do not fit.
TorchRecurrentOutput add_torch_recurrent(GraphBuilder& graph, const TorchRecurrent& module,
                                         const std::string& sequence);

}  // namespace mnist
