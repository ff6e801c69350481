// The same elements under another shape.
#pragma once

#include <memory>

#include "ops/op.h"

namespace mnist {

// The op that gives its input the shape `output`, of as many elements.
std::unique_ptr<Op> make_view(Shape output);

}  // namespace mnist
