#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "formats/onnx/conversions.h"

namespace mnist {
namespace {

// Adds a Slice of one axis, counted as the document does.
std::string add_slice(const OnnxCall& call, const std::string& from, int64_t axis, int64_t start,
                      int64_t end) {
  return call.add("Slice", {from},
                  {{"starts", std::vector<int64_t>{start}},
                   {"ends", std::vector<int64_t>{end}},
                   {"axes", std::vector<int64_t>{axis}}});
}

}  // namespace

void convert_concat(OnnxCall& call) {
  const OnnxValue first = call.activation(0);
  std::vector<std::string> inputs;
  for (size_t i = 0; i < call.input_count(); ++i) {
    const OnnxValue& each = call.activation(i);
    if (each.leads != first.leads || each.batch_axis != first.batch_axis) {
      call.node.fail("inputs with and without a batch");
    }
    inputs.push_back(each.name);
  }
  const int64_t axis = call.document_axis(first, call.node.integer("axis", 1));
  call.set_like(first, call.add("Concat", std::move(inputs), {{"axis", axis}}));
}

void convert_slice(OnnxCall& call) {
  const OnnxValue value = call.activation(0);
  const Shape shape = call.full_shape(value);
  const std::vector<OnnxSlice> slices =
      onnx_slices(call.node, shape, call.integers("starts", 1), call.integers("ends", 2),
                  call.integers("axes", 3), call.integers("steps", 4));
  std::vector<int64_t> starts;
  std::vector<int64_t> ends;
  std::vector<int64_t> axes;
  std::vector<int64_t> steps;
  for (const OnnxSlice& slice : slices) {
    const bool all = slice.start == 0 && slice.step == 1 && slice.count == shape[slice.axis];
    const bool is_batch = value.leads && slice.axis == value.batch_axis;
    // Of an open number of images, 0 to the end is all.
    const bool all_images =
        is_batch && shape[slice.axis] == kOpenBatch && slice.start <= 0 && slice.step == 1;
    if (all || all_images) continue;
    const auto axis = static_cast<int64_t>(slice.axis);
    axes.push_back(call.document_axis(value, axis));
    starts.push_back(slice.start);
    // Backwards, what lies before the first position is only said by a number beyond all of them.
    const int64_t end = slice.start + slice.count * slice.step;
    ends.push_back(end < 0 ? INT64_MIN : end);
    steps.push_back(slice.step);
  }
  if (axes.empty()) {
    call.set(value);
    return;
  }
  Attributes attributes = {{"starts", starts}, {"ends", ends}, {"axes", axes}};
  if (std::any_of(steps.begin(), steps.end(), [](int64_t step) { return step != 1; })) {
    attributes["steps"] = steps;
  }
  call.set_like(value, call.add("Slice", {value.name}, std::move(attributes)));
}

void convert_split(OnnxCall& call) {
  const OnnxValue value = call.activation(0);
  const size_t outputs = call.node.node().outputs.size();
  const size_t image_axis = call.image_axis(value, call.node.integer("axis", 0));
  const int64_t extent = call.shape(value)[image_axis];
  std::vector<int64_t> sizes = call.integers("split", 1);
  if (sizes.empty()) {
    const auto parts = static_cast<int64_t>(outputs);
    const int64_t each = (extent + parts - 1) / std::max<int64_t>(parts, 1);
    for (int64_t at = 0; at < extent; at += each) sizes.push_back(std::min(each, extent - at));
  }
  if (sizes.size() != outputs) call.node.fail("a size for each output expected");
  int64_t start = 0;
  for (size_t i = 0; i < outputs; ++i) {
    if (sizes[i] < 1 || sizes[i] > extent - start) {
      call.node.fail(fmt::format("parts {} of an axis of {}", to_string(sizes), extent));
    }
    OnnxValue part = value;
    part.name =
        add_slice(call, value.name, static_cast<int64_t>(image_axis) + 1, start, start + sizes[i]);
    call.set(std::move(part), i);
    start += sizes[i];
  }
}

// Positions of an axis, or one of them, with which the axis goes.
void convert_gather(OnnxCall& call) {
  const OnnxValue value = call.activation(0);
  const OnnxConstant& which = call.constant(1);
  const int64_t axis = call.node.integer("axis", 0);
  Shape shape = call.full_shape(value);
  const size_t place = call.node.axis(axis, shape.size());
  if (!is_whole(which.type) || which.has_batch() || which.shape.size() > 1 || which.size() == 0) {
    call.node.fail("an index or a list of them expected");
  }
  const bool single = which.shape.empty();
  // Of a single image, the first is all of it.
  if (value.leads && place == 0 && single && which.whole[0] == 0 && call.graph.batch() == 1) {
    shape.erase(shape.begin());
    call.set(call.reshaped(value, shape));
    return;
  }
  Attributes attributes = {{"axis", call.document_axis(value, axis)}};
  attributes["indices"] = single ? Attribute(which.whole[0]) : Attribute(which.whole);
  OnnxValue result = value;
  if (single && value.leads && place < value.batch_axis) --result.batch_axis;
  result.name = call.add("Gather", {value.name}, std::move(attributes));
  call.set(std::move(result));
}

void convert_pad(OnnxCall& call) {
  const OnnxValue value = call.activation(0);
  const size_t rank = call.full_shape(value).size();
  const std::vector<int64_t> given = call.integers("pads", 1);
  std::vector<int64_t> axes = call.integers("axes", 3);
  if (axes.empty()) {
    for (size_t axis = 0; axis < rank; ++axis) axes.push_back(static_cast<int64_t>(axis));
  }
  if (given.size() != 2 * axes.size()) call.node.fail("two widths for each axis expected");
  const size_t image_rank = call.shape(value).size();
  std::vector<int64_t> pads(2 * (image_rank + 1), 0);
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t before = given[i];
    const int64_t behind = given[i + axes.size()];
    if (before == 0 && behind == 0) continue;
    const auto axis = static_cast<size_t>(call.document_axis(value, axes[i]));
    pads[axis] = before;
    pads[axis + image_rank + 1] = behind;
  }
  // PyTorch puts a Pad of no width before every AveragePool.
  if (std::all_of(pads.begin(), pads.end(), [](int64_t width) { return width == 0; })) {
    call.set(value);
    return;
  }
  Attributes attributes = {{"pads", pads}};
  const std::string mode = call.node.text("mode", "constant");
  if (mode != "constant") attributes["mode"] = mode;
  const std::optional<float> filling = call.number("value", 2);
  if (filling && *filling != 0) attributes["value"] = double{*filling};
  call.set_like(value, call.add("Pad", {value.name}, std::move(attributes)));
}

