// What the tests of formats share.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>

#include "base/random.h"
#include "mnist/error.h"
#include "mnist/model.h"
#include "model/architectures.h"

namespace mnist {

// The architecture with random weights, among them floats that few decimal digits do not catch.
inline Model random_model(const std::string& architecture, const Shape& input_shape = {1, 28, 28},
                          int64_t classes = 10) {
  Model model = make_architecture(architecture, input_shape, classes);
  Random random(random_key(1, RandomUse::kInitialWeights));
  for (auto& [name, tensor] : model.weights) {
    const bool is_variance = name.ends_with(".var");
    for (float& value : tensor.values) {
      value = random.normal() * 0.1F;
      if (is_variance) value = value * value + 0.5F;
    }
  }
  return model;
}

inline void expect_same_values(const Model& a, const Model& b) {
  ASSERT_EQ(a.weights.size(), b.weights.size());
  for (const auto& [name, tensor] : a.weights) {
    ASSERT_TRUE(b.is_weight(name)) << name;
    const Tensor& other = b.weights.at(name);
    EXPECT_EQ(tensor.shape, other.shape) << name;
    ASSERT_EQ(tensor.values.size(), other.values.size()) << name;
    EXPECT_EQ(std::memcmp(tensor.values.data(), other.values.data(),
                          tensor.values.size() * sizeof(float)),
              0)
        << name;
  }
}

inline void expect_same_graph(const Model& a, const Model& b) {
  EXPECT_EQ(a.architecture, b.architecture);
  EXPECT_EQ(a.input, b.input);
  EXPECT_EQ(a.input_shape, b.input_shape);
  EXPECT_EQ(a.output, b.output);
  EXPECT_EQ(a.pixels.scale, b.pixels.scale);
  EXPECT_EQ(a.pixels.offset, b.pixels.offset);
  EXPECT_EQ(a.class_names, b.class_names);
  EXPECT_EQ(a.metadata, b.metadata);
  ASSERT_EQ(a.nodes.size(), b.nodes.size());
  for (size_t i = 0; i < a.nodes.size(); ++i) {
    EXPECT_EQ(a.nodes[i].type, b.nodes[i].type);
    EXPECT_EQ(a.nodes[i].name, b.nodes[i].name);
    EXPECT_EQ(a.nodes[i].inputs, b.nodes[i].inputs);
    EXPECT_EQ(a.nodes[i].outputs, b.nodes[i].outputs);
    EXPECT_EQ(a.nodes[i].attributes, b.nodes[i].attributes);
  }
}

// The text of the Error that `action` throws; fails the test if it throws none.
template <typename Action>
std::string error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  ADD_FAILURE() << "no Error was thrown";
  return "";
}

// A file of the material outside the repository, nothing if `variable` is unset.
inline std::optional<std::filesystem::path> outside_file(const char* variable,
                                                         const std::string& name) {
  const char* folder = std::getenv(variable);
  if (folder == nullptr) return std::nullopt;
  return std::filesystem::path(folder) / name;
}

}  // namespace mnist
