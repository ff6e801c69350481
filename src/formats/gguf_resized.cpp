// Networks of ggml's examples with other numbers of units than theirs.
#include <algorithm>
#include <cmath>

#include "formats/gguf_layout.h"
#include "formats/layer_chain.h"
#include "mnist/error.h"

namespace mnist {
namespace {

// With as many extents as `rank`: ggml does not keep the outermost ones that are 1.
Shape of_rank(Shape shape, size_t rank) {
  const auto first = std::find_if(shape.begin(), shape.end(), [](int64_t e) { return e != 1; });
  shape.erase(shape.begin(), first);
  if (shape.size() < rank) shape.insert(shape.begin(), rank - shape.size(), 1);
  return shape;
}

// (1,side,side) of images with so many pixels; empty where they are no square.
Shape square_image(int64_t pixels) {
  const auto side = static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(pixels))));
  return side * side == pixels ? Shape{1, side, side} : Shape{};
}

// Whether the row holds its weight with these extents; changes both to them then.
bool resize(GgufLayout::Row& row, Shape shape, Model& graph) {
  shape = of_rank(std::move(shape), row.stored_shape.size());
  if (shape.size() != row.stored_shape.size()) return false;
  Shape& weight = graph.weights.at(row.weight).shape;
  if (row.order == GgufLayout::Order::kChannelLast) {
    const int64_t positions = row.features[1] * row.features[2];
    if (shape[1] % positions != 0) return false;
    row.features[0] = shape[1] / positions;
  }
  weight = weight.size() == 1 ? Shape{shape[0]} : shape;
  row.stored_shape = std::move(shape);
  return true;
}

}  // namespace

std::optional<GgufLayout> resized_layout(const GgufLayout& layout, const GgufFile& file) {
  if (!layout.name.empty()) return std::nullopt;  // 2023's biases have the maps' extents
  GgufLayout result = layout;
  for (GgufLayout::Row& row : result.rows) {
    const auto found = file.tensors.find(row.tensor);
    if (found == file.tensors.end() || !resize(row, found->second.shape, result.graph)) {
      return std::nullopt;
    }
  }
  const Shape& first = result.graph.weights.at(result.rows.front().weight).shape;
  if (first.size() == 2) result.graph.input_shape = square_image(first[1]);
  try {
    const std::vector<ChainLayer> layers = layer_chain(result.graph);
    const bool has_classes = layers.back().output.size() == 1 && layers.back().output[0] > 1;
    return has_classes ? std::optional(std::move(result)) : std::nullopt;
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace mnist
