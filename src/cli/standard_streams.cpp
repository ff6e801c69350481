#include "cli/standard_streams.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "mnist/error.h"

namespace mnist {
namespace {

// Why writing failed first; the C library only keeps that it did.
int output_error = 0;

void note_failure() {
  if (output_error == 0) output_error = errno;
}

}  // namespace

void reserve_standard_streams() {
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; ++stream) {
    if (::fcntl(stream, F_GETFD) != -1 || errno != EBADF) continue;
    // The lowest number that is free is this one. Opened the wrong way round: as good as closed.
    const int flags = stream == STDIN_FILENO ? O_WRONLY : O_RDONLY;
    if (::open("/dev/null", flags) < 0) return;
  }
}

void write_error(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

void write_output(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) note_failure();
  if (std::fflush(stdout) != 0) note_failure();
}

void check_output() {
  if (std::fflush(stdout) != 0) note_failure();
  if (output_error == 0 && std::ferror(stdout) == 0) return;
  throw Error(fmt::format("standard output: cannot be written: {}",
                          std::strerror(output_error == 0 ? EIO : output_error)));
}

}  // namespace mnist
