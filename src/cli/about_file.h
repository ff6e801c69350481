// Names the file that an error is about.
#pragma once

#include <string>

#include "mnist/error.h"

namespace mnist {

// What `action` returns; an Error that it throws begins with `path` then.
template <typename Action>
auto about_file(const std::string& path, Action action) -> decltype(action()) {
  try {
    return action();
  } catch (const Error& error) {
    throw Error(path + ": " + error.what());
  }
}

}  // namespace mnist
