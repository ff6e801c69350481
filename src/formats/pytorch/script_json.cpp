#include "formats/pytorch/script_json.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "base/json.h"
#include "base/text.h"
#include "formats/pytorch/tensor_layout.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr size_t kDeepest = 32;
constexpr size_t kMostTensors = 10'000;
constexpr size_t kLargestModelJson = size_t{16} << 20;

// Protobuf writes 64-bit integers as texts, and leaves out zeros.
int64_t integer(const JsonView& view) {
  if (!view.value().is_string()) return view.integer();
  const std::string text = view.text();
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) view.fail("an integer expected");
  return value;
}

int64_t integer_of(const JsonView& view, const std::string& key) {
  return view.has(key) ? integer(view.at(key)) : 0;
}

Shape integers_of(const JsonView& view, const std::string& key) {
  Shape values;
  if (!view.has(key)) return values;
  for (const JsonView& element : view.at(key).elements()) values.push_back(integer(element));
  return values;
}

class ScriptReader {
 public:
  ScriptReader(const ZipArchive& archive, std::string top, const JsonView& document)
      : archive_(archive),
        top_(std::move(top)),
        tensors_(document.has("tensors") ? document.at("tensors").elements()
                                         : std::vector<JsonView>()),
        values_left_(0) {
    for (const ZipEntry& entry : archive.entries()) values_left_ += entry.stored.size();
  }

  LooseWeights read(const JsonView& document) {
    if (document.has("mainModule")) add_module(document.at("mainModule"), "", 0);
    if (weights_.tensors.empty()) {
      throw Error(fmt::format("{}: a module without weights", archive_.who()));
    }
    return std::move(weights_);
  }

 private:
  void add_module(const JsonView& module, const std::string& prefix, size_t depth) {
    if (depth > kDeepest) module.fail(fmt::format("more than {} levels of modules", kDeepest));
    if (module.has("parameters")) {
      for (const JsonView& parameter : module.at("parameters").elements()) {
        add_tensor(parameter, prefix + parameter.at("name").text());
      }
    }
    if (!module.has("submodules")) return;
    for (const JsonView& child : module.at("submodules").elements()) {
      add_module(child, prefix + child.at("name").text() + ".", depth + 1);
    }
  }

  void add_tensor(const JsonView& parameter, const std::string& name) {
    const auto id = static_cast<uint64_t>(integer_of(parameter, "tensorId"));
    if (id >= tensors_.size()) parameter.fail(fmt::format("there is no tensor {}", id));
    if (weights_.tensors.size() == kMostTensors) parameter.fail("more tensors than a model has");
    const JsonView& tensor = tensors_[id];
    const std::string type = tensor.at("dataType").text();
    const std::string place = fmt::format("{}: tensor '{}'", archive_.who(), printable(name, 80));
    const std::optional<StoredFloat> stored = float_type(type);
    if (!stored) return;  // counters
    const std::string entry_name = top_ + tensor.at("data").at("key").text();
    const ZipEntry* entry = archive_.find(entry_name);
    if (entry == nullptr) {
      throw Error(fmt::format("{}: '{}' is missing", place, printable(entry_name, 80)));
    }
    const TensorLayout layout{integers_of(tensor, "dims"), integers_of(tensor, "strides"),
                              integer_of(tensor, "offset")};
    weights_.tensors.emplace_back(
        name, tensor_from_storage(layout, archive_.plain(*entry), *stored, values_left_, place));
  }

  static std::optional<StoredFloat> float_type(const std::string& type) {
    if (type == "FLOAT") return StoredFloat::kF32;
    if (type == "DOUBLE") return StoredFloat::kF64;
    if (type == "FLOAT16") return StoredFloat::kF16;
    return std::nullopt;
  }

  const ZipArchive& archive_;
  std::string top_;
  std::vector<JsonView> tensors_;
  size_t values_left_;
  LooseWeights weights_;
};

// The entry, null if there is none.
const ZipEntry* model_json(const ZipArchive& archive) {
  if (archive.entries().empty()) return nullptr;
  const std::string_view first = archive.entries()[0].name;
  return archive.find(fmt::format("{}model.json", first.substr(0, first.find('/') + 1)));
}

}  // namespace

bool is_script_json(const ZipArchive& archive) { return model_json(archive) != nullptr; }

LooseWeights read_script_json(const ZipArchive& archive) {
  const ZipEntry* entry = model_json(archive);
  if (entry == nullptr) throw Error(fmt::format("{}: 'model.json' is missing", archive.who()));
  const auto bytes = archive.plain(*entry);
  const std::string who = archive.who() + ": model.json";
  const Json json = parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, who,
                               kLargestModelJson);
  const JsonView document(json, who);
  const std::string top(entry->name.substr(0, entry->name.find('/') + 1));
  return ScriptReader(archive, top, document).read(document);
}

}  // namespace mnist
