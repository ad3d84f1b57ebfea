// A PNG of few colours, to the bit: libvips' palettes are always estimated anew.
#include <png.h>

#include <unordered_map>

#include "src/image/encode.h"
#include "src/image/strip.h"

namespace imgq::image {
namespace {

constexpr size_t kMostColours = 256;

struct Indexed {
  std::vector<uint8_t> colours;  // RGBA
  std::vector<uint8_t> pixels;
};

// As R, G, B, A in one number.
uint32_t colour_at(const uint8_t* pixel, PixelKind kind) {
  const bool grey = kind.space == Space::grey;
  const uint32_t alpha = kind.alpha ? pixel[kind.bands() - 1] : 255;
  return uint32_t{pixel[0]} << 24 | uint32_t{pixel[grey ? 0 : 1]} << 16 |
         uint32_t{pixel[grey ? 0 : 2]} << 8 | alpha;
}

// False when there are more than 256 colours.
bool index(const Raster& raster, Indexed* out) {
  std::unordered_map<uint32_t, uint8_t> seen;
  const auto bands = static_cast<size_t>(raster.kind.bands());
  out->pixels.reserve(raster.data.size() / bands);
  for (size_t at = 0; at < raster.data.size(); at += bands) {
    const uint32_t colour = colour_at(&raster.data[at], raster.kind);
    const auto [entry, fresh] = seen.try_emplace(colour, static_cast<uint8_t>(seen.size()));
    if (fresh && seen.size() > kMostColours) return false;
    for (int shift = 24; fresh && shift >= 0; shift -= 8) {
      out->colours.push_back(static_cast<uint8_t>(colour >> shift));
    }
    out->pixels.push_back(entry->second);
  }
  return true;
}

}  // namespace

Failure encode_palette_png(const Raster& raster, const EncodeOptions& options, Buffer* out) {
  Indexed indexed;
  out->clear();
  if (!index(raster, &indexed)) return {};
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(raster.size.width);
  image.height = static_cast<png_uint_32>(raster.size.height);
  image.format = PNG_FORMAT_RGBA_COLORMAP;
  image.colormap_entries = static_cast<png_uint_32>(indexed.colours.size() / 4);
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  Buffer file(size);
  if (png_image_write_to_memory(&image, file.data(), &size, 0, indexed.pixels.data(), 0,
                                indexed.colours.data()) == 0) {
    return Fault{Code::internal_error, image.message};
  }
  *out = strip_png(View(file).first(size), write_exif(options.copyright), options.profile);
  return {};
}

}  // namespace imgq::image
