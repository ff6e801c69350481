#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/file.h"
#include "base/json.h"
#include "ops/op_list.h"
#include "ops/op_rows.h"

namespace mnist {
namespace {

Attribute read_attribute(const Json& value) {
  if (value.is_number_integer()) return value.get<int64_t>();
  if (value.is_number()) return value.get<double>();
  if (value.is_string()) return value.get<std::string>();
  bool reals = value.is_array() && !value.empty() && value[0].is_number_float();
  if (reals) return value.get<std::vector<double>>();
  return value.get<std::vector<int64_t>>();
}

Reference read_reference(const Json& value) {
  if (value.is_null()) return {};
  return {true, value.at("values").get<std::vector<double>>(), value.at("sum").get<double>()};
}

RowInput read_input(const Json& value) {
  if (value.is_null()) return {};
  std::string kind = value.at("kind").get<std::string>();
  auto shape = value.at("shape").get<Shape>();
  if (kind == "x") return {RowInput::Kind::kActivation, shape, {}};
  return {kind == "w" ? RowInput::Kind::kWeight : RowInput::Kind::kPositiveWeight, shape,
          value.value("values", std::vector<float>{})};
}

OpRow read_row(const Json& value) {
  OpRow row;
  row.node.name = value.at("name").get<std::string>();
  row.node.type = value.at("type").get<std::string>();
  row.node.outputs = {"y"};
  for (const auto& [name, attribute] : value.at("attributes").items()) {
    row.node.attributes[name] = read_attribute(attribute);
  }
  for (const Json& input : value.at("inputs")) {
    row.inputs.push_back(read_input(input));
    row.node.inputs.push_back(input.is_null() ? "" : fmt::format("x{}", row.inputs.size() - 1));
  }
  row.images = value.at("images").get<size_t>();
  row.training = value.at("training").get<bool>();
  row.ties = value.at("ties").get<bool>();
  row.distinct = value.at("distinct").get<bool>();
  row.positive = value.value("positive", false);
  row.straight_through = value.value("straight_through", false);
  row.output_shape = value.at("output_shape").get<Shape>();
  row.output = read_reference(value.at("output"));
  if (value.contains("gradients")) {
    for (const Json& gradient : value["gradients"])
      row.gradients.push_back(read_reference(gradient));
  }
  return row;
}

float distinct_value(size_t index) {
  uint32_t h = static_cast<uint32_t>(index) * 0x9dU & 0xffU;
  h = (h ^ h >> 4) * 0x4bU & 0xffU;
  return (static_cast<float>(h ^ h >> 3) - 127.5F) / 64.0F;
}

FloatBuffer garbage(size_t count) {
  FloatBuffer buffer(count);
  std::fill(buffer.begin(), buffer.end(), std::numeric_limits<float>::quiet_NaN());
  return buffer;
}

}  // namespace

std::vector<OpRow> read_op_rows(const std::string& path) {
  std::vector<std::byte> bytes = read_file(path);
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::vector<OpRow> rows;
  for (const Json& value : parse_json(text, path)) rows.push_back(read_row(value));
  return rows;
}

// As pattern() of make_rows.py, like distinct_value.
float pattern_value(uint32_t stream, size_t index) {
  uint32_t h = static_cast<uint32_t>(index) * 0x9e3779b9U + stream * 0x85ebca6bU;
  h ^= h >> 16;
  h *= 0x7feb352dU;
  h ^= h >> 15;
  h *= 0x846ca68bU;
  h ^= h >> 16;
  return (static_cast<float>(h >> 24) - 127.5F) / 64.0F;
}

size_t reference_step(size_t count) {
  constexpr size_t kSampled = 48;
  return count <= kSampled ? 1 : (count / kSampled) | 1;
}

std::vector<float> row_values(const OpRow& row, size_t input, size_t images) {
  const RowInput& entry = row.inputs[input];
  if (entry.kind == RowInput::Kind::kAbsent) return {};
  if (!entry.values.empty()) return entry.values;
  std::vector<float> values(element_count(entry.shape) * (entry.is_weight() ? 1 : images));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = row.distinct ? distinct_value(i) : pattern_value(static_cast<uint32_t>(input), i);
    if (entry.kind == RowInput::Kind::kPositiveWeight) values[i] = std::abs(values[i]);
    if (row.positive) values[i] = std::abs(values[i]) + 0.5F;
    if (row.ties) values[i] = std::floor(values[i] * 2.0F) / 2.0F;
  }
  return values;
}

std::unique_ptr<Op> make_row_op(const OpRow& row) {
  std::vector<Tensor> weights(row.inputs.size());
  OpSpec spec = {row.node, {}};
  for (size_t i = 0; i < row.inputs.size(); ++i) {
    const RowInput& input = row.inputs[i];
    if (input.is_weight()) weights[i] = {input.shape, row_values(row, i, 1)};
    spec.inputs.push_back({input.kind != RowInput::Kind::kAbsent, input.shape,
                           input.is_weight() ? &weights[i] : nullptr});
  }
  return make_op(spec);
}

