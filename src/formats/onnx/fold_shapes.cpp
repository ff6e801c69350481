#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "formats/onnx/fold_internal.h"

namespace mnist {
namespace {

// The same values under `shape`.
OnnxConstant reshaped(const OnnxFoldCall& call, Shape shape) {
  OnnxConstant result = call.input(0);
  if (call.budget.spend(call.node, shape) != result.size()) {
    call.node.fail(fmt::format("{} values do not fill shape {}", result.size(), to_string(shape)));
  }
  result.shape = std::move(shape);
  return result;
}

// How far apart neighbours along each axis lie.
std::vector<uint32_t> steps_of(const Shape& shape) {
  std::vector<uint32_t> steps(shape.size());
  uint32_t step = 1;
  for (size_t axis = shape.size(); axis-- > 0;) {
    steps[axis] = step;
    step *= static_cast<uint32_t>(shape[axis]);
  }
  return steps;
}

// For each element of `shape`, in order: start + the sum over axes of position * step.
std::vector<uint32_t> strided_index(const Shape& shape, int64_t start,
                                    const std::vector<int64_t>& steps) {
  std::vector<uint32_t> index;
  const size_t count = element_count(shape);
  index.reserve(count);
  std::vector<int64_t> position(shape.size(), 0);
  int64_t at = start;
  for (size_t i = 0; i < count; ++i) {
    index.push_back(static_cast<uint32_t>(at));
    for (size_t axis = shape.size(); axis-- > 0;) {
      at += steps[axis];
      if (++position[axis] < shape[axis]) break;
      at -= steps[axis] * shape[axis];
      position[axis] = 0;
    }
  }
  return index;
}

OnnxConstant strided(const OnnxFoldCall& call, Shape shape, int64_t start,
                     const std::vector<int64_t>& steps) {
  call.budget.spend(call.node, shape);
  const std::vector<uint32_t> index = strided_index(shape, start, steps);
  return taken(call.input(0), std::move(shape), index);
}

int64_t product(const Shape& shape, size_t from, size_t to) {
  return std::accumulate(shape.begin() + static_cast<ptrdiff_t>(from),
                         shape.begin() + static_cast<ptrdiff_t>(to), int64_t{1},
                         std::multiplies<>());
}

}  // namespace

std::vector<uint32_t> broadcast_index(const Shape& from, const Shape& to) {
  const std::vector<uint32_t> steps = steps_of(from);
  std::vector<int64_t> moves(to.size(), 0);
  const size_t missing = to.size() - from.size();
  for (size_t axis = 0; axis < from.size(); ++axis) {
    if (from[axis] != 1) moves[axis + missing] = steps[axis];
  }
  return strided_index(to, 0, moves);
}

OnnxConstant fold_identity(const OnnxFoldCall& call) {
  call.budget.spend(call.node, call.input(0).shape);
  return call.input(0);
}

OnnxConstant fold_reshape(const OnnxFoldCall& call) {
  const OnnxConstant& value = call.input(0);
  Shape shape = call.integers("shape", 1);
  int64_t* unknown = nullptr;
  int64_t known = 1;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0 && call.node.integer("allowzero", 0) == 0 && i < value.shape.size()) {
      shape[i] = value.shape[i];
    }
    if (shape[i] == -1 && unknown == nullptr) {
      unknown = &shape[i];
      continue;
    }
    if (shape[i] < 0 || shape[i] > INT32_MAX) {
      call.node.fail("impossible shape " + to_string(shape));
    }
    known = std::min<int64_t>(known * shape[i], INT32_MAX);
  }
  if (unknown != nullptr) *unknown = known == 0 ? 0 : static_cast<int64_t>(value.size()) / known;
  return reshaped(call, std::move(shape));
}

OnnxConstant fold_flatten(const OnnxFoldCall& call) {
  const Shape& shape = call.input(0).shape;
  const int64_t wanted = call.node.integer("axis", 1);
  const auto rank = static_cast<int64_t>(shape.size());
  const size_t axis = wanted == rank ? shape.size() : call.node.axis(wanted, shape.size());
  return reshaped(call, {product(shape, 0, axis), product(shape, axis, shape.size())});
}

OnnxConstant fold_squeeze(const OnnxFoldCall& call) {
  return reshaped(call, onnx_squeezed(call.node, call.input(0).shape, call.integers("axes", 1)));
}

OnnxConstant fold_unsqueeze(const OnnxFoldCall& call) {
  return reshaped(call, onnx_unsqueezed(call.node, call.input(0).shape, call.integers("axes", 1)));
}

OnnxConstant fold_transpose(const OnnxFoldCall& call) {
  const Shape& shape = call.input(0).shape;
  std::vector<int64_t> order = call.node.integers("perm");
  if (order.empty()) {
    for (size_t axis = shape.size(); axis-- > 0;) order.push_back(static_cast<int64_t>(axis));
  }
  if (order.size() != shape.size()) call.node.fail("perm: an entry for every axis expected");
  call.node.axes(order, shape.size());  // none twice
  const std::vector<uint32_t> steps = steps_of(shape);
  Shape result;
  std::vector<int64_t> moves;
  for (int64_t each : order) {
    const size_t axis = call.node.axis(each, shape.size());
    result.push_back(shape[axis]);
    moves.push_back(steps[axis]);
  }
  return strided(call, std::move(result), 0, moves);
}

