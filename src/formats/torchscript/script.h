// The code in TorchScript files, as far as it describes networks: functions of assignments, calls
// and conditions, in Python's spelling.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mnist {

struct ScriptKeyword;

struct ScriptExpression {
  enum class Kind {
    kName,       // text; None, True and False too
    kInteger,    // integer
    kReal,       // real
    kText,       // text
    kList,       // items; a tuple, too
    kAttribute,  // items[0].text
    kIndex,      // items[0][items[1]]
    kCall,       // items[0](items[1], ..., keyword=...)
  };
  Kind kind = Kind::kName;
  std::string text;
  int64_t integer = 0;
  double real = 0;
  std::vector<ScriptExpression> items;
  std::vector<ScriptKeyword> keywords;
};

struct ScriptKeyword {
  std::string name;
  ScriptExpression value;
};

struct ScriptStatement {
  enum class Kind { kAssign, kExpression, kIf, kReturn, kOther };
  Kind kind = Kind::kOther;           // kOther: what no network here needs, a loop for instance
  std::vector<std::string> targets;   // of an assignment
  ScriptExpression value;             // assigned, returned, or the condition
  std::vector<ScriptStatement> body;  // where the condition holds
  std::vector<ScriptStatement> otherwise;
  size_t line = 0;
};

struct ScriptFunction {
  struct Parameter {
    std::string name;
    bool has_default = false;
    ScriptExpression value;  // its default
  };
  std::string name;  // "__torch__.Net.forward"
  std::vector<Parameter> parameters;
  std::vector<ScriptStatement> body;
};

using ScriptFunctions = std::map<std::string, ScriptFunction, std::less<>>;

// Adds the functions of one file of code, their names beginning with `module` and, of methods, that
// of the class. Throws Error starting with `who` and naming the line for code of another kind.
void parse_script(std::string_view code, const std::string& module, const std::string& who,
                  ScriptFunctions& functions);

}  // namespace mnist
