// Highway's shared library measures its timer when it is loaded, which takes longer than all that
// this program does at its start (5 to 10 ms). Nothing here uses that timer; a program's own
// definition goes before a shared library's, and this one costs nothing.
#include <hwy/nanobenchmark.h>

namespace hwy::platform {

uint64_t TimerResolution() { return 1; }

}  // namespace hwy::platform