OnnxConstant fold_gather(const OnnxFoldCall& call) {
  const OnnxConstant& value = call.input(0);
  const OnnxConstant& which = call.input(1);
  const size_t axis = call.node.axis(call.node.integer("axis", 0), value.shape.size());
  if (!is_whole(which.type) || which.has_batch()) call.node.fail("input 1: integers expected");
  Shape shape(value.shape.begin(), value.shape.begin() + static_cast<ptrdiff_t>(axis));
  shape.insert(shape.end(), which.shape.begin(), which.shape.end());
  shape.insert(shape.end(), value.shape.begin() + static_cast<ptrdiff_t>(axis) + 1,
               value.shape.end());
  std::vector<uint32_t> index;
  index.reserve(call.budget.spend(call.node, shape));
  const int64_t outer = product(value.shape, 0, axis);
  const int64_t inner = product(value.shape, axis + 1, value.shape.size());
  const int64_t extent = value.shape[axis];
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t each : which.whole) {
      if (each < -extent || each >= extent) {
        call.node.fail(fmt::format("index {}: the axis has {} positions", each, extent));
      }
      const int64_t at = (o * extent + (each < 0 ? each + extent : each)) * inner;
      for (int64_t i = 0; i < inner; ++i) index.push_back(static_cast<uint32_t>(at + i));
    }
  }
  return taken(value, std::move(shape), index);
}

OnnxConstant fold_slice(const OnnxFoldCall& call) {
  const Shape& shape = call.input(0).shape;
  const std::vector<OnnxSlice> slices =
      onnx_slices(call.node, shape, call.integers("starts", 1), call.integers("ends", 2),
                  call.integers("axes", 3), call.integers(4));
  Shape result = shape;
  const std::vector<uint32_t> steps = steps_of(shape);
  std::vector<int64_t> moves(steps.begin(), steps.end());
  int64_t start = 0;
  for (const OnnxSlice& slice : slices) {
    result[slice.axis] = slice.count;
    start += slice.start * moves[slice.axis];
    moves[slice.axis] *= slice.step;
  }
  return strided(call, std::move(result), start, moves);
}

OnnxConstant fold_concat(const OnnxFoldCall& call) {
  OnnxConstant result = call.input(0);
  if (result.shape.empty()) call.node.fail("inputs of at least one dimension expected");
  const size_t axis = call.node.axis(call.node.integer("axis", 1), result.shape.size());
  if (!call.node.has("axis") && call.node.opset() >= 4)
    call.node.fail("attribute 'axis' is missing");
  Shape shape = result.shape;
  shape[axis] = 0;
  for (size_t i = 0; i < call.inputs.size(); ++i) {
    Shape others = call.input(i).shape;
    if (others.size() == shape.size()) others[axis] = shape[axis];
    if (others != shape || call.input(i).type != result.type) {
      call.node.fail(fmt::format("input {}: {} of {} does not fit the others", i,
                                 to_string(call.input(i).shape), to_string(call.input(i).type)));
    }
    shape[axis] += call.input(i).shape[axis];
  }
  call.budget.spend(call.node, shape);
  result.shape = shape;
  result.reals.clear();
  result.whole.clear();
  result.batches.clear();
  const int64_t outer = product(shape, 0, axis);
  for (int64_t o = 0; o < outer; ++o) {
    for (const OnnxConstant* input : call.inputs) {
      const auto run = static_cast<ptrdiff_t>(input->size()) / std::max<ptrdiff_t>(outer, 1);
      const auto append = [&](const auto& from, auto& to) {
        to.insert(to.end(), from.begin() + o * run, from.begin() + (o + 1) * run);
      };
      if (is_real(result.type)) {
        append(input->reals, result.reals);
        continue;
      }
      append(input->whole, result.whole);
      if (input->batches.empty()) {
        result.batches.resize(result.whole.size());
      } else {
        append(input->batches, result.batches);
      }
    }
  }
  if (!result.has_batch()) result.batches.clear();
  return result;
}

// As for one image, which stands for all of them.
OnnxConstant fold_expand(const OnnxFoldCall& call) {
  const OnnxConstant& value = call.input(0);
  Shape shape = onnx_broadcast(call.node, value.shape, onnx_extents_of_one_image(call, 1));
  call.budget.spend(call.node, shape);
  const std::vector<uint32_t> index = broadcast_index(value.shape, shape);
  return taken(value, std::move(shape), index);
}

