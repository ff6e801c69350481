// Functions of one variable, applied to every element.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "ops/op.h"

namespace mnist {

// What a function is given besides its variable: "alpha", "min", ...
struct MapParameters {
  float a = 0.0F;
  float b = 0.0F;
};

// One function's loops over padded arrays of `count` floats; backward reads x, y = forward(x) and
// d_y.
struct MapKernels {
  const char* name;
  void (*forward)(const float* x, float* y, size_t count, MapParameters parameters);
  void (*backward)(const float* x, const float* y, const float* d_y, float* d_x, size_t count,
                   MapParameters parameters);
};

// A node type that is such a function, and the attributes that become its parameters.
struct MapType {
  const char* type;
  const char* first = nullptr;  // attribute's name, null: none
  double first_default = 0.0;
  const char* second = nullptr;
  double second_default = 0.0;
  Epilogue epilogue = Epilogue::kNone;
  bool finite = true;          // for every finite x
  bool differentiable = true;  // see Op
};

// Throws Error naming the node where it has other inputs or attributes than `type` says.
std::unique_ptr<Op> make_map(const OpSpec& spec, const MapType& type, const MapKernels& kernels);

}  // namespace mnist
