#pragma once

#include <string>

#include "src/image/bytes.h"
#include "src/image/raster.h"

namespace imgq::image {

// Facts of an ICC profile, read without a colour engine.

// Whether it says that it is a profile of a device or a colour space for pixels of this kind, no
// larger than 16 MiB, with no pipeline longer than the colour engine should be asked to set up.
bool profile_fits(View profile, Space space);

// Whether it is sRGB whatever it calls itself: its primaries and its curves are.
bool is_srgb(View profile);

// The light, 0 to 1, of a value of sRGB's curve (IEC 61966-2-1).
double srgb_light(double value);

// Its own description, its first 200 characters; empty when it has none that can be read.
std::string profile_name(View profile);

}  // namespace imgq::image
