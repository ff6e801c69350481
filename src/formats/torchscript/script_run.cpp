#include "formats/torchscript/script_run.h"

#include <fmt/format.h>

#include <functional>
#include <map>

#include "base/text.h"
#include "formats/class_output.h"
#include "formats/recognise/geometry.h"
#include "formats/recognise/weight_layer.h"
#include "formats/torchscript/script_call.h"
#include "mnist/error.h"

namespace mnist {
namespace {

using Expression = ScriptExpression::Kind;
using Statement = ScriptStatement::Kind;
using Scope = std::map<std::string, ScriptValue>;
using Tensors = std::map<std::string, const Tensor*>;

constexpr size_t kDeepest = 48;
constexpr size_t kDeepestList = 8;
constexpr size_t kLongestName = 1'000;
constexpr uint64_t kMostCode = 400'000;  // bytes
constexpr size_t kMostSteps = 50'000;    // for all sizes of images together

class Run {
 public:
  Run(const ScriptFunctions& functions, const Tensors& tensors, const Shape& input_shape,
      size_t& steps, const std::string& who)
      : functions_(functions),
        tensors_(tensors),
        builder_(who, "input", input_shape),
        steps_(steps) {
    weight_ = [this](const std::string& name) { return add_weight(name); };
  }

  Model run(PickleRef root) && {
    ScriptValue result =
        call_method({root, ""}, "forward", {{ScriptActivation{builder_.input()}}}, {});
    for (const auto* list = result.as<ScriptList>(); list != nullptr && !list->items().empty();
         list = result.as<ScriptList>()) {
      ScriptValue first = list->items()[0];  // of several outputs
      result = std::move(first);
    }
    const auto* output = result.as<ScriptActivation>();
    if (output == nullptr) fail("its forward() gives back no activation");
    return ending_in_scores(std::move(builder_).finish(output->value));
  }

 private:
  [[noreturn]] void fail(const std::string& reason) const {
    throw Error(fmt::format("{}: TorchScript: {}", builder_.who(), reason));
  }

  std::string add_weight(const std::string& name) {
    const auto known = added_.find(name);
    if (known != added_.end()) return known->second;
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) fail(fmt::format("no tensor '{}'", printable(name, 80)));
    return added_[name] = builder_.add_weight(without_wrapping(name), *found->second);
  }

  // ---- functions ----

  ScriptValue call_method(const ScriptModule& module, const std::string& method,
                          std::vector<ScriptValue> arguments,
                          const std::map<std::string, ScriptValue>& keywords) {
    const auto* object = module.object->as<PickleObject>();
    arguments.insert(arguments.begin(), ScriptValue{module});
    return call_function(fmt::format("{}.{}", object->type, method), std::move(arguments),
                         keywords);
  }

  ScriptValue call_function(const std::string& name, std::vector<ScriptValue> arguments,
                            const std::map<std::string, ScriptValue>& keywords) {
    const auto found = functions_.find(name);
    if (found == functions_.end()) fail(fmt::format("no function '{}'", printable(name, 120)));
    const ScriptFunction& function = found->second;
    if (arguments.size() > function.parameters.size()) {
      fail(fmt::format("'{}': too many arguments", printable(name, 120)));
    }
    if (++depth_ > kDeepest) fail("calls within calls without end");
    Scope scope;
    for (size_t i = 0; i < function.parameters.size(); ++i) {
      const ScriptFunction::Parameter& parameter = function.parameters[i];
      const auto keyword = keywords.find(parameter.name);
      if (i < arguments.size()) {
        scope[parameter.name] = std::move(arguments[i]);
      } else if (keyword != keywords.end()) {
        scope[parameter.name] = keyword->second;
      } else if (parameter.has_default) {
        scope[parameter.name] = value_of(parameter.value, scope);
      } else {
        fail(fmt::format("'{}' needs '{}'", printable(name, 120), printable(parameter.name, 40)));
      }
    }
    ScriptValue result;
    run_block(function.body, scope, result);
    --depth_;
    return result;
  }

  // Whether the block returned, with `result`.
  bool run_block(const std::vector<ScriptStatement>& block, Scope& scope, ScriptValue& result) {
    for (const ScriptStatement& statement : block) {
      if (++steps_ > kMostSteps) fail("code that takes too long");
      switch (statement.kind) {
        case Statement::kAssign:
          assign(statement, scope);
          break;
        case Statement::kExpression:
          value_of(statement.value, scope);
          break;
        case Statement::kIf:
          if (run_block(is_true(statement, scope) ? statement.body : statement.otherwise, scope,
                        result)) {
            return true;
          }
          break;
        case Statement::kReturn:
          result = value_of(statement.value, scope);
          return true;
        case Statement::kOther:
          fail(fmt::format("line {}: a statement that is not followed", statement.line));
      }
    }
    return false;
  }

