#include "src/image/smart_crop.h"

#include <vips/vips.h>

#include "src/image/vips_image.h"

namespace imgq::image {

// libvips crops without saying where in 8.14; the offset it leaves on the result tells.
Failure smart_crop(const Raster& raster, Size size, Anchor by, Rect* out) {
  const VipsRef in = wrap(raster);
  VipsImage* cropped = nullptr;
  const VipsInteresting interest =
      by == Anchor::entropy ? VIPS_INTERESTING_ENTROPY : VIPS_INTERESTING_ATTENTION;
  if (!in || vips_smartcrop(in.get(), &cropped, size.width, size.height, "interesting", interest,
                            nullptr) != 0) {
    return Fault{Code::internal_error, take_vips_error()};
  }
  const VipsRef owner(cropped);
  *out = {-cropped->Xoffset, -cropped->Yoffset, size.width, size.height};
  return {};
}

Failure sharpen(Raster* raster, double sigma_px) {
  const VipsRef in = wrap(*raster);
  VipsImage* sharp = nullptr;
  if (!in || vips_sharpen(in.get(), &sharp, "sigma", sigma_px, nullptr) != 0) {
    return Fault{Code::internal_error, take_vips_error()};
  }
  const VipsRef sharper(sharp);
  Raster out;
  if (Failure fault = unwrap(sharper, raster->kind, &out)) return fault;
  *raster = std::move(out);
  return {};
}

}  // namespace imgq::image
