// Flatten, Reshape, Squeeze, Unsqueeze, Identity.
#include "ops/reshape.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "ops/axes.h"

namespace mnist {
namespace {

class View : public Op {
 public:
  explicit View(Shape shape) : Op(std::move(shape)) {}

  bool is_view(bool) const override { return true; }
  void forward(const ForwardArgs& args) const override {
    std::memcpy(args.output, args.inputs[0], bytes(args.pass));
  }
  void backward(const BackwardArgs& args) const override {
    if (args.d_inputs[0] == nullptr) return;
    std::memcpy(args.d_inputs[0], args.d_output, bytes(args.pass));
  }

 private:
  size_t bytes(const Pass& pass) const {
    return pass.blocks * pass.lanes * element_count(output_shape()) * sizeof(float);
  }
};

// `shape` with its -1, if it has one, replaced by what `elements` leave for it.
Shape complete_shape(const OpSpec& spec, Shape shape, size_t elements) {
  int64_t* unknown = nullptr;
  uint64_t product = 1;
  for (int64_t& extent : shape) {
    if (extent == -1 && unknown == nullptr) {
      unknown = &extent;
      continue;
    }
    if (extent < 1 || static_cast<uint64_t>(extent) > elements) {
      spec.fail(
          fmt::format("attribute 'shape' {}: extents of an image, at most one of them -1, "
                      "expected for {} elements",
                      to_string(shape), elements));
    }
    product *= static_cast<uint64_t>(extent);  // both at most 2^31
    if (product > elements) break;
  }
  if (unknown != nullptr && elements % product == 0) {
    *unknown = static_cast<int64_t>(elements / product);
    product = elements;
  }
  if (product != elements) {
    spec.fail(fmt::format("input {} has {} elements, which do not fill shape {}",
                          to_string(spec.inputs[0].shape), elements, to_string(shape)));
  }
  return shape;
}

}  // namespace

std::unique_ptr<Op> make_view(Shape output) { return std::make_unique<View>(std::move(output)); }

std::unique_ptr<Op> make_identity(const OpSpec& spec) {
  spec.expect_inputs(1, 0, 0);
  spec.expect_attributes({});
  return std::make_unique<View>(spec.inputs[0].shape);
}

// axis 1 only, ONNX's default: an image becomes a vector.
std::unique_ptr<Op> make_flatten(const OpSpec& spec) {
  spec.expect_inputs(1, 0, 0);
  spec.expect_attributes({"axis"});
  int64_t axis = spec.node.integer("axis", 1);
  int64_t to_the_batch = -static_cast<int64_t>(spec.inputs[0].shape.size());
  if (axis != 1 && axis != to_the_batch) {
    spec.fail(fmt::format("axis: 1 expected, which keeps the batch, got {}", axis));
  }
  return std::make_unique<View>(Shape{static_cast<int64_t>(element_count(spec.inputs[0].shape))});
}

// Attribute `shape`: the extents of an image without the batch, at most one of them -1 (what the
// others leave). ONNX's 0 (as in the input) and its leading batch extent are for a reader to
// resolve, who alone knows whether there is one; allowzero, which is about the 0, thus says
// nothing.
std::unique_ptr<Op> make_reshape(const OpSpec& spec) {
  spec.expect_inputs(1, 0, 0);
  spec.expect_attributes({"shape", "allowzero"});
  if (!spec.node.attributes.contains("shape")) spec.fail("attribute 'shape' is missing");
  size_t elements = element_count(spec.inputs[0].shape);
  return std::make_unique<View>(complete_shape(spec, spec.node.integers("shape", {}), elements));
}

// Attribute `axes` counts the batch as 0; by default every extent of 1 but the batch goes.
std::unique_ptr<Op> make_squeeze(const OpSpec& spec) {
  spec.expect_inputs(1, 0, 0);
  spec.expect_attributes({"axes"});
  const Shape& image = spec.inputs[0].shape;
  std::vector<size_t> axes = image_axes(spec, spec.node.integers("axes", {}), image.size());
  bool all = !spec.node.attributes.contains("axes");
  Shape output;
  for (size_t i = 0; i < image.size(); ++i) {
    bool named = std::binary_search(axes.begin(), axes.end(), i);
    if (named && image[i] != 1) {
      spec.fail(fmt::format("axis {} of the input {} is not 1", i + 1, to_string(image)));
    }
    if (!named && !(all && image[i] == 1)) output.push_back(image[i]);
  }
  return make_view(output);
}

// Attribute `axes`: those of the output, the batch being 0, that are new.
std::unique_ptr<Op> make_unsqueeze(const OpSpec& spec) {
  spec.expect_inputs(1, 0, 0);
  spec.expect_attributes({"axes"});
  const std::vector<int64_t> named = spec.node.integers("axes", {});
  if (named.empty()) spec.fail("attribute 'axes' is missing");
  const Shape& image = spec.inputs[0].shape;
  Shape output = image;
  for (size_t axis : image_axes(spec, named, image.size() + named.size())) {
    output.insert(output.begin() + static_cast<ptrdiff_t>(axis), 1);
  }
  return make_view(output);
}

}  // namespace mnist
