#include "ops/op_list.h"

#include <fmt/format.h>

#include "base/text.h"

namespace mnist {

std::unique_ptr<Op> make_activation(const OpSpec& spec);
std::unique_ptr<Op> make_arg_max(const OpSpec& spec);
std::unique_ptr<Op> make_average_pool(const OpSpec& spec);
std::unique_ptr<Op> make_batch_normalization(const OpSpec& spec);
std::unique_ptr<Op> make_binary(const OpSpec& spec);
std::unique_ptr<Op> make_concat(const OpSpec& spec);
std::unique_ptr<Op> make_conv(const OpSpec& spec);
std::unique_ptr<Op> make_conv_transpose(const OpSpec& spec);
std::unique_ptr<Op> make_dequantize_linear(const OpSpec& spec);
std::unique_ptr<Op> make_dropout(const OpSpec& spec);
std::unique_ptr<Op> make_expand(const OpSpec& spec);
std::unique_ptr<Op> make_flatten(const OpSpec& spec);
std::unique_ptr<Op> make_gather(const OpSpec& spec);
std::unique_ptr<Op> make_gelu(const OpSpec& spec);
std::unique_ptr<Op> make_gemm(const OpSpec& spec);
std::unique_ptr<Op> make_global_average_pool(const OpSpec& spec);
std::unique_ptr<Op> make_global_max_pool(const OpSpec& spec);
std::unique_ptr<Op> make_group_normalization(const OpSpec& spec);
std::unique_ptr<Op> make_identity(const OpSpec& spec);
std::unique_ptr<Op> make_instance_normalization(const OpSpec& spec);
std::unique_ptr<Op> make_layer_normalization(const OpSpec& spec);
std::unique_ptr<Op> make_log_softmax(const OpSpec& spec);
std::unique_ptr<Op> make_lp_normalization(const OpSpec& spec);
std::unique_ptr<Op> make_lrn(const OpSpec& spec);
std::unique_ptr<Op> make_matmul(const OpSpec& spec);
std::unique_ptr<Op> make_max_pool(const OpSpec& spec);
std::unique_ptr<Op> make_mean_variance_normalization(const OpSpec& spec);
std::unique_ptr<Op> make_normalizer(const OpSpec& spec);
std::unique_ptr<Op> make_pad(const OpSpec& spec);
std::unique_ptr<Op> make_quantize_linear(const OpSpec& spec);
std::unique_ptr<Op> make_reduce(const OpSpec& spec);
std::unique_ptr<Op> make_reshape(const OpSpec& spec);
std::unique_ptr<Op> make_resize(const OpSpec& spec);
std::unique_ptr<Op> make_slice(const OpSpec& spec);
std::unique_ptr<Op> make_softmax(const OpSpec& spec);
std::unique_ptr<Op> make_squeeze(const OpSpec& spec);
std::unique_ptr<Op> make_tile(const OpSpec& spec);
std::unique_ptr<Op> make_transpose(const OpSpec& spec);
std::unique_ptr<Op> make_unary(const OpSpec& spec);
std::unique_ptr<Op> make_unsqueeze(const OpSpec& spec);
std::unique_ptr<Op> make_upsample(const OpSpec& spec);

namespace {

struct Entry {
  const char* type;
  MakeOp make;
};

constexpr Entry kOps[] = {
    {"Abs", make_unary},
    {"Add", make_binary},
    {"ArgMax", make_arg_max},
    {"AveragePool", make_average_pool},
    {"BatchNormalization", make_batch_normalization},
    {"Ceil", make_unary},
    {"Celu", make_activation},
    {"Clip", make_activation},
    {"Concat", make_concat},
    {"Conv", make_conv},
    {"ConvTranspose", make_conv_transpose},
    {"DequantizeLinear", make_dequantize_linear},
    {"Div", make_binary},
    {"Dropout", make_dropout},
    {"Elu", make_activation},
    {"Equal", make_binary},
    {"Erf", make_unary},
    {"Exp", make_unary},
    {"Expand", make_expand},
    {"Flatten", make_flatten},
    {"Floor", make_unary},
    {"Gather", make_gather},
    {"Gelu", make_gelu},
    {"Gemm", make_gemm},
    {"GlobalAveragePool", make_global_average_pool},
    {"GlobalMaxPool", make_global_max_pool},
    {"Greater", make_binary},
    {"GreaterOrEqual", make_binary},
    {"GroupNormalization", make_group_normalization},
    {"HardSigmoid", make_activation},
    {"HardSwish", make_activation},
    {"Identity", make_identity},
    {"InstanceNormalization", make_instance_normalization},
    {"LRN", make_lrn},
    {"LayerNormalization", make_layer_normalization},
    {"LeakyRelu", make_activation},
    {"Less", make_binary},
    {"LessOrEqual", make_binary},
    {"Log", make_unary},
    {"LogSoftmax", make_log_softmax},
    {"LpNormalization", make_lp_normalization},
    {"MatMul", make_matmul},
    {"Max", make_binary},
    {"MaxPool", make_max_pool},
    {"MeanVarianceNormalization", make_mean_variance_normalization},
    {"Min", make_binary},
    {"Mish", make_activation},
    {"Mul", make_binary},
    {"Neg", make_unary},
    {"Normalizer", make_normalizer},
    {"PRelu", make_binary},
    {"Pad", make_pad},
    {"Pow", make_binary},
    {"QuantizeLinear", make_quantize_linear},
    {"Reciprocal", make_unary},
    {"ReduceL1", make_reduce},
    {"ReduceL2", make_reduce},
    {"ReduceMax", make_reduce},
    {"ReduceMean", make_reduce},
    {"ReduceMin", make_reduce},
    {"ReduceSum", make_reduce},
    {"ReduceSumSquare", make_reduce},
    {"Relu", make_activation},
    {"Reshape", make_reshape},
    {"Resize", make_resize},
    {"Round", make_unary},
    {"Selu", make_activation},
    {"Sigmoid", make_activation},
    {"Sign", make_unary},
    {"Slice", make_slice},
    {"Softmax", make_softmax},
    {"Softplus", make_activation},
    {"Softsign", make_activation},
    {"Sqrt", make_unary},
    {"Squeeze", make_squeeze},
    {"Sub", make_binary},
    {"Swish", make_activation},
    {"Tanh", make_activation},
    {"ThresholdedRelu", make_activation},
    {"Tile", make_tile},
    {"Transpose", make_transpose},
    {"Unsqueeze", make_unsqueeze},
    {"Upsample", make_upsample},
};

}  // namespace

std::unique_ptr<Op> make_op(const OpSpec& spec) {
  for (const Entry& entry : kOps) {
    if (spec.node.type == entry.type) return entry.make(spec);
  }
  std::string near = nearest_word(spec.node.type, op_types());
  spec.fail("this operator is not known" + (near.empty() ? "" : "; did you mean " + near + "?"));
}

std::vector<std::string> op_types() {
  std::vector<std::string> types;
  for (const Entry& entry : kOps) types.emplace_back(entry.type);
  return types;
}

OpSpec op_spec(const Model& model, const Node& node, const std::map<std::string, Shape>& shapes) {
  OpSpec spec{node, {}};
  for (const std::string& name : node.inputs) {
    OpInput input;
    input.present = !name.empty();
    if (model.is_weight(name)) {
      input.weight = &model.weight(name);
      input.shape = input.weight->shape;
    } else if (input.present) {
      input.shape = shapes.at(name);
    }
    spec.inputs.push_back(std::move(input));
  }
  return spec;
}

}  // namespace mnist
