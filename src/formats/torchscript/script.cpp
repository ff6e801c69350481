#include "formats/torchscript/script.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "formats/torchscript/script_tokens.h"
#include "mnist/error.h"

namespace mnist {
namespace {

using Token = ScriptToken::Kind;
using Expression = ScriptExpression::Kind;

constexpr size_t kDeepest = 64;
constexpr size_t kLongestChain = 40;

class Parser {
 public:
  Parser(std::string_view code, const std::string& module, const std::string& who,
         ScriptFunctions& functions)
      : tokens_(script_tokens(code, who)), module_(module), who_(who), functions_(functions) {}

  void run() {
    while (token().kind != Token::kEnd) {
      if (token().is("def")) {
        function(module_);
      } else if (token().is("class")) {
        class_body();
      } else {
        skip_line();
      }
    }
  }

 private:
  [[noreturn]] void fail(std::string_view reason) const {
    throw Error(fmt::format("{}: line {}: {}", who_, token().line, reason));
  }

  const ScriptToken& token(size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  ScriptToken take() {
    const ScriptToken& taken = token();
    if (taken.kind != Token::kEnd) ++at_;
    return taken;
  }
  bool take_if(std::string_view sign) {
    if (!token().is(sign)) return false;
    ++at_;
    return true;
  }
  void expect(std::string_view sign) {
    if (!take_if(sign)) {
      fail(fmt::format("'{}' expected, got '{}'", sign, printable(token().text, 40)));
    }
  }
  void expect(Token kind, std::string_view what) {
    if (take().kind != kind) fail(fmt::format("{} expected", what));
  }
  std::string name() {
    if (token().kind != Token::kName) {
      fail(fmt::format("a name expected, got '{}'", printable(token().text, 40)));
    }
    return take().text;
  }

  // A line, and the block that belongs to it.
  void skip_line() {
    while (token().kind != Token::kLineEnd && token().kind != Token::kEnd) ++at_;
    take();
    if (token().kind != Token::kIndent) return;
    size_t depth = 0;
    do {
      const Token kind = take().kind;
      if (kind == Token::kIndent) ++depth;
      if (kind == Token::kDedent) --depth;
      if (kind == Token::kEnd) fail("a block without an end");
    } while (depth != 0);
  }

  void class_body() {
    expect("class");
    const std::string prefix = fmt::format("{}.{}", module_, name());
    while (token().kind != Token::kLineEnd && token().kind != Token::kEnd) ++at_;
    take();
    if (token().kind != Token::kIndent) return;
    take();
    while (token().kind != Token::kDedent && token().kind != Token::kEnd) {
      if (token().is("def")) {
        function(prefix);
      } else {
        skip_line();
      }
    }
    take();
  }

  void function(const std::string& prefix) {
    expect("def");
    ScriptFunction made;
    made.name = fmt::format("{}.{}", prefix, name());
    expect("(");
    while (!take_if(")")) {
      made.parameters.push_back(parameter());
      if (!token().is(")")) expect(",");
    }
    if (take_if("-")) {
      expect(">");
      expression();
    }
    made.body = block();
    std::string key = made.name;
    functions_.insert_or_assign(std::move(key), std::move(made));
  }

  ScriptFunction::Parameter parameter() {
    ScriptFunction::Parameter made;
    made.name = name();
    if (take_if(":")) expression();
    made.has_default = take_if("=");
    if (made.has_default) made.value = expression();
    return made;
  }

  std::vector<ScriptStatement> block() {
    expect(":");
    expect(Token::kLineEnd, "the end of the line");
    expect(Token::kIndent, "an indented block");
    const Nesting nesting(*this);
    std::vector<ScriptStatement> statements;
    while (token().kind != Token::kDedent && token().kind != Token::kEnd) {
      statements.push_back(statement());
    }
    take();
    return statements;
  }

  ScriptStatement statement() {
    ScriptStatement made;
    made.line = token().line;
    if (take_if("if")) {
      made.kind = ScriptStatement::Kind::kIf;
      made.value = expression();
      made.body = block();
      if (take_if("else")) made.otherwise = block();
      return made;
    }
    for (const char* word : {"for", "while", "with", "class", "def"}) {
      if (!token().is(word)) continue;
      skip_line();
      return made;
    }
    if (take_if("pass")) {
      made.kind = ScriptStatement::Kind::kExpression;
    } else if (take_if("return")) {
      made.kind = ScriptStatement::Kind::kReturn;
      if (token().kind != Token::kLineEnd) made.value = expressions();
    } else if (is_assignment()) {
      made.kind = ScriptStatement::Kind::kAssign;
      while (!take_if("=")) {
        made.targets.push_back(name());
        if (take_if(":")) expression();
        if (!token().is("=")) expect(",");
      }
      made.value = expressions();
    } else {
      made.kind = ScriptStatement::Kind::kExpression;
      made.value = expression();
    }
    if (token().kind != Token::kEnd) expect(Token::kLineEnd, "the end of the line");
    return made;
  }

  bool is_assignment() const {
    return token().kind == Token::kName &&
           (token(1).is("=") || token(1).is(",") || token(1).is(":"));
  }

  // One, or several with commas: a tuple.
  ScriptExpression expressions() {
    ScriptExpression first = expression();
    if (!token().is(",")) return first;
    ScriptExpression list;
    list.kind = Expression::kList;
    list.items.push_back(std::move(first));
    while (take_if(",")) {
      if (token().kind == Token::kLineEnd) break;
      list.items.push_back(expression());
    }
    return list;
  }

  ScriptExpression expression() {
    const Nesting nesting(*this);
    ScriptExpression made = primary();
    // A chain "a.b.c" is as deep a tree as it is long.
    for (size_t length = 0;; ++length) {
      ScriptExpression outer;
      if (take_if(".")) {
        outer.kind = Expression::kAttribute;
        outer.text = name();
        outer.items.push_back(std::move(made));
      } else if (take_if("[")) {
        outer.kind = Expression::kIndex;
        outer.items.push_back(std::move(made));
        add_items(outer, "]");
      } else if (take_if("(")) {
        outer.kind = Expression::kCall;
        outer.items.push_back(std::move(made));
        add_items(outer, ")");
      } else {
        return made;
      }
      if (length == kLongestChain) fail("an expression that is too long");
      made = std::move(outer);
    }
  }

  // What follows an opening bracket, to the one that closes it.
  void add_items(ScriptExpression& made, std::string_view closing) {
    while (!take_if(closing)) {
      if (token().kind == Token::kName && token(1).is("=")) {
        std::string keyword = name();
        expect("=");
        made.keywords.push_back({std::move(keyword), expression()});
      } else {
        made.items.push_back(expression());
      }
      if (!token().is(closing)) expect(",");
    }
  }

  ScriptExpression primary() {
    ScriptExpression made;
    const bool is_negative = take_if("-");
    const ScriptToken first = take();
    if (first.kind == Token::kInteger) {
      made.kind = Expression::kInteger;
      made.integer = number<int64_t>(first.text) * (is_negative ? -1 : 1);
    } else if (first.kind == Token::kReal) {
      made.kind = Expression::kReal;
      made.real = number<double>(first.text) * (is_negative ? -1 : 1);
    } else if (is_negative) {
      fail("a number expected behind '-'");
    } else if (first.kind == Token::kText) {
      made.kind = Expression::kText;
      made.text = first.text;
    } else if (first.kind == Token::kName) {
      made.text = first.text;
    } else if (first.is("[")) {
      made.kind = Expression::kList;
      add_items(made, "]");
    } else if (first.is("(")) {
      made = bracketed();
    } else {
      fail(fmt::format("'{}' is not expected", printable(first.text, 40)));
    }
    return made;
  }

  // (value), or a tuple.
  ScriptExpression bracketed() {
    ScriptExpression list;
    list.kind = Expression::kList;
    while (!take_if(")")) {
      list.items.push_back(expression());
      if (token().is(")") && list.items.size() == 1) {
        take();
        ScriptExpression only = std::move(list.items[0]);
        return only;
      }
      if (!token().is(")")) expect(",");
    }
    return list;
  }

  template <typename T>
  T number(const std::string& text) const {
    T value{};
    const char* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, value);
    if (parsed.ec != std::errc() || parsed.ptr != end) {
      fail(fmt::format("'{}' is no number", printable(text, 40)));
    }
    return value;
  }

  // How deep the parser stands in itself.
  class Nesting {
   public:
    explicit Nesting(Parser& parser) : parser_(parser) {
      if (++parser.depth_ > kDeepest) parser.fail("more than 64 levels");
    }
    ~Nesting() { --parser_.depth_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    Parser& parser_;
  };

  std::vector<ScriptToken> tokens_;
  size_t at_ = 0;
  size_t depth_ = 0;
  const std::string& module_;
  const std::string& who_;
  ScriptFunctions& functions_;
};

}  // namespace

void parse_script(std::string_view code, const std::string& module, const std::string& who,
                  ScriptFunctions& functions) {
  Parser(code, module, who, functions).run();
}

}  // namespace mnist
