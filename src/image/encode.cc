#include "src/image/encode.h"

#include <algorithm>
#include <array>
#include <utility>

namespace imgq::image {
namespace {

constexpr int kLeastQuality = 10;  // below it nothing can be recognised

bool fits(const Buffer& bytes, int64_t max_bytes) {
  return max_bytes == 0 || static_cast<int64_t>(bytes.size()) <= max_bytes;
}

void keep(Buffer bytes, int quality, bool met, Fitted* out) {
  out->bytes = std::move(bytes);
  out->quality = quality;
  out->met = met;
}

// Exact where a palette holds all colours; else by colours that are few, or by all of them,
// whichever makes the smaller file.
Failure encode_like_palette(const Raster& raster, EncodeOptions options, Buffer* out) {
  options.palette = false;
  if (options.scan == Scan::baseline) {
    Failure fault = encode_palette_png(raster, options, out);
    if (fault || !out->empty()) return fault;
    options.palette_bits = 8;
    if (Failure failed = encode_with_vips(raster, options, out)) return failed;
    options.palette_bits = 0;
  }
  Buffer whole;
  if (Failure fault = encode(raster, options, &whole)) return fault;
  if (out->empty() || whole.size() <= out->size()) *out = std::move(whole);
  return {};
}

// Bisection: size grows with quality, nearly enough.
Failure search_quality(const Raster& raster, EncodeOptions options, int64_t max_bytes,
                       Fitted* out) {
  int low = std::min(kLeastQuality, options.quality), high = options.quality - 1;
  while (low <= high) {
    options.quality = (low + high) / 2;
    Buffer bytes;
    if (Failure fault = encode(raster, options, &bytes)) return fault;
    const bool fitting = fits(bytes, max_bytes);
    fitting ? low = options.quality + 1 : high = options.quality - 1;
    if (fitting || (!out->met && bytes.size() < out->bytes.size())) {
      keep(std::move(bytes), options.quality, fitting, out);
    }
  }
  return {};
}

Failure give_up_colours(const Raster& raster, EncodeOptions options, int64_t max_bytes,
                        Fitted* out) {
  constexpr std::array kBits{8, 4, 2};
  options.palette = false;
  for (const int bits : kBits) {
    options.palette_bits = bits;
    Buffer bytes;
    if (Failure fault = encode(raster, options, &bytes)) return fault;
    const bool fitting = fits(bytes, max_bytes);
    if (bytes.size() < out->bytes.size()) keep(std::move(bytes), 0, fitting, out);
    if (fitting) break;
  }
  return {};
}

}  // namespace

Failure encode(const Raster& raster, const EncodeOptions& options, Buffer* out) {
  if (options.format == Format::jpeg) return encode_jpeg(raster, options, out);
  if (options.format == Format::png && options.palette) {
    return encode_like_palette(raster, options, out);
  }
  if (options.format == Format::png && options.palette_bits == 0 &&
      options.scan == Scan::baseline) {
    return encode_png(raster, options, out);
  }
  return encode_with_vips(raster, options, out);
}

Failure encode_within(const Raster& raster, const EncodeOptions& options, int64_t max_bytes,
                      Fitted* out) {
  Buffer bytes;
  if (Failure fault = encode(raster, options, &bytes)) return fault;
  const bool lossless = options.format == Format::png || options.lossless;
  const bool fitting = fits(bytes, max_bytes);
  keep(std::move(bytes), lossless ? 0 : options.quality, fitting, out);
  if (fitting) return {};
  return lossless ? give_up_colours(raster, options, max_bytes, out)
                  : search_quality(raster, options, max_bytes, out);
}

}  // namespace imgq::image
