#include "formats/keras/layer_list.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "formats/keras/config.h"
#include "mnist/error.h"

namespace mnist {

KerasValue keras_activation(KerasTranslation& layer);
KerasValue keras_add(KerasTranslation& layer);
KerasValue keras_average(KerasTranslation& layer);
KerasValue keras_average_pool(KerasTranslation& layer);
KerasValue keras_average_pool_1d(KerasTranslation& layer);
KerasValue keras_batch_normalization(KerasTranslation& layer);
KerasValue keras_bidirectional(KerasTranslation& layer);
KerasValue keras_center_crop(KerasTranslation& layer);
KerasValue keras_concatenate(KerasTranslation& layer);
KerasValue keras_conv(KerasTranslation& layer);
KerasValue keras_conv_1d(KerasTranslation& layer);
KerasValue keras_conv_transpose(KerasTranslation& layer);
KerasValue keras_crop(KerasTranslation& layer);
KerasValue keras_crop_1d(KerasTranslation& layer);
KerasValue keras_dense(KerasTranslation& layer);
KerasValue keras_depthwise_conv(KerasTranslation& layer);
KerasValue keras_dropout(KerasTranslation& layer);
KerasValue keras_elu(KerasTranslation& layer);
KerasValue keras_flatten(KerasTranslation& layer);
KerasValue keras_global_average_pool(KerasTranslation& layer);
KerasValue keras_global_average_pool_1d(KerasTranslation& layer);
KerasValue keras_global_max_pool(KerasTranslation& layer);
KerasValue keras_global_max_pool_1d(KerasTranslation& layer);
KerasValue keras_group_normalization(KerasTranslation& layer);
KerasValue keras_gru(KerasTranslation& layer);
KerasValue keras_identity(KerasTranslation& layer);
KerasValue keras_layer_normalization(KerasTranslation& layer);
KerasValue keras_leaky_relu(KerasTranslation& layer);
KerasValue keras_lstm(KerasTranslation& layer);
KerasValue keras_max_pool(KerasTranslation& layer);
KerasValue keras_max_pool_1d(KerasTranslation& layer);
KerasValue keras_maximum(KerasTranslation& layer);
KerasValue keras_minimum(KerasTranslation& layer);
KerasValue keras_multiply(KerasTranslation& layer);
KerasValue keras_normalization(KerasTranslation& layer);
KerasValue keras_pad(KerasTranslation& layer);
KerasValue keras_pad_1d(KerasTranslation& layer);
KerasValue keras_permute(KerasTranslation& layer);
KerasValue keras_prelu(KerasTranslation& layer);
KerasValue keras_recurrent(KerasTranslation& layer);
KerasValue keras_relu(KerasTranslation& layer);
KerasValue keras_repeat_vector(KerasTranslation& layer);
KerasValue keras_rescaling(KerasTranslation& layer);
KerasValue keras_reshape(KerasTranslation& layer);
KerasValue keras_resizing(KerasTranslation& layer);
KerasValue keras_separable_conv(KerasTranslation& layer);
KerasValue keras_separable_conv_1d(KerasTranslation& layer);
KerasValue keras_simple_rnn(KerasTranslation& layer);
KerasValue keras_softmax(KerasTranslation& layer);
KerasValue keras_subtract(KerasTranslation& layer);
KerasValue keras_thresholded_relu(KerasTranslation& layer);
KerasValue keras_time_distributed(KerasTranslation& layer);
KerasValue keras_unit_normalization(KerasTranslation& layer);
KerasValue keras_up_sampling(KerasTranslation& layer);

std::vector<KerasVariable> keras_batch_normalization_variables(const JsonView& config);
std::vector<KerasVariable> keras_bidirectional_variables(const JsonView& config);
std::vector<KerasVariable> keras_conv_variables(const JsonView& config);
std::vector<KerasVariable> keras_dense_variables(const JsonView& config);
std::vector<KerasVariable> keras_depthwise_conv_variables(const JsonView& config);
std::vector<KerasVariable> keras_normalization_variables(const JsonView& config);
std::vector<KerasVariable> keras_prelu_variables(const JsonView& config);
std::vector<KerasVariable> keras_recurrent_variables(const JsonView& config);
std::vector<KerasVariable> keras_scaled_variables(const JsonView& config);
std::vector<KerasVariable> keras_separable_conv_variables(const JsonView& config);
std::vector<KerasVariable> keras_time_distributed_variables(const JsonView& config);

namespace {

constexpr KerasLayerClass kClasses[] = {
    {"Activation", keras_activation},
    {"ActivityRegularization", keras_identity},
    {"Add", keras_add},
    {"AlphaDropout", keras_identity},
    {"Average", keras_average},
    {"AveragePooling1D", keras_average_pool_1d},
    {"AveragePooling2D", keras_average_pool},
    {"BatchNormalization", keras_batch_normalization, keras_batch_normalization_variables},
    {"BatchNormalizationV1", keras_batch_normalization, keras_batch_normalization_variables},
    {"BatchNormalizationV2", keras_batch_normalization, keras_batch_normalization_variables},
    {"Bidirectional", keras_bidirectional, keras_bidirectional_variables},
    {"CenterCrop", keras_center_crop},
    {"Concatenate", keras_concatenate},
    {"Conv1D", keras_conv_1d, keras_conv_variables},
    {"Conv2D", keras_conv, keras_conv_variables},
    {"Conv2DTranspose", keras_conv_transpose, keras_conv_variables},
    {"Cropping1D", keras_crop_1d},
    {"Cropping2D", keras_crop},
    {"Dense", keras_dense, keras_dense_variables},
    {"DepthwiseConv2D", keras_depthwise_conv, keras_depthwise_conv_variables},
    {"Dropout", keras_dropout},
    {"ELU", keras_elu},
    {"Flatten", keras_flatten},
    {"GRU", keras_gru, keras_recurrent_variables},
    {"GaussianDropout", keras_identity},
    {"GaussianNoise", keras_identity},
    {"GlobalAveragePooling1D", keras_global_average_pool_1d},
    {"GlobalAveragePooling2D", keras_global_average_pool},
    {"GlobalMaxPooling1D", keras_global_max_pool_1d},
    {"GlobalMaxPooling2D", keras_global_max_pool},
    {"GroupNormalization", keras_group_normalization, keras_scaled_variables},
    {"Identity", keras_identity},
    {"LSTM", keras_lstm, keras_recurrent_variables},
    {"LayerNormalization", keras_layer_normalization, keras_scaled_variables},
    {"LeakyReLU", keras_leaky_relu},
    {"MaxPooling1D", keras_max_pool_1d},
    {"MaxPooling2D", keras_max_pool},
    {"Maximum", keras_maximum},
    {"Minimum", keras_minimum},
    {"Multiply", keras_multiply},
    {"Normalization", keras_normalization, keras_normalization_variables},
    {"PReLU", keras_prelu, keras_prelu_variables},
    {"Permute", keras_permute},
    {"RNN", keras_recurrent, keras_recurrent_variables},
    {"ReLU", keras_relu},
    {"RepeatVector", keras_repeat_vector},
    {"Rescaling", keras_rescaling},
    {"Reshape", keras_reshape},
    {"Resizing", keras_resizing},
    {"SeparableConv1D", keras_separable_conv_1d, keras_separable_conv_variables},
    {"SeparableConv2D", keras_separable_conv, keras_separable_conv_variables},
    {"SimpleRNN", keras_simple_rnn, keras_recurrent_variables},
    {"Softmax", keras_softmax},
    {"SpatialDropout1D", keras_identity},
    {"SpatialDropout2D", keras_identity},
    {"Subtract", keras_subtract},
    {"ThresholdedReLU", keras_thresholded_relu},
    {"TimeDistributed", keras_time_distributed, keras_time_distributed_variables},
    {"UnitNormalization", keras_unit_normalization},
    {"UpSampling2D", keras_up_sampling},
    {"ZeroPadding1D", keras_pad_1d},
    {"ZeroPadding2D", keras_pad},
    // What augments images does so in training only.
    {"RandomBrightness", keras_identity},
    {"RandomContrast", keras_identity},
    {"RandomElasticTransform", keras_identity},
    {"RandomErasing", keras_identity},
    {"RandomFlip", keras_identity},
    {"RandomGaussianBlur", keras_identity},
    {"RandomHue", keras_identity},
    {"RandomInvert", keras_identity},
    {"RandomPerspective", keras_identity},
    {"RandomRotation", keras_identity},
    {"RandomSaturation", keras_identity},
    {"RandomSharpness", keras_identity},
    {"RandomShear", keras_identity},
    {"RandomTranslation", keras_identity},
    {"RandomZoom", keras_identity},
};

// Layers that are code, in Python or elsewhere.
constexpr const char* kCode[] = {"Lambda",          "TFSMLayer",        "TorchModuleWrapper",
                                 "JaxLayer",        "FlaxLayer",        "TFOpLambda",
                                 "SlicingOpLambda", "TensorFlowOpLayer"};

}  // namespace

const KerasLayerClass* find_keras_class(const std::string& name) {
  for (const KerasLayerClass& each : kClasses) {
    if (name == each.name) return &each;
  }
  return nullptr;
}

void expect_keras_class(const JsonView& layer, const std::string& class_name,
                        const std::string& layer_name) {
  if (find_keras_class(class_name) != nullptr) return;
  const bool is_code = std::find(std::begin(kCode), std::end(kCode), class_name) != std::end(kCode);
  const bool is_own = class_name.find('>') != std::string::npos;  // "package>class"
  const char* reason = is_code  ? "which is code, and no code of a file is run"
                       : is_own ? "a class of its author's own, which is not known"
                                : "a class that is not known";
  throw Error(fmt::format("{}: layer '{}' is a '{}', {}", layer.who(), printable(layer_name, 60),
                          printable(class_name, 60), reason));
}

std::vector<KerasVariable> usual_keras_variables(const std::string& saved_name) {
  static const Json no_config = Json::object();
  for (const KerasLayerClass& each : kClasses) {
    if (each.variables != nullptr && snake_case(each.name) == saved_name) {
      return each.variables(JsonView(no_config, saved_name));
    }
  }
  return {};
}

std::vector<KerasVariable> keras_variables(const std::string& class_name, const JsonView& config) {
  const KerasLayerClass* known = find_keras_class(class_name);
  return known == nullptr || known->variables == nullptr ? std::vector<KerasVariable>()
                                                         : known->variables(config);
}

std::vector<KerasVariable> keras_variables(const KerasLayer& layer) {
  return keras_variables(layer.class_name, layer.config);
}

KerasLayer keras_layer_within(const KerasLayer& outer, const JsonView& layer) {
  const std::string class_name = layer.at("class_name").text();
  const JsonView config = layer.at("config");
  const std::string name = config_text(config, "name", snake_case(class_name));
  expect_keras_class(layer, class_name, name);
  std::vector<std::string> models = outer.models;
  models.push_back(outer.name);
  return {.class_name = class_name,
          .name = name,
          .models = std::move(models),
          .config = config,
          .inputs = {},
          .input_shape = {},
          .places = {}};
}

std::vector<KerasVariable> keras_variables_within(const JsonView& layer, const std::string& prefix,
                                                  const std::string& part) {
  const std::string class_name = layer.at("class_name").text();
  expect_keras_class(layer, class_name, class_name);
  std::vector<KerasVariable> variables = keras_variables(class_name, layer.at("config"));
  for (KerasVariable& variable : variables) {
    variable.name = prefix + variable.name;
    variable.part = variable.part.empty() ? part : fmt::format("{}/{}", part, variable.part);
  }
  return variables;
}

}  // namespace mnist
