#pragma once

#include <string>

#include "src/image/bytes.h"
#include "src/image/raster.h"

namespace imgq::image {

// Facts of an ICC profile, read without a colour engine.

// Whether it says that it is a profile of a device or a colour space for pixels of this kind, no
// larger than the 255 segments that a JPEG can have of it, with no pipeline longer than the colour
// engine should be asked to set up.
bool profile_fits(View profile, Space space);

// Without what stands behind the end that the profile, which fits, tells of itself (ICC.1, 7.2.2);
// empty when it is not there up to that.
View within_own_size(View profile);

// Whether it is sRGB whatever it calls itself: its primaries and its curves are.
bool is_srgb(View profile);

// The light, 0 to 1, of a value of sRGB's curve (IEC 61966-2-1).
double srgb_light(double value);
double srgb_value(double light);  // the other way round

// Its own description, its first 200 characters; empty when it has none that can be read.
std::string profile_name(View profile);

}  // namespace imgq::image
