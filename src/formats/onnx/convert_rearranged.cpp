// Operators that are others put together: blocks of pixels to channels and back, products by
// letters.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "formats/onnx/conversions.h"

namespace mnist {
namespace {

// The image under `middle`, its axes in the order `axes` (0 the first), and under `last`.
void set_rearranged(OnnxCall& call, const OnnxValue& x, const Shape& middle,
                    std::vector<int64_t> axes, const Shape& last) {
  for (int64_t& axis : axes) ++axis;  // the document counts the batch
  axes.insert(axes.begin(), 0);
  std::string made = call.add("Reshape", {x.name}, {{"shape", middle}});
  made = call.add("Transpose", {made}, {{"perm", axes}});
  call.set_like(x, call.add("Reshape", {made}, {{"shape", last}}));
}

// (C,H,W) and blocks that divide it.
int64_t block_of(const OnnxCall& call, const Shape& shape) {
  const int64_t block = call.node.integer("blocksize", 0);
  if (shape.size() != 3 || block < 1 || block > 1024) {
    call.node.fail(fmt::format("a feature map and a blocksize of 1 to 1024 expected, got {} and {}",
                               to_string(shape), block));
  }
  return block;
}

struct Product {
  std::string left, right, result;
};

// "bij,jk->bik" without its blanks.
Product product_of(const OnnxCall& call) {
  std::string text = call.node.text("equation", "");
  std::erase(text, ' ');
  const size_t comma = text.find(',');
  const size_t arrow = text.find("->");
  if (comma == std::string::npos || arrow == std::string::npos || comma > arrow) {
    call.node.fail(
        fmt::format("equation '{}': a product of two inputs expected", printable(text, 60)));
  }
  return {text.substr(0, comma), text.substr(comma + 1, arrow - comma - 1), text.substr(arrow + 2)};
}

}  // namespace

void convert_depth_to_space(OnnxCall& call) {
  const OnnxValue x = call.activation(0);
  const Shape shape = call.shape(x);
  const int64_t block = block_of(call, shape);
  if (shape[0] % (block * block) != 0) call.node.fail("channels that are no blocks");
  const int64_t channels = shape[0] / (block * block);
  const Shape last = {channels, shape[1] * block, shape[2] * block};
  if (call.node.text("mode", "DCR") == "CRD") {
    set_rearranged(call, x, {channels, block, block, shape[1], shape[2]}, {0, 3, 1, 4, 2}, last);
  } else {
    set_rearranged(call, x, {block, block, channels, shape[1], shape[2]}, {2, 3, 0, 4, 1}, last);
  }
}

void convert_space_to_depth(OnnxCall& call) {
  const OnnxValue x = call.activation(0);
  const Shape shape = call.shape(x);
  const int64_t block = block_of(call, shape);
  if (shape[1] % block != 0 || shape[2] % block != 0) call.node.fail("a map that is no blocks");
  const int64_t rows = shape[1] / block;
  const int64_t columns = shape[2] / block;
  set_rearranged(call, x, {shape[0], rows, block, columns, block}, {2, 4, 0, 1, 3},
                 {shape[0] * block * block, rows, columns});
}

// Products of the last axis, which is what networks say in this way.
void convert_einsum(OnnxCall& call) {
  const Product product = product_of(call);
  const std::string& left = product.left;  // clang 14 captures no structured bindings
  const std::string& right = product.right;
  const std::string& result = product.result;
  const auto fail = [&]() {
    call.node.fail(fmt::format("equation '{},{}->{}': a matrix product expected",
                               printable(left, 40), printable(right, 40), printable(result, 40)));
  };
  const OnnxValue x = call.activation(0);
  if (left.size() != call.full_shape(x).size() || left.size() < 2 || right.size() < 2) fail();
  const std::string kept = left.substr(0, left.size() - 1);
  const char summed = left.back();
  // The right one's last two letters are (summed, made) or (made, summed).
  const std::string_view two = std::string_view(right).substr(right.size() - 2);
  const bool transposed = two[1] == summed;
  const char made = two[transposed ? 0 : 1];
  if (two[transposed ? 1 : 0] != summed || result != kept + made ||
      left.find(made) != std::string::npos) {
    fail();
  }
  if (call.is_constant(1)) {
    const OnnxConstant& matrix = call.constant(1);
    if (right.size() != 2 || matrix.shape.size() != 2) fail();
    if (call.shape(x).size() == 1) {
      Attributes attributes;
      if (transposed) attributes["transB"] = int64_t{1};
      call.set_like(x, call.add("Gemm", {x.name, call.weight(1)}, std::move(attributes)));
      return;
    }
    OnnxNode node;
    node.name = call.node.label();
    node.type = "Transpose";
    const OnnxNodeView view(node, call.node.who(), call.node.opset());
    const std::string weight =
        transposed ? call.weight(call.value(1).name,
                                 find_onnx_fold(node.type)({view, {&matrix}, call.graph.budget()}))
                   : call.weight(1);
    call.set_like(x, call.add("MatMul", {x.name, weight}));
    return;
  }
  const OnnxValue& y = call.activation(1);
  const std::string before = left.substr(0, left.size() - 2);
  const size_t rank = call.shape(y).size();
  if (!x.leads || !y.leads || rank < 2 || right.size() != rank + 1 ||
      right.substr(0, right.size() - 2) != before) {
    fail();
  }
  std::string other = y.name;
  if (transposed) {
    std::vector<int64_t> axes;
    for (size_t axis = 0; axis <= rank; ++axis) axes.push_back(static_cast<int64_t>(axis));
    std::swap(axes[rank - 1], axes[rank]);
    other = call.add("Transpose", {other}, {{"perm", axes}});
  }
  call.set_like(x, call.add("MatMul", {x.name, other}));
}

}  // namespace mnist
