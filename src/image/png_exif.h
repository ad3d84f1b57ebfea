#pragma once

#include <cstdint>
#include <vector>

#include "src/image/bytes.h"

extern "C" {
struct _VipsImage;  // NOLINT(bugprone-reserved-identifier): libvips' own name
}

namespace imgq::image {

// The EXIF block of a PNG that has none in an eXIf chunk before its image data, where libvips finds
// it: from such a chunk behind them, as ImageMagick 6 writes it, or from the text "Raw profile type
// exif" (or APP1), the digits of which stand behind a name and a length, as it was before there was
// the chunk. Empty when there is none.
std::vector<uint8_t> odd_exif_of_png(View file, _VipsImage* opened);

}  // namespace imgq::image
