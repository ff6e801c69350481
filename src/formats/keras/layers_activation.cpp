// Activations: as layers, and as what other layers' configs name.
#include <fmt/format.h>

#include "base/text.h"
#include "formats/keras/config.h"
#include "formats/keras/layer_list.h"

namespace mnist {
namespace {

using Attributes = std::map<std::string, Attribute>;

struct Simple {
  const char* keras;
  const char* type;
};
// Keras's functions that are ONNX's with its usual attributes.
constexpr Simple kSimple[] = {
    {"celu", "Celu"},           {"elu", "Elu"},
    {"exponential", "Exp"},     {"gelu", "Gelu"},
    {"hard_silu", "HardSwish"}, {"hard_swish", "HardSwish"},
    {"mish", "Mish"},           {"relu", "Relu"},
    {"selu", "Selu"},           {"sigmoid", "Sigmoid"},
    {"silu", "Swish"},          {"softplus", "Softplus"},
    {"softsign", "Softsign"},   {"swish", "Swish"},
    {"tanh", "Tanh"},
};

// Softmax over the axis of Keras's, -1 the last.
KerasValue softmax(KerasTranslation& layer, KerasValue value, const char* type, int64_t axis,
                   const std::string& suffix) {
  if (axis < 0) axis += static_cast<int64_t>(value.shape.size()) + 1;
  if (axis < 1) layer.fail("an axis of the image expected for the softmax");
  return layer.order().softmax(type, std::move(value), static_cast<size_t>(axis - 1), suffix);
}

KerasValue hard_sigmoid(KerasTranslation& layer, KerasValue value, const std::string& suffix) {
  const double slope = layer.keras_version() >= 3 ? 1.0 / 6.0 : 0.2;
  return layer.map_elements("HardSigmoid", std::move(value), {{"alpha", slope}, {"beta", 0.5}},
                            suffix);
}

KerasValue clipped(KerasTranslation& layer, KerasValue value, double most,
                   const std::string& suffix) {
  return layer.map_elements("Clip", std::move(value), {{"min", 0.0}, {"max", most}}, suffix);
}

KerasValue leaky(KerasTranslation& layer, KerasValue value, double slope,
                 const std::string& suffix) {
  return layer.map_elements("LeakyRelu", std::move(value), {{"alpha", slope}}, suffix);
}

KerasValue apply(KerasTranslation& layer, KerasValue value, const std::string& function,
                 const std::string& suffix) {
  for (const Simple& simple : kSimple) {
    if (function == simple.keras) {
      return layer.map_elements(simple.type, std::move(value), {}, suffix);
    }
  }
  if (function == "linear") return value;
  if (function == "softmax") return softmax(layer, std::move(value), "Softmax", -1, suffix);
  if (function == "log_softmax") return softmax(layer, std::move(value), "LogSoftmax", -1, suffix);
  if (function == "relu6") return clipped(layer, std::move(value), 6.0, suffix);
  if (function == "leaky_relu") return leaky(layer, std::move(value), 0.2, suffix);
  if (function == "hard_sigmoid") return hard_sigmoid(layer, std::move(value), suffix);
  layer.fail(fmt::format("activation '{}' is not known", printable(function, 60)));
}

// The ways of the ReLU layer's config.
KerasValue relu(KerasTranslation& layer, KerasValue value, const JsonView& config,
                const std::string& suffix) {
  const std::optional<JsonView> most = config_value(config, "max_value");
  const double slope = config_number(config, "negative_slope", config_number(config, "alpha", 0.0));
  if (const double threshold = config_number(config, "threshold", 0.0); threshold != 0.0) {
    if (most || slope != 0.0)
      layer.fail("threshold: 0 expected beside max_value or negative_slope");
    return layer.map_elements("ThresholdedRelu", std::move(value), {{"alpha", threshold}}, suffix);
  }
  if (most) {
    if (slope != 0.0) layer.fail("max_value and negative_slope at once");
    return clipped(layer, std::move(value), config_number(config, "max_value", 0.0), suffix);
  }
  if (slope != 0.0) return leaky(layer, std::move(value), slope, suffix);
  return layer.map_elements("Relu", std::move(value), {}, suffix);
}

double leaky_slope(const JsonView& config) {
  return config_number(config, "negative_slope", config_number(config, "alpha", 0.3));
}

// The function that a layer's class is called for.
std::string called(const std::string& class_name) {
  if (class_name == "ReLU") return "relu";
  if (class_name == "LeakyReLU") return "leaky_relu";
  if (class_name == "ELU") return "elu";
  return snake_case(class_name);
}

}  // namespace

KerasValue activate_by(KerasTranslation& layer, KerasValue value, const JsonView& given,
                       const std::string& suffix) {
  const KerasObject function = keras_object(given);
  if (function.config && function.name == "ReLU") {
    return relu(layer, std::move(value), *function.config, suffix);
  }
  if (function.config && function.name == "LeakyReLU") {
    return leaky(layer, std::move(value), leaky_slope(*function.config), suffix);
  }
  if (function.config && (function.name == "ELU" || function.name == "Softmax")) {
    return apply(layer, std::move(value), called(function.name), suffix);
  }
  return apply(layer, std::move(value), function.name, suffix);
}

// An activation that has a node before it in its layer is called like its function.
KerasValue activate(KerasTranslation& layer, KerasValue value, const JsonView& config) {
  const std::optional<JsonView> given = config_value(config, "activation");
  if (!given) return value;
  const KerasObject function = keras_object(*given);
  const std::string name = function.config ? called(function.name) : function.name;
  return activate_by(layer, std::move(value), *given, name);
}

KerasValue keras_activation(KerasTranslation& layer) {
  const KerasObject function = keras_object(layer.config().at("activation"));
  return apply(layer, layer.input(), function.name, "");
}

KerasValue keras_relu(KerasTranslation& layer) {
  return relu(layer, layer.input(), layer.config(), "");
}

KerasValue keras_leaky_relu(KerasTranslation& layer) {
  return leaky(layer, layer.input(), leaky_slope(layer.config()), "");
}

KerasValue keras_elu(KerasTranslation& layer) {
  const double alpha = config_number(layer.config(), "alpha", 1.0);
  return layer.map_elements("Elu", layer.input(), {{"alpha", alpha}});
}

KerasValue keras_thresholded_relu(KerasTranslation& layer) {
  const double theta = config_number(layer.config(), "theta", 1.0);
  return layer.map_elements("ThresholdedRelu", layer.input(), {{"alpha", theta}});
}

KerasValue keras_softmax(KerasTranslation& layer) {
  return softmax(layer, layer.input(), "Softmax", config_integer(layer.config(), "axis", -1), "");
}

std::vector<KerasVariable> keras_prelu_variables(const JsonView&) { return {{"alpha"}}; }

// A slope for each element, or one for all along the shared axes.
KerasValue keras_prelu(KerasTranslation& layer) {
  KerasValue value = layer.input();
  Tensor slope = layer.take("alpha", Shape(value.shape.size(), -1));
  if (value.is_planes) {
    slope.values = to_planes(slope.values, slope.shape);
    slope.shape = {slope.shape[2], slope.shape[0], slope.shape[1]};
  } else if (!value.flattened.empty() && slope.values.size() > 1) {
    if (slope.shape != value.shape) layer.fail("a slope for each element expected");
    slope.values = to_planes(slope.values, value.flattened);
  }
  value.name = layer.add_node("PRelu", {value.name, layer.add_weight("alpha", std::move(slope))});
  return value;
}

}  // namespace mnist
