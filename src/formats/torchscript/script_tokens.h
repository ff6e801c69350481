// TorchScript's code in words.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mnist {

struct ScriptToken {
  enum class Kind { kName, kInteger, kReal, kText, kSign, kLineEnd, kIndent, kDedent, kEnd };
  Kind kind = Kind::kEnd;
  std::string text;  // of a text what it says
  size_t line = 0;

  bool is(std::string_view sign) const {
    return (kind == Kind::kSign || kind == Kind::kName) && text == sign;
  }
};

// Lines within brackets are one. Throws Error starting with `who` and naming the line.
std::vector<ScriptToken> script_tokens(std::string_view code, const std::string& who);

}  // namespace mnist
