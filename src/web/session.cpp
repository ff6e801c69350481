#include "web/session.h"

#include "classify/adapt_input.h"

namespace mnist::web {
namespace {

Handles<Session>& sessions() {
  static Handles<Session> all;
  return all;
}

}  // namespace

// One image runs on its caller's thread: more would have nothing to do.
Session::Session(const Model& model, const std::string& who)
    : model_(grey_input(model, who)),
      size_(input_size(model_, who)),
      threads_(1),
      inference_(model_, threads_) {
  if (size_.height == size_.width) preparation_ = prepare_options(size_, who);
}

Inspection& Session::inspection() {
  if (!inspection_) inspection_.emplace(model_);
  return *inspection_;
}

Session& session(int handle) { return sessions().at(handle); }

int add_session(const Model& model, const std::string& who) {
  return sessions().add(std::make_unique<Session>(model, who));
}

}  // namespace mnist::web

MNIST_EXPORT int mnist_close(int handle) {
  return mnist::web::guarded([&] {
    mnist::web::sessions().remove(handle);
    return 0;
  });
}
