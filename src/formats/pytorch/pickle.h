// Python's pickles, read as data: nothing that a pickle names is looked up or called.
//
// A pickle is a program for a stack machine. This one has the operations that PyTorch's files need,
// and what they would call in Python becomes a value that says so; a call of anything that is not
// on a short list (pickle_globals.h) is refused by its name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace mnist {

struct PickleValue;
using PickleRef = const PickleValue*;

struct PickleText {
  std::string_view text;  // or bytes
};
struct PickleBigInteger {
  std::string_view bytes;  // little-endian, over eight
};
struct PickleGlobal {
  std::string name;  // "torch._utils._rebuild_tensor_v2"
};
struct PickleList {  // or a set
  std::vector<PickleRef> items;
};
struct PickleTuple {
  std::vector<PickleRef> items;
};
struct PickleDict {  // or an OrderedDict
  std::vector<std::pair<PickleRef, PickleRef>> items;
};
// What a class or a listed function would have made.
struct PickleObject {
  std::string_view type;
  PickleRef arguments = nullptr;  // a tuple
  PickleRef state = nullptr;      // null where it was given none
};
// What PyTorch keeps outside of the pickle.
struct PickleStorage {
  std::string_view type;  // "torch.FloatStorage"
  std::string_view key;
  int64_t count = 0;  // of its values
};

struct PickleValue {
  std::variant<std::monostate, bool, int64_t, double, PickleText, PickleBigInteger, PickleGlobal,
               PickleList, PickleTuple, PickleDict, PickleObject, PickleStorage>
      value;

  template <typename T>
  const T* as() const {
    return std::get_if<T>(&value);
  }
};

// One pickle and all its values. Values may refer to each other in circles.
struct Pickle {
  PickleRef root = nullptr;
  size_t size = 0;  // bytes of the pickle, to its STOP
  // The first class or function that is not on the list and that was named, not called; empty if
  // there is none. A file whose meaning does not need such names refuses it.
  std::string foreign;
  std::deque<PickleValue> values;
  std::deque<std::string> decoded;  // bytes that the pickle has in another form
};

// The pickle at the start of `bytes`, which outlive it. Throws Error starting with `who`: an
// operation or a call that is not on the list, damage, or more values than a model needs.
Pickle read_pickle(std::span<const std::byte> bytes, const std::string& who);

// The value of a text key, null if there is none.
PickleRef find_item(const PickleDict& dict, std::string_view key);

}  // namespace mnist
