#include "src/image/vips_image.h"

#include <vips/vips.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace imgq::image {
namespace {

VipsInterpretation meaning_of(Space space) {
  switch (space) {
    case Space::grey:
      return VIPS_INTERPRETATION_B_W;
    case Space::cmyk:
      return VIPS_INTERPRETATION_CMYK;
    case Space::rgb:
    case Space::ycc:
    case Space::ycc420:
      return VIPS_INTERPRETATION_sRGB;
  }
  return VIPS_INTERPRETATION_sRGB;
}

}  // namespace

std::string take_vips_error() {
  std::string text = vips_error_buffer();
  vips_error_clear();
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ';');
  return text;
}

VipsRef wrap(const Raster& raster) {
  VipsImage* image =
      vips_image_new_from_memory(raster.data.data(), raster.data.size(), raster.size.width,
                                 raster.size.height, raster.kind.bands(), VIPS_FORMAT_UCHAR);
  if (image != nullptr) image->Type = meaning_of(raster.kind.space);
  return VipsRef(image);
}

Failure unwrap(const VipsRef& image, PixelKind kind, Raster* out) {
  const Size size{image.get()->Xsize, image.get()->Ysize};
  const std::unique_ptr<VipsRegion, decltype(&g_object_unref)> region(vips_region_new(image.get()),
                                                                      &g_object_unref);
  Raster raster(size, kind);
  if (image.get()->Bands != kind.bands() || image.get()->BandFmt != VIPS_FORMAT_UCHAR) {
    return Fault{Code::internal_error, "libvips made another kind of pixel than asked for"};
  }
  constexpr int kStrip = 16;
  for (int y = 0; y < size.height; y += kStrip) {
    VipsRect strip{0, y, size.width, std::min(kStrip, size.height - y)};
    if (vips_region_prepare(region.get(), &strip) != 0) {
      return Fault{Code::internal_error, take_vips_error()};
    }
    for (int i = 0; i < strip.height; ++i) {
      const auto* row = VIPS_REGION_ADDR(region.get(), 0, y + i);  // NOLINT: the macro's casts
      std::memcpy(raster.row(y + i), row, raster.row_bytes());
    }
  }
  *out = std::move(raster);
  return {};
}

}  // namespace imgq::image
