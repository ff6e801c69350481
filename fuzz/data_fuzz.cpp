// Any file is a set of images (IDX, plain or .gz, .npz) or refused.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "data/idx.h"
#include "data/npz.h"
#include "mnist/error.h"

namespace {

// The bytes as a file that never touches a disk.
class MemoryFile {
 public:
  MemoryFile(const uint8_t* data, size_t size) : file_(::memfd_create("fuzz", 0)) {
    if (::write(file_, data, size) < 0) std::abort();
  }
  ~MemoryFile() { ::close(file_); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }

 private:
  int file_;
};

template <typename Read>
void try_reading(Read read) {
  try {
    read();
  } catch (const mnist::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const MemoryFile file(data, size);
  try_reading([&] { mnist::read_idx_images(file.path()); });
  try_reading([&] { mnist::read_idx_labels(file.path()); });
  try_reading([&] { mnist::read_idx_image(file.path(), 3); });
  try_reading([&] { mnist::read_npz_dataset(file.path(), "train"); });
  return 0;
}
