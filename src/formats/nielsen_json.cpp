// What the programs of Nielsen's book "Neural Networks and Deep Learning" save (network2.py): dense
// layers, each with a sigmoid behind it.
//
//   {"sizes": [784, 30, 10], "weights": [[[...], ...], ...], "biases": [[[...], ...], ...],
//    "cost": "CrossEntropyCost"}
#include <fmt/format.h>

#include "base/json.h"
#include "formats/format_list.h"
#include "formats/graph_builder.h"

namespace mnist {
namespace {

constexpr size_t kMostLayers = 100;

// (rows, columns) of lists of lists.
Tensor matrix(const JsonView& lists, int64_t rows, int64_t columns) {
  Tensor tensor{{rows, columns}, {}};
  for (const JsonView& row : lists.elements()) {
    const std::vector<float> values = row.floats();
    if (static_cast<int64_t>(values.size()) != columns) {
      row.fail(fmt::format("{} numbers expected, got {}", columns, values.size()));
    }
    tensor.values.insert(tensor.values.end(), values.begin(), values.end());
  }
  if (tensor.values.size() != element_count(tensor.shape)) {
    lists.fail(fmt::format("{} rows expected", rows));
  }
  return tensor;
}

FileContents read(const ModelSource& source) {
  const auto* text = reinterpret_cast<const char*>(source.bytes.data());
  const Json json = parse_json({text, source.bytes.size()}, source.who);
  const JsonView document(json, source.who);
  const std::vector<int64_t> sizes = document.at("sizes").integers();
  const std::vector<JsonView> weights = document.at("weights").elements();
  const std::vector<JsonView> biases = document.at("biases").elements();
  if (sizes.size() < 2 || sizes.size() > kMostLayers || weights.size() != sizes.size() - 1 ||
      biases.size() != weights.size()) {
    document.fail("weights and biases between all sizes expected");
  }
  for (int64_t size : sizes) {
    if (size < 1 || size > 1 << 20) document.at("sizes").fail("sizes of layers expected");
  }
  GraphBuilder graph(source.who, "input", {sizes[0]});
  std::string value = graph.input();
  for (size_t i = 0; i < weights.size(); ++i) {
    const std::string name = fmt::format("fc{}", i + 1);
    Tensor bias = matrix(biases[i], sizes[i + 1], 1);
    bias.shape = {sizes[i + 1]};
    const std::vector<std::string> inputs = {
        value, graph.add_weight(name + ".weight", matrix(weights[i], sizes[i + 1], sizes[i])),
        graph.add_weight(name + ".bias", std::move(bias))};
    value = graph.add_node("Gemm", name, inputs, {{"transB", int64_t{1}}});
    value = graph.add_node("Sigmoid", fmt::format("{}/sigmoid", name), {value});
  }
  Model model = std::move(graph).finish(value);
  model.architecture = "nielsen";
  return model;
}

bool recognises(std::span<const std::byte> head) {
  const std::string_view text(reinterpret_cast<const char*>(head.data()),
                              std::min(head.size(), kHeadBytes));
  return text.starts_with('{') && text.find("\"sizes\"") != std::string_view::npos;
}

}  // namespace

extern const Format kNielsenJson;
const Format kNielsenJson = {
    .name = "nielsen",
    .description = "networks that the programs of Nielsen's book save, as JSON",
    .suffixes = {".json"},
    .recognises = recognises,
    .read = read,
};

}  // namespace mnist
