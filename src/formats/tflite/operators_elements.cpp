// What works on each element, or on several values.
#include <fmt/format.h>

#include "formats/tflite/options.h"
#include "formats/tflite/translation.h"

namespace mnist {
namespace {

TfAttribute real(double value) {
  TfAttribute attribute;
  attribute.real = value;
  return attribute;
}

void binary(TfliteTranslation& translation, const char* tensorflow_op, uint8_t options) {
  translation.add_node(tensorflow_op, {translation.input(0), translation.input(1)});
  translation.activate(translation.option<int8_t>(options, 0, 0, "fused_activation_function"));
}

}  // namespace

// TensorFlow's operator with the same inputs.
void tflite_same(TfliteTranslation& translation) {
  translation.add_node_of_inputs(find_tflite_operator(translation.op().code)->tensorflow_op);
}

void tflite_add(TfliteTranslation& translation) { binary(translation, "AddV2", kAddOptions); }
void tflite_multiply(TfliteTranslation& translation) { binary(translation, "Mul", kMulOptions); }
void tflite_subtract(TfliteTranslation& translation) { binary(translation, "Sub", kSubOptions); }
void tflite_divide(TfliteTranslation& translation) { binary(translation, "RealDiv", kDivOptions); }

void tflite_leaky_relu(TfliteTranslation& translation) {
  const auto slope = translation.option<float>(kLeakyReluOptions, 0, 0.0F, "alpha");
  translation.add_node("LeakyRelu", {translation.input(0)}).attributes["alpha"] =
      real(static_cast<double>(slope));
}

void tflite_prelu(TfliteTranslation& translation) {
  translation.add_node("tfl.prelu", {translation.input(0), translation.input(1, "alpha")});
}

void tflite_gelu(TfliteTranslation& translation) {
  const bool approximate = translation.option<uint8_t>(kGeluOptions, 0, 0, "approximate") != 0;
  translation.add_node("tfl.gelu", {translation.input(0)}).attributes["approximate"].flag =
      approximate;
}

void tflite_softmax(TfliteTranslation& translation) {
  const auto beta = translation.option<float>(kSoftmaxOptions, 0, 0.0F, "beta");
  std::string value = translation.input(0);
  if (beta != 1.0F) {
    TfConstant factor{.shape = {}, .floats = {beta}};
    value = translation.add_inner_node(
        "Mul", {value, translation.add_constant("softmax/beta", std::move(factor))});
  }
  translation.add_node("Softmax", {value});
}

void tflite_l2_normalization(TfliteTranslation& translation) {
  translation.add_node("tfl.l2_normalization", {translation.input(0)});
  translation.activate(
      translation.option<int8_t>(kL2NormOptions, 0, 0, "fused_activation_function"));
}

// What is of another type already was decoded so, or is rounded as its output says.
void tflite_quantize(TfliteTranslation& translation) {
  translation.set_output(0, translation.input(0));
}

void tflite_cast(TfliteTranslation& translation) {
  const TfliteType type = translation.output_tensor().type;
  const bool to_float = type == TfliteType::kFloat32 || type == TfliteType::kFloat16 ||
                        type == TfliteType::kFloat64 || type == TfliteType::kBfloat16;
  translation.add_node("Cast", {translation.input(0)}).attributes["DstT"].type =
      to_float ? kTfFloat : kTfInt64;
}

void tflite_reduce(TfliteTranslation& translation) {
  const bool keeps = translation.option<uint8_t>(kReducerOptions, 0, 0, "keep_dims") != 0;
  TfNode& node = translation.add_node(find_tflite_operator(translation.op().code)->tensorflow_op,
                                      {translation.input(0), translation.input(1)});
  node.attributes["keep_dims"].flag = keeps;
}

}  // namespace mnist
