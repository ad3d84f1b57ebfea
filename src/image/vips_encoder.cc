#include <fmt/format.h>
#include <vips/vips.h>

#include <memory>

#include "src/image/encode.h"
#include "src/image/vips_image.h"

namespace imgq::image {
namespace {

struct Bytes8 {
  void* data = nullptr;
  size_t size = 0;
  Bytes8() = default;
  Bytes8(const Bytes8&) = delete;
  Bytes8& operator=(const Bytes8&) = delete;
  ~Bytes8() { g_free(data); }
};

// In the words of libvips: the value, then what libexif says about it.
void set_text(VipsImage* image, const char* name, const std::string& value) {
  if (value.empty()) return;
  const std::string text = fmt::format("{} ({}, ASCII, {} components, {} bytes)", value, value,
                                       value.size() + 1, value.size() + 1);
  vips_image_set_string(image, name, text.c_str());
}

int save_png(VipsImage* image, const EncodeOptions& options, gboolean strip, Bytes8* out) {
  const gboolean interlace = options.scan == Scan::progressive ? TRUE : FALSE;
  if (options.palette_bits == 0) {
    return vips_pngsave_buffer(image, &out->data, &out->size, "compression", 6, "interlace",
                               interlace, "strip", strip, nullptr);
  }
  return vips_pngsave_buffer(image, &out->data, &out->size, "compression", 9, "interlace",
                             interlace, "palette", TRUE, "bitdepth", options.palette_bits, "effort",
                             2, "strip", strip, nullptr);
}

int save_webp(VipsImage* image, const EncodeOptions& options, gboolean strip, Bytes8* out) {
  return vips_webpsave_buffer(image, &out->data, &out->size, "Q", options.quality, "effort", 2,
                              "smart_subsample", options.chroma == Chroma::full ? TRUE : FALSE,
                              "strip", strip, nullptr);
}

int save_avif(VipsImage* image, const EncodeOptions& options, gboolean strip, Bytes8* out) {
  return vips_heifsave_buffer(
      image, &out->data, &out->size, "compression", VIPS_FOREIGN_HEIF_COMPRESSION_AV1, "Q",
      options.quality, "effort", 2, "subsample_mode",
      options.chroma == Chroma::full ? VIPS_FOREIGN_SUBSAMPLE_OFF : VIPS_FOREIGN_SUBSAMPLE_ON,
      "strip", strip, nullptr);
}

int save(VipsImage* image, const EncodeOptions& options, gboolean strip, Bytes8* out) {
  switch (options.format) {
    case Format::png:
      return save_png(image, options, strip, out);
    case Format::webp:
      return save_webp(image, options, strip, out);
    case Format::avif:
      return save_avif(image, options, strip, out);
    case Format::jpeg:
    case Format::automatic:
    case Format::keep:
      return -1;
  }
  return -1;
}

}  // namespace

Failure encode_with_vips(const Raster& raster, const EncodeOptions& options, Buffer* out) {
  const VipsRef image = wrap(raster);
  if (!image) return Fault{Code::internal_error, take_vips_error()};
  set_text(image.get(), "exif-ifd0-Artist", options.copyright.artist);
  set_text(image.get(), "exif-ifd0-Copyright", options.copyright.copyright);
  const bool bare = options.copyright.artist.empty() && options.copyright.copyright.empty();
  Bytes8 saved;
  if (save(image.get(), options, bare ? TRUE : FALSE, &saved) != 0) {
    return Fault{Code::internal_error, take_vips_error()};
  }
  const auto* data = static_cast<const uint8_t*>(saved.data);
  out->assign(data, data + saved.size);
  return {};
}

}  // namespace imgq::image