OnnxConstant fold_tile(const OnnxFoldCall& call) {
  const OnnxConstant& value = call.input(0);
  const std::vector<int64_t> repeats = call.integers(1);
  if (repeats.size() != value.shape.size()) call.node.fail("a repeat for every axis expected");
  // Each axis becomes two: repeats, and the axis itself.
  Shape doubled;
  Shape shape;
  std::vector<int64_t> moves;
  const std::vector<uint32_t> steps = steps_of(value.shape);
  for (size_t axis = 0; axis < repeats.size(); ++axis) {
    if (repeats[axis] < 0 || repeats[axis] > INT32_MAX) call.node.fail("impossible repeats");
    doubled.insert(doubled.end(), {repeats[axis], value.shape[axis]});
    shape.push_back(repeats[axis] * value.shape[axis]);
    moves.insert(moves.end(), {0, steps[axis]});
  }
  OnnxConstant result = strided(call, std::move(doubled), 0, moves);
  result.shape = std::move(shape);
  return result;
}

OnnxConstant fold_shape(const OnnxFoldCall& call) {
  const Shape& shape = call.input(0).shape;
  const auto rank = static_cast<int64_t>(shape.size());
  const auto place = [&](int64_t at) {
    return std::clamp<int64_t>(at < 0 ? at + rank : at, 0, rank);
  };
  const int64_t start = place(call.node.integer("start", 0));
  const int64_t end = std::max(start, place(call.node.integer("end", rank)));
  return whole_constant({end - start}, {shape.begin() + start, shape.begin() + end});
}

OnnxConstant fold_size(const OnnxFoldCall& call) {
  return whole_constant({}, {static_cast<int64_t>(call.input(0).size())});
}

// ---- rules ----

std::vector<OnnxSlice> onnx_slices(const OnnxNodeView& node, const Shape& shape,
                                   const std::vector<int64_t>& starts,
                                   const std::vector<int64_t>& ends,
                                   const std::vector<int64_t>& axes,
                                   const std::vector<int64_t>& steps) {
  const bool fits = ends.size() == starts.size() &&
                    (axes.empty() || axes.size() == starts.size()) &&
                    (steps.empty() || steps.size() == starts.size());
  if (!fits) node.fail("starts, ends, axes and steps of one length expected");
  std::vector<OnnxSlice> slices;
  for (size_t i = 0; i < starts.size(); ++i) {
    const size_t axis = node.axis(axes.empty() ? static_cast<int64_t>(i) : axes[i], shape.size());
    const int64_t extent = shape[axis];
    const int64_t step = steps.empty() ? 1 : steps[i];
    if (step == 0 || step < -INT32_MAX || step > INT32_MAX) node.fail("impossible step");
    // Where a negative index counts from the end; what is out of range is cut off.
    const auto place = [&](int64_t at, int64_t least, int64_t most) {
      return std::clamp(at < 0 ? std::max(at, -extent - 1) + extent : at, least, most);
    };
    const bool forward = step > 0;
    const int64_t start = place(starts[i], 0, forward ? extent : extent - 1);
    const int64_t end = forward ? place(ends[i], 0, extent) : place(ends[i], -1, extent - 1);
    const int64_t way = forward ? end - start : start - end;
    const int64_t stride = forward ? step : -step;
    for (const OnnxSlice& other : slices) {
      if (other.axis == axis) node.fail("an axis comes twice");
    }
    slices.push_back({axis, start, step, way <= 0 ? 0 : (way + stride - 1) / stride});
  }
  return slices;
}

Shape onnx_squeezed(const OnnxNodeView& node, const Shape& shape,
                    const std::vector<int64_t>& axes) {
  Shape result;
  if (axes.empty()) {
    std::copy_if(shape.begin(), shape.end(), std::back_inserter(result),
                 [](int64_t extent) { return extent != 1; });
    return result;
  }
  const std::vector<size_t> removed = node.axes(axes, shape.size());
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (!std::binary_search(removed.begin(), removed.end(), axis)) {
      result.push_back(shape[axis]);
    } else if (shape[axis] != 1) {
      node.fail(fmt::format("axis {} of {} is not 1", axis, to_string(shape)));
    }
  }
  return result;
}

Shape onnx_unsqueezed(const OnnxNodeView& node, const Shape& shape,
                      const std::vector<int64_t>& axes) {
  constexpr size_t kMostAxes = 32;
  if (axes.empty()) node.fail("axes are missing");
  if (axes.size() + shape.size() > kMostAxes) node.fail("more than 32 dimensions");
  const std::vector<size_t> added = node.axes(axes, shape.size() + axes.size());
  Shape result = shape;
  for (size_t axis : added) result.insert(result.begin() + static_cast<ptrdiff_t>(axis), 1);
  return result;
}

Shape onnx_broadcast(const OnnxNodeView& node, const Shape& a, const Shape& b) {
  Shape result = a.size() >= b.size() ? a : b;
  const Shape& other = a.size() >= b.size() ? b : a;
  const size_t missing = result.size() - other.size();
  for (size_t i = 0; i < other.size(); ++i) {
    int64_t& extent = result[i + missing];
    if (extent == 1) {
      extent = other[i];
    } else if (other[i] != 1 && other[i] != extent) {
      node.fail(fmt::format("shapes {} and {} do not fit together", to_string(a), to_string(b)));
    }
  }
  return result;
}

}  // namespace mnist
