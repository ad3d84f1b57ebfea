#pragma once

#include "src/base/request.h"
#include "src/image/raster.h"

namespace imgq::image {

// What has to look at the picture, done by libvips on small rasters in sRGB.

// The part of this size that draws the eye most (attention), or that has most detail (entropy).
Failure smart_crop(const Raster& raster, Size size, Anchor by, Rect* out);

// Sharpens lightness, not colour.
Failure sharpen(Raster* raster, double sigma_px);

}  // namespace imgq::image
