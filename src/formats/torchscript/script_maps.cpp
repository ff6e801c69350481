// What makes maps larger, and convolutions of rows.
#include <fmt/format.h>

#include <cmath>

#include "formats/torchscript/script_call.h"

namespace mnist {
namespace {

using Integers = std::vector<int64_t>;
using Attributes = std::map<std::string, Attribute>;

// The rows and columns that a call asks for, as a size or in times of the input's.
Integers size_of(const ScriptCall& call, const Shape& shape, size_t scales_at) {
  constexpr int64_t kLargest = 4096;
  Integers size;
  if (!call.is_none(1)) {
    size = call.integers(1, std::nullopt);
  } else {
    const auto* list = call.argument(scales_at).as<ScriptList>();
    if (list == nullptr || list->items().size() != 2) call.fail("a size or two scales expected");
    for (size_t axis = 0; axis < 2; ++axis) {
      const auto* scale = list->items()[axis].as<double>();
      if (scale == nullptr || !(*scale > 0) || !(*scale <= 1024)) call.fail("scales expected");
      size.push_back(
          static_cast<int64_t>(std::floor(static_cast<double>(shape[axis + 1]) * *scale)));
    }
  }
  for (int64_t extent : size) {
    if (extent < 1 || extent > kLargest) call.fail(fmt::format("1 to {} rows expected", kLargest));
  }
  return size;
}

ScriptValue resized(const ScriptCall& call, size_t scales_at, Attributes attributes) {
  const std::string x = call.activation(0);
  const Shape& shape = call.shape(x);
  if (shape.size() != 3) call.fail("maps expected");
  const Integers size = size_of(call, shape, scales_at);
  attributes["sizes"] = Integers{1, shape[0], size[0], size[1]};
  return call.node("Resize", {x}, std::move(attributes));
}

// upsample_nearest2d(x, size, scales)
ScriptValue nearest(const ScriptCall& call) {
  return resized(call, 2,
                 {{"mode", std::string("nearest")},
                  {"coordinate_transformation_mode", std::string("asymmetric")},
                  {"nearest_mode", std::string("floor")}});
}

// upsample_bilinear2d(x, size, align_corners, scales)
ScriptValue bilinear(const ScriptCall& call) {
  const char* way = call.flag(2, false) ? "align_corners" : "half_pixel";
  return resized(
      call, 3,
      {{"mode", std::string("linear")}, {"coordinate_transformation_mode", std::string(way)}});
}

// pixel_shuffle(x, factor): (C * f * f, H, W) as (C, H * f, W * f)
ScriptValue pixel_shuffle(const ScriptCall& call) {
  const std::string x = call.activation(0);
  const Shape& shape = call.shape(x);
  const int64_t f = call.integer(1);
  if (shape.size() != 3 || f < 1 || f > 1024 || shape[0] % (f * f) != 0) {
    call.fail("channels that are whole blocks expected");
  }
  const int64_t channels = shape[0] / (f * f);
  GraphBuilder& graph = call.builder();
  std::string value =
      graph.add_node("Reshape", "", {x}, {{"shape", Shape{channels, f, f, shape[1], shape[2]}}});
  value = graph.add_node("Transpose", "", {value}, {{"perm", Integers{0, 1, 4, 2, 5, 3}}});
  return call.node("Reshape", {value}, {{"shape", Shape{channels, shape[1] * f, shape[2] * f}}});
}

// ---- of rows: as maps of one row ----

int64_t single(const ScriptCall& call, size_t place, int64_t otherwise) {
  if (call.is_none(place)) return otherwise;
  const Integers list = call.list(place);
  if (list.empty()) return otherwise;
  if (list.size() != 1) call.fail(fmt::format("argument {}: one integer expected", place + 1));
  return list[0];
}

std::string as_map(const ScriptCall& call) {
  const std::string x = call.activation(0);
  const Shape& shape = call.shape(x);
  if (shape.size() != 2) call.fail("rows of channels expected");
  return call.builder().add_node("Reshape", "", {x}, {{"shape", Shape{shape[0], 1, shape[1]}}});
}

ScriptValue as_rows(const ScriptCall& call, const std::string& map) {
  const Shape& shape = call.shape(map);
  return call.node("Reshape", {map}, {{"shape", Shape{shape[0], shape[2]}}});
}

}  // namespace

// conv1d(x, weight, bias, stride, padding, dilation, groups); _convolution has two more before the
// groups.
ScriptValue conv_of_rows(const ScriptCall& call) {
  Tensor kernel = call.tensor(1);
  if (kernel.shape.size() != 3) call.fail("a convolution of rows expected");
  Attributes attributes = {{"strides", Integers{1, single(call, 3, 1)}},
                           {"dilations", Integers{1, single(call, 5, 1)}},
                           {"group", call.integer(call.function() == "conv1d" ? 6 : 8, 1)}};
  const std::string padding = call.text(4);
  if (padding == "same") {
    attributes["auto_pad"] = std::string("SAME_UPPER");
  } else if (padding != "valid") {
    const int64_t pad = single(call, 4, 0);
    attributes["pads"] = Integers{0, pad, 0, pad};
  }
  kernel.shape.insert(kernel.shape.begin() + 2, 1);
  GraphBuilder& graph = call.builder();
  std::vector<std::string> inputs = {as_map(call),
                                     graph.add_weight(call.weight(1) + ".map", std::move(kernel))};
  if (const std::string bias = call.weight(2); !bias.empty()) inputs.push_back(bias);
  return as_rows(call, graph.add_node("Conv", "", std::move(inputs), std::move(attributes)));
}

namespace {

// (x, kernel, stride, padding, ...), with the attributes that only one of the two poolings has.
ScriptValue pool_of_rows(const ScriptCall& call, const char* type, bool rounds_up,
                         Attributes attributes) {
  const int64_t kernel = single(call, 1, 1);
  const int64_t pad = single(call, 3, 0);
  attributes["kernel_shape"] = Integers{1, kernel};
  attributes["strides"] = Integers{1, single(call, 2, kernel)};
  attributes["pads"] = Integers{0, pad, 0, pad};
  if (rounds_up) attributes["ceil_mode"] = int64_t{1};
  return as_rows(call, call.builder().add_node(type, "", {as_map(call)}, std::move(attributes)));
}

// max_pool1d(x, kernel, stride, padding, dilation, ceil_mode)
ScriptValue max_pool(const ScriptCall& call) {
  return pool_of_rows(call, "MaxPool", call.flag(5, false),
                      {{"dilations", Integers{1, single(call, 4, 1)}}});
}

// avg_pool1d(x, kernel, stride, padding, ceil_mode, count_include_pad)
ScriptValue average_pool(const ScriptCall& call) {
  return pool_of_rows(call, "AveragePool", call.flag(4, false),
                      {{"count_include_pad", int64_t{call.flag(5, true) ? 1 : 0}}});
}

// adaptive_avg_pool1d(x, 1)
ScriptValue adaptive_pool(const ScriptCall& call) {
  if (single(call, 1, 0) != 1) call.fail("one value for each channel expected");
  const bool averages = call.function() == "adaptive_avg_pool1d";
  const std::string made =
      call.builder().add_node(averages ? "ReduceMean" : "ReduceMax", "", {call.activation(0)},
                              {{"axes", Integers{2}}, {"keepdims", int64_t{1}}});
  if (averages) return {ScriptActivation{made}};
  return {ScriptList({ScriptValue{ScriptActivation{made}}, ScriptValue{}})};
}

}  // namespace

std::optional<ScriptValue> call_map(const ScriptCall& call) {
  static const ScriptMakers kMakers = {
      {"upsample_nearest2d", nearest},
      {"upsample_bilinear2d", bilinear},
      {"pixel_shuffle", pixel_shuffle},
      {"conv1d", conv_of_rows},
      {"max_pool1d", max_pool},
      {"avg_pool1d", average_pool},
      {"adaptive_avg_pool1d", adaptive_pool},
      {"adaptive_max_pool1d", adaptive_pool},
  };
  return call_from(kMakers, call);
}

}  // namespace mnist
