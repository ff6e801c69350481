#include "data/jpeg.h"

#include <fmt/format.h>

#include "mnist/error.h"

#ifdef MNIST_WITH_JPEG
// jpeglib.h needs cstdio before it.
#include <cstdio>
//
#include <jerror.h>
#include <jpeglib.h>

#include <csetjmp>

#include "data/exif.h"
#include "data/pixels.h"
#endif

namespace mnist {

bool is_jpeg(std::span<const std::byte> bytes) {
  return bytes.size() >= 3 && bytes[0] == std::byte{0xff} && bytes[1] == std::byte{0xd8} &&
         bytes[2] == std::byte{0xff};
}

#ifdef MNIST_WITH_JPEG
namespace {

// A progressive file of few bytes can ask for any number of passes over the whole image; cameras
// and programs write about ten (libjpeg-turbo's own advice is to stop at some such number).
constexpr int kMostScans = 100;

// libjpeg reports errors by a callback that must not return: a longjmp, as for libpng (png.cpp).
class JpegReader {
 public:
  JpegReader(std::span<const std::byte> bytes, const std::string& who) : who_(who) {
    decoder_.err = jpeg_std_error(&errors_);
    decoder_.client_data = this;
    errors_.error_exit = on_error;
    errors_.emit_message = on_message;
    bytes_ = bytes;
    attempt([](JpegReader& self) {
      jpeg_create_decompress(&self.decoder_);
      jpeg_mem_src(&self.decoder_, reinterpret_cast<const unsigned char*>(self.bytes_.data()),
                   static_cast<unsigned long>(self.bytes_.size()));
    });
  }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;
  ~JpegReader() { jpeg_destroy_decompress(&decoder_); }

  Image read();

 private:
  static JpegReader& of(j_common_ptr decoder) {
    return *static_cast<JpegReader*>(decoder->client_data);
  }
  [[noreturn]] static void on_error(j_common_ptr decoder) {
    JpegReader& self = of(decoder);
    self.errors_.format_message(decoder, self.message_);
    longjmp(self.escape_, 1);
  }
  // Level -1 is a warning: the data were damaged and libjpeg would go on with invented pixels.
  static void on_message(j_common_ptr decoder, int level) {
    int code = decoder->err->msg_code;
    bool harmless = code == JWRN_EXTRANEOUS_DATA || code == JWRN_ADOBE_XFORM ||
                    code == JWRN_JFIF_MAJOR || code == JWRN_BOGUS_ICC;
    if (level < 0 && !harmless) on_error(decoder);
  }
  static void on_progress(j_common_ptr decoder) {
    JpegReader& self = of(decoder);
    if (self.decoder_.input_scan_number <= kMostScans) return;
    snprintf(self.message_, sizeof(self.message_), "it has more than %d scans", kMostScans);
    longjmp(self.escape_, 1);
  }

  void attempt(void (*step)(JpegReader&)) {
    if (!completes(step)) throw Error(fmt::format("{}: JPEG is damaged: {}", who_, message_));
  }
  bool completes(void (*step)(JpegReader&)) {
    if (setjmp(escape_) != 0) return false;
    step(*this);
    return true;
  }

  static void read_header(JpegReader& self) {
    jpeg_save_markers(&self.decoder_, JPEG_APP0 + 1, 0xffff);
    jpeg_read_header(&self.decoder_, TRUE);
  }
  static void read_rows(JpegReader& self) {
    jpeg_decompress_struct& decoder = self.decoder_;
    decoder.progress = &self.progress_;
    self.progress_.progress_monitor = on_progress;
    decoder.out_color_space = JCS_GRAYSCALE;
    jpeg_start_decompress(&decoder);
    while (decoder.output_scanline < decoder.output_height) {
      JSAMPROW row =
          self.image_.pixels.data() + size_t{decoder.output_scanline} * self.image_.width;
      jpeg_read_scanlines(&decoder, &row, 1);
    }
    jpeg_finish_decompress(&decoder);
  }

  const std::string& who_;
  std::span<const std::byte> bytes_;
  jpeg_decompress_struct decoder_{};
  jpeg_error_mgr errors_{};
  jpeg_progress_mgr progress_{};
  jmp_buf escape_{};
  char message_[JMSG_LENGTH_MAX] = "";
  Image image_;
};

Image JpegReader::read() {
  attempt(read_header);
  image_.height = decoder_.image_height;
  image_.width = decoder_.image_width;
  check_image_size(image_.height, image_.width, who_);
  int orientation = 1;
  for (auto* marker = decoder_.marker_list; marker != nullptr; marker = marker->next) {
    auto segment = std::as_bytes(std::span(marker->data, marker->data_length));
    if (orientation == 1) orientation = exif_orientation(segment);
  }
  image_.pixels.resize(image_.height * image_.width);
  attempt(read_rows);
  return turned_upright(std::move(image_), orientation);
}

}  // namespace

Image decode_jpeg(std::span<const std::byte> bytes, const std::string& who) {
  return JpegReader(bytes, who).read();
}

#else

Image decode_jpeg(std::span<const std::byte> /*bytes*/, const std::string& who) {
  throw Error(
      fmt::format("{}: is a JPEG, and this program was built without libjpeg: PNG, PGM and "
                  "PPM are read",
                  who));
}

#endif

}  // namespace mnist
