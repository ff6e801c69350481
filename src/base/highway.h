// The instruction sets that kernels are compiled for; include before anything of Highway's.
//
// SSSE3 and AVX3_DL add compile time but nothing that float kernels use: SSE4, AVX2 and AVX-512 are
// kept, beside the baseline.
#pragma once

#include <hwy/detect_compiler_arch.h>

#if HWY_ARCH_X86
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#endif
