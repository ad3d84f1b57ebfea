#pragma once

#include <vector>

#include "src/image/bytes.h"
#include "src/image/geometry.h"

namespace imgq::image {

// The file with nothing but its pixels, and, if not empty, `exif` (as write_exif makes it) and an
// ICC profile: only chunks needed to decode are let through, of animations, too. webpsave of
// libvips 8.14.1 writes an EXIF block of its own even when told to strip, and pngsave never one
// that is wanted.
std::vector<uint8_t> strip_png(View file, const std::vector<uint8_t>& exif, View profile);
std::vector<uint8_t> strip_webp(View file, const std::vector<uint8_t>& exif, View profile);

// A PNG of 8 bits a sample of its deflated rows, with the same beside them.
std::vector<uint8_t> make_png(Size size, uint8_t colour_type, View deflated,
                              const std::vector<uint8_t>& exif, View profile);

}  // namespace imgq::image
