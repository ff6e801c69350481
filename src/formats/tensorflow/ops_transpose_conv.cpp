// A convolution the other way round: the gradient of one, as a layer.
#include <fmt/format.h>

#include "formats/tensorflow/evaluation.h"

namespace mnist {

// Inputs: the output's shape with the batch, the kernel (H,W,out,in), the value.
TfValue tf_transpose_conv(TfEvaluation& evaluation) {
  const TfNode& node = evaluation.node();
  const std::vector<int64_t> output = evaluation.integers(0);
  const TfConstant& kernel = evaluation.constant(1);
  const std::vector<int64_t> strides = node.integers("strides");
  const std::string padding = node.text("padding", "");
  if (node.text("data_format", "NHWC") != "NHWC" || output.size() != 4 || strides.size() != 4 ||
      kernel.kind != TfConstant::Kind::kFloat || kernel.shape.size() != 4 ||
      (padding != "SAME" && padding != "VALID")) {
    evaluation.fail("a feature map with its channels last, and a kernel for it, expected");
  }
  const ChannelLastValue planes = evaluation.order().as_planes(evaluation.value(2));
  // Its transpose is (in,out,H,W), as the document has it.
  const std::string weight =
      evaluation.add_weight(evaluation.weight_name(1), conv_kernel({kernel.shape, kernel.floats}));
  std::vector<std::string> names = {planes.name, weight};
  std::map<std::string, Attribute> attributes =
      evaluation.order().transposed_window_attributes(planes,
                                                      {.kernel = {kernel.shape[0], kernel.shape[1]},
                                                       .strides = {strides[1], strides[2]},
                                                       .is_same = padding == "SAME"},
                                                      {output[1], output[2]});
  return evaluation.order().planes(
      evaluation.add_node("ConvTranspose", names, std::move(attributes)));
}

}  // namespace mnist
