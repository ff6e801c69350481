#include "ops/op_list.h"

#include <fmt/format.h>

#include "base/text.h"

namespace mnist {

std::unique_ptr<Op> make_add(const OpSpec& spec);
std::unique_ptr<Op> make_average_pool(const OpSpec& spec);
std::unique_ptr<Op> make_batch_normalization(const OpSpec& spec);
std::unique_ptr<Op> make_concat(const OpSpec& spec);
std::unique_ptr<Op> make_conv(const OpSpec& spec);
std::unique_ptr<Op> make_dropout(const OpSpec& spec);
std::unique_ptr<Op> make_flatten(const OpSpec& spec);
std::unique_ptr<Op> make_gemm(const OpSpec& spec);
std::unique_ptr<Op> make_global_average_pool(const OpSpec& spec);
std::unique_ptr<Op> make_identity(const OpSpec& spec);
std::unique_ptr<Op> make_leaky_relu(const OpSpec& spec);
std::unique_ptr<Op> make_log_softmax(const OpSpec& spec);
std::unique_ptr<Op> make_max_pool(const OpSpec& spec);
std::unique_ptr<Op> make_mul(const OpSpec& spec);
std::unique_ptr<Op> make_pad(const OpSpec& spec);
std::unique_ptr<Op> make_relu(const OpSpec& spec);
std::unique_ptr<Op> make_reshape(const OpSpec& spec);
std::unique_ptr<Op> make_sigmoid(const OpSpec& spec);
std::unique_ptr<Op> make_slice(const OpSpec& spec);
std::unique_ptr<Op> make_softmax(const OpSpec& spec);
std::unique_ptr<Op> make_squeeze(const OpSpec& spec);
std::unique_ptr<Op> make_tanh(const OpSpec& spec);
std::unique_ptr<Op> make_transpose(const OpSpec& spec);
std::unique_ptr<Op> make_unsqueeze(const OpSpec& spec);

namespace {

struct Entry {
  const char* type;
  MakeOp make;
};

constexpr Entry kOps[] = {
    {"Add", make_add},
    {"AveragePool", make_average_pool},
    {"BatchNormalization", make_batch_normalization},
    {"Concat", make_concat},
    {"Conv", make_conv},
    {"Dropout", make_dropout},
    {"Flatten", make_flatten},
    {"Gemm", make_gemm},
    {"GlobalAveragePool", make_global_average_pool},
    {"Identity", make_identity},
    {"LeakyRelu", make_leaky_relu},
    {"LogSoftmax", make_log_softmax},
    {"MaxPool", make_max_pool},
    {"Mul", make_mul},
    {"Pad", make_pad},
    {"Relu", make_relu},
    {"Reshape", make_reshape},
    {"Sigmoid", make_sigmoid},
    {"Slice", make_slice},
    {"Softmax", make_softmax},
    {"Squeeze", make_squeeze},
    {"Tanh", make_tanh},
    {"Transpose", make_transpose},
    {"Unsqueeze", make_unsqueeze},
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
