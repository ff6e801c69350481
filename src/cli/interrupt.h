// Ctrl-C during a training run: the first ends it in good order, the second at once.
#pragma once

namespace mnist {

// While one exists, SIGINT and SIGTERM only make a note; a second one ends the program.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  // The exit code for the signal that came, by shells' convention 128 + its number; 0: none came.
  int exit_code() const;
};

}  // namespace mnist
