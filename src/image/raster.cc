#include "src/image/raster.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "src/image/icc.h"

namespace imgq::image {
namespace {

// Where a pixel of the upright image lies in the stored one, as strides through memory.
struct Walk {
  ptrdiff_t start, per_x, per_y;  // pixels
};

Walk walk_for(int orientation, ptrdiff_t w, ptrdiff_t h) {
  switch (orientation) {
    case 2:
      return {w - 1, -1, w};
    case 3:
      return {w * h - 1, -1, -w};
    case 4:
      return {w * (h - 1), 1, -w};
    case 5:
      return {0, w, 1};
    case 6:
      return {w * (h - 1), -w, 1};
    case 7:
      return {w * h - 1, -w, -1};
    case 8:
      return {w - 1, w, -1};
    default:
      return {0, 1, w};
  }
}

uint8_t blend(int over, int under, int alpha) {
  return static_cast<uint8_t>((over * alpha + under * (255 - alpha) + 127) / 255);
}

uint8_t clamp_byte(int value) { return static_cast<uint8_t>(std::clamp(value, 0, 255)); }

bool is_grey(Rgb c) { return c.red == c.green && c.green == c.blue; }

// What each value of sRGB shines with, times `weight`; with a half between it and the next: where
// one ends and the other begins.
std::array<double, 256> lights(double weight, double half) {
  std::array<double, 256> out{};
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = weight * srgb_light((static_cast<double>(i) + half) / 255);
  }
  return out;
}

uint8_t value_of_light(double light) {
  static const std::array<double, 256> ends = lights(1, 0.5);
  return static_cast<uint8_t>(std::upper_bound(ends.begin(), ends.end() - 1, light) - ends.begin());
}

}  // namespace

int PixelKind::bands() const {
  const bool one = space == Space::grey || space == Space::ycc420;
  const int colours = one ? 1 : space == Space::cmyk ? 4 : 3;
  return colours + (alpha ? 1 : 0);
}

Raster::Raster(Size size_px, PixelKind pixel_kind) : size(size_px), kind(pixel_kind) {
  data.resize(row_bytes() * static_cast<size_t>(size.height));
}

size_t Raster::row_bytes() const { return samples_of(size.width, kind.bands()); }

Raster cut_out(const Raster& from, const Rect& part) {
  Raster out({part.width, part.height}, from.kind);
  const auto skip = samples_of(part.left, from.kind.bands());
  for (int y = 0; y < part.height; ++y) {
    std::memcpy(out.row(y), from.row(part.top + y) + skip, out.row_bytes());
  }
  return out;
}

Raster turn_upright(Raster from, int orientation) {
  if (orientation <= 1 || orientation > 8) return from;
  Raster out(upright_size(from.size, orientation), from.kind);
  const Walk walk = walk_for(orientation, from.size.width, from.size.height);
  const auto bands = static_cast<size_t>(from.kind.bands());
  uint8_t* to = out.data.data();
  for (ptrdiff_t y = 0; y < out.size.height; ++y) {
    ptrdiff_t at = walk.start + y * walk.per_y;
    for (int x = 0; x < out.size.width; ++x, at += walk.per_x, to += bands) {
      std::memcpy(to, from.data.data() + static_cast<size_t>(at) * bands, bands);
    }
  }
  for (Raster& plane : from.chroma)
    out.chroma.push_back(turn_upright(std::move(plane), orientation));
  return out;
}

Raster flatten(const Raster& from, Rgb background) {
  if (!from.kind.alpha) return from;
  const bool grey = from.kind.space == Space::grey && is_grey(background);
  const uint8_t under[3] = {background.red, background.green, background.blue};
  const int colours = from.kind.space == Space::grey ? 1 : 3;
  Raster out(from.size, {grey ? Space::grey : Space::rgb, false});
  const uint8_t* in = from.data.data();
  const int out_bands = grey ? 1 : 3;
  for (size_t i = 0; i < out.data.size(); i += static_cast<size_t>(out_bands)) {
    for (int b = 0; b < out_bands; ++b) {
      out.data[i + static_cast<size_t>(b)] = blend(in[colours == 1 ? 0 : b], under[b], in[colours]);
    }
    in += colours + 1;
  }
  return out;
}