  bool is_true(const ScriptStatement& statement, Scope& scope) {
    const ScriptValue condition = value_of(statement.value, scope);
    const auto* flag = condition.as<bool>();
    if (flag == nullptr) {
      fail(fmt::format("line {}: a condition that depends on the images", statement.line));
    }
    return *flag;
  }

  void assign(const ScriptStatement& statement, Scope& scope) {
    ScriptValue value = value_of(statement.value, scope);
    if (statement.targets.size() == 1 && value.as<ScriptList>() == nullptr) {
      scope[statement.targets[0]] = std::move(value);
      return;
    }
    const auto* list = value.as<ScriptList>();
    if (statement.targets.size() == 1) {
      scope[statement.targets[0]] = std::move(value);
    } else if (list == nullptr || list->items().size() != statement.targets.size()) {
      fail(fmt::format("line {}: {} values expected", statement.line, statement.targets.size()));
    } else {
      for (size_t i = 0; i < list->items().size(); ++i) {
        scope[statement.targets[i]] = list->items()[i];
      }
    }
  }

  // ---- expressions ----

  ScriptValue value_of(const ScriptExpression& expression, Scope& scope) {
    switch (expression.kind) {
      case Expression::kInteger:
        return {expression.integer};
      case Expression::kReal:
        return {expression.real};
      case Expression::kText:
        return {expression.text};
      case Expression::kName:
        return named(expression.text, scope);
      case Expression::kList: {
        std::vector<ScriptValue> items;
        for (const ScriptExpression& item : expression.items) {
          items.push_back(value_of(item, scope));
        }
        ScriptList list(std::move(items));
        if (list.depth() > kDeepestList) fail("lists within lists without end");
        return {std::move(list)};
      }
      case Expression::kAttribute:
        return attribute(value_of(expression.items[0], scope), expression.text);
      case Expression::kIndex:
        return indexed(expression, scope);
      case Expression::kCall:
        return called(expression, scope);
    }
    return {};
  }

  static ScriptValue named(const std::string& name, const Scope& scope) {
    const auto found = scope.find(name);
    if (found != scope.end()) return found->second;
    if (name == "None") return {};
    if (name == "True") return {true};
    if (name == "False") return {false};
    return {ScriptName{name}};
  }

  ScriptValue attribute(const ScriptValue& base, const std::string& name) const {
    if (const auto* outer = base.as<ScriptName>()) {
      std::string whole = fmt::format("{}.{}", outer->name, name);
      if (whole.size() > kLongestName) fail("a name that is too long");
      if (outer->name == "CONSTANTS") return {ScriptWeight{std::move(whole)}};
      return {ScriptName{std::move(whole)}};
    }
    const auto* module = base.as<ScriptModule>();
    if (module == nullptr) fail(fmt::format("'{}' of what is no module", printable(name, 40)));
    // A file may have been saved in the middle of a training.
    if (name == "training") return {false};
    const PickleRef value =
        find_item(*module->object->as<PickleObject>()->state->as<PickleDict>(), name);
    if (value == nullptr) {
      fail(
          fmt::format("module '{}' has no '{}'", printable(module->path, 80), printable(name, 40)));
    }
    return from_pickle(value, module->path + name, 0);
  }

  ScriptValue from_pickle(PickleRef value, const std::string& path, size_t depth) const {
    if (path.size() > kLongestName) fail("a name that is too long");
    if (TorchFile::is_tensor(value)) return {ScriptWeight{path}};
    if (const auto* object = value->as<PickleObject>()) {
      const bool is_module = object->state != nullptr && object->state->as<PickleDict>() != nullptr;
      if (!is_module) fail(fmt::format("'{}' is no module", printable(path, 80)));
      return {ScriptModule{value, path + "."}};
    }
    if (const auto* flag = value->as<bool>()) return {*flag};
    if (const auto* integer = value->as<int64_t>()) return {*integer};
    if (const auto* real = value->as<double>()) return {*real};
    if (const auto* text = value->as<PickleText>()) return {std::string(text->text.substr(0, 200))};
    const auto* list = value->as<PickleList>();
    const auto* tuple = value->as<PickleTuple>();
    if (list == nullptr && tuple == nullptr) return {};
    const std::vector<PickleRef>& items = list != nullptr ? list->items : tuple->items;
    if (items.size() > 64 || depth > 1) fail(fmt::format("'{}' is too long", printable(path, 80)));
    std::vector<ScriptValue> result;
    for (PickleRef item : items) result.push_back(from_pickle(item, path, depth + 1));
    return {ScriptList(std::move(result))};
  }

