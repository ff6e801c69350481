// What holds for every op, tested from the rows alone.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <set>

#include "ops/op_list.h"
#include "ops/op_rows.h"

namespace mnist {
namespace {

// More than two blocks of any vector, the last of them partial.
constexpr size_t kManyImages = 35;

const std::vector<OpRow>& rows() {
  static const std::vector<OpRow> all = read_op_rows(MNIST_SOURCE_DIR "/tests/ops/rows.json");
  return all;
}

// For every instruction set that the processor has and every row.
void for_each_row(const std::function<void(const OpRow&)>& check) {
  for (const std::string& name : simd_choices()) {
    choose_simd(name);
    for (const OpRow& row : rows()) {
      SCOPED_TRACE(row.node.name + " on " + name);
      check(row);
    }
  }
  choose_simd("");
}

std::vector<float> projection(const OpRow& row, size_t images) {
  std::vector<float> values(images * element_count(row.output_shape));
  for (size_t i = 0; i < values.size(); ++i) values[i] = pattern_value(kProjectionStream, i);
  return values;
}

std::vector<float> part(const std::vector<float>& values, size_t index, size_t parts) {
  size_t size = values.size() / parts;
  auto begin = values.begin() + static_cast<ptrdiff_t>(index * size);
  return {begin, begin + static_cast<ptrdiff_t>(size)};
}

double largest(const std::vector<float>& values) {
  double most = 0.0;
  for (float value : values) most = std::max(most, std::abs(static_cast<double>(value)));
  return most;
}

// Rounding: 40 units of the last place of the largest value, as sums have up to 800 terms here.
double tolerance(double scale) { return 5e-6 * scale + 1e-7; }

void expect_reference(const std::vector<float>& got, const Reference& want) {
  size_t step = reference_step(got.size());
  ASSERT_EQ((got.size() + step - 1) / step, want.values.size());
  double near = tolerance(largest(got));
  double sum = 0.0;
  for (size_t i = 0; i < got.size(); ++i) {
    sum += static_cast<double>(got[i]) * static_cast<double>(pattern_value(kReferenceStream, i));
    if (i % step == 0) {
      ASSERT_NEAR(got[i], want.values[i / step], near) << "element " << i;
    }
  }
  // The six digits that are stored, and the roundings of all elements.
  double count = static_cast<double>(got.size());
  ASSERT_NEAR(sum, want.sum, 1e-6 * std::abs(want.sum) + near * std::sqrt(count)) << "all elements";
}

void expect_near(const std::vector<float>& got, const std::vector<float>& want) {
  ASSERT_EQ(got.size(), want.size());
  double near = tolerance(largest(want));
  for (size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], want[i], near) << "element " << i;
}

// Sets the activations of `run`, of one image, to image `image` of `images`.
void set_image(const OpRow& row, size_t image, size_t images, OpRun& run) {
  for (size_t i = 0; i < row.inputs.size(); ++i) {
    if (row.inputs[i].kind == RowInput::Kind::kActivation) {
      run.set_values(i, part(row_values(row, i, images), image, images));
    }
  }
}

TEST(Op, EveryTypeHasRows) {
  std::set<std::string> types;
  for (const OpRow& row : rows()) types.insert(row.node.type);
  for (const std::string& type : op_types()) EXPECT_TRUE(types.contains(type)) << type;
  EXPECT_EQ(types.size(), op_types().size());
}

TEST(Op, ShapesAreThoseOfPyTorch) {
  for (const OpRow& row : rows()) {
    EXPECT_EQ(make_row_op(row)->output_shape(), row.output_shape) << row.node.name;
  }
}

TEST(Op, OutputsAreThoseOfPyTorch) {
  for_each_row([](const OpRow& row) {
    OpRun run(row, simd_lanes(), row.images, row.training);
    run.forward();
    expect_reference(run.output(), row.output);
  });
}

TEST(Op, OutputsOfSingleImagesAreThoseOfPyTorch) {
  for_each_row([](const OpRow& row) {
    if (row.training) return;
    std::vector<float> outputs;
    OpRun run(row, 1, 1, false);
    for (size_t image = 0; image < row.images; ++image) {
      set_image(row, image, row.images, run);
      run.forward();
      std::vector<float> output = run.output();
      outputs.insert(outputs.end(), output.begin(), output.end());
    }
    expect_reference(outputs, row.output);
  });
}

TEST(Op, GradientsAreThoseOfPyTorch) {
  for_each_row([](const OpRow& row) {
    if (row.gradients.empty()) return;
    OpRun run(row, simd_lanes(), row.images, true);
    run.forward();
    expect_reference(run.output(), row.output);
    run.backward(projection(row, row.images));
    for (size_t i = 0; i < row.inputs.size(); ++i) {
      if (row.inputs[i].kind == RowInput::Kind::kAbsent) continue;
      SCOPED_TRACE("gradient of input " + std::to_string(i));
      expect_reference(run.d_input(i), row.gradients[i]);
      if (!row.inputs[i].is_weight()) {
        EXPECT_EQ(run.d_input_behind_images(i), 0.0F);
      }
    }
  });
}

// What an op makes of the zeros in the lanes that no image has must not spoil the gradients of
// weights, which are sums over lanes: 0 times infinity would.
TEST(Op, LanesBehindTheImagesDoNoHarm) {
  for_each_row([](const OpRow& row) {
    if (row.gradients.empty()) return;
    OpRun run(row, simd_lanes(), row.images, true);
    run.clear_behind_images();
    run.forward();
    EXPECT_TRUE(std::isfinite(run.output_behind_images()));
    run.backward(projection(row, row.images));
    for (size_t i = 0; i < row.inputs.size(); ++i) {
      if (row.inputs[i].kind == RowInput::Kind::kAbsent) continue;
      SCOPED_TRACE("gradient of input " + std::to_string(i));
      expect_reference(run.d_input(i), row.gradients[i]);
      if (!row.inputs[i].is_weight()) {
        EXPECT_EQ(run.d_input_behind_images(i), 0.0F);
      }
    }
  });
}

// The loss that has the projection as its gradient.
double loss(OpRun& run, const std::vector<float>& direction) {
  run.forward();
  std::vector<float> output = run.output();
  double sum = 0.0;
  for (size_t i = 0; i < output.size(); ++i) {
    sum += static_cast<double>(output[i]) * static_cast<double>(direction[i]);
  }
  return sum;
}

// The loss's change along a random direction of input `input`, and what the gradient foretells.
void check_direction(const OpRow& row, OpRun& run, size_t input, uint32_t stream,
                     const std::vector<float>& gradient) {
  // Values are 1/64 apart if not equal: no two pass each other, and none passes 0.
  constexpr float kStep = 0x1p-9F;
  std::vector<float> values = run.values(input);
  std::vector<float> there = values;
  std::vector<float> back = values;
  double foretold = 0.0;
  double scale = 0.0;
  for (size_t i = 0; i < values.size(); ++i) {
    float direction = pattern_value(stream, i);
    there[i] += kStep * direction;
    back[i] -= kStep * direction;
    double change = static_cast<double>(gradient[i]) * static_cast<double>(direction);
    foretold += change;
    scale += change * change;
  }
  std::vector<float> d_output = projection(row, row.images);
  run.set_values(input, there);
  double after = loss(run, d_output);
  run.set_values(input, back);
  double before = loss(run, d_output);
  run.set_values(input, values);
  // Rounding of the outputs, over the step: they are a random walk.
  double rounding = 1e-7 * std::sqrt(static_cast<double>(d_output.size())) * largest(run.output()) /
                    static_cast<double>(kStep);
  EXPECT_NEAR((after - before) / (2.0 * static_cast<double>(kStep)), foretold,
              2e-3 * std::sqrt(scale) + rounding);
}

TEST(Op, GradientsAreCentralDifferences) {
  for_each_row([](const OpRow& row) {
    if (row.gradients.empty() || row.ties || row.straight_through) return;
    OpRun run(row, simd_lanes(), row.images, true);
    run.forward();
    run.backward(projection(row, row.images));
    for (size_t i = 0; i < row.inputs.size(); ++i) {
      bool differentiable = row.inputs[i].kind != RowInput::Kind::kAbsent && run.op().trainable(i);
      if (!differentiable) continue;
      SCOPED_TRACE("input " + std::to_string(i));
      std::vector<float> gradient = run.d_input(i);
      for (uint32_t stream : {200U, 201U, 202U}) check_direction(row, run, i, stream, gradient);
    }
  });
}

TEST(Op, BatchIsImagesOneByOne) {
  for_each_row([](const OpRow& row) {
    if (row.training || row.gradients.empty()) return;
    OpRun batch(row, simd_lanes(), kManyImages, true);
    OpRun single(row, simd_lanes(), 1, true);
    std::vector<float> d_output = projection(row, kManyImages);
    batch.forward();
    batch.backward(d_output);
    for (size_t image = 0; image < kManyImages; ++image) {
      set_image(row, image, kManyImages, single);
      single.forward();
      single.backward(part(d_output, image, kManyImages));
      ASSERT_EQ(part(batch.output(), image, kManyImages), single.output()) << "image " << image;
      for (size_t i = 0; i < row.inputs.size(); ++i) {
        if (row.inputs[i].kind != RowInput::Kind::kActivation) continue;
        ASSERT_EQ(part(batch.d_input(i), image, kManyImages), single.d_input(i))
            << "image " << image;
      }
    }
    // Those of weights have been added up by both.
    for (size_t i = 0; i < row.inputs.size(); ++i) {
      if (row.inputs[i].is_weight()) expect_near(batch.d_input(i), single.d_input(i));
    }
  });
}

TEST(Op, InferenceOfABatchIsThatOfTraining) {
  for_each_row([](const OpRow& row) {
    if (row.training || row.gradients.empty()) return;
    OpRun training(row, simd_lanes(), kManyImages, true);
    OpRun inference(row, simd_lanes(), kManyImages, false);
    training.forward();
    inference.forward();
    expect_near(inference.output(), training.output());
  });
}

TEST(Op, LeavesOutGradientsThatAreNotWanted) {
  for_each_row([](const OpRow& row) {
    if (row.gradients.empty()) return;
    for (size_t refused = 0; refused < row.inputs.size(); ++refused) {
      if (row.inputs[refused].kind != RowInput::Kind::kActivation) continue;
      OpRun run(row, simd_lanes(), row.images, true);
      run.refuse_d_input(refused);
      run.forward();
      run.backward(projection(row, row.images));
      for (size_t i = 0; i < row.inputs.size(); ++i) {
        if (i != refused && row.gradients[i].present) {
          expect_reference(run.d_input(i), row.gradients[i]);
        }
      }
    }
  });
}

TEST(Op, ViewsHaveTheirInputsBytes) {
  size_t views = 0;
  for_each_row([&](const OpRow& row) {
    for (bool training : {false, true}) {
      OpRun run(row, simd_lanes(), kManyImages, training);
      if (!run.op().is_view(training)) continue;
      ++views;
      run.forward();
      EXPECT_EQ(run.output(), run.values(0));
      EXPECT_EQ(element_count(run.op().output_shape()), element_count(row.inputs[0].shape));
      std::vector<float> d_output = projection(row, kManyImages);
      run.backward(d_output);
      EXPECT_EQ(run.d_input(0), d_output);
    }
  });
  EXPECT_GT(views, 0U);
}

// The row of an op with one activation of `shape`, for what another op may do to its outputs.
OpRow following_row(Epilogue epilogue, const Shape& shape) {
  OpRow row;
  row.inputs = {{RowInput::Kind::kActivation, shape}};
  if (epilogue == Epilogue::kRelu) {
    row.node = {"Relu", "relu", {"x0"}, {"y"}, {}};
  } else {
    using Integers = std::vector<int64_t>;
    row.node = {"MaxPool",
                "pool",
                {"x0"},
                {"y"},
                {{"kernel_shape", Integers{2, 2}}, {"strides", Integers{2, 2}}}};
  }
  return row;
}

// Compares `op`, which does all of `epilogues`, with the row's op and what follows it.
void check_fused(const OpRow& row, std::unique_ptr<Op> op, const std::vector<Epilogue>& epilogues) {
  OpRun first(row, simd_lanes(), kManyImages, true);
  first.forward();
  std::vector<std::unique_ptr<OpRun>> rest;
  std::vector<float> output = first.output();
  Shape shape = row.output_shape;
  for (Epilogue epilogue : epilogues) {
    OpRow next = following_row(epilogue, shape);
    rest.push_back(std::make_unique<OpRun>(next, simd_lanes(), kManyImages, true));
    EXPECT_EQ(rest.back()->op().epilogue(), epilogue);
    rest.back()->set_values(0, output);
    rest.back()->forward();
    output = rest.back()->output();
    shape = rest.back()->op().output_shape();
  }
  ASSERT_EQ(op->output_shape(), shape);
  OpRow shaped = row;
  shaped.output_shape = shape;
  std::vector<float> gradient = projection(shaped, kManyImages);
  OpRun fused(row, simd_lanes(), kManyImages, true, std::move(op));
  fused.forward();
  expect_near(fused.output(), output);
  fused.backward(gradient);
  for (size_t i = rest.size(); i-- > 0;) {
    rest[i]->backward(gradient);
    gradient = rest[i]->d_input(0);
  }
  first.backward(gradient);
  for (size_t i = 0; i < row.inputs.size(); ++i) {
    if (row.inputs[i].kind == RowInput::Kind::kAbsent) continue;
    SCOPED_TRACE("gradient of input " + std::to_string(i));
    expect_near(fused.d_input(i), first.d_input(i));
  }
}

// The row's op with all epilogues, or null if it cannot.
std::unique_ptr<Op> make_fused(const OpRow& row, const std::vector<Epilogue>& epilogues) {
  std::unique_ptr<Op> op = make_row_op(row);
  for (Epilogue epilogue : epilogues) {
    if (op != nullptr) op = op->with_epilogue(epilogue);
  }
  return op;
}

void check_fused_single_images(const OpRow& row, const std::vector<Epilogue>& epilogues) {
  OpRun batch(row, simd_lanes(), row.images, false, make_fused(row, epilogues));
  batch.forward();
  OpRun single(row, 1, 1, false, make_fused(row, epilogues));
  for (size_t image = 0; image < row.images; ++image) {
    set_image(row, image, row.images, single);
    single.forward();
    expect_near(single.output(), part(batch.output(), image, row.images));
  }
}

TEST(Op, FusedIsOneAfterTheOther) {
  const std::vector<std::vector<Epilogue>> choices = {{Epilogue::kRelu},
                                                      {Epilogue::kMaxPool2x2},
                                                      {Epilogue::kRelu, Epilogue::kMaxPool2x2},
                                                      {Epilogue::kMaxPool2x2, Epilogue::kRelu}};
  std::vector<size_t> fused(choices.size());
  for_each_row([&](const OpRow& row) {
    for (size_t choice = 0; choice < choices.size(); ++choice) {
      std::unique_ptr<Op> op = make_fused(row, choices[choice]);
      if (op == nullptr) continue;
      SCOPED_TRACE("epilogues " + std::to_string(choice));
      ++fused[choice];
      check_fused(row, std::move(op), choices[choice]);
      check_fused_single_images(row, choices[choice]);
    }
  });
  EXPECT_GT(fused[0], 0U);
  EXPECT_GT(fused[2], 0U);
}

}  // namespace
}  // namespace mnist
