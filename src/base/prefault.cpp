#include "base/prefault.h"

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

namespace mnist {

void prefault([[maybe_unused]] void* buffer, [[maybe_unused]] size_t bytes) {
#ifdef MADV_POPULATE_WRITE
  // Loading 1.6 MB takes 1.0 ms with it and 1.5 ms without; below this size nothing is gained.
  constexpr size_t kLeast = size_t{1} << 18;
  constexpr uintptr_t kPage = 4096;
  if (bytes < kLeast) return;
  // The whole pages of it.
  const uintptr_t before = (kPage - reinterpret_cast<uintptr_t>(buffer) % kPage) % kPage;
  const size_t pages = (bytes - before) / kPage;
  // A failure costs nothing but the time that was to be saved.
  static_cast<void>(
      ::madvise(static_cast<std::byte*>(buffer) + before, pages * kPage, MADV_POPULATE_WRITE));
#endif
}

}  // namespace mnist
