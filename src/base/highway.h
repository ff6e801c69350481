// The instruction sets that kernels are compiled for; include before anything of Highway's.
//
// SSSE3 and AVX3_DL add compile time but nothing that float kernels use: SSE4, AVX2 and AVX-512 are
// kept, beside the baseline, which Highway emulates with vectors of 128 bits.
#pragma once

// Highway distrusts this emulation before GCC 12.3 because of a fault in 16-bit multiplication
// (gcc.gnu.org/PR106322), which float kernels do not use; its replacement has no vectors at all.
// The tests run every op on it.
#define HWY_BROKEN_EMU128 0

#include <hwy/detect_compiler_arch.h>

#if HWY_ARCH_X86
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#elif HWY_ARCH_ARM
// Kernels know the length of a vector when they are compiled.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#endif
