#include "engine/inspection.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/load_images.h"
#include "mnist/describe.h"
#include "mnist/error.h"

namespace mnist {
namespace {

PlanOptions inspecting() {
  PlanOptions options;
  options.inspect = true;
  options.input_gradient = true;
  options.blocks = 1;
  return options;
}

std::string kernel_of(const Model& model, const Node& node) {
  for (const std::string& name : node.inputs) {
    if (model.is_weight(name) && model.weight(name).shape.size() > 1) return name;
  }
  return "";
}

}  // namespace

Inspection::Inspection(const Model& model)
    : plan_(model, inspecting()),
      workspace_(plan_.make_workspace()),
      pixels_(model.pixels),
      gradients_(plan_.weights().size()) {
  const std::vector<NodeFacts> facts = describe(model);
  for (size_t i = 0; i < model.nodes.size(); ++i) {
    const Node& node = model.nodes[i];
    if (plan_.value(workspace_, node.outputs[0]) == nullptr) continue;
    layers_.push_back({node.name, node.type, facts[i].output_shape, kernel_of(model, node)});
    outputs_.push_back(node.outputs[0]);
  }
}

std::vector<float> Inspection::first_image(const float* values, size_t elements) const {
  std::vector<float> result(elements);
  store_outputs(values, 1, elements, plan_.lanes(), result.data());
  return result;
}

void Inspection::run(std::span<const uint8_t> pixels) {
  if (pixels.size() != plan_.input_elements()) {
    throw Error(fmt::format("an image of {} pixels expected, got {}", plan_.input_elements(),
                            pixels.size()));
  }
  const uint8_t* image = pixels.data();
  load_images(std::span(&image, 1), plan_.input_elements(), plan_.lanes(), pixels_,
              plan_.input(workspace_));
  plan_.forward(workspace_, 1);
}

std::vector<float> Inspection::logits() {
  return first_image(plan_.output(workspace_), plan_.output_elements());
}

std::vector<float> Inspection::activation(size_t layer) {
  return first_image(plan_.value(workspace_, outputs_.at(layer)),
                     element_count(layers_.at(layer).shape));
}

std::vector<float> Inspection::saliency(size_t answer) {
  if (answer >= plan_.output_elements()) {
    throw Error(fmt::format("answer {}: the network has {}", answer, plan_.output_elements()));
  }
  float* d_output = plan_.d_output(workspace_);
  std::fill_n(d_output, plan_.output_elements() * plan_.lanes(), 0.0F);
  d_output[answer * plan_.lanes()] = 1.0F;
  std::fill(gradients_.begin(), gradients_.end(), 0.0F);
  plan_.backward(workspace_, gradients_, 1);
  return first_image(plan_.d_input(workspace_), plan_.input_elements());
}

}  // namespace mnist
