#pragma once

#include <string>
#include <vector>

#include "src/image/vips_image.h"

namespace imgq::image {

// Whether pixels of this kind, with this profile, must be changed to become sRGB.
bool needs_conversion(View profile, Space space);

// To sRGB (grey stays grey), relative colorimetric with black point compensation, as picture
// editors do. A profile that does not fit, or that the colour engine refuses, is left out with a
// note; ink without a usable profile goes through libvips' general one.
Raster to_srgb(Raster from, View profile, std::vector<std::string>* notes);

// The same for an image in libvips, of any depth, that has a fitting profile embedded; its alpha
// goes round the colour engine, which crashes on it in 8.14.1. Empty when it is refused.
VipsRef transformed_by_embedded(const VipsRef& in, int colour_bands);

}  // namespace imgq::image
