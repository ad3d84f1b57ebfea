#pragma once

#include "src/base/formats.h"
#include "src/image/bytes.h"
#include "src/image/encode.h"

// What a picture is coded as in its source, alone in a file of its own: of metadata there is only
// `exif` (as write_exif makes it; empty: none), and nothing stands behind the end; only what stands
// behind the last bit within a WebP's image chunk cannot be told from coding. The picture is
// still, of 8 bits or fewer, and its decoder has taken it whole without a warning.
namespace imgq::image {

// Empty where a part of the file cannot be told from something hidden in it, or the kind is none
// of JPEG, PNG and WebP.
Buffer own_coding(Kind kind, View file, const std::vector<uint8_t>& exif);

// A JPEG's coefficients, entropy-coded anew: in one scan, or, where that makes it larger than the
// source, in the source's own. Empty when libjpeg warns of anything.
Buffer jpeg_coding(View file, const std::vector<uint8_t>& exif);

}  // namespace imgq::image
