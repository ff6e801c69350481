// Every TensorFlow operator that is known: one line an entry.
#include <iterator>

#include "formats/tensorflow/evaluation.h"

namespace mnist {

TfValue tf_activation(TfEvaluation& evaluation);
TfValue tf_add(TfEvaluation& evaluation);
TfValue tf_arg_max(TfEvaluation& evaluation);
TfValue tf_average_pool(TfEvaluation& evaluation);
TfValue tf_batch_norm(TfEvaluation& evaluation);
TfValue tf_batch_to_space(TfEvaluation& evaluation);
TfValue tf_bias_add(TfEvaluation& evaluation);
TfValue tf_cast(TfEvaluation& evaluation);
TfValue tf_concat(TfEvaluation& evaluation);
TfValue tf_const(TfEvaluation& evaluation);
TfValue tf_conv(TfEvaluation& evaluation);
TfValue tf_dense(TfEvaluation& evaluation);
TfValue tf_depthwise_conv(TfEvaluation& evaluation);
TfValue tf_divide(TfEvaluation& evaluation);
TfValue tf_expand_dims(TfEvaluation& evaluation);
TfValue tf_fused_conv(TfEvaluation& evaluation);
TfValue tf_fused_depthwise_conv(TfEvaluation& evaluation);
TfValue tf_fused_mat_mul(TfEvaluation& evaluation);
TfValue tf_gather(TfEvaluation& evaluation);
TfValue tf_gelu(TfEvaluation& evaluation);
TfValue tf_hard_swish(TfEvaluation& evaluation);
TfValue tf_identity(TfEvaluation& evaluation);
TfValue tf_l2_normalization(TfEvaluation& evaluation);
TfValue tf_mat_mul(TfEvaluation& evaluation);
TfValue tf_max_pool(TfEvaluation& evaluation);
TfValue tf_select(TfEvaluation& evaluation);
TfValue tf_zeros_like(TfEvaluation& evaluation);
TfValue tf_compare(TfEvaluation& evaluation);
TfValue tf_maximum(TfEvaluation& evaluation);
TfValue tf_minimum(TfEvaluation& evaluation);
TfValue tf_multiply(TfEvaluation& evaluation);
TfValue tf_pack(TfEvaluation& evaluation);
TfValue tf_pad(TfEvaluation& evaluation);
TfValue tf_power(TfEvaluation& evaluation);
TfValue tf_prelu(TfEvaluation& evaluation);
TfValue tf_product(TfEvaluation& evaluation);
TfValue tf_quantized(TfEvaluation& evaluation);
TfValue tf_read(TfEvaluation& evaluation);
TfValue tf_reduce(TfEvaluation& evaluation);
TfValue tf_relu_0_to_1(TfEvaluation& evaluation);
TfValue tf_relu_n1_to_1(TfEvaluation& evaluation);
TfValue tf_reshape(TfEvaluation& evaluation);
TfValue tf_resize(TfEvaluation& evaluation);
TfValue tf_shape(TfEvaluation& evaluation);
TfValue tf_softmax(TfEvaluation& evaluation);
TfValue tf_space_to_batch(TfEvaluation& evaluation);
TfValue tf_squared_difference(TfEvaluation& evaluation);
TfValue tf_squeeze(TfEvaluation& evaluation);
TfValue tf_strided_slice(TfEvaluation& evaluation);
TfValue tf_subtract(TfEvaluation& evaluation);
TfValue tf_tile(TfEvaluation& evaluation);
TfValue tf_transpose(TfEvaluation& evaluation);
TfValue tf_transpose_conv(TfEvaluation& evaluation);
TfValue tf_unary(TfEvaluation& evaluation);
TfValue tf_variable(TfEvaluation& evaluation);

namespace {

struct Entry {
  const char* op;
  RunTfNode run;
};

constexpr Entry kOps[] = {
    {"Abs", tf_activation},
    {"Add", tf_add},
    {"AddV2", tf_add},
    {"ArgMax", tf_arg_max},
    {"AvgPool", tf_average_pool},
    {"BatchToSpaceND", tf_batch_to_space},
    {"BiasAdd", tf_bias_add},
    {"Cast", tf_cast},
    {"Ceil", tf_activation},
    {"ConcatV2", tf_concat},
    {"Const", tf_const},
    {"Conv2D", tf_conv},
    {"Conv2DBackpropInput", tf_transpose_conv},
    {"DepthwiseConv2dNative", tf_depthwise_conv},
    {"Elu", tf_activation},
    {"Erf", tf_activation},
    {"Erfc", tf_activation},
    {"Exp", tf_activation},
    {"ExpandDims", tf_expand_dims},
    {"Floor", tf_activation},
    {"FusedBatchNorm", tf_batch_norm},
    {"FusedBatchNormV2", tf_batch_norm},
    {"FusedBatchNormV3", tf_batch_norm},
    {"FusedDepthwiseConv2dNative", tf_fused_depthwise_conv},
    {"GatherV2", tf_gather},
    {"Greater", tf_compare},
    {"GreaterEqual", tf_compare},
    {"Identity", tf_identity},
    {"LeakyRelu", tf_activation},
    {"Less", tf_compare},
    {"LessEqual", tf_compare},
    {"Log", tf_activation},
    {"LogSoftmax", tf_softmax},
    {"MatMul", tf_mat_mul},
    {"Max", tf_reduce},
    {"MaxPool", tf_max_pool},
    {"Maximum", tf_maximum},
    {"Mean", tf_reduce},
    {"Min", tf_reduce},
    {"Minimum", tf_minimum},
    {"MirrorPad", tf_pad},
    {"Mul", tf_multiply},
    {"Neg", tf_unary},
    {"Pack", tf_pack},
    {"Pad", tf_pad},
    {"PadV2", tf_pad},
    {"Pow", tf_power},
    {"PreventGradient", tf_identity},
    {"Prod", tf_product},
    {"ReadVariableOp", tf_read},
    {"RealDiv", tf_divide},
    {"Relu", tf_activation},
    {"Relu6", tf_activation},
    {"Reshape", tf_reshape},
    {"ResizeBilinear", tf_resize},
    {"ResizeNearestNeighbor", tf_resize},
    {"Round", tf_activation},
    {"Rsqrt", tf_unary},
    {"Select", tf_select},
    {"SelectV2", tf_select},
    {"Selu", tf_activation},
    {"Shape", tf_shape},
    {"Sigmoid", tf_activation},
    {"Sign", tf_activation},
    {"Snapshot", tf_identity},
    {"Softmax", tf_softmax},
    {"Softplus", tf_activation},
    {"Softsign", tf_activation},
    {"SpaceToBatchND", tf_space_to_batch},
    {"Sqrt", tf_unary},
    {"Square", tf_unary},
    {"SquaredDifference", tf_squared_difference},
    {"Squeeze", tf_squeeze},
    {"StopGradient", tf_identity},
    {"StridedSlice", tf_strided_slice},
    {"Sub", tf_subtract},
    {"Sum", tf_reduce},
    {"Tanh", tf_activation},
    {"Tile", tf_tile},
    {"Transpose", tf_transpose},
    {"VarHandleOp", tf_variable},
    {"Variable", tf_variable},
    {"VariableV2", tf_variable},
    {"ZerosLike", tf_zeros_like},
    {"_FusedConv2D", tf_fused_conv},
    {"_FusedMatMul", tf_fused_mat_mul},
    // TensorFlow Lite's own, by the names that its converter has for them.
    {"tfl.dense", tf_dense},
    {"tfl.gelu", tf_gelu},
    {"tfl.hard_swish", tf_hard_swish},
    {"tfl.l2_normalization", tf_l2_normalization},
    {"tfl.prelu", tf_prelu},
    {"tfl.quantized", tf_quantized},
    {"tfl.relu_0_to_1", tf_relu_0_to_1},
    {"tfl.relu_n1_to_1", tf_relu_n1_to_1},
};

}  // namespace

RunTfNode find_tf_op(const std::string& op) {
  for (const Entry& entry : kOps) {
    if (op == entry.op) return entry.run;
  }
  return nullptr;
}

}  // namespace mnist
