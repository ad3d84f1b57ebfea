#pragma once

#include <string>

#include "src/image/bytes.h"
#include "src/image/raster.h"

namespace imgq::image {

// Facts of an ICC profile, read without a colour engine.

// Whether it is a profile at all, and for pixels of this kind: libvips 8.14.1 fails or makes
// garbage where a grey image carries an RGB profile, or the other way round.
bool profile_fits(View profile, Space space);

// Whether it is sRGB whatever it calls itself: its primaries and its curves are.
bool is_srgb(View profile);

// Its own description, its first 200 characters; empty when it has none that can be read.
std::string profile_name(View profile);

}  // namespace imgq::image
