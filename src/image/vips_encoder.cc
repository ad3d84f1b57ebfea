#include <fmt/format.h>
#include <vips/vips.h>

#include <memory>
#include <string>
#include <utility>

#include "src/image/avif_exif.h"
#include "src/image/encode.h"
#include "src/image/strip.h"
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

// As long as what is to be kept, and more: an AVIF gets room for it here (see avif_exif.h).
void make_room(VipsImage* image, size_t bytes) {
  const std::string room(bytes, ' ');
  vips_image_set_string(
      image, "exif-ifd0-Copyright",
      fmt::format("{} ({}, ASCII, {} components, {} bytes)", room, room, bytes + 1, bytes + 1)
          .c_str());
}

int save_png(VipsImage* image, const EncodeOptions& options, Bytes8* out) {
  const gboolean interlace = options.scan == Scan::progressive ? TRUE : FALSE;
  if (options.palette_bits == 0) {
    return vips_pngsave_buffer(image, &out->data, &out->size, "compression", 6, "interlace",
                               interlace, "filter", VIPS_FOREIGN_PNG_FILTER_NONE, "strip", TRUE,
                               nullptr);
  }
  return vips_pngsave_buffer(image, &out->data, &out->size, "compression", 9, "interlace",
                             interlace, "palette", TRUE, "bitdepth", options.palette_bits, "effort",
                             2, "strip", TRUE, nullptr);
}

int save_webp(VipsImage* image, const EncodeOptions& options, Bytes8* out) {
  return vips_webpsave_buffer(image, &out->data, &out->size, "Q", options.quality, "effort", 2,
                              "lossless", options.lossless ? TRUE : FALSE, "smart_subsample",
                              options.full_chroma ? TRUE : FALSE, "strip", TRUE, nullptr);
}

// Only here is libvips let write EXIF and a profile: the others are made bare afterwards.
int save_avif(VipsImage* image, const EncodeOptions& options, size_t room, Bytes8* out) {
  if (room > 0) make_room(image, room);
  if (!options.profile.empty()) {
    vips_image_set_blob_copy(image, VIPS_META_ICC_NAME, options.profile.data(),
                             options.profile.size());
  }
  return vips_heifsave_buffer(
      image, &out->data, &out->size, "compression", VIPS_FOREIGN_HEIF_COMPRESSION_AV1, "Q",
      options.quality, "effort", 2, "subsample_mode",
      options.full_chroma ? VIPS_FOREIGN_SUBSAMPLE_OFF : VIPS_FOREIGN_SUBSAMPLE_ON, "strip",
      room > 0 ? FALSE : TRUE, nullptr);
}

int save(VipsImage* image, const EncodeOptions& options, size_t room, Bytes8* out) {
  switch (options.format) {
    case Format::png:
      return save_png(image, options, out);
    case Format::webp:
      return save_webp(image, options, out);
    case Format::avif:
      return save_avif(image, options, room, out);
    case Format::jpeg:
    case Format::automatic:
    case Format::keep:
      return -1;
  }
  return -1;
}

// Debian 13 has the encoders of libheif in packages of their own, and none need be installed: as
// where the module itself is missing, another try would end alike.
Fault save_fault() {
  std::string message = take_vips_error();
  if (message.find("Unsupported compression") != std::string::npos) {
    return {Code::format_not_enabled,
            "libheif has no AV1 encoder: install the package libheif-plugin-aomenc"};
  }
  return {Code::internal_error, std::move(message)};
}

}  // namespace

Failure encode_with_vips(const Raster& raster, const EncodeOptions& options, Buffer* out) {
  const VipsRef image = wrap(raster);
  if (!image) return Fault{Code::internal_error, take_vips_error()};
  std::vector<uint8_t> exif = write_exif(options.copyright);
  // Together with a profile libvips writes EXIF, asked or not.
  const bool avif = options.format == Format::avif;
  if (avif && exif.empty() && !options.profile.empty()) exif = empty_exif();
  Bytes8 saved;
  if (save(image.get(), options, exif.size(), &saved) != 0) return save_fault();
  const View file(static_cast<const uint8_t*>(saved.data), saved.size);
  if (options.format == Format::png) {
    *out = strip_png(file, exif, options.profile);
  } else if (options.format == Format::webp) {
    *out = strip_webp(file, exif, options.profile);
  } else {
    out->assign(file.begin(), file.end());
    if (!exif.empty() && !replace_exif(out, exif)) {
      return Fault{Code::internal_error, "libheif wrote no EXIF to be replaced"};
    }
  }
  return {};
}

}  // namespace imgq::image
