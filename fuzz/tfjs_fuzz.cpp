// model.json, and behind it, from the first 0 on, what every file beside it holds.
#include <algorithm>

#include "formats/format_list.h"
#include "mnist/error.h"
#include "mnist/model.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mnist;
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto zero = std::find(bytes.begin(), bytes.end(), std::byte{0});
  const auto json = bytes.first(static_cast<size_t>(zero - bytes.begin()));
  const auto beside = [&](const std::string&, uint64_t) {
    return zero == bytes.end() ? std::vector<std::byte>()
                               : std::vector<std::byte>(zero + 1, bytes.end());
  };
  const Format& format = format_by_name("tfjs");
  format.recognises(json);
  try {
    check_model(std::get<Model>(format.read({"fuzz", json, beside})));
  } catch (const Error&) {
  }
  return 0;
}
