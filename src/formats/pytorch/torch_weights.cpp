#include "formats/pytorch/torch_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "formats/pytorch/numpy_array.h"
#include "formats/recognise/paired_lists.h"
#include "formats/recognise/reparametrised.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr size_t kDeepest = 32;
constexpr size_t kMostVisited = 100'000;
constexpr size_t kMostTensors = 10'000;
constexpr size_t kLongestName = 1'000;

// What training programs call the state dict in their checkpoints. The last ones may also be parts
// of one.
constexpr std::string_view kWrappings[] = {
    "state_dict", "model_state_dict", "model_state", "model",   "net",
    "network",    "module",           "params",      "weights", "model_weights"};
constexpr size_t kSureWrappings = 7;

class Collector {
 public:
  explicit Collector(TorchFile& file) : file_(file) {}

  TorchContents collect() {
    PickleRef root = unwrapped(file_.pickle().root);
    const bool is_module = root->as<PickleObject>() != nullptr;
    if (!is_module && !file_.is_script() && !file_.pickle().foreign.empty()) {
      throw Error(fmt::format("{}: pickle global '{}' is not allowed", file_.who(),
                              printable(file_.pickle().foreign, 120)));
    }
    if (is_module) {
      contents_.is_sequence = true;
      add_module(root, "", 0);
      add_constants();
    } else {
      add_items(root, "", 0);
    }
    if (contents_.weights.tensors.empty()) {
      fail(find_optimizer()
               ? "an optimiser's state without the weights of a network; the model's state dict is "
                 "what is needed"
               : "no weights: neither a state dict nor a module that holds any");
    }
    merge_reparametrised(contents_.weights, file_.who());
    pair_lists(contents_.weights);
    return std::move(contents_);
  }

 private:
  [[noreturn]] void fail(std::string_view reason) const {
    throw Error(fmt::format("{}: {}", file_.who(), reason));
  }

  void visit(size_t depth) {
    if (depth > kDeepest) fail(fmt::format("more than {} levels of modules", kDeepest));
    if (++visited_ > kMostVisited) fail("more modules than a model has");
  }

  // Whether the pickle holds what an optimiser's state_dict() gives.
  bool find_optimizer() const {
    const auto& values = file_.pickle().values;
    return std::any_of(values.begin(), values.end(), [](const PickleValue& value) {
      const auto* dict = value.as<PickleDict>();
      return dict != nullptr && is_optimizer(*dict);
    });
  }

  static bool is_module(PickleRef value) {
    const auto* object = value->as<PickleObject>();
    return object != nullptr && !TorchFile::is_tensor(value) && object->state != nullptr &&
           object->state->as<PickleDict>() != nullptr;
  }

  // A single number, as of a loss, is not counted.
  static bool holds_tensors(const PickleDict& dict) {
    return std::any_of(dict.items.begin(), dict.items.end(), [](const auto& item) {
      return TorchFile::is_tensor(item.second) && !TorchFile::is_number(item.second);
    });
  }

  static bool is_optimizer(const PickleDict& dict) {
    return find_item(dict, "param_groups") != nullptr;
  }

  // The state dict or module within the dictionaries around it.
  PickleRef unwrapped(PickleRef value) const {
    for (size_t depth = 0; depth < 4; ++depth) {
      const auto* dict = value->as<PickleDict>();
      if (dict == nullptr) return value;
      const PickleRef inner = wrapped_in(*dict);
      if (inner == nullptr) return value;
      value = inner;
    }
    return value;
  }

  // What stands under a usual name, or is the only thing that holds tensors. Beside tensors of the
  // dictionary's own (a history of losses) the name has to be sure.
  static PickleRef wrapped_in(const PickleDict& dict) {
    const bool has_own = holds_tensors(dict);
    for (size_t i = 0; i < std::size(kWrappings); ++i) {
      const PickleRef value = find_item(dict, kWrappings[i]);
      if (value == nullptr) continue;
      const auto* inner = value->as<PickleDict>();
      const bool is_full = is_module(value) || (inner != nullptr && !inner->items.empty());
      const bool is_sure = i < kSureWrappings && holds_weights(value);
      if (is_full && (!has_own || is_sure)) return value;
    }
    if (has_own || dict.items.size() < 2) return nullptr;
    PickleRef only = nullptr;
    for (const auto& [key, value] : dict.items) {
      if (!holds_weights(value)) continue;
      if (only != nullptr) return nullptr;
      only = value;
    }
    return only;
  }

  static bool holds_weights(PickleRef value) {
    const auto* dict = value->as<PickleDict>();
    return is_module(value) || (dict != nullptr && holds_tensors(*dict));
  }

