// Functions of one and of two variables as C.
#pragma once

#include "formats/c_header/c_parts.h"

namespace mnist {

// Whether there is C for the operator, and adding it. Those of one variable are shared by all nodes
// of the type; one of two variables has a function of its own, for its shapes.
bool is_c_map(const std::string& type);
void add_c_map(const CNode& node, CParts& parts);
bool is_c_binary(const std::string& type);
void add_c_binary(const CNode& node, CParts& parts);

// Softmax and LogSoftmax.
void add_c_softmax(const CNode& node, CParts& parts);

// The function digit_softmax(x, y, count, classes, inner), which digit_predict ends in.
void add_c_softmax_helper(CParts& parts);

// The function digit_copy(x, y, count, run, step): runs of values whose places are `step` apart.
void add_c_copy_helper(CParts& parts);

// Takes the names of all functions that nodes share.
void add_c_names(CNames& names);

}  // namespace mnist
