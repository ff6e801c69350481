// How nodes of each operator become the document's; the table of them is in conversions.cpp. What
// is not listed there has the same meaning and attributes in both.
#pragma once

#include "formats/onnx/call.h"

namespace mnist {

// convert_shapes.cpp: the same values under other shapes, or a part of them.
void convert_alias(OnnxCall& call);  // Identity, Dropout: nothing, where nothing is trained
void convert_cast(OnnxCall& call);
void convert_shape(OnnxCall& call);
void convert_size(OnnxCall& call);
void convert_reshape(OnnxCall& call);
void convert_flatten(OnnxCall& call);
void convert_squeeze(OnnxCall& call);
void convert_unsqueeze(OnnxCall& call);
void convert_transpose(OnnxCall& call);
void convert_expand(OnnxCall& call);
void convert_tile(OnnxCall& call);

// convert_parts.cpp
void convert_concat(OnnxCall& call);
void convert_slice(OnnxCall& call);
void convert_split(OnnxCall& call);
void convert_gather(OnnxCall& call);
void convert_pad(OnnxCall& call);
void convert_resize(OnnxCall& call);

// convert_layers.cpp
void convert_constant(OnnxCall& call);
void convert_convolution(OnnxCall& call);
void convert_gemm(OnnxCall& call);
void convert_matmul(OnnxCall& call);
void convert_batch_normalization(OnnxCall& call);
void convert_max_pool(OnnxCall& call);

// convert_fused.cpp: com.microsoft
void convert_fused_convolution(OnnxCall& call);
void convert_fused_gemm(OnnxCall& call);
void convert_fused_matmul(OnnxCall& call);
void convert_bias_gelu(OnnxCall& call);
void convert_fast_gelu(OnnxCall& call);
void convert_quick_gelu(OnnxCall& call);

// convert_arithmetic.cpp
void convert_pair(OnnxCall& call);  // Add, Mul, Equal, ...
void convert_sum(OnnxCall& call);   // Sum, Mean, Max, Min: of any number
void convert_and(OnnxCall& call);
void convert_or(OnnxCall& call);
void convert_not(OnnxCall& call);
void convert_where(OnnxCall& call);
void convert_clip(OnnxCall& call);
void convert_softmax(OnnxCall& call);
void convert_reduce(OnnxCall& call);
void convert_mean_variance(OnnxCall& call);
void convert_arg_max(OnnxCall& call);
void convert_axis_norm(OnnxCall& call);  // LpNormalization, LayerNormalization

// convert_quantized.cpp
void convert_quantize(OnnxCall& call);
void convert_dequantize(OnnxCall& call);
void convert_quantized_convolution(OnnxCall& call);
void convert_quantized_matmul(OnnxCall& call);
void convert_dynamic_quantization(OnnxCall& call);
void convert_quantized_gemm(OnnxCall& call);   // com.microsoft's QGemm
void convert_quantized_pair(OnnxCall& call);   // QLinearAdd, QLinearMul
void convert_quantized_unary(OnnxCall& call);  // QLinearSigmoid, QLinearGlobalAveragePool, ...
void convert_quantized_concat(OnnxCall& call);
void convert_nhwc_max_pool(OnnxCall& call);

// convert_integers.cpp: layers whose products are whole numbers.
void convert_matmul_integer(OnnxCall& call);
void convert_conv_integer(OnnxCall& call);
void convert_matmul_integer_to_float(OnnxCall& call);
void convert_dynamic_quantize_matmul(OnnxCall& call);

// convert_rearranged.cpp
void convert_depth_to_space(OnnxCall& call);
void convert_space_to_depth(OnnxCall& call);
void convert_einsum(OnnxCall& call);

// convert_rows.cpp: Conv, MaxPool, AveragePool and their global ones of rows (channels, length).
bool is_of_rows(const OnnxCall& call);
void convert_of_rows(OnnxCall& call);

// convert_recurrent.cpp
void convert_lstm(OnnxCall& call);
void convert_gru(OnnxCall& call);
void convert_rnn(OnnxCall& call);
void convert_dynamic_quantize_lstm(OnnxCall& call);

// convert_ml.cpp: ai.onnx.ml
void convert_linear_classifier(OnnxCall& call);
void convert_scaler(OnnxCall& call);

// The weight of the constant input `i`, a bias for `outputs` values of a list; one number stands
// for all of them.
std::string add_bias(const OnnxCall& call, size_t i, int64_t outputs);

// Emits y = x W (+ bias) for the image's features `x` and weights (inputs, outputs), or
// (outputs, inputs) where `transposed`; what the caller's node makes.
void add_dense(OnnxCall& call, const OnnxValue& x, const std::string& weights,
               const std::string& bias, Attributes attributes);

}  // namespace mnist
