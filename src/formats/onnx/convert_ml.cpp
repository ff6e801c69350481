#include <fmt/format.h>

#include "formats/onnx/conversions.h"

namespace mnist {
namespace {

// A list of numbers as a weight, `count` of them; a single one is repeated.
std::string list_weight(const OnnxCall& call, const std::string& name, std::vector<float> values,
                        size_t count) {
  if (values.size() == 1) values.resize(count, values[0]);
  if (values.size() != count) {
    call.node.fail(fmt::format("{}: {} numbers expected, got {}", name, count, values.size()));
  }
  OnnxConstant constant;
  constant.shape = {static_cast<int64_t>(count)};
  constant.reals = std::move(values);
  return call.weight(fmt::format("{}.{}", call.node.label(), name), constant);
}

}  // namespace

// Outputs: the class, and the classes' scores. Both stand for the scores here: what class it is,
// whoever reads them sees.
void convert_linear_classifier(OnnxCall& call) {
  const OnnxValue x = call.activation(0);
  const Shape& shape = call.shape(x);
  const std::vector<float> coefficients = call.node.reals("coefficients");
  const std::vector<float> intercepts = call.node.reals("intercepts");
  const auto features = static_cast<size_t>(shape.size() == 1 ? shape[0] : 0);
  if (features == 0 || coefficients.empty() || coefficients.size() % features != 0) {
    call.node.fail(fmt::format("{} coefficients do not fit an input {}", coefficients.size(),
                               to_string(shape)));
  }
  const size_t classes = coefficients.size() / features;
  if (classes < 2) call.node.fail("a score for each of several classes expected");
  OnnxConstant weights;
  weights.shape = {static_cast<int64_t>(classes), static_cast<int64_t>(features)};
  weights.reals = coefficients;
  const std::string bias =
      intercepts.empty() ? "" : list_weight(call, "intercepts", intercepts, classes);
  OnnxValue scores = x;
  scores.type = OnnxType::kFloat;
  scores.name =
      call.add("Gemm", {x.name, call.weight(call.node.label() + ".coefficients", weights), bias},
               {{"transB", int64_t{1}}});
  const std::string post = call.node.text("post_transform", "NONE");
  if (post == "SOFTMAX") {
    scores.name = call.add("Softmax", {scores.name});
  } else if (post == "LOGISTIC") {
    scores.name = call.add("Sigmoid", {scores.name});
  } else if (post != "NONE") {
    call.node.fail(fmt::format("post_transform {}: NONE, SOFTMAX and LOGISTIC are known", post));
  }
  call.set(scores, 0);
  call.set(std::move(scores), 1);
}

void convert_scaler(OnnxCall& call) {
  const OnnxValue x = call.activation(0);
  const Shape& shape = call.shape(x);
  if (shape.empty()) call.node.fail("features expected");
  const auto features = static_cast<size_t>(shape.back());
  OnnxValue result = x;
  result.type = OnnxType::kFloat;
  std::vector<float> offset = call.node.reals("offset");
  for (float& value : offset) value = -value;
  if (!offset.empty()) {
    result.name = call.add("Add", {result.name, list_weight(call, "offset", offset, features)});
  }
  if (call.node.has("scale")) {
    const std::string scale = list_weight(call, "scale", call.node.reals("scale"), features);
    result.name = call.add("Mul", {result.name, scale});
  }
  call.set(std::move(result));
}

}  // namespace mnist
