// The networks that the program knows by name.
#pragma once

#include <string>
#include <vector>

#include "mnist/model.h"

namespace mnist {

std::vector<std::string> architecture_names();

// One line for people. Throws Error like make_architecture.
std::string architecture_description(const std::string& name);

// The network for images of `input_shape` (channels, height, width) and `classes` classes, its
// weights zero: the trainer gives them their first values. Ends in logits. Weights are called
// "conv1.weight" (O,I,H,W), "conv1.bias" (O), "fc1.weight" (out,in), "bn1.scale", "bn1.bias",
// "bn1.mean", "bn1.var" (C); a dense layer after a convolution reads it in C,H,W order. Throws
// Error for an unknown name, proposing the nearest, and for images that are too small.
Model make_architecture(const std::string& name, const Shape& input_shape = {1, 28, 28},
                        int64_t classes = 10);

// The same without values, for readers that bring their own: each weight has its shape only.
Model architecture_graph(const std::string& name, const Shape& input_shape = {1, 28, 28},
                         int64_t classes = 10);

}  // namespace mnist
