#include "base/text.h"
#include "formats/format_list.h"
#include "formats/onnx/import.h"
#include "formats/onnx/onnx.h"

namespace mnist {
namespace {

FileContents read(const ModelSource& source) {
  return import_onnx(read_onnx(source.bytes, source.who), source);
}

// Field 1, the IR version: 3 and up, which tells it from TensorFlow's SavedModel; then another of
// the fields that files begin with.
bool recognises(std::span<const std::byte> head) {
  constexpr unsigned char kFields[] = {0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72};
  if (head.size() < 3 || head[0] != std::byte{0x08}) return false;
  const auto version = static_cast<unsigned char>(head[1]);
  return version >= 3 && version < 64 &&
         std::any_of(std::begin(kFields), std::end(kFields),
                     [&](unsigned char field) { return head[2] == std::byte{field}; });
}

}  // namespace

extern const Format kOnnx;
const Format kOnnx = {
    .name = "onnx",
    .description = "ONNX, operator sets 6 and newer",
    .suffixes = {".onnx"},
    .recognises = recognises,
    .read = read,
};

}  // namespace mnist
