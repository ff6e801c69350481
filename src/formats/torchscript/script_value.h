// What TorchScript's code computes with while its network is put together.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "formats/pytorch/pickle.h"
#include "formats/torchscript/script.h"

namespace mnist {

struct ScriptValue;

// How many images there are: the first extent of every activation, whatever it is.
struct ScriptBatch {};
// What a node of the network makes.
struct ScriptActivation {
  std::string value;
};
// A tensor of the file, by the name of its weight.
struct ScriptWeight {
  std::string name;
  bool transposed = false;
};
struct ScriptModule {
  PickleRef object = nullptr;
  std::string path;  // "layer1.0."; empty for the whole
};
// A list or a tuple. Copies share their items, so that no code can make much of little.
class ScriptList {
 public:
  explicit ScriptList(std::vector<ScriptValue> items);

  const std::vector<ScriptValue>& items() const { return *items_; }
  size_t depth() const { return depth_; }  // of lists within each other

 private:
  std::shared_ptr<const std::vector<ScriptValue>> items_;
  size_t depth_ = 1;
};
struct ScriptName {  // of a function, a package or a type
  std::string name;
};

struct ScriptValue {
  std::variant<std::monostate, bool, int64_t, double, std::string, ScriptBatch, ScriptActivation,
               ScriptWeight, ScriptModule, ScriptList, ScriptName>
      value;

  template <typename T>
  const T* as() const {
    return std::get_if<T>(&value);
  }
  bool is_none() const { return as<std::monostate>() != nullptr; }
};

inline ScriptList::ScriptList(std::vector<ScriptValue> items)
    : items_(std::make_shared<const std::vector<ScriptValue>>(std::move(items))) {
  for (const ScriptValue& item : *items_) {
    const auto* inner = item.as<ScriptList>();
    if (inner != nullptr) depth_ = std::max(depth_, inner->depth() + 1);
  }
}

}  // namespace mnist
