#pragma once

#include <cstddef>

namespace mnist {

// Asks the system for all pages of a large new buffer at once. Without, it gives them one by one
// when they are first written, which takes longer than reading a file into them. Does nothing for a
// small buffer, and where the system cannot.
void prefault(void* buffer, size_t bytes);

}  // namespace mnist
