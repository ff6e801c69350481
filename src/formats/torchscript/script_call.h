// A call of one of PyTorch's functions, as those who turn it into nodes see it.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/graph_builder.h"
#include "formats/torchscript/script_value.h"

namespace mnist {

class ScriptCall {
 public:
  // `weight` adds a tensor of the file to the network and returns its name there.
  ScriptCall(std::string function, std::vector<ScriptValue> arguments,
             std::map<std::string, ScriptValue> keywords, GraphBuilder& builder,
             const std::function<std::string(const std::string& name)>& weight)
      : function_(std::move(function)),
        arguments_(std::move(arguments)),
        keywords_(std::move(keywords)),
        builder_(builder),
        weight_(weight) {}

  const std::string& function() const { return function_; }
  GraphBuilder& builder() const { return builder_; }
  [[noreturn]] void fail(std::string_view reason) const;

  size_t count() const { return arguments_.size(); }
  // The argument at a place, or under a name; None where it is left out.
  const ScriptValue& argument(size_t place, const char* keyword = "") const;
  bool is_none(size_t place, const char* keyword = "") const {
    return argument(place, keyword).is_none();
  }

  // Throw Error where the argument is something else.
  std::string activation(size_t place) const;
  std::string weight(size_t place, const char* keyword = "") const;  // "" for None
  const Tensor& tensor(size_t place) const;                          // of weight(place)
  const Tensor& stored(const ScriptWeight& weight) const;            // as the file has it
  bool is_activation(size_t place) const;
  int64_t integer(size_t place, std::optional<int64_t> otherwise = std::nullopt,
                  const char* keyword = "") const;
  double real(size_t place, std::optional<double> otherwise = std::nullopt,
              const char* keyword = "") const;
  bool flag(size_t place, bool otherwise, const char* keyword = "") const;
  std::string text(size_t place, const char* keyword = "") const;  // "" for anything else
  // One integer for both axes, or a list; `otherwise` where there is none or an empty list.
  std::vector<int64_t> integers(size_t place, std::optional<std::vector<int64_t>> otherwise,
                                const char* keyword = "") const;
  // The same without repeating one.
  std::vector<int64_t> list(size_t place) const;

  const Shape& shape(const std::string& value) const { return builder_.shape(value); }
  ScriptValue node(const std::string& type, std::vector<std::string> inputs,
                   std::map<std::string, Attribute> attributes = {}) const;

 private:
  std::string function_;
  std::vector<ScriptValue> arguments_;
  std::map<std::string, ScriptValue> keywords_;
  GraphBuilder& builder_;
  const std::function<std::string(const std::string& name)>& weight_;
};

using ScriptMakers = std::map<std::string, ScriptValue (*)(const ScriptCall&)>;
// What the table's function makes of the call; nothing where it has none for it.
std::optional<ScriptValue> call_from(const ScriptMakers& makers, const ScriptCall& call);

// What the call makes, where it has to do with activations; nothing for a function that is none of
// these.
std::optional<ScriptValue> call_layer(const ScriptCall& call);  // script_layers.cpp
std::optional<ScriptValue> call_map(const ScriptCall& call);    // script_maps.cpp
// conv1d, or _convolution of rows.
ScriptValue conv_of_rows(const ScriptCall& call);
std::optional<ScriptValue> call_recurrent(const ScriptCall& call);   // script_recurrent.cpp
std::optional<ScriptValue> call_shape(const ScriptCall& call);       // script_shapes.cpp
std::optional<ScriptValue> call_arithmetic(const ScriptCall& call);  // script_arithmetic.cpp
// The same of numbers and lists alone.
std::optional<ScriptValue> call_plain(const ScriptCall& call);  // script_plain.cpp

}  // namespace mnist
