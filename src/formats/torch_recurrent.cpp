#include "formats/torch_recurrent.h"

#include <fmt/format.h>

#include "base/text.h"
#include "mnist/error.h"

namespace mnist {
namespace {

// The document's order of gates, counted in PyTorch's.
std::vector<size_t> blocks_of(RecurrentCell cell) {
  if (cell == RecurrentCell::kLstm) return {0, 1, 3, 2};
  if (cell == RecurrentCell::kGru) return {0, 1, 2};
  return {0};
}

}  // namespace

TorchRecurrentOutput add_torch_recurrent(GraphBuilder& graph, const TorchRecurrent& module,
                                         const std::string& sequence) {
  const auto fail = [&](const char* reason) {
    throw Error(fmt::format("{}: '{}': {}", graph.who(), printable(module.name, 80), reason));
  };
  const size_t each = module.has_bias ? 4 : 2;
  const size_t directions = module.is_bidirectional ? 2 : 1;
  if (module.layers < 1 || module.weights.size() != each * directions * module.layers) {
    fail("weights for each of its layers expected");
  }
  const std::vector<size_t> blocks = blocks_of(module.cell);
  TorchRecurrentOutput output;
  output.sequence = sequence;
  auto weight = module.weights.begin();
  const auto take = [&] {
    const Tensor& tensor = *weight++;
    if (tensor.shape.empty() || tensor.shape[0] % static_cast<int64_t>(blocks.size()) != 0) {
      fail("weights that are not those of its gates");
    }
    return reordered_blocks(tensor, blocks);
  };
  for (size_t number = 0; number < module.layers; ++number) {
    output.rows.clear();
    for (size_t direction = 0; direction < directions; ++direction) {
      RecurrentLayer layer;
      layer.cell = module.cell;
      layer.name = fmt::format("{}{}l{}{}", module.name, module.name.empty() ? "" : ".", number,
                               direction == 0 ? "" : "_reverse");
      layer.is_backwards = direction == 1;
      layer.resets_product = true;
      layer.weights.kernel = take();
      layer.weights.recurrent = take();
      if (module.has_bias) {
        layer.weights.bias = take();
        layer.weights.recurrent_bias = take();
      }
      layer.gate = recurrent_function(graph, "Sigmoid");
      const bool is_simple = module.cell == RecurrentCell::kSimple;
      layer.candidate = recurrent_function(graph, is_simple ? module.function : "Tanh");
      layer.output = recurrent_function(graph, "Tanh");
      output.rows.push_back(add_recurrent(graph, layer, output.sequence));
      const auto& states = output.rows.back();
      output.last.push_back(layer.is_backwards ? states.front() : states.back());
    }
    output.sequence = add_sequence(
        graph, fmt::format("{}{}l{}/sequence", module.name, module.name.empty() ? "" : ".", number),
        output.rows);
  }
  return output;
}

}  // namespace mnist