  // An item of a list; of a name, a type as in List[int].
  ScriptValue indexed(const ScriptExpression& expression, Scope& scope) {
    ScriptValue base = value_of(expression.items[0], scope);
    if (base.as<ScriptName>() != nullptr) return base;
    const auto* list = base.as<ScriptList>();
    if (list == nullptr || expression.items.size() != 2) fail("an item of what is no list");
    const ScriptValue place = value_of(expression.items[1], scope);
    const auto* index = place.as<int64_t>();
    const auto count = static_cast<int64_t>(list->items().size());
    if (index == nullptr || *index < -count || *index >= count) fail("an item that is not there");
    return list->items()[static_cast<size_t>(*index < 0 ? *index + count : *index)];
  }

  ScriptValue called(const ScriptExpression& expression, Scope& scope) {
    if (++steps_ > kMostSteps) fail("code that takes too long");
    std::vector<ScriptValue> arguments;
    for (size_t i = 1; i < expression.items.size(); ++i) {
      arguments.push_back(value_of(expression.items[i], scope));
    }
    std::map<std::string, ScriptValue> keywords;
    for (const auto& [keyword, value] : expression.keywords) {
      keywords[keyword] = value_of(value, scope);
    }
    const ScriptExpression& callee = expression.items[0];
    if (callee.kind == Expression::kAttribute) {
      const ScriptValue base = value_of(callee.items[0], scope);
      if (const auto* module = base.as<ScriptModule>()) {
        return call_method(*module, callee.text, std::move(arguments), keywords);
      }
    }
    const ScriptValue function = value_of(callee, scope);
    const auto* name = function.as<ScriptName>();
    if (name == nullptr) fail("a call of what is no function");
    if (name->name.starts_with("__torch__.")) {
      return call_function(name->name, std::move(arguments), keywords);
    }
    return call_known(name->name, std::move(arguments), std::move(keywords));
  }

  ScriptValue call_known(const std::string& name, std::vector<ScriptValue> arguments,
                         std::map<std::string, ScriptValue> keywords) {
    if (name == "getattr" && arguments.size() == 2 && arguments[1].as<std::string>() != nullptr) {
      return attribute(arguments[0], *arguments[1].as<std::string>());
    }
    if (name == "uninitialized") return {};
    std::string function = name;
    for (std::string_view package : {"torch.", "ops.prim.", "ops.aten."}) {
      if (function.starts_with(package)) function = function.substr(package.size());
    }
    if (function == "RaiseException") fail("it refuses images of this shape");
    const ScriptCall call(function, std::move(arguments), std::move(keywords), builder_, weight_);
    for (auto* make :
         {call_recurrent, call_layer, call_map, call_shape, call_arithmetic, call_plain}) {
      if (std::optional<ScriptValue> value = make(call)) return std::move(*value);
    }
    fail(fmt::format("function '{}' is not known", printable(name, 80)));
  }

  const ScriptFunctions& functions_;
  const Tensors& tensors_;
  GraphBuilder builder_;
  std::function<std::string(const std::string&)> weight_;
  std::map<std::string, std::string> added_;  // weights of the network by the tensors' names
  size_t depth_ = 0;
  size_t& steps_;
};

// The images to try: of every usual size, as a map or as its pixels in a row.
std::vector<Shape> possible_images() {
  std::vector<Shape> shapes;
  for (const ImageSide& image : image_sides()) {
    for (int64_t channels : {1, 3}) shapes.push_back({channels, image.side, image.side});
    shapes.push_back({image.side * image.side});
    shapes.push_back({image.side, image.side});
  }
  return shapes;
}

}  // namespace

Model model_of_script(const TorchFile& file, const LooseWeights& weights) {
  const auto* root = file.pickle().root->as<PickleObject>();
  if (root == nullptr || root->state == nullptr || root->state->as<PickleDict>() == nullptr) {
    throw Error(fmt::format("{}: TorchScript without a module", file.who()));
  }
  ScriptFunctions functions;
  for (const auto& [module, code] : file.code(kMostCode)) {
    parse_script(code, module, fmt::format("{}: {}.py", file.who(), printable(module, 80)),
                 functions);
  }
  Tensors tensors;
  for (const auto& [name, tensor] : weights.tensors) tensors[name] = &tensor;
  std::string reason;
  size_t steps = 0;
  for (const Shape& shape : possible_images()) {
    try {
      Model model = Run(functions, tensors, shape, steps, file.who()).run(file.pickle().root);
      model.architecture = "custom";
      return model;
    } catch (const Error& error) {
      if (reason.empty() || steps > kMostSteps) reason = error.what();
      if (steps > kMostSteps) break;
    }
  }
  throw Error(reason);
}

}  // namespace mnist
