#include "data/png.h"

#include <fmt/format.h>
#include <png.h>
#include <zlib.h>

#include <algorithm>
#include <csetjmp>
#include <cstring>
#include <vector>

#include "data/content.h"
#include "data/pixels.h"
#include "data/png_content.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr unsigned char kSignature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

// libpng reports errors by longjmp, which must not pass over a destructor. So everything that owns
// memory lives in PngReader, and libpng is called in steps: functions without such objects, run by
// `attempt`, which is where a longjmp lands.
class PngReader {
 public:
  PngReader(std::span<const std::byte> bytes, const std::string& who)
      : who_(who), bytes_(bytes), left_(bytes) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, on_warning);
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
    if (info_ == nullptr) throw Error(fmt::format("{}: libpng cannot be started", who_));
    png_set_read_fn(png_, this, on_read);
  }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }

  Image read();

 private:
  [[noreturn]] static void on_error(png_structp png, png_const_charp text) {
    auto* self = static_cast<PngReader*>(png_get_error_ptr(png));
    std::strncpy(self->message_, text, sizeof(self->message_) - 1);
    png_longjmp(png, 1);
  }
  static void on_warning(png_structp /*png*/, png_const_charp /*text*/) {}
  static void on_read(png_structp png, png_bytep out, size_t count) {
    auto* self = static_cast<PngReader*>(png_get_io_ptr(png));
    if (count > self->left_.size()) png_error(png, "the file ends early");
    std::memcpy(out, self->left_.data(), count);
    self->left_ = self->left_.subspan(count);
  }

  // Throws what libpng reported during `step`.
  void attempt(void (*step)(PngReader&)) {
    if (!completes(step)) throw Error(fmt::format("{}: PNG is damaged: {}", who_, message_));
  }
  bool completes(void (*step)(PngReader&)) {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    step(*this);
    return true;
  }

  static void read_header(PngReader& self);
  static void choose_form(PngReader& self);
  static void read_rows(PngReader& self);
  void read_palette();
  void show_by_alpha();

  // One row of palette numbers, or of 1 to 4 channels (grey, grey and alpha, colour, colour and
  // alpha) as grey.
  void convert_row(const png_byte* row, size_t y);

  const std::string& who_;
  std::span<const std::byte> bytes_;
  std::span<const std::byte> left_;  // not yet asked for by libpng
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  char message_[128] = "";
  Image image_;
  std::vector<uint8_t> alphas_;  // of the pixels, where there is transparency
  std::vector<png_byte> rows_;   // one row, or all of them if interlaced
  size_t row_bytes_ = 0;
  size_t channels_ = 0;
  size_t file_row_bytes_ = 0;  // as stored, before any conversion
  int passes_ = 1;
  int palette_size_ = 0;    // 0: none
  uint8_t palette_[256]{};  // as grey
  uint8_t palette_alphas_[256]{};
};

