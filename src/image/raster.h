#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "src/base/request.h"
#include "src/image/geometry.h"

namespace imgq::image {

// What the bands of a pixel mean.
enum class Space {
  grey,    // one band
  rgb,     // three
  ycc,     // three, as JPEG has them (full range BT.601)
  ycc420,  // one, luma; chroma has rasters of its own
  cmyk,    // four; 255 is full ink
};

struct PixelKind {
  Space space = Space::rgb;
  bool alpha = false;  // one more band, last, not premultiplied
  int bands() const;
};

// How many samples that are; widened before it is multiplied.
inline size_t samples_of(int pixels, int bands) {
  return static_cast<size_t>(pixels) * static_cast<size_t>(bands);
}

// Pixels in memory, 8 bits a band, bands interleaved, rows without padding.
struct Raster {
  Size size;
  PixelKind kind;
  std::vector<uint8_t> data;
  std::vector<Raster> chroma;  // of ycc420: Cb and Cr, half as large each way, rounded up

  Raster() = default;
  Raster(Size size_px, PixelKind pixel_kind);
  size_t row_bytes() const;
  uint8_t* row(int y) { return data.data() + static_cast<size_t>(y) * row_bytes(); }
  const uint8_t* row(int y) const { return data.data() + static_cast<size_t>(y) * row_bytes(); }
};

Raster cut_out(const Raster& from, const Rect& part);

// Turns pixels as stored into the upright image, for an EXIF orientation 1..8.
Raster turn_upright(Raster from, int orientation);

// Puts `background` under a transparent image; the result has no alpha. Grey becomes colour only
// when the background is one.
Raster flatten(const Raster& from, Rgb background);

// The image in the middle of a canvas of this colour, which is no smaller. Not of ycc, nor alpha.
Raster pad(const Raster& from, Size canvas, Rgb background);

// The light of each pixel (ITU-R BT.709's luminance, of sRGB) in one band, alpha beside it.
Raster to_grey(Raster from);

// Whether it is drawn, not photographed, in colours that meet at edges: most pixels are the same as
// their neighbour, few are nearly so, and some differ much in more than light. Of rgb.
bool is_flat_art(const Raster& raster);

// Whether some pixel can be seen through.
bool is_transparent(const Raster& raster);

// From JPEG's YCbCr to RGB. Others are returned as they are.
Raster to_rgb(Raster from);

}  // namespace imgq::image
