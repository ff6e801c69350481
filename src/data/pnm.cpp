#include "data/pnm.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "data/pixels.h"
#include "mnist/error.h"

namespace mnist {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

class PnmReader {
 public:
  PnmReader(std::span<const std::byte> bytes, const std::string& who)
      : text_(reinterpret_cast<const char*>(bytes.data()), bytes.size()), who_(who) {}

  Image read() {
    char kind = text_[1];
    position_ = 2;
    digits_ = kind == '2' || kind == '3';
    channels_ = kind == '3' || kind == '6' ? 3 : 1;
    Image image;
    image.width = number("width");
    image.height = number("height");
    check_image_size(image.height, image.width, who_);
    largest_ = number("largest value");
    if (largest_ < 1 || largest_ > 65535) {
      fail(fmt::format("the largest value is {}, 1 to 65535 expected", largest_));
    }
    check_length(uint64_t{image.height} * image.width * channels_);
    image.pixels.resize(image.height * image.width);
    for (uint8_t& pixel : image.pixels) {
      uint32_t first = sample();
      pixel = static_cast<uint8_t>(first);
      if (channels_ == 3) {
        uint32_t green = sample();
        pixel = luma(first, green, sample());
      }
    }
    if (digits_) skip_space();
    if (position_ != text_.size()) {
      fail(fmt::format("{} bytes follow the image, one image is expected",
                       text_.size() - position_));
    }
    return image;
  }

 private:
  [[noreturn]] void fail(std::string_view reason) const {
    throw Error(fmt::format("{}: PNM image is damaged: {} (at byte {})", who_, reason, position_));
  }

  // White space and, up to the end of their line, comments.
  void skip_space() {
    bool comment = false;
    for (; position_ < text_.size(); ++position_) {
      char c = text_[position_];
      if (c == '#') comment = true;
      if (c == '\n' || c == '\r') comment = false;
      if (!comment && !is_space(c)) return;
    }
  }

  uint32_t number(const char* what) {
    skip_space();
    uint32_t value = 0;
    size_t start = position_;
    while (position_ < text_.size() && text_[position_] >= '0' && text_[position_] <= '9') {
      value = value * 10 + static_cast<uint32_t>(text_[position_++] - '0');
      if (value > 10'000'000) fail(fmt::format("{} is too large", what));
    }
    if (position_ == start) fail(fmt::format("{} expected", what));
    return value;
  }

  // Throws where `samples` values cannot follow, and steps to the first.
  void check_length(uint64_t samples) {
    if (position_ >= text_.size() || !is_space(text_[position_])) fail("pixels expected");
    ++position_;
    // In digits, each value but the last needs a digit and a space.
    uint64_t needed = digits_ ? samples * 2 - 1 : samples * (largest_ > 255 ? 2 : 1);
    if (needed > text_.size() - position_) {
      fail(fmt::format("{} bytes of pixels expected, {} follow: the file is incomplete", needed,
                       text_.size() - position_));
    }
  }

  // The next value, scaled to 0..255.
  uint32_t sample() {
    uint32_t value = 0;
    if (digits_) {
      value = number("pixel");
    } else {
      value = static_cast<unsigned char>(text_[position_++]);
      if (largest_ > 255) value = value << 8 | static_cast<unsigned char>(text_[position_++]);
    }
    if (value > largest_) fail(fmt::format("pixel {} is above the largest, {}", value, largest_));
    return (value * 255 + largest_ / 2) / largest_;
  }

  std::string_view text_;
  const std::string& who_;
  size_t position_ = 0;
  bool digits_ = false;
  size_t channels_ = 1;
  uint32_t largest_ = 255;
};

}  // namespace

bool is_pnm(std::span<const std::byte> bytes) {
  if (bytes.size() < 3 || bytes[0] != std::byte{'P'}) return false;
  char kind = static_cast<char>(bytes[1]);
  char next = static_cast<char>(bytes[2]);
  return (kind == '2' || kind == '3' || kind == '5' || kind == '6') &&
         (is_space(next) || next == '#');
}

Image decode_pnm(std::span<const std::byte> bytes, const std::string& who) {
  return PnmReader(bytes, who).read();
}

void write_pgm(const Image& image, Sink& sink) {
  sink.write(fmt::format("P5\n{} {}\n255\n", image.width, image.height));
  sink.write(std::as_bytes(std::span(image.pixels)));
}

}  // namespace mnist
