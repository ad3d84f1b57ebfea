#pragma once

#include <cstdint>
#include <vector>

#include "src/image/exif.h"
#include "src/image/fault.h"
#include "src/image/raster.h"

namespace imgq::image {

struct EncodeOptions {
  Format format = Format::jpeg;  // one that is written: jpeg, png, webp, avif
  int quality = 80;              // not for PNG
  bool full_chroma = false;      // JPEG, AVIF: 4:4:4
  Scan scan = Scan::baseline;
  bool lossless = false;  // WebP
  int palette_bits = 0;   // PNG: at most 2^n colours; 0: all
  bool palette = false;   // PNG: as small as a palette makes it; 256 colours or fewer stay exact
  View profile;           // ICC, of the pixels; empty: they are sRGB's
  Exif copyright;         // artist and copyright to be kept; empty: no metadata at all
};

using Buffer = std::vector<uint8_t>;

// Writes a raster of grey, rgb or (JPEG only) ycc; alpha not for JPEG. Nothing but the pixels,
// and profile and copyright if asked for, can be in the result: it is made from the bare raster.
//   errors  out_of_memory, internal_error, format_not_enabled (AVIF where libvips cannot)
Failure encode(const Raster& raster, const EncodeOptions& options, Buffer* out);

struct Fitted {
  Buffer bytes;
  int quality = 0;  // used; 0: lossless
  bool met = true;  // is within max_bytes
};

// The best that is not over `max_bytes`, between the quality asked for and a least one (10, or
// what was asked if that is less). PNG gives up colours instead. Where nothing fits, the smallest.
Failure encode_within(const Raster& raster, const EncodeOptions& options, int64_t max_bytes,
                      Fitted* out);

// One encoder each; used by encode().
Failure encode_jpeg(const Raster& raster, const EncodeOptions& options, Buffer* out);
Failure encode_with_vips(const Raster& raster, const EncodeOptions& options, Buffer* out);
Failure encode_png(const Raster& raster, const EncodeOptions& options,
                   Buffer* out);  // all colours, not progressive
Failure encode_palette_png(const Raster& raster, const EncodeOptions& options,
                           Buffer* out);  // exact; empty when there are more than 256 colours

}  // namespace imgq::image
