#include "ops/map.h"

namespace mnist {
namespace {

class Map : public Op {
 public:
  Map(Shape shape, const MapType& type, const MapKernels& kernels, MapParameters parameters)
      : Op(std::move(shape)), type_(type), kernels_(kernels), parameters_(parameters) {}

  void forward(const ForwardArgs& args) const override {
    kernels_.forward(args.inputs[0], args.output, floats(args.pass), parameters_);
    if (!type_.finite) {
      clear_behind_images(args.pass, element_count(output_shape()), args.output);
    }
  }
  void backward(const BackwardArgs& args) const override {
    if (args.d_inputs[0] == nullptr) return;
    kernels_.backward(args.inputs[0], args.output, args.d_output, args.d_inputs[0],
                      floats(args.pass), parameters_);
  }
  Epilogue epilogue() const override { return type_.epilogue; }
  bool differentiable() const override { return type_.differentiable; }

 private:
  size_t floats(const Pass& pass) const {
    return pass.blocks * pass.lanes * element_count(output_shape());
  }

  MapType type_;
  MapKernels kernels_;
  MapParameters parameters_;
};

}  // namespace

std::unique_ptr<Op> make_map(const OpSpec& spec, const MapType& type, const MapKernels& kernels) {
  spec.expect_inputs(1, 0, 0);
  MapParameters parameters;
  if (type.second != nullptr) {
    spec.expect_attributes({type.first, type.second});
    parameters.b = static_cast<float>(spec.node.real(type.second, type.second_default));
  } else if (type.first != nullptr) {
    spec.expect_attributes({type.first});
  } else {
    spec.expect_attributes({});
  }
  if (type.first != nullptr) {
    parameters.a = static_cast<float>(spec.node.real(type.first, type.first_default));
  }
  return std::make_unique<Map>(spec.inputs[0].shape, type, kernels, parameters);
}

}  // namespace mnist
