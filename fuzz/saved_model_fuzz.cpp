// The graph, then the index of variables and their values, from one input: its first bytes say
// where each begins.
#include <algorithm>
#include <cstring>

#include "formats/format_list.h"
#include "mnist/error.h"
#include "mnist/model.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mnist;
  std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  uint16_t lengths[2] = {};
  if (bytes.size() < sizeof(lengths)) return 0;
  std::memcpy(lengths, bytes.data(), sizeof(lengths));
  bytes = bytes.subspan(sizeof(lengths));
  const auto index = bytes.first(std::min<size_t>(lengths[0], bytes.size()));
  bytes = bytes.subspan(index.size());
  const auto values = bytes.first(std::min<size_t>(lengths[1], bytes.size()));
  bytes = bytes.subspan(values.size());
  const auto beside = [&](const std::string& name, uint64_t) {
    const auto& part = name.ends_with(".index") ? index : values;
    return std::vector<std::byte>(part.begin(), part.end());
  };
  const Format& format = format_by_name("saved-model");
  format.recognises(bytes);
  try {
    check_model(std::get<Model>(format.read({"fuzz", bytes, beside})));
  } catch (const Error&) {
  }
  return 0;
}
