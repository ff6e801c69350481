#include "serve/head.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <charconv>

namespace mnist {
namespace {

bool is_equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// RFC 9110, section 5.6.2.
bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_letter_or_digit(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool is_control(char c) {
  const auto value = static_cast<unsigned char>(c);
  return value < 0x20 || value == 0x7F;
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<Refusal> refuse(std::string text, int status = 400) {
  return Refusal{status, std::move(text)};
}

std::optional<Refusal> check_version(std::string_view version) {
  if (version == "HTTP/1.1") return std::nullopt;
  const bool is_version = version.size() == 8 && version.starts_with("HTTP/") &&
                          version[6] == '.' && version[5] >= '0' && version[5] <= '9' &&
                          version[7] >= '0' && version[7] <= '9';
  if (is_version) return refuse("HTTP/1.1 is spoken here", 505);
  return refuse("the request line does not end with HTTP/1.1");
}

std::optional<Refusal> check_request_line(std::string_view line, const HeadLimits& limits) {
  const size_t space = line.find(' ');
  const size_t last = line.rfind(' ');
  if (space == line.npos || space == last) return refuse("the request line is not of three words");
  const std::string_view target = line.substr(space + 1, last - space - 1);
  if (!is_token(line.substr(0, space))) return refuse("the method is no token");
  if (const auto refusal = check_version(line.substr(last + 1))) return refusal;
  if (target.size() > limits.target) {
    return refuse(fmt::format("the path is longer than {} bytes", limits.target), 414);
  }
  if (!target.starts_with('/')) return refuse("the request's target is no path");
  const bool is_plain = std::all_of(target.begin(), target.end(), [](char c) {
    return c > 0x20 && c < 0x7F && c != '#' && c != '\\' && c != '"' && c != '<' && c != '>';
  });
  if (!is_plain) return refuse("the request's target has a character that no URL has");
  return std::nullopt;
}

// The headers that say where a request ends and whom it is for.
class Framing {
 public:
  explicit Framing(const HeadLimits& limits) : limits_(limits) {}

  std::optional<Refusal> add(std::string_view name, std::string_view value) {
    if (is_equal(name, "Host")) return ++hosts_ > 1 ? refuse("Host is given twice") : std::nullopt;
    if (is_equal(name, "Content-Length")) return add_length(value);
    if (is_equal(name, "Transfer-Encoding")) return add_coding(value);
    if (is_equal(name, "Expect") && !is_equal(value, "100-continue")) {
      return refuse("Expect: only 100-continue is known", 417);
    }
    if (is_equal(name, "Trailer")) return refuse("trailers are not accepted");
    return std::nullopt;
  }

  std::optional<Refusal> finish(std::string_view method) const {
    if (hosts_ == 0) return refuse("Host is missing");
    if (has_length_ && has_coding_) {
      return refuse("Content-Length and Transfer-Encoding exclude each other");
    }
    if (length_ > limits_.body) {
      return refuse(fmt::format("at most {} bytes of content are accepted", limits_.body), 413);
    }
    const bool has_body = has_coding_ || length_ > 0;
    if (has_body && (method == "GET" || method == "HEAD")) {
      return refuse(fmt::format("a {} request has no content", method));
    }
    if (method == "POST" && !has_coding_ && !has_length_) {
      return refuse("Content-Length is missing", 411);
    }
    return std::nullopt;
  }

 private:
  std::optional<Refusal> add_length(std::string_view value) {
    if (has_length_) return refuse("Content-Length is given twice");
    has_length_ = true;
    const bool is_number = !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
      return c >= '0' && c <= '9';
    });
    if (!is_number) return refuse("Content-Length is no number");
    // Beyond 64 bits it is beyond the limit, too.
    const auto parsed = std::from_chars(value.data(), value.data() + value.size(), length_);
    if (parsed.ec != std::errc()) length_ = UINT64_MAX;
    return std::nullopt;
  }
  std::optional<Refusal> add_coding(std::string_view value) {
    if (has_coding_) return refuse("Transfer-Encoding is given twice");
    has_coding_ = true;
    if (!is_equal(value, "chunked")) return refuse("Transfer-Encoding: only chunked is known", 501);
    return std::nullopt;
  }

  HeadLimits limits_;
  size_t hosts_ = 0;
  bool has_length_ = false;
  bool has_coding_ = false;
  uint64_t length_ = 0;
};

std::optional<Refusal> check_header(std::string_view line, Framing& framing) {
  if (line.starts_with(' ') || line.starts_with('\t')) return refuse("a header's line is folded");
  const size_t colon = line.find(':');
  if (colon == line.npos) return refuse("a header has no colon");
  if (!is_token(line.substr(0, colon))) return refuse("a header's name is no token");
  const std::string_view value = line.substr(colon + 1);
  const bool is_plain =
      std::all_of(value.begin(), value.end(), [](char c) { return c == '\t' || !is_control(c); });
  if (!is_plain) return refuse("a header's value has a control character");
  return framing.add(line.substr(0, colon), trimmed(value));
}

}  // namespace

size_t HeadScanner::scan(std::string_view bytes, std::optional<Refusal>& refusal) {
  const size_t end = std::min(bytes.size(), limits_.bytes);
  for (; scanned_ < end; ++scanned_) {
    const char c = bytes[scanned_];
    const bool is_behind_return = scanned_ > line_ && bytes[scanned_ - 1] == '\r';
    if (c == '\n' ? !is_behind_return : is_behind_return) {
      refusal = Refusal{400, "lines end with CR and LF"};
      return 0;
    }
    if (c != '\n') {
      if (c != '\r' && c != '\t' && is_control(c)) {
        refusal = Refusal{400, "a control character stands in the head"};
        return 0;
      }
      continue;
    }
    if (scanned_ - line_ == 1) {
      if (lines_ > 0) return scanned_ + 1;
      refusal = Refusal{400, "the request line is empty"};
      return 0;
    }
    line_ = scanned_ + 1;
    if (++lines_ > limits_.lines + 1) {
      refusal = Refusal{431, fmt::format("at most {} headers are accepted", limits_.lines)};
      return 0;
    }
  }
  if (bytes.size() >= limits_.bytes) {
    refusal = Refusal{431, fmt::format("at most {} bytes of headers are accepted", limits_.bytes)};
  }
  return 0;
}

std::optional<Refusal> check_head(std::string_view head, const HeadLimits& limits) {
  Framing framing(limits);
  const std::string_view first = head.substr(0, head.find("\r\n"));
  if (auto refusal = check_request_line(first, limits)) return refusal;
  for (size_t at = first.size() + 2; at + 2 < head.size();) {
    const size_t end = head.find("\r\n", at);
    if (auto refusal = check_header(head.substr(at, end - at), framing)) return refusal;
    at = end + 2;
  }
  return framing.finish(first.substr(0, first.find(' ')));
}

}  // namespace mnist
