// PyTorch's files as models: a state dict or a module with code of its own is weights alone; a
// Sequential of PyTorch's own layers is a network. What is written is a state dict.
#include <fmt/format.h>

#include <cstring>

#include "base/text.h"
#include "formats/format_list.h"
#include "formats/pixel_graph.h"
#include "formats/pytorch/script_json.h"
#include "formats/pytorch/torch_file.h"
#include "formats/pytorch/torch_weights.h"
#include "formats/pytorch/torch_write.h"
#include "formats/recognise.h"
#include "formats/recognise/layer_chain.h"
#include "formats/torchscript/script_run.h"
#include "mnist/error.h"

namespace mnist {
namespace {

bool is_archive(std::span<const std::byte> bytes) {
  return bytes.size() >= 4 && std::memcmp(bytes.data(), "PK\3\4", 4) == 0;
}

// Its code is the network; where that cannot be followed, its weights may still be recognised.
FileContents contents_of_script(const TorchFile& file, TorchContents contents) {
  std::string reason;
  try {
    return model_of_script(file, contents.weights);
  } catch (const Error& error) {
    reason = error.what();
  }
  contents.weights.layers = nodes_of_layers(contents.layers, false, file.who());
  try {
    recognise(contents.weights, file.who());
  } catch (const Error&) {
    throw Error(reason);
  }
  contents.weights.metadata["pytorch.script"] = "not followed: " + reason;
  return std::move(contents.weights);
}

FileContents read(const ModelSource& source) {
  if (is_archive(source.bytes)) {
    const ZipArchive archive(source.bytes, source.who);
    if (is_script_json(archive)) return read_script_json(archive);
  }
  TorchFile file(source.bytes, source.who);
  TorchContents contents = contents_of_torch(file);
  if (file.is_script()) return contents_of_script(file, std::move(contents));
  // Of a Sequential all layers count. Others may have some that they do not call.
  const bool all = contents.is_sequence;
  contents.weights.layers = nodes_of_layers(contents.layers, all, source.who);
  if (all) {
    if (auto model = chain_of_layers(contents.weights, source.who)) return std::move(*model);
  }
  return std::move(contents.weights);
}

void write(const Model& model, const SaveOptions& options, Sink& sink) {
  write_state_dict(scaling_as_pixels(model), options.tensor_type, sink);
}

// The name of a zip archive's first entry: every format that is a zip archive looks at it.
std::string_view first_entry(std::span<const std::byte> head) {
  constexpr size_t kNameStart = 30;
  if (head.size() < kNameStart || !is_archive(head)) return "";
  uint16_t length = 0;
  std::memcpy(&length, &head[26], sizeof(length));
  const auto name = head.subspan(kNameStart, std::min<size_t>(length, head.size() - kNameStart));
  return {reinterpret_cast<const char*>(name.data()), name.size()};
}

// A pickle, or an archive of one folder that begins with what PyTorch puts first.
bool recognises(std::span<const std::byte> head) {
  if (head.size() >= 2 && head[0] == std::byte{0x80} && head[1] >= std::byte{2} &&
      head[1] <= std::byte{5}) {
    return true;
  }
  const std::string_view name = first_entry(head);
  const size_t slash = name.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view inner = name.substr(slash + 1);
  for (const char* known :
       {"data.pkl", "version", "constants.pkl", "byteorder", ".format_version", "model.json"}) {
    if (inner == known) return true;
  }
  return inner.starts_with("data/") || inner.starts_with("code/") || inner.starts_with("tensors/");
}

}  // namespace

extern const Format kPyTorch;
const Format kPyTorch = {
    .name = "pytorch",
    .description = "PyTorch's state dicts and modules, read without running what they hold",
    .suffixes = {".pt", ".pth", ".pkl", ".state_dict", ".ckpt"},
    .recognises = recognises,
    .read = read,
    .write = write,
    .abilities = {.types = {TensorType::kF32, TensorType::kF16, TensorType::kBF16}},
};

}  // namespace mnist
