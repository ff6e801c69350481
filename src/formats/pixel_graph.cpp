#include "formats/pixel_graph.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace mnist {
namespace {

// The first value of a weight, which stands for all of a mean or deviation; nothing for another
// value.
std::optional<double> first_number(const Model& model, const std::string& name) {
  if (!model.is_weight(name)) return std::nullopt;
  const std::vector<float>& values = model.weight(name).values;
  if (values.empty()) return std::nullopt;
  return values[0];
}

// The number that a weight is everywhere; nothing where it is several, or would change the shape of
// what it is added to.
std::optional<double> only_number(const Model& model, const std::string& name) {
  const std::optional<double> number = first_number(model, name);
  if (!number) return std::nullopt;
  const Tensor& weight = model.weight(name);
  const Shape& input = model.input_shape;
  if (weight.shape.size() > input.size()) return std::nullopt;
  const bool broadcasts =
      std::equal(weight.shape.rbegin(), weight.shape.rend(), input.rbegin(),
                 [](int64_t mine, int64_t its) { return mine == 1 || mine == its; });
  const bool is_one = std::all_of(weight.values.begin(), weight.values.end(),
                                  [&](float value) { return value == weight.values[0]; });
  return broadcasts && is_one ? number : std::nullopt;
}

// What the node makes of `scaling`, if it does the same to every value of the model's input.
std::optional<PixelScaling> scaled_by(const Model& model, const Node& node,
                                      const PixelScaling& scaling) {
  if (node.inputs.size() != 2) return std::nullopt;
  const bool is_left = node.inputs[0] == model.input;
  const std::optional<double> number = only_number(model, node.inputs[is_left ? 1 : 0]);
  if (!number) return std::nullopt;
  const auto [scale, offset] = scaling;
  if (node.type == "Mul") return PixelScaling{scale * *number, offset * *number};
  if (node.type == "Add") return PixelScaling{scale, offset + *number};
  if (node.type == "Sub" && is_left) return PixelScaling{scale, offset - *number};
  if (node.type == "Sub") return PixelScaling{-scale, *number - offset};
  if (node.type == "Div" && is_left && *number != 0) {
    return PixelScaling{scale / *number, offset / *number};
  }
  return std::nullopt;
}

// The place of the only node that reads the input; nothing where there are more or it is the
// output.
std::optional<size_t> only_reader(const Model& model) {
  std::optional<size_t> found;
  for (size_t i = 0; i < model.nodes.size(); ++i) {
    const auto& inputs = model.nodes[i].inputs;
    const auto count = std::count(inputs.begin(), inputs.end(), model.input);
    if (count == 0) continue;
    if (found || count > 1) return std::nullopt;
    found = i;
  }
  if (found && model.nodes[*found].outputs[0] == model.output) return std::nullopt;
  return found;
}

bool is_read(const Model& model, const std::string& value) {
  return std::any_of(model.nodes.begin(), model.nodes.end(), [&](const Node& node) {
    return std::find(node.inputs.begin(), node.inputs.end(), value) != node.inputs.end();
  });
}

// Takes out a node that reads the input: what read its value reads the input then.
void take_out(Model& model, size_t index) {
  const Node node = model.nodes[index];
  model.nodes.erase(model.nodes.begin() + static_cast<std::ptrdiff_t>(index));
  for (Node& reader : model.nodes) {
    std::replace(reader.inputs.begin(), reader.inputs.end(), node.outputs[0], model.input);
  }
  for (const std::string& input : node.inputs) {
    if (model.is_weight(input) && !is_read(model, input)) model.weights.erase(input);
  }
}

}  // namespace

bool scales_pixels(const Model& model) {
  // A chain of a few nodes at the beginning: v becomes v * scale + offset.
  constexpr double kLargestScale = 0.03;  // of pixels up to 255 to about +-4
  std::string at = model.input;
  double scale = 1;
  for (const Node& node : model.nodes) {
    const auto place = std::find(node.inputs.begin(), node.inputs.end(), at);
    if (place == node.inputs.end()) continue;
    const bool one_input = node.inputs.size() == 1;
    const bool is_view = node.type == "Reshape" || node.type == "Flatten" ||
                         node.type == "Transpose" || node.type == "Identity";
    if (node.inputs.size() == 2 && (node.type == "Mul" || node.type == "Div")) {
      const size_t other = place == node.inputs.begin() ? 1 : 0;
      const std::optional<double> number = first_number(model, node.inputs[other]);
      if (!number || *number == 0 || (node.type == "Div" && other == 0)) return false;
      scale *= node.type == "Mul" ? *number : 1 / *number;
    } else if (!(one_input && is_view) && node.type != "Sub" && node.type != "Add") {
      break;
    }
    at = node.outputs[0];
  }
  return std::fabs(scale) < kLargestScale;
}

Model scaling_as_pixels(Model model) {
  while (const std::optional<size_t> index = only_reader(model)) {
    const std::optional<PixelScaling> scaled = scaled_by(model, model.nodes[*index], model.pixels);
    if (!scaled) break;
    model.pixels = *scaled;
    take_out(model, *index);
  }
  return model;
}

}  // namespace mnist