void PngReader::read_header(PngReader& self) {
  png_set_user_limits(self.png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // check_image_size's business
  png_read_info(self.png_, self.info_);
  self.image_.height = png_get_image_height(self.png_, self.info_);
  self.image_.width = png_get_image_width(self.png_, self.info_);
  self.file_row_bytes_ = png_get_rowbytes(self.png_, self.info_);
}

void PngReader::choose_form(PngReader& self) {
  if (png_get_color_type(self.png_, self.info_) == PNG_COLOR_TYPE_PALETTE) {
    self.read_palette();
    png_set_packing(self.png_);  // 1 to 4 bits as bytes
  } else {
    png_set_expand(self.png_);  // 1 to 4 bits as bytes 0..255, a transparent colour as alpha
  }
  png_set_scale_16(self.png_);  // 16 bits as 8, rounded
  self.passes_ = png_set_interlace_handling(self.png_);
  png_read_update_info(self.png_, self.info_);
  self.row_bytes_ = png_get_rowbytes(self.png_, self.info_);
  self.channels_ = png_get_channels(self.png_, self.info_);
}

// libpng would take a number that the palette does not hold for black; we look it up ourselves.
void PngReader::read_palette() {
  png_colorp colours = nullptr;
  png_get_PLTE(png_, info_, &colours, &palette_size_);
  png_bytep alphas = nullptr;
  int alpha_count = 0;
  png_get_tRNS(png_, info_, &alphas, &alpha_count, nullptr);
  for (int i = 0; i < palette_size_; ++i) {
    const uint8_t alpha = i < alpha_count ? alphas[i] : 255;
    palette_alphas_[i] = alpha;
    palette_[i] = luma(over_white(colours[i].red, alpha), over_white(colours[i].green, alpha),
                       over_white(colours[i].blue, alpha));
  }
}

void PngReader::read_rows(PngReader& self) {
  for (int pass = 0; pass < self.passes_; ++pass) {
    for (size_t y = 0; y < self.image_.height; ++y) {
      png_byte* row = self.rows_.data() + (self.passes_ > 1 ? y * self.row_bytes_ : 0);
      png_read_row(self.png_, row, nullptr);
      if (pass == self.passes_ - 1) self.convert_row(row, y);
    }
  }
}

void PngReader::convert_row(const png_byte* row, size_t y) {
  if (palette_size_ > 0) {
    for (size_t x = 0; x < image_.width; ++x) {
      if (row[x] >= palette_size_) png_error(png_, "a pixel's colour is not in the palette");
      image_.at(y, x) = palette_[row[x]];
      if (!alphas_.empty()) alphas_[y * image_.width + x] = palette_alphas_[row[x]];
    }
    return;
  }
  bool colour = channels_ >= 3;
  bool transparent = channels_ % 2 == 0;
  for (size_t x = 0; x < image_.width; ++x, row += channels_) {
    uint32_t alpha = transparent ? row[channels_ - 1] : 255;
    if (transparent) alphas_[y * image_.width + x] = row[channels_ - 1];
    uint32_t red = over_white(row[0], alpha);
    image_.at(y, x) = colour ? luma(red, over_white(row[1], alpha), over_white(row[2], alpha))
                             : static_cast<uint8_t>(red);
  }
}

// White on nothing is invisible on white: what was drawn then lies in the transparency.
void PngReader::show_by_alpha() {
  const auto is_even = [](const std::vector<uint8_t>& values) {
    return std::all_of(values.begin(), values.end(), [&](auto v) { return v == values.front(); });
  };
  if (alphas_.empty() || !is_even(image_.pixels) || is_even(alphas_)) return;
  std::transform(alphas_.begin(), alphas_.end(), image_.pixels.begin(),
                 [](uint8_t alpha) { return static_cast<uint8_t>(255 - alpha); });
}

Image PngReader::read() {
  size_t file_size = left_.size();
  check_png_chunks(bytes_, who_);
  attempt(read_header);
  check_image_size(image_.height, image_.width, who_);
  if (image_.height * file_row_bytes_ > file_size * kMostDeflateRatio) {
    throw Error(fmt::format("{}: PNG is damaged: {} x {} pixels cannot be in {} bytes", who_,
                            image_.width, image_.height, file_size));
  }
  // Each row has a filter's number before it; an interlaced image has at most twice as many rows.
  check_png_expansion(bytes_, 2 * image_.height * (file_row_bytes_ + 8), who_);
  attempt(choose_form);
  image_.pixels.resize(image_.height * image_.width);
  if (channels_ % 2 == 0 || png_get_valid(png_, info_, PNG_INFO_tRNS) != 0) {
    alphas_.resize(image_.pixels.size(), 255);
  }
  rows_.resize(row_bytes_ * (passes_ > 1 ? image_.height : 1));
  attempt(read_rows);
  show_by_alpha();
  return std::move(image_);
}

void write_chunk(Sink& sink, const char* type, std::span<const std::byte> content) {
  std::vector<std::byte> chunk;
  auto append_number = [&](uint64_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) chunk.push_back(std::byte(value >> shift & 0xff));
  };
  append_number(content.size());
  for (size_t i = 0; i < 4; ++i) chunk.push_back(std::byte(type[i]));
  chunk.insert(chunk.end(), content.begin(), content.end());
  append_number(crc32(0, reinterpret_cast<const Bytef*>(chunk.data() + 4),
                      static_cast<uInt>(chunk.size() - 4)));
  sink.write(chunk);
}

}  // namespace

bool is_png(std::span<const std::byte> bytes) {
  return bytes.size() >= sizeof(kSignature) &&
         std::memcmp(bytes.data(), kSignature, sizeof(kSignature)) == 0;
}

Image decode_png(std::span<const std::byte> bytes, const std::string& who) {
  return PngReader(bytes, who).read();
}

void write_png(const Image& image, Sink& sink) {
  std::vector<Bytef> raw;  // each row behind the number of its filter: 0, none
  for (size_t y = 0; y < image.height; ++y) {
    raw.push_back(0);
    auto row = image.pixels.begin() + static_cast<ptrdiff_t>(y * image.width);
    raw.insert(raw.end(), row, row + static_cast<ptrdiff_t>(image.width));
  }
  uLongf length = compressBound(raw.size());
  std::vector<std::byte> packed(length);
  if (compress(reinterpret_cast<Bytef*>(packed.data()), &length, raw.data(), raw.size()) != Z_OK) {
    throw Error("PNG cannot be compressed: out of memory");
  }
  std::vector<std::byte> header;
  for (size_t side : {image.width, image.height}) {
    for (int shift = 24; shift >= 0; shift -= 8) header.push_back(std::byte(side >> shift & 0xff));
  }
  for (int field : {8, 0, 0, 0, 0}) header.push_back(std::byte(field));  // bits, grey, defaults
  sink.write(std::as_bytes(std::span(kSignature)));
  write_chunk(sink, "IHDR", header);
  write_chunk(sink, "IDAT", std::span(packed).first(length));
  write_chunk(sink, "IEND", {});
}

}  // namespace mnist
