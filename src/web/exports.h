// What the page can call, and how: numbers and bytes in WebAssembly's memory, nothing else.
//
// Every exported function returns a number of at least 0, or kFailed; what else it has to say lies
// in one result buffer (mnist_result, mnist_result_size) until the next call: bytes, floats, JSON,
// or the message where it failed. Bytes come as (address, size), and are checked to lie in memory.
#pragma once

#include <emscripten.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mnist/error.h"

#define MNIST_EXPORT extern "C" EMSCRIPTEN_KEEPALIVE

namespace mnist::web {

constexpr int kFailed = -1;

void set_result(std::span<const std::byte> bytes);
void set_result(std::string_view text);
void set_json(const nlohmann::json& value);
void set_result(std::span<const float> values);

// Throws Error where they are not all in memory.
std::span<const std::byte> bytes_at(const void* address, size_t size);
std::span<const uint8_t> pixels_at(const void* address, size_t size);
std::string text_at(const char* address, size_t size);
nlohmann::json json_at(const char* address, size_t size);

// Runs what an exported function does; an exception becomes kFailed and its message the result.
template <class Action>
int guarded(Action action) noexcept {
  try {
    return action();
  } catch (const std::exception& error) {
    set_result(std::string_view(error.what()));
    return kFailed;
  }
}

// What the page holds by number.
template <class Kind>
class Handles {
 public:
  int add(std::unique_ptr<Kind> thing) {
    things_[next_] = std::move(thing);
    return next_++;
  }
  void remove(int handle) { things_.erase(handle); }
  Kind& at(int handle) {
    const auto found = things_.find(handle);
    if (found == things_.end()) throw Error("no such handle: it was closed or never opened");
    return *found->second;
  }

 private:
  std::map<int, std::unique_ptr<Kind>> things_;
  int next_ = 1;
};

}  // namespace mnist::web
