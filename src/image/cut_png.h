#pragma once

#include <cstdint>
#include <vector>

#include "src/image/bytes.h"
#include "src/image/raster.h"

namespace imgq::image {

// What there is of a PNG that ends too early, and zeros where nothing has come; of the passes of an
// interlaced one (PNG third edition, 8.2) each pixel as large as what it stands for so far. Samples
// of `kind`, of two bytes in native order where the file has 16 bits, of one otherwise.
//   errors  truncated (no pixel at all), corrupt_image
struct CutPng {
  std::vector<uint8_t> samples;
  int bits = 8;  // of a sample
};
Failure decode_cut_png(View file, Size size, PixelKind kind, CutPng* out);

}  // namespace imgq::image
