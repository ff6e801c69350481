// Convolutions and poolings of rows (channels, length): those of maps of one row.
#include <fmt/format.h>

#include "formats/onnx/conversions.h"

namespace mnist {
namespace {

// A list of a row's extents as a map's, whose other axis has `other`; of pads both ends.
void widen(Attributes& attributes, const char* name, int64_t other) {
  const auto found = attributes.find(name);
  if (found == attributes.end()) return;
  auto* list = std::get_if<std::vector<int64_t>>(&found->second);
  if (list == nullptr) return;
  if (list->size() == 1) *list = {other, (*list)[0]};
  if (list->size() == 2 && found->first == "pads") *list = {other, (*list)[0], other, (*list)[1]};
}

}  // namespace

bool is_of_rows(const OnnxCall& call) {
  return call.has(0) && !call.is_constant(0) && call.shape(call.activation(0)).size() == 2;
}

void convert_of_rows(OnnxCall& call) {
  const OnnxValue x = call.activation(0);
  const Shape rows = call.shape(x);
  Attributes attributes = call.attributes({"storage_order"});
  widen(attributes, "kernel_shape", 1);
  widen(attributes, "strides", 1);
  widen(attributes, "dilations", 1);
  widen(attributes, "pads", 0);
  std::vector<std::string> inputs = {
      call.add("Reshape", {x.name}, {{"shape", Shape{rows[0], 1, rows[1]}}})};
  if (call.has(1)) {
    OnnxConstant weights = call.constant(1);
    if (weights.shape.size() != 3) call.node.fail("weights (outputs, channels, length) expected");
    weights.shape.insert(weights.shape.begin() + 2, 1);
    inputs.push_back(call.weight(call.value(1).name, weights));
    inputs.push_back(call.weight(2));
  }
  const std::string made =
      call.add(call.node.node().type, std::move(inputs), std::move(attributes));
  const Shape& map = call.graph.builder().shape(made);
  call.set_like(x, call.add("Reshape", {made}, {{"shape", Shape{map[0], map[2]}}}));
}

}  // namespace mnist
