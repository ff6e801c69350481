// The machine's limit, measured.
#pragma once

#include "base/threads.h"

namespace mnist {

// Float32 multiply-adds per second that the chosen instruction set reaches on all threads together
// with operands in registers, counted as two operations each, in GFLOP/s. Takes about 50 ms.
double measure_fma_peak(ThreadPool& threads);

}  // namespace mnist
