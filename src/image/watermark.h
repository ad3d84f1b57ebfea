#pragma once

#include "src/base/watermark.h"
#include "src/image/raster.h"

namespace imgq::image {

// A watermark ready for one result.
struct Overlay {
  Raster raster;  // sRGB of any kind but ycc, no larger than the result
  Anchor place = Anchor::south_east;
  int opacity_percent = 100;
};

// Lays it over, in sRGB's values, each pixel as much as it covers (Porter and Duff's "over"). The
// result is rgb, with alpha where `under` has it.
Raster lay_over(const Raster& under, const Overlay& overlay);

}  // namespace imgq::image
