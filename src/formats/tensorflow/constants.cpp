#include "formats/tensorflow/constants.h"

#include <fmt/format.h>

#include <algorithm>

#include "mnist/error.h"

namespace mnist {
namespace {

double element(const TfConstant& constant, size_t place) {
  return constant.kind == TfConstant::Kind::kInteger
             ? static_cast<double>(constant.integers.at(place))
             : static_cast<double>(constant.floats.at(place));
}

}  // namespace

Shape broadcast_shape(const Shape& a, const Shape& b) {
  Shape result(std::max(a.size(), b.size()), 1);
  for (const Shape* shape : {&a, &b}) {
    const size_t skipped = result.size() - shape->size();
    for (size_t i = 0; i < shape->size(); ++i) {
      int64_t& extent = result[skipped + i];
      if ((*shape)[i] == 1 || (*shape)[i] == extent) continue;
      if (extent != 1) {
        throw Error(fmt::format("shapes {} and {} do not fit", to_string(a), to_string(b)));
      }
      extent = (*shape)[i];
    }
  }
  return result;
}

std::vector<size_t> broadcast_places(const Shape& shape, const Shape& result) {
  const size_t skipped = result.size() - shape.size();
  std::vector<size_t> steps(result.size(), 0);
  size_t step = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    if (shape[i] != 1 && shape[i] != result[skipped + i]) {
      throw Error(fmt::format("{} cannot be broadcast to {}", to_string(shape), to_string(result)));
    }
    steps[skipped + i] = shape[i] == 1 ? 0 : step;
    step *= static_cast<size_t>(shape[i]);
  }
  std::vector<size_t> places;
  const size_t count = element_count(result);
  places.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    size_t rest = i;
    size_t place = 0;
    for (size_t axis = result.size(); axis-- > 0;) {
      place += rest % static_cast<size_t>(result[axis]) * steps[axis];
      rest /= static_cast<size_t>(result[axis]);
    }
    places.push_back(place);
  }
  return places;
}

TfConstant combine(const TfConstant& a, const TfConstant& b,
                   const std::function<double(double, double)>& function) {
  using Kind = TfConstant::Kind;
  if (a.kind == Kind::kText || b.kind == Kind::kText) throw Error("numbers expected, not text");
  TfConstant result{
      .kind = a.kind == Kind::kInteger && b.kind == Kind::kInteger ? Kind::kInteger : Kind::kFloat,
      .shape = broadcast_shape(a.shape, b.shape)};
  const std::vector<size_t> from_a = broadcast_places(a.shape, result.shape);
  const std::vector<size_t> from_b = broadcast_places(b.shape, result.shape);
  for (size_t i = 0; i < from_a.size(); ++i) {
    const double value = function(element(a, from_a[i]), element(b, from_b[i]));
    if (result.kind == Kind::kFloat) {
      result.floats.push_back(static_cast<float>(value));
    } else {
      if (!(value >= -0x1p53 && value <= 0x1p53)) throw Error("integers within 2^53 expected");
      result.integers.push_back(static_cast<int64_t>(value));
    }
  }
  return result;
}

TfConstant transposed(const TfConstant& constant, const std::vector<int64_t>& axes) {
  const size_t rank = constant.shape.size();
  std::vector<size_t> steps(rank, 1);
  for (size_t i = rank; i-- > 1;) {
    steps[i - 1] = steps[i] * static_cast<size_t>(constant.shape[i]);
  }
  std::vector<int64_t> sorted = axes;
  std::sort(sorted.begin(), sorted.end());
  TfConstant result{.kind = constant.kind, .shape = {}};
  for (size_t i = 0; i < axes.size(); ++i) {
    if (axes.size() != rank || sorted[i] != static_cast<int64_t>(i))
      throw Error("every axis once expected");
    result.shape.push_back(constant.shape[static_cast<size_t>(axes[i])]);
  }
  const size_t count = element_count(result.shape);
  for (size_t i = 0; i < count; ++i) {
    size_t rest = i;
    size_t place = 0;
    for (size_t axis = rank; axis-- > 0;) {
      const auto extent = static_cast<size_t>(result.shape[axis]);
      place += rest % extent * steps[static_cast<size_t>(axes[axis])];
      rest /= extent;
    }
    if (constant.kind == TfConstant::Kind::kFloat) result.floats.push_back(constant.floats[place]);
    if (constant.kind == TfConstant::Kind::kInteger)
      result.integers.push_back(constant.integers[place]);
  }
  return result;
}

}  // namespace mnist
