// One op as C.
#pragma once

#include "formats/c_header/c_parts.h"

namespace mnist {

// Whether the op's result may lie where its first activation lies, if both are of one size.
bool c_works_in_place(const Node& node);

// Adds the node's constants and its function, where it has some with `comment` before them, and the
// line that calls it. Throws Error naming the node where there is no C for it.
void add_c_op(const CNode& node, const std::string& comment, CParts& parts);

}  // namespace mnist
