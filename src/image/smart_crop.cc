#include "src/image/smart_crop.h"

#include <vips/vips.h>

#include <algorithm>
#include <cstdint>

#include "src/image/vips_image.h"

namespace imgq::image {
namespace {

// Copies the colours of each pixel, of which one has an alpha beside them.
void copy_colours(const uint8_t* from, size_t step_from, uint8_t* to, size_t step_to,
                  size_t pixels) {
  const size_t colours = std::min(step_from, step_to);
  for (size_t i = 0; i < pixels; ++i, from += step_from, to += step_to) {
    std::copy_n(from, colours, to);
  }
}

Raster without_alpha(const Raster& from) {
  Raster out(from.size, {from.kind.space, false});
  const auto bands = static_cast<size_t>(out.kind.bands());
  copy_colours(from.data.data(), bands + 1, out.data.data(), bands, out.data.size() / bands);
  return out;
}

void put_colours(const Raster& colours, Raster* to) {
  const auto bands = static_cast<size_t>(colours.kind.bands());
  copy_colours(colours.data.data(), bands, to->data.data(), bands + 1, colours.data.size() / bands);
}

}  // namespace

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

// Beside an alpha band libvips takes forty times as long, and leaves that as it is.
Failure sharpen(Raster* raster, double sigma_px) {
  if (raster->kind.alpha) {
    Raster colours = without_alpha(*raster);
    if (Failure fault = sharpen(&colours, sigma_px)) return fault;
    put_colours(colours, raster);
    return {};
  }
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
