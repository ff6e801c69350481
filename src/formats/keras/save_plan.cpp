#include "formats/keras/save_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "formats/channel_last.h"
#include "formats/keras/config.h"
#include "formats/keras/save_layers.h"
#include "mnist/error.h"

namespace mnist {
namespace {

// Keras's names are unique and have no '/'.
class Names {
 public:
  std::string unused(std::string wanted) {
    std::replace(wanted.begin(), wanted.end(), '/', '_');
    std::string name = wanted;
    for (size_t number = 2; !used_.insert(name).second; ++number) {
      name = fmt::format("{}_{}", wanted, number);
    }
    return name;
  }

 private:
  std::set<std::string> used_;
};

void finish_names(KerasPlan& plan) {
  Names names;
  std::map<std::string, size_t> numbers;
  for (KerasLayerPlan& layer : plan.layers) {
    layer.name = names.unused(layer.name.empty() ? "layer" : layer.name);
    layer.config["name"] = layer.name;
    layer.config["dtype"] = "float32";
    const size_t number = numbers[layer.class_name]++;
    const std::string saved = snake_case(layer.class_name);
    layer.saved_name = number == 0 ? saved : fmt::format("{}_{}", saved, number);
  }
}

Json with_batch(const Shape& shape) {
  Json list = Json::array({nullptr});
  for (int64_t extent : shape) list.push_back(extent);
  return list;
}

Json tensor_reference(const KerasPlan& plan, size_t layer) {
  return {{"class_name", "__keras_tensor__"},
          {"config",
           {{"shape", with_batch(plan.layers[layer].shape)},
            {"dtype", "float32"},
            {"keras_history", {plan.layers[layer].name, 0, 0}}}}};
}

Json layer_config(const KerasPlan& plan, const KerasLayerPlan& layer) {
  Json json = {{"module", "keras.layers"},
               {"class_name", layer.class_name},
               {"config", layer.config},
               {"registered_name", nullptr}};
  if (!layer.inputs.empty()) {
    const Json first = with_batch(plan.layers[layer.inputs[0]].shape);
    if (layer.inputs.size() == 1) {
      json["build_config"] = {{"input_shape", first}};
    } else {
      Json shapes = Json::array();
      for (size_t input : layer.inputs) shapes.push_back(with_batch(plan.layers[input].shape));
      json["build_config"] = {{"input_shape", shapes}};
    }
  }
  return json;
}

Json inbound_nodes(const KerasPlan& plan, const KerasLayerPlan& layer) {
  if (layer.inputs.empty()) return Json::array();
  Json arguments = Json::array();
  for (size_t input : layer.inputs) arguments.push_back(tensor_reference(plan, input));
  // A layer that merges takes one argument, a list.
  if (layer.inputs.size() > 1) arguments = Json::array({arguments});
  return Json::array({{{"args", arguments}, {"kwargs", Json::object()}}});
}

}  // namespace

std::vector<size_t> KerasVariablePlan::places() const {
  const size_t count = element_count(shape);
  std::vector<size_t> result(count);
  const auto last = shape.empty() ? size_t{1} : static_cast<size_t>(shape.back());
  for (size_t i = 0; i < count; ++i) {
    const size_t outer = last == 0 ? 0 : i / last;
    const size_t inner = last == 0 ? 0 : i % last;
    const auto row = [&] { return flattened.empty() ? outer : planes_place(outer, flattened); };
    switch (order) {
      case Order::kSame:
        result[i] = flattened.empty() ? i : planes_place(i, flattened);
        break;
      case Order::kDense:
        result[i] = inner * static_cast<size_t>(shape[0]) + row();
        break;
      case Order::kDenseIn:
        result[i] = row() * last + inner;
        break;
      case Order::kKernel: {
        const auto inputs = static_cast<size_t>(shape[2]);
        const auto taps = static_cast<size_t>(shape[0] * shape[1]);
        result[i] = (inner * inputs + outer % inputs) * taps + outer / inputs;
        break;
      }
      case Order::kDepthwise: {
        const size_t outputs = static_cast<size_t>(shape[2]) * last;
        const auto taps = static_cast<size_t>(shape[0] * shape[1]);
        result[i] = i % outputs * taps + i / outputs;
        break;
      }
    }
  }
  return result;
}

bool KerasPlan::is_chain() const {
  for (size_t i = 1; i < layers.size(); ++i) {
    if (layers[i].inputs != std::vector<size_t>{i - 1}) return false;
  }
  return true;
}

KerasPlan plan_keras(const Model& model, bool with_pixels) {
  KerasPlanner planner(model);
  planner.add_input();
  if (with_pixels) planner.add_pixels();
  for (const Node& node : model.nodes) planner.add(node);
  KerasPlan plan = std::move(planner).finish();
  plan.name = Names().unused(model.architecture.empty() ? "model" : model.architecture);
  finish_names(plan);
  return plan;
}

Json keras_config(const KerasPlan& plan) {
  const bool is_chain = plan.is_chain();
  Json layers = Json::array();
  for (const KerasLayerPlan& layer : plan.layers) {
    Json json = layer_config(plan, layer);
    if (!is_chain) {
      json["name"] = layer.name;
      json["inbound_nodes"] = inbound_nodes(plan, layer);
    }
    layers.push_back(std::move(json));
  }
  Json config = {{"name", plan.name}, {"trainable", true}, {"layers", layers}};
  const Json input = with_batch(plan.layers[0].shape);
  if (is_chain) {
    config["dtype"] = "float32";
    config["build_input_shape"] = input;
  } else {
    config["input_layers"] = Json::array({{plan.layers.front().name, 0, 0}});
    config["output_layers"] = Json::array({{plan.layers.back().name, 0, 0}});
  }
  return {{"module", is_chain ? "keras" : "keras.src.models.functional"},
          {"class_name", is_chain ? "Sequential" : "Functional"},
          {"config", config},
          {"registered_name", is_chain ? Json(nullptr) : Json("Functional")},
          {"build_config", {{"input_shape", is_chain ? input : Json(nullptr)}}}};
}

}  // namespace mnist