  void add_tensor(PickleRef value, const std::string& name) {
    auto& tensors = contents_.weights.tensors;
    if (tensors.size() == kMostTensors) fail(fmt::format("more than {} tensors", kMostTensors));
    if (name.size() > kLongestName)
      fail(fmt::format("the name '{}' is too long", printable(name, 80)));
    if (!names_.insert(name).second) {
      fail(fmt::format("two tensors are called '{}'", printable(name, 80)));
    }
    std::optional<Tensor> tensor = file_.tensor(value, name);
    // Integers count batches or number positions; no layer of these networks weighs with them.
    if (tensor) tensors.emplace_back(name, std::move(*tensor));
  }

  std::string key_text(PickleRef key) const {
    if (const auto* text = key->as<PickleText>()) {
      if (text->text.size() > kLongestName) {
        fail(fmt::format("the name '{}' is too long", printable(text->text.substr(0, 200), 80)));
      }
      return std::string(text->text);
    }
    if (const auto* number = key->as<int64_t>()) return std::to_string(*number);
    return "";
  }

  // Tensors of dictionaries and lists within each other.
  void add_items(PickleRef value, const std::string& prefix, size_t depth) {
    visit(depth);
    const auto add = [&](const std::string& name, PickleRef item) {
      if (TorchFile::is_tensor(item)) {
        add_tensor(item, prefix + name);
      } else {
        add_items(item, prefix + name + ".", depth + 1);
      }
    };
    if (const PickleRef objects = numpy_objects(value)) value = objects;
    if (const auto* dict = value->as<PickleDict>()) {
      if (is_optimizer(*dict)) return;
      for (const auto& [key, item] : dict->items) add(key_text(key), item);
    } else if (const auto* list = value->as<PickleList>()) {
      for (size_t i = 0; i < list->items.size(); ++i) add(std::to_string(i), list->items[i]);
    } else if (const auto* tuple = value->as<PickleTuple>()) {
      for (size_t i = 0; i < tuple->items.size(); ++i) add(std::to_string(i), tuple->items[i]);
    }
  }

  void add_constants() {
    for (size_t i = 0; i < file_.constants().size(); ++i) {
      if (!TorchFile::is_tensor(file_.constants()[i])) continue;
      const std::string name = fmt::format("CONSTANTS.c{}", i);
      std::optional<Tensor> tensor = file_.constant(i, name);
      if (tensor) contents_.weights.tensors.emplace_back(name, std::move(*tensor));
    }
  }

  void add_module(PickleRef value, const std::string& prefix, size_t depth) {
    visit(depth);
    if (!is_module(value)) return;
    const auto& object = *value->as<PickleObject>();
    const auto& state = *object.state->as<PickleDict>();
    const size_t tensors_before = contents_.weights.tensors.size();
    std::vector<std::pair<std::string, PickleRef>> children;
    const PickleRef modules = find_item(state, "_modules");
    if (modules != nullptr && modules->as<PickleDict>() != nullptr) {
      add_own_tensors(state, "_parameters", prefix);
      add_own_tensors(state, "_buffers", prefix);
      for (const auto& [key, child] : modules->as<PickleDict>()->items) {
        if (is_module(child)) children.emplace_back(key_text(key), child);
      }
    } else {  // TorchScript: all attributes in one dictionary
      for (const auto& [key, child] : state.items) {
        if (TorchFile::is_tensor(child)) add_tensor(child, prefix + key_text(key));
        if (is_module(child)) children.emplace_back(key_text(key), child);
      }
    }
    if (children.empty()) {
      const std::string name = prefix.substr(0, prefix.size() - (prefix.empty() ? 0 : 1));
      contents_.layers.push_back({name, object.type, &state});
      if (layer_type(object.type).empty()) contents_.is_sequence = false;
      return;
    }
    const bool has_own = contents_.weights.tensors.size() != tensors_before;
    if (layer_type(object.type) != "Sequential" || has_own) contents_.is_sequence = false;
    for (const auto& [name, child] : children) add_module(child, prefix + name + ".", depth + 1);
  }

  void add_own_tensors(const PickleDict& state, std::string_view attribute,
                       const std::string& prefix) {
    const PickleRef found = find_item(state, attribute);
    const auto* dict = found == nullptr ? nullptr : found->as<PickleDict>();
    if (dict == nullptr) return;
    for (const auto& [key, value] : dict->items) {
      if (TorchFile::is_tensor(value)) add_tensor(value, prefix + key_text(key));
    }
  }

  TorchFile& file_;
  TorchContents contents_;
  std::set<std::string> names_;
  size_t visited_ = 0;
};

}  // namespace

TorchContents contents_of_torch(TorchFile& file) { return Collector(file).collect(); }

std::string_view layer_type(std::string_view type) {
  constexpr std::string_view kScript = "__torch__.";
  if (type.starts_with(kScript)) type.remove_prefix(kScript.size());
  if (!type.starts_with("torch.nn.")) return "";
  return type.substr(type.rfind('.') + 1);
}

}  // namespace mnist
