// Convolutions and poolings as C: their constants and functions.
#pragma once

#include "formats/c_header/c_parts.h"

namespace mnist {

void add_c_conv(const CNode& node, CParts& parts);
void add_c_max_pool(const CNode& node, CParts& parts);
void add_c_average_pool(const CNode& node, CParts& parts);

}  // namespace mnist