namespace {

// The sizes, with kOpenBatch where they have the number of images.
std::vector<int64_t> resize_sizes(const OnnxCall& call) {
  if (!call.has(3)) return {};
  const OnnxConstant& sizes = call.constant(3);
  if (!is_whole(sizes.type) || sizes.shape.size() != 1) call.node.fail("input 3: sizes expected");
  std::vector<int64_t> result = sizes.whole;
  for (size_t i = 0; i < result.size(); ++i) {
    if (!sizes.has_batch(i)) continue;
    if (sizes.batches[i] != 1 || sizes.whole[i] != 0) {
      call.node.fail("its sizes compute with the number of images");
    }
    result[i] = kOpenBatch;
  }
  return result;
}

}  // namespace

void convert_resize(OnnxCall& call) {
  const OnnxValue value = call.activation(0);
  const Shape shape = call.full_shape(value);
  const bool is_old = call.node.opset() < 11 || call.node.node().type == "Upsample";
  std::vector<float> scales = call.node.reals("scales");
  const size_t scales_at = is_old ? 1 : 2;
  if (scales.empty() && call.has(scales_at)) scales = call.constant(scales_at).reals;
  const std::vector<int64_t> sizes =
      scales.empty() && !is_old ? resize_sizes(call) : std::vector<int64_t>();
  std::vector<int64_t> axes = call.node.integers("axes");
  if (axes.empty()) {
    axes.resize(shape.size());
    std::iota(axes.begin(), axes.end(), 0);
  }
  const size_t count = std::max(scales.size(), sizes.size());
  if (count == 0 || count != axes.size()) call.node.fail("a scale or size for each axis expected");
  // All axes of the document, the batch first.
  std::vector<double> all_scales(call.shape(value).size() + 1, 1.0);
  std::vector<int64_t> all_sizes = call.shape(value);
  all_sizes.insert(all_sizes.begin(), 1);
  for (size_t i = 0; i < count; ++i) {
    const size_t axis = call.node.axis(axes[i], shape.size());
    const bool is_batch = value.leads && axis == 0;
    const bool same = scales.empty() ? sizes[i] == shape[axis] : scales[i] == 1.0F;
    if (is_batch && (same || (shape[0] == kOpenBatch && scales.empty()))) continue;
    const auto place = static_cast<size_t>(call.document_axis(value, axes[i]));
    if (scales.empty()) {
      all_sizes[place] = sizes[i];
    } else {
      all_scales[place] = scales[i];
    }
  }
  Attributes attributes;
  for (const char* name : {"mode", "coordinate_transformation_mode", "nearest_mode"}) {
    if (call.node.has(name)) attributes[name] = call.node.text(name, "");
  }
  if (call.node.text("keep_aspect_ratio_policy", "stretch") != "stretch" ||
      call.node.integer("antialias", 0) != 0) {
    call.node.fail("antialias and a kept aspect ratio are not known");
  }
  if (is_old) {
    attributes["coordinate_transformation_mode"] = std::string("asymmetric");
    attributes["nearest_mode"] = std::string("floor");
  }
  if (scales.empty()) {
    attributes["sizes"] = all_sizes;
  } else {
    attributes["scales"] = all_scales;
  }
  call.set_like(value, call.add("Resize", {value.name}, std::move(attributes)));
}

}  // namespace mnist
