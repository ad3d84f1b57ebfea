#pragma once

#include <vector>

#include "src/image/bytes.h"

namespace imgq::image {

// The file with nothing but its pixels, and, if not empty, `exif` (as write_exif makes it): only
// the chunks that are needed to decode are let through. webpsave of libvips 8.14.1 writes an EXIF
// block of its own even when told to strip, and pngsave never writes one that is wanted.
std::vector<uint8_t> strip_png(View file, const std::vector<uint8_t>& exif);
std::vector<uint8_t> strip_webp(View file, const std::vector<uint8_t>& exif);

}  // namespace imgq::image
