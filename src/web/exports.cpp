#include "web/exports.h"

#include <algorithm>

#include "base/json.h"

namespace mnist::web {
namespace {

constexpr size_t kPage = 65536;  // of WebAssembly's memory

std::vector<std::byte>& result() {
  static std::vector<std::byte> bytes;
  return bytes;
}

}  // namespace

void set_result(std::span<const std::byte> bytes) { result().assign(bytes.begin(), bytes.end()); }
void set_result(std::string_view text) {
  set_result(std::as_bytes(std::span(text.data(), text.size())));
}
void set_json(const nlohmann::json& value) { set_result(std::string_view(value.dump())); }
void set_result(std::span<const float> values) { set_result(std::as_bytes(values)); }

std::span<const std::byte> bytes_at(const void* address, size_t size) {
  const size_t memory = __builtin_wasm_memory_size(0) * kPage;
  const size_t first = reinterpret_cast<size_t>(address);
  if (first > memory || size > memory - first) throw Error("bytes outside of memory");
  return {static_cast<const std::byte*>(address), size};
}

std::span<const uint8_t> pixels_at(const void* address, size_t size) {
  bytes_at(address, size);
  return {static_cast<const uint8_t*>(address), size};
}

std::string text_at(const char* address, size_t size) {
  bytes_at(address, size);
  return {address, size};
}

nlohmann::json json_at(const char* address, size_t size) {
  return parse_json(text_at(address, size), "settings");
}

}  // namespace mnist::web

MNIST_EXPORT const void* mnist_result() { return mnist::web::result().data(); }
MNIST_EXPORT size_t mnist_result_size() { return mnist::web::result().size(); }