OpRun::OpRun(const OpRow& row, size_t lanes, size_t images, bool training, std::unique_ptr<Op> op)
    : row_(row), op_(op == nullptr ? make_row_op(row) : std::move(op)) {
  pass_.lanes = lanes;
  pass_.blocks = (images + lanes - 1) / lanes;
  pass_.images = images;
  pass_.training = training;
  pass_.random_key = 1;
  make_inputs();
  output_ = garbage(elements(op_->output_shape()));
  d_output_ = FloatBuffer(elements(op_->output_shape()));
  if (training) saved_ = garbage(op_->saved_floats(pass_));
  scratch_ = garbage(op_->scratch_floats(pass_));
}

void OpRun::make_inputs() {
  constexpr float kBehind = 1.25F;  // in the lanes behind the last image
  size_t count = row_.inputs.size();
  inputs_.resize(count);
  d_inputs_.resize(count);
  for (size_t i = 0; i < count; ++i) {
    const RowInput& input = row_.inputs[i];
    values_.push_back(row_values(row_, i, pass_.images));
    bool is_activation = input.kind == RowInput::Kind::kActivation;
    if (is_activation) {
      inputs_[i] = FloatBuffer(elements(input.shape));
      pack(values_[i], input.shape, kBehind, inputs_[i]);
      d_inputs_[i] = garbage(elements(input.shape));
    } else {
      inputs_[i] = FloatBuffer(values_[i].size());
      std::copy(values_[i].begin(), values_[i].end(), inputs_[i].begin());
      d_inputs_[i] = FloatBuffer(values_[i].size());
    }
    bool present = input.kind != RowInput::Kind::kAbsent;
    input_pointers_.push_back(present ? inputs_[i].data() : nullptr);
    d_input_pointers_.push_back(present ? d_inputs_[i].data() : nullptr);
  }
}

void OpRun::set_values(size_t input, const std::vector<float>& values) {
  values_[input] = values;
  if (row_.inputs[input].is_weight()) {
    std::copy(values.begin(), values.end(), inputs_[input].begin());
  } else {
    pack(values, row_.inputs[input].shape, 0.0F, inputs_[input]);
  }
}

void OpRun::forward() {
  if (!pass_.training && op_->prepared_floats(pass_.lanes) > 0) {
    prepared_ = FloatBuffer(op_->prepared_floats(pass_.lanes));
    std::vector<const float*> weights = input_pointers_;
    for (size_t i = 0; i < weights.size(); ++i) {
      if (!row_.inputs[i].is_weight()) weights[i] = nullptr;
    }
    op_->prepare(weights, prepared_.data());
  }
  ForwardArgs args;
  args.pass = pass_;
  args.inputs = input_pointers_;
  args.output = output_.data();
  args.prepared = prepared_.data();
  args.saved = saved_.data();
  args.scratch = scratch_.data();
  op_->forward(args);
}

void OpRun::backward(const std::vector<float>& d_output) {
  pack(d_output, op_->output_shape(), 0.0F, d_output_);
  BackwardArgs args;
  args.pass = pass_;
  args.inputs = input_pointers_;
  args.output = output_.data();
  args.d_output = d_output_.data();
  args.d_inputs = d_input_pointers_;
  args.saved = saved_.data();
  args.scratch = scratch_.data();
  op_->backward(args);
}

std::vector<float> OpRun::output() const { return unpacked(output_, op_->output_shape()); }

std::vector<float> OpRun::d_input(size_t input) const {
  const FloatBuffer& gradient = d_inputs_[input];
  if (row_.inputs[input].is_weight()) return {gradient.begin(), gradient.end()};
  return unpacked(gradient, row_.inputs[input].shape);
}

void OpRun::refuse_d_input(size_t input) { d_input_pointers_[input] = nullptr; }

void OpRun::clear_behind_images() {
  for (size_t i = 0; i < row_.inputs.size(); ++i) {
    if (row_.inputs[i].kind == RowInput::Kind::kActivation) set_values(i, values_[i]);
  }
}

float OpRun::d_input_behind_images(size_t input) const {
  return sum_behind_images(d_inputs_[input], row_.inputs[input].shape);
}

float OpRun::output_behind_images() const {
  return sum_behind_images(output_, op_->output_shape());
}

float OpRun::sum_behind_images(const FloatBuffer& buffer, const Shape& shape) const {
  size_t count = element_count(shape);
  float sum = 0.0F;
  for (size_t image = pass_.images; image < pass_.blocks * pass_.lanes; ++image) {
    for (size_t i = 0; i < count; ++i) {
      size_t at = (image / pass_.lanes * count + i) * pass_.lanes + image % pass_.lanes;
      sum += std::abs(buffer[at]);
    }
  }
  return sum;
}

std::vector<float> OpRun::unpacked(const FloatBuffer& buffer, const Shape& shape) const {
  size_t count = element_count(shape);
  std::vector<float> values(pass_.images * count);
  for (size_t image = 0; image < pass_.images; ++image) {
    for (size_t i = 0; i < count; ++i) {
      values[image * count + i] =
          buffer[(image / pass_.lanes * count + i) * pass_.lanes + image % pass_.lanes];
    }
  }
  return values;
}

void OpRun::pack(const std::vector<float>& values, const Shape& shape, float rest,
                 FloatBuffer& buffer) const {
  size_t count = element_count(shape);
  for (size_t image = 0; image < pass_.blocks * pass_.lanes; ++image) {
    for (size_t i = 0; i < count; ++i) {
      buffer[(image / pass_.lanes * count + i) * pass_.lanes + image % pass_.lanes] =
          image < pass_.images ? values[image * count + i] : rest;
    }
  }
}

}  // namespace mnist
