#include "formats/pytorch/torch_write.h"

#include <fmt/format.h>

#include <set>

#include "base/zip.h"
#include "formats/recognise/weight_layer.h"
#include "formats/stored_floats.h"
#include "formats/torch_names.h"

namespace mnist {
namespace {

// PyTorch maps the file into memory and wants its tensors so.
constexpr size_t kAlignment = 64;
constexpr char kFolder[] = "archive/";

// A pickle of protocol 2, written operation by operation.
class PickleWriter {
 public:
  PickleWriter() { text_ += "\x80\x02"; }

  PickleWriter& op(char operation) {
    text_ += operation;
    return *this;
  }
  PickleWriter& global(std::string_view module, std::string_view name) {
    text_ += fmt::format("c{}\n{}\n", module, name);
    return *this;
  }
  PickleWriter& text(std::string_view text) {
    return op('X').bytes(static_cast<uint32_t>(text.size()), 4).raw(text);
  }
  PickleWriter& integer(uint64_t value) {
    if (value < uint64_t{1} << 31) return op('J').bytes(value, 4);
    return op('\x8a').bytes(8, 1).bytes(value, 8);
  }
  PickleWriter& tuple(const Shape& shape) {
    op('(');
    for (int64_t extent : shape) integer(static_cast<uint64_t>(extent));
    return op('t');
  }
  PickleWriter& ordered_dict() { return global("collections", "OrderedDict").op(')').op('R'); }

  const std::string& finished() { return op('.').text_; }

 private:
  PickleWriter& raw(std::string_view text) {
    text_ += text;
    return *this;
  }
  PickleWriter& bytes(uint64_t value, int count) {
    for (int i = 0; i < count; ++i) text_ += static_cast<char>(value >> (8 * i) & 0xff);
    return *this;
  }

  std::string text_;
};

Shape contiguous_strides(const Shape& shape) {
  Shape strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

const char* storage_name(StoredFloat type) {
  return type == StoredFloat::kF32   ? "FloatStorage"
         : type == StoredFloat::kF16 ? "HalfStorage"
                                     : "BFloat16Storage";
}

void put_tensor(PickleWriter& pickle, const Shape& shape, StoredFloat type,
                const std::string& key) {
  pickle.global("torch._utils", "_rebuild_tensor_v2").op('(');
  pickle.op('(').text("storage").global("torch", storage_name(type)).text(key).text("cpu");
  pickle.integer(element_count(shape)).op('t').op('Q');
  pickle.integer(0).tuple(shape).tuple(contiguous_strides(shape)).op('\x89');
  pickle.ordered_dict().op('t').op('R');
}

// Weights that the document keeps as (in,out).
std::set<std::string> transposed_weights(const Model& model) {
  std::set<std::string> names;
  for (const Node& node : model.nodes) {
    const bool is_stored_so = node.type == "Gemm" && node.inputs.size() > 1 &&
                              node.integer("transB", 0) == 0 && model.is_weight(node.inputs[1]);
    if (is_stored_so && model.weight(node.inputs[1]).shape.size() == 2) {
      names.insert(node.inputs[1]);
    }
  }
  return names;
}

}  // namespace

void write_state_dict(const Model& model, TensorType type, Sink& sink) {
  const std::set<std::string> turned = transposed_weights(model);
  PickleWriter pickle;
  std::vector<std::vector<std::byte>> storages;
  pickle.ordered_dict().op('(');
  for (const NamedWeight& name : torch_names(model)) {
    const Tensor& stored = model.weight(name.weight);
    const Tensor tensor = turned.contains(name.weight) ? transposed(stored) : stored;
    const StoredFloat width = stored_type(tensor.shape, type);
    pickle.text(name.stored);
    put_tensor(pickle, tensor.shape, width, std::to_string(storages.size()));
    storages.push_back(bytes_from(tensor.values, width, name.weight));
  }
  pickle.op('u');
  ZipWriter zip(sink, kAlignment);
  const std::string folder = kFolder;
  zip.add(folder + "data.pkl", pickle.finished());
  zip.add(folder + "byteorder", "little");
  for (size_t i = 0; i < storages.size(); ++i) {
    zip.add(fmt::format("{}data/{}", folder, i), storages[i]);
  }
  zip.add(folder + "version", "3\n");
  zip.finish();
}

}  // namespace mnist
