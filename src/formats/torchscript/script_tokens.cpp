#include "formats/torchscript/script_tokens.h"

#include <fmt/format.h>

#include "mnist/error.h"

namespace mnist {
namespace {

using Kind = ScriptToken::Kind;

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }
bool is_word(char letter) {
  return is_digit(letter) || (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
         letter == '_';
}

class Tokenizer {
 public:
  Tokenizer(std::string_view code, const std::string& who) : code_(code), who_(who) {}

  std::vector<ScriptToken> run() {
    while (at_ < code_.size()) {
      if (is_line_start_) {
        start_line();
      } else {
        next();
      }
    }
    if (!is_line_start_) add(Kind::kLineEnd);
    for (; indents_.size() > 1; indents_.pop_back()) add(Kind::kDedent);
    add(Kind::kEnd);
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void fail(std::string_view reason) const {
    throw Error(fmt::format("{}: line {}: {}", who_, line_, reason));
  }

  void add(Kind kind, std::string text = "") { tokens_.push_back({kind, std::move(text), line_}); }

  char peek(size_t ahead = 0) const {
    return at_ + ahead < code_.size() ? code_[at_ + ahead] : '\0';
  }

  void start_line() {
    size_t indent = 0;
    for (; peek() == ' '; ++at_) ++indent;
    if (peek() == '\n' || peek() == '\r' || peek() == '#') {  // says nothing
      skip_line();
      return;
    }
    is_line_start_ = false;
    if (at_ == code_.size()) return;
    if (indent > indents_.back()) {
      indents_.push_back(indent);
      add(Kind::kIndent);
    }
    for (; indent < indents_.back(); indents_.pop_back()) add(Kind::kDedent);
    if (indent != indents_.back()) fail("an indent that fits no line before");
  }

  void skip_line() {
    while (at_ < code_.size() && code_[at_] != '\n') ++at_;
    end_line();
  }

  void end_line() {
    if (at_ < code_.size()) ++at_;
    ++line_;
    if (brackets_ == 0) is_line_start_ = true;
  }

  void next() {
    const char letter = peek();
    if (letter == ' ' || letter == '\r' || letter == '\t') {
      ++at_;
    } else if (letter == '#') {
      while (at_ < code_.size() && code_[at_] != '\n') ++at_;
    } else if (letter == '\n') {
      if (brackets_ == 0) add(Kind::kLineEnd);
      end_line();
    } else if (letter == '"' || letter == '\'') {
      text(letter);
    } else if (is_digit(letter) || (letter == '.' && is_digit(peek(1)))) {
      number();
    } else if (is_word(letter)) {
      const size_t start = at_;
      while (is_word(peek())) ++at_;
      add(Kind::kName, std::string(code_.substr(start, at_ - start)));
    } else {
      sign(letter);
    }
  }

  void text(char quote) {
    std::string value;
    for (++at_; peek() != quote; ++at_) {
      if (at_ >= code_.size() || peek() == '\n') fail("a text without an end");
      if (peek() == '\\') ++at_;
      value += peek();
    }
    ++at_;
    add(Kind::kText, std::move(value));
  }

  void number() {
    const size_t start = at_;
    bool is_real = false;
    for (char letter = peek(); is_digit(letter) || letter == '.' || letter == 'e';
         letter = peek()) {
      is_real = is_real || letter == '.' || letter == 'e';
      ++at_;
      if (letter == 'e' && (peek() == '-' || peek() == '+')) ++at_;
    }
    add(is_real ? Kind::kReal : Kind::kInteger, std::string(code_.substr(start, at_ - start)));
  }

  void sign(char letter) {
    if (letter == '(' || letter == '[' || letter == '{') ++brackets_;
    if (letter == ')' || letter == ']' || letter == '}') {
      if (brackets_ == 0) fail("a bracket that closes nothing");
      --brackets_;
    }
    ++at_;
    add(Kind::kSign, std::string(1, letter));
  }

  std::string_view code_;
  const std::string& who_;
  size_t at_ = 0;
  size_t line_ = 1;
  size_t brackets_ = 0;
  bool is_line_start_ = true;
  std::vector<size_t> indents_ = {0};
  std::vector<ScriptToken> tokens_;
};

}  // namespace

std::vector<ScriptToken> script_tokens(std::string_view code, const std::string& who) {
  return Tokenizer(code, who).run();
}

}  // namespace mnist