Raster pad(const Raster& from, Size canvas, Rgb background) {
  if (from.size == canvas) return from;
  const bool grey = from.kind.space == Space::grey && is_grey(background);
  const std::array<uint8_t, 5> ground{background.red, background.green, background.blue};
  Raster out(canvas, {grey ? Space::grey : Space::rgb, false});
  const auto bands = static_cast<size_t>(out.kind.bands());
  for (size_t i = 0; i < out.data.size(); ++i) out.data[i] = ground[i % bands];
  const bool widens = from.kind.space == Space::grey && !grey;
  const int top = (canvas.height - from.size.height) / 2;
  const auto left = samples_of((canvas.width - from.size.width) / 2, out.kind.bands());
  const auto count = samples_of(from.size.width, out.kind.bands());
  for (int y = 0; y < from.size.height; ++y) {
    uint8_t* to = out.row(top + y) + left;
    const uint8_t* in = from.row(y);
    for (size_t i = 0; i < count; ++i) to[i] = in[widens ? i / 3 : i];
  }
  return out;
}

Raster to_grey(Raster from) {
  from = to_rgb(std::move(from));
  if (from.kind.space != Space::rgb) return from;
  static const auto red = lights(0.2126, 0), green = lights(0.7152, 0), blue = lights(0.0722, 0);
  const auto bands = static_cast<size_t>(from.kind.bands());
  Raster out(from.size, {Space::grey, from.kind.alpha});
  uint8_t* to = out.data.data();
  for (size_t at = 0; at < from.data.size(); at += bands) {
    const uint8_t* pixel = from.data.data() + at;
    *to++ = value_of_light(red[pixel[0]] + green[pixel[1]] + blue[pixel[2]]);
    if (from.kind.alpha) *to++ = pixel[3];
  }
  return out;
}

// Whether half of the pairs are equal is asked first, as long as they can be: it tells pictures.
bool is_flat_art(const Raster& raster) {
  if (raster.kind.space != Space::rgb) return false;
  constexpr int kNear = 8, kFar = 48;
  const auto bands = static_cast<size_t>(raster.kind.bands());
  const auto across = static_cast<size_t>(raster.size.width - 1);
  const size_t pairs = across * static_cast<size_t>(raster.size.height);
  size_t same = 0, near = 0, edges = 0;
  for (int y = 0; y < raster.size.height; ++y) {
    const uint8_t* left = raster.row(y);
    for (size_t x = 0; x < across; ++x, left += bands) {
      const int differs =
          (left[0] ^ left[bands]) | (left[1] ^ left[bands + 1]) | (left[2] ^ left[bands + 2]);
      same += differs == 0 ? 1 : 0;
    }
    const size_t seen = across * static_cast<size_t>(y + 1);
    if ((pairs - seen + same) * 2 < pairs) return false;
  }
  for (int y = 0; y < raster.size.height; ++y) {
    const uint8_t* left = raster.row(y);
    for (size_t x = 0; x < across; ++x, left += bands) {
      const uint8_t* right = left + bands;
      const int red = right[0] - left[0], green = right[1] - left[1], blue = right[2] - left[2];
      const int most = std::max({std::abs(red), std::abs(green), std::abs(blue)});
      const bool coloured = std::max(std::abs(red - green), std::abs(blue - green)) >= kFar;
      near += most > 0 && most <= kNear ? 1 : 0;
      edges += coloured ? 1 : 0;
    }
  }
  return near * 8 <= same && edges * 1000 >= pairs && edges > 0;
}

bool is_transparent(const Raster& raster) {
  if (!raster.kind.alpha) return false;
  const auto bands = static_cast<size_t>(raster.kind.bands());
  for (size_t i = bands - 1; i < raster.data.size(); i += bands) {
    if (raster.data[i] != 255) return true;
  }
  return false;
}

// Fixed point with 16 bits, the factors of JFIF.
Raster to_rgb(Raster from) {
  if (from.kind.space != Space::ycc) return from;
  constexpr int kHalf = 1 << 15;
  for (size_t i = 0; i + 2 < from.data.size(); i += 3) {
    const int y = from.data[i], cb = from.data[i + 1] - 128, cr = from.data[i + 2] - 128;
    from.data[i] = clamp_byte(y + ((91881 * cr + kHalf) >> 16));
    from.data[i + 1] = clamp_byte(y + ((-22554 * cb - 46802 * cr + kHalf) >> 16));
    from.data[i + 2] = clamp_byte(y + ((116130 * cb + kHalf) >> 16));
  }
  from.kind.space = Space::rgb;
  return from;
}

}  // namespace imgq::image
