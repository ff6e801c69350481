#include "cli/interrupt.h"

#include <unistd.h>

#include <atomic>
#include <csignal>

namespace mnist {
namespace {

// A signal handler can reach nothing but globals.
std::atomic<int> received{0};
static_assert(std::atomic<int>::is_always_lock_free);
struct sigaction previous_interrupt;
struct sigaction previous_terminate;

void note(int signal) {
  if (received.exchange(signal) != 0) ::_exit(128 + signal);
}

}  // namespace

InterruptGuard::InterruptGuard() {
  received = 0;
  struct sigaction action {};
  action.sa_handler = note;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, &previous_interrupt);
  ::sigaction(SIGTERM, &action, &previous_terminate);
}

InterruptGuard::~InterruptGuard() {
  ::sigaction(SIGINT, &previous_interrupt, nullptr);
  ::sigaction(SIGTERM, &previous_terminate, nullptr);
}

int InterruptGuard::exit_code() const {
  const int signal = received.load();
  return signal == 0 ? 0 : 128 + signal;
}

}  // namespace mnist
