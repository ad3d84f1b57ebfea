#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "src/image/bytes.h"

// A PNG's pixels by libdeflate, which inflates them whole in less than half of zlib's time.
namespace imgq::image {

// Rows without padding, as libvips has them: palettes spelled out, samples of 16 bits in native
// order.
struct PngPixels {
  std::unique_ptr<uint8_t[]> samples;
  size_t size_bytes = 0;
};

// What it takes while that is done; 0 for what is left to libpng: interlaced ones, samples of fewer
// than 8 bits, more than 1 GiB.
int64_t png_pixels_need(View file);

// Nothing where that is 0, or anything is in doubt: then libpng is to judge. What is not seen is a
// code that no encoder makes and zlib refuses: of more than 286 lengths, or 30 distances.
std::optional<PngPixels> png_pixels(View file);

}  // namespace imgq::image
