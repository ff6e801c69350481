// Convolutions, dense layers, pooling.
#include <fmt/format.h>

#include "formats/tensorflow/constants.h"
#include "formats/tflite/options.h"
#include "formats/tflite/translation.h"

namespace mnist {
namespace {

TfAttribute text(const char* value) {
  TfAttribute attribute;
  attribute.text = value;
  return attribute;
}

TfAttribute integers(std::vector<int64_t> values) {
  TfAttribute attribute;
  attribute.integers = std::move(values);
  return attribute;
}

struct Window {
  int8_t padding;
  int32_t stride_h, stride_w;
  int32_t dilation_h = 1, dilation_w = 1;
};

void set_window(const TfliteTranslation& translation, TfNode& node, const Window& window) {
  if (window.padding != 0 && window.padding != 1) {
    translation.fail(fmt::format("padding {} is not known", window.padding));
  }
  node.attributes["padding"] = text(window.padding == 0 ? "SAME" : "VALID");
  node.attributes["strides"] = integers({1, window.stride_h, window.stride_w, 1});
  node.attributes["dilations"] = integers({1, window.dilation_h, window.dilation_w, 1});
}

// Weights of `rank` extents.
TfConstant kernel_of(const TfliteTranslation& translation, size_t input, size_t rank) {
  TfConstant kernel = translation.constant(input);
  if (kernel.kind != TfConstant::Kind::kFloat || kernel.shape.size() != rank) {
    translation.fail(fmt::format("input {}: weights of {} extents expected", input, rank));
  }
  return kernel;
}

std::string add_kernel(TfliteTranslation& translation, size_t input, TfConstant kernel) {
  return translation.add_constant(translation.constant_name(input, "kernel"), std::move(kernel));
}

// A node of the value, the kernel and, where there is one, the bias.
TfNode& add_layer(TfliteTranslation& translation, const char* tensorflow_op,
                  const std::string& value, const std::string& kernel) {
  std::vector<std::string> inputs = {value, kernel};
  if (translation.has_input(2)) inputs.push_back(translation.input(2, "bias"));
  return translation.add_node(tensorflow_op, std::move(inputs));
}

void pool(TfliteTranslation& translation, const char* tensorflow_op) {
  const auto option = [&](uint16_t field, const char* name) {
    return translation.option<int32_t>(kPool2DOptions, field, 0, name);
  };
  TfNode& node = translation.add_node(tensorflow_op, {translation.input(0)});
  node.attributes["ksize"] =
      integers({1, option(kPoolHeight, "filter_height"), option(kPoolWidth, "filter_width"), 1});
  set_window(translation, node,
             {.padding = translation.option<int8_t>(kPool2DOptions, kPoolPadding, 0, "padding"),
              .stride_h = option(kPoolStrideH, "stride_h"),
              .stride_w = option(kPoolStrideW, "stride_w")});
  translation.activate(
      translation.option<int8_t>(kPool2DOptions, kPoolActivation, 0, "fused_activation_function"));
}

}  // namespace

// (out,H,W,in) -> (H,W,in,out)
void tflite_conv(TfliteTranslation& translation) {
  const auto option = [&](uint16_t field, int32_t otherwise, const char* name) {
    return translation.option<int32_t>(kConv2DOptions, field, otherwise, name);
  };
  const TfConstant kernel = kernel_of(translation, 1, 4);
  const std::string weights = add_kernel(translation, 1, transposed(kernel, {1, 2, 3, 0}));
  TfNode& node = add_layer(translation, "_FusedConv2D", translation.input(0), weights);
  set_window(translation, node,
             {.padding = translation.option<int8_t>(kConv2DOptions, kConvPadding, 0, "padding"),
              .stride_h = option(kConvStrideH, 0, "stride_h"),
              .stride_w = option(kConvStrideW, 0, "stride_w"),
              .dilation_h = option(kConvDilationH, 1, "dilation_h_factor"),
              .dilation_w = option(kConvDilationW, 1, "dilation_w_factor")});
  translation.activate(
      translation.option<int8_t>(kConv2DOptions, kConvActivation, 0, "fused_activation_function"));
}

// (1,H,W,channels * multiplier) -> (H,W,channels,multiplier)
void tflite_depthwise_conv(TfliteTranslation& translation) {
  const auto option = [&](uint16_t field, int32_t otherwise, const char* name) {
    return translation.option<int32_t>(kDepthwiseConv2DOptions, field, otherwise, name);
  };
  TfConstant kernel = kernel_of(translation, 1, 4);
  const Shape& input = translation.input_tensor(0).shape;
  const int64_t channels = input.empty() ? 0 : input.back();
  if (kernel.shape[0] != 1 || channels < 1 || kernel.shape[3] % channels != 0) {
    translation.fail(
        fmt::format("a kernel {} for the input {}", to_string(kernel.shape), to_string(input)));
  }
  kernel.shape = {kernel.shape[1], kernel.shape[2], channels, kernel.shape[3] / channels};
  const std::string weights = add_kernel(translation, 1, std::move(kernel));
  TfNode& node =
      add_layer(translation, "FusedDepthwiseConv2dNative", translation.input(0), weights);
  set_window(translation, node,
             {.padding = translation.option<int8_t>(kDepthwiseConv2DOptions, kDepthwisePadding, 0,
                                                    "padding"),
              .stride_h = option(kDepthwiseStrideH, 0, "stride_h"),
              .stride_w = option(kDepthwiseStrideW, 0, "stride_w"),
              .dilation_h = option(kDepthwiseDilationH, 1, "dilation_h_factor"),
              .dilation_w = option(kDepthwiseDilationW, 1, "dilation_w_factor")});
  translation.activate(translation.option<int8_t>(kDepthwiseConv2DOptions, kDepthwiseActivation, 0,
                                                  "fused_activation_function"));
}

// Inputs: the output's shape, the weights (out,H,W,in) -> (H,W,out,in), the value, the bias.
void tflite_transpose_conv(TfliteTranslation& translation) {
  const auto option = [&](uint16_t field, const char* name) {
    return translation.option<int32_t>(kTransposeConvOptions, field, 0, name);
  };
  const TfConstant kernel = kernel_of(translation, 1, 4);
  const std::string weights = add_kernel(translation, 1, transposed(kernel, {1, 2, 0, 3}));
  TfNode& node = translation.add_node("Conv2DBackpropInput",
                                      {translation.input(0), weights, translation.input(2)});
  set_window(translation, node,
             {.padding = translation.option<int8_t>(kTransposeConvOptions, kTransposePadding, 0,
                                                    "padding"),
              .stride_h = option(kTransposeStrideH, "stride_h"),
              .stride_w = option(kTransposeStrideW, "stride_w")});
  if (translation.has_input(3)) {
    translation.add_node("BiasAdd", {node.name, translation.input(3, "bias")});
  }
  translation.activate(translation.option<int8_t>(kTransposeConvOptions, kTransposeActivation, 0,
                                                  "fused_activation_function"));
}

// Of vectors; with keep_num_dims, of the last axis of whatever there is.
void tflite_fully_connected(TfliteTranslation& translation) {
  const auto flag = [&](uint16_t field, const char* name) {
    return translation.option<uint8_t>(kFullyConnectedOptions, field, 0, name) != 0;
  };
  if (flag(kWeightsFormat, "weights_format")) translation.fail("weights_format: 0 expected");
  TfConstant kernel = kernel_of(translation, 1, 2);
  const int64_t inputs = kernel.shape[1];
  const bool keeps =
      flag(kKeepNumDims, "keep_num_dims") && translation.input_tensor(0).shape.size() > 2;
  const std::string weights = add_kernel(translation, 1, transposed(kernel, {1, 0}));
  std::string value = translation.input(0);
  if (!keeps) {
    // What is a vector already comes through as it is.
    value = translation.add_inner_node("Reshape", {value, translation.add_integers({-1, inputs})});
  }
  add_layer(translation, keeps ? "tfl.dense" : "_FusedMatMul", value, weights);
  translation.activate(translation.option<int8_t>(kFullyConnectedOptions, kDenseActivation, 0,
                                                  "fused_activation_function"));
}

void tflite_max_pool(TfliteTranslation& translation) { pool(translation, "MaxPool"); }
void tflite_average_pool(TfliteTranslation& translation) { pool(translation, "AvgPool"); }

}  // namespace mnist
