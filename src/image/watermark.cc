#include "src/image/watermark.h"

#include <array>
#include <cstdint>

#include "src/image/geometry.h"

namespace imgq::image {
namespace {

struct Pixel {
  std::array<int, 3> colour;
  int alpha = 255;
};

Pixel pixel_at(const uint8_t* samples, PixelKind kind) {
  const bool grey = kind.space == Space::grey;
  Pixel out{{samples[0], samples[grey ? 0 : 1], samples[grey ? 0 : 2]}};
  if (kind.alpha) out.alpha = samples[kind.bands() - 1];
  return out;
}

void put(const Pixel& pixel, PixelKind kind, uint8_t* samples) {
  for (size_t b = 0; b < 3; ++b) samples[b] = static_cast<uint8_t>(pixel.colour[b]);
  if (kind.alpha) samples[3] = static_cast<uint8_t>(pixel.alpha);
}

// Weights out of 255 * 255, rounded once.
Pixel over(const Pixel& top, int opacity_percent, const Pixel& under) {
  const int cover = (top.alpha * opacity_percent + 50) / 100;
  const int shown = cover * 255, seen = (255 - cover) * under.alpha, sum = shown + seen;
  if (sum == 0) return under;
  Pixel out{{}, (sum + 127) / 255};
  for (size_t b = 0; b < 3; ++b) {
    out.colour[b] = (top.colour[b] * shown + under.colour[b] * seen + sum / 2) / sum;
  }
  return out;
}

Raster as_rgb(const Raster& from) {
  Raster out(from.size, {Space::rgb, from.kind.alpha});
  const auto in = static_cast<size_t>(from.kind.bands()),
             to = static_cast<size_t>(out.kind.bands());
  for (size_t at = 0; at * in < from.data.size(); ++at) {
    put(pixel_at(from.data.data() + at * in, from.kind), out.kind, out.data.data() + at * to);
  }
  return out;
}

}  // namespace

Raster lay_over(const Raster& under, const Overlay& overlay) {
  Raster out = as_rgb(under);
  const Rect place = anchored(overlay.raster.size, out.size, overlay.place);
  const auto in = static_cast<size_t>(overlay.raster.kind.bands());
  const auto to = static_cast<size_t>(out.kind.bands());
  for (int y = 0; y < place.height; ++y) {
    const uint8_t* top = overlay.raster.row(y);
    uint8_t* pixel = out.row(place.top + y) + samples_of(place.left, out.kind.bands());
    for (int x = 0; x < place.width; ++x, top += in, pixel += to) {
      put(over(pixel_at(top, overlay.raster.kind), overlay.opacity_percent,
               pixel_at(pixel, out.kind)),
          out.kind, pixel);
    }
  }
  return out;
}

}  // namespace imgq::image
