// What the C of a network is put together from.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "formats/c_header/c_text.h"
#include "mnist/model_file.h"
#include "ops/op.h"

namespace mnist {

struct CNode {
  OpSpec spec;
  Shape output;
  std::string name;                 // of its function and constants: "digit_conv1"
  std::vector<std::string> inputs;  // C expressions; empty for weights and what is left out
  std::string result;               // C expression
};

struct CParts {
  TensorType type = TensorType::kF32;  // or kInt8
  CText functions;                     // and constants
  std::vector<std::string> calls;
  // Functions that nodes share, by their names after "digit_".
  std::map<std::string, std::string> helpers;
};

// Weights as signed bytes, with one scale for each of `outputs` rows.
struct CBytes {
  std::vector<int8_t> values;
  std::vector<float> scales;
};
CBytes c_bytes(std::span<const float> weights, size_t outputs);

// The constants NAME_weight, as bytes with NAME_scale or as floats, and NAME_bias.
void add_c_weights(const CNode& node, std::span<const float> weights, std::span<const float> bias,
                   CParts& parts);

// "NAME_weight[INDEX]" as a float.
std::string c_weight(const CNode& node, const CParts& parts, const std::string& index);

// What becomes of `sum`, the sum of products for output `o`.
std::string c_result(const CNode& node, const CParts& parts);

// Opens the function NAME, from `x` to `y`.
void open_c_function(const CNode& node, CParts& parts);

}  // namespace mnist
