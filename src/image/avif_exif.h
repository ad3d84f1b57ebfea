#pragma once

#include <cstdint>
#include <vector>

#include "src/image/bytes.h"

namespace imgq::image {

// Puts `exif`, as write_exif makes it, in the place of the longer block that an AVIF has already:
// libvips writes one that libexif made, with fields that nobody asked for. The rest is blanked.
// False when there is no such block, or it is too short.
bool replace_exif(std::vector<uint8_t>* avif, View exif);

}  // namespace imgq::image
