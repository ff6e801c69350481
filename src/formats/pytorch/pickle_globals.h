// What a pickle may name.
#pragma once

#include <string_view>

namespace mnist {

enum class GlobalKind {
  kDict,       // called with pairs or nothing: an ordered dictionary
  kSequence,   // called with a sequence: that sequence
  kEncode,     // called with a text: its bytes
  kFunction,   // called: an object that the caller looks at by its type
  kStorage,    // a type of storage; never called
  kForbidden,  // not even to be named
  kHarmless,   // a constant, or a class of plain attributes: may be named, is never called
  kOther,      // a class or function of somebody: likewise, but only whole modules need such
};

// `name` is "module.name".
GlobalKind kind_of_global(std::string_view name);

}  // namespace mnist
