#include "formats/onnx/conversions.h"

#include <algorithm>
#include <string_view>

namespace mnist {
namespace {

struct Entry {
  std::string_view domain;
  std::string_view type;
  OnnxConversion convert;
};

constexpr std::string_view kMl = "ai.onnx.ml";
constexpr std::string_view kMicrosoft = "com.microsoft";

// Operators that are the document's own as they are.
void convert_plain(OnnxCall& call) {
  const OnnxValue& x = call.activation(0);
  call.set_like(x, call.add(call.node.node().type, {x.name}, call.attributes()));
}

// Operators that are the document's own where they work on maps.
void convert_window(OnnxCall& call) {
  if (is_of_rows(call)) {
    convert_of_rows(call);
  } else {
    convert_plain(call);
  }
}

constexpr Entry kConversions[] = {
    {"", "AveragePool", convert_window},
    {"", "GlobalAveragePool", convert_window},
    {"", "GlobalMaxPool", convert_window},
    {"", "Identity", convert_alias},
    {"", "Dropout", convert_alias},
    {"", "Cast", convert_cast},
    {"", "Shape", convert_shape},
    {"", "Size", convert_size},
    {"", "Reshape", convert_reshape},
    {"", "Flatten", convert_flatten},
    {"", "Squeeze", convert_squeeze},
    {"", "Unsqueeze", convert_unsqueeze},
    {"", "Transpose", convert_transpose},
    {"", "Expand", convert_expand},
    {"", "Tile", convert_tile},
    {"", "Concat", convert_concat},
    {"", "Slice", convert_slice},
    {"", "Split", convert_split},
    {"", "Gather", convert_gather},
    {"", "Pad", convert_pad},
    {"", "Resize", convert_resize},
    {"", "Upsample", convert_resize},
    {"", "Constant", convert_constant},
    {"", "Conv", convert_convolution},
    {"", "Gemm", convert_gemm},
    {"", "MatMul", convert_matmul},
    {"", "BatchNormalization", convert_batch_normalization},
    {"", "MaxPool", convert_max_pool},
    {"", "Add", convert_pair},
    {"", "Sub", convert_pair},
    {"", "Mul", convert_pair},
    {"", "Div", convert_pair},
    {"", "Pow", convert_pair},
    {"", "PRelu", convert_pair},
    {"", "And", convert_and},
    {"", "Or", convert_or},
    {"", "Not", convert_not},
    {"", "Where", convert_where},
    {"", "Equal", convert_pair},
    {"", "Greater", convert_pair},
    {"", "GreaterOrEqual", convert_pair},
    {"", "Less", convert_pair},
    {"", "LessOrEqual", convert_pair},
    {"", "Sum", convert_sum},
    {"", "Mean", convert_sum},
    {"", "Max", convert_sum},
    {"", "Min", convert_sum},
    {"", "Clip", convert_clip},
    {"", "Softmax", convert_softmax},
    {"", "LogSoftmax", convert_softmax},
    {"", "ReduceMean", convert_reduce},
    {"", "ReduceSum", convert_reduce},
    {"", "ReduceMax", convert_reduce},
    {"", "ReduceMin", convert_reduce},
    {"", "ReduceL1", convert_reduce},
    {"", "ReduceL2", convert_reduce},
    {"", "ReduceSumSquare", convert_reduce},
    {"", "MeanVarianceNormalization", convert_mean_variance},
    {"", "ArgMax", convert_arg_max},
    {"", "LpNormalization", convert_axis_norm},
    {"", "LayerNormalization", convert_axis_norm},
    {"", "QuantizeLinear", convert_quantize},
    {"", "DequantizeLinear", convert_dequantize},
    {"", "QLinearConv", convert_quantized_convolution},
    {"", "QLinearMatMul", convert_quantized_matmul},
    {"", "DynamicQuantizeLinear", convert_dynamic_quantization},
    {"", "MatMulInteger", convert_matmul_integer},
    {"", "ConvInteger", convert_conv_integer},
    {"", "DepthToSpace", convert_depth_to_space},
    {"", "SpaceToDepth", convert_space_to_depth},
    {"", "Einsum", convert_einsum},
    {"", "LSTM", convert_lstm},
    {"", "GRU", convert_gru},
    {"", "RNN", convert_rnn},
    {kMl, "LinearClassifier", convert_linear_classifier},
    {kMl, "Normalizer", convert_plain},
    {kMl, "Scaler", convert_scaler},
    {kMicrosoft, "FusedConv", convert_fused_convolution},
    {kMicrosoft, "FusedGemm", convert_fused_gemm},
    {kMicrosoft, "FusedMatMul", convert_fused_matmul},
    {kMicrosoft, "Gelu", convert_plain},
    {kMicrosoft, "BiasGelu", convert_bias_gelu},
    {kMicrosoft, "FastGelu", convert_fast_gelu},
    {kMicrosoft, "QuickGelu", convert_quick_gelu},
    {kMicrosoft, "QuantizeLinear", convert_quantize},
    {kMicrosoft, "DequantizeLinear", convert_dequantize},
    {kMicrosoft, "QLinearConv", convert_quantized_convolution},
    {kMicrosoft, "DynamicQuantizeLSTM", convert_dynamic_quantize_lstm},
    {kMicrosoft, "NhwcMaxPool", convert_nhwc_max_pool},
    {kMicrosoft, "QGemm", convert_quantized_gemm},
    {kMicrosoft, "QLinearAdd", convert_quantized_pair},
    {kMicrosoft, "QLinearMul", convert_quantized_pair},
    {kMicrosoft, "QLinearSigmoid", convert_quantized_unary},
    {kMicrosoft, "QLinearLeakyRelu", convert_quantized_unary},
    {kMicrosoft, "QLinearAveragePool", convert_quantized_unary},
    {kMicrosoft, "QLinearGlobalAveragePool", convert_quantized_unary},
    {kMicrosoft, "QLinearSoftmax", convert_quantized_unary},
    {kMicrosoft, "QLinearConcat", convert_quantized_concat},
    {kMicrosoft, "MatMulIntegerToFloat", convert_matmul_integer_to_float},
    {kMicrosoft, "DynamicQuantizeMatMul", convert_dynamic_quantize_matmul},
};

}  // namespace

bool takes_any_batch_axis(const OnnxNode& node) {
  constexpr std::string_view kTypes[] = {
      "Identity",  "Dropout", "Cast",  "Shape",   "Reshape", "Squeeze", "Unsqueeze",
      "Transpose", "Concat",  "Slice", "Split",   "Gather",  "LSTM",    "GRU",
      "RNN",       "Relu",    "Tanh",  "Sigmoid", "MatMul",  "Add",     "Mul"};
  if (node.type == "DynamicQuantizeLSTM") return true;
  return node.domain.empty() &&
         std::find(std::begin(kTypes), std::end(kTypes), node.type) != std::end(kTypes);
}

OnnxConversion find_onnx_conversion(const std::string& domain, const std::string& type) {
  for (const Entry& entry : kConversions) {
    if (domain == entry.domain && type == entry.type) return entry.convert;
  }
  return nullptr;
}

}  // namespace mnist
