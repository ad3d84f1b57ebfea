#include "src/image/planes.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "src/image/resample.h"

namespace imgq::image {
namespace {

constexpr PixelKind kOneBand{Space::grey, false};

// Whether its samples are some as they stand.
bool is_cut(const Window& window, Size size) {
  const auto along = [](const Axis& axis, int samples) {
    return axis.step == 1 && axis.start == std::floor(axis.start) && axis.start >= 0 &&
           axis.start + axis.count <= samples;
  };
  return along(window.x, size.width) && along(window.y, size.height);
}

template <class Band>
Raster cut_out(const Band& plane, const Window& window) {
  Raster out({window.x.count, window.y.count}, kOneBand);
  for (int y = 0; y < out.size.height; ++y) {
    const uint8_t* row = plane.row(y + static_cast<int>(window.y.start));
    std::copy_n(row + static_cast<ptrdiff_t>(window.x.start), out.size.width, out.row(y));
  }
  return out;
}

// Of one band: a component, or the luma of ycc420.
template <class Band>
Raster resample_band(const Band& plane, const Window& window) {
  if (is_cut(window, plane.size)) return cut_out(plane, window);
  Resampler resampler(plane.size, kOneBand, window);
  for (int y = 0; y < plane.size.height; ++y) resampler.push(plane.row(y));
  return resampler.take();
}

// For one sample of chroma of two of luma. Where the turned picture begins with what is the end
// here, the odd one out is here the first.
Axis halved(Axis axis, bool from_end) {
  if (from_end && axis.count % 2 == 1) axis.start -= axis.step;
  return {axis.start, 2 * axis.step, (axis.count + 1) / 2};
}

bool begins_right(int orientation) {
  constexpr std::array<int, 4> kFromRight = {2, 3, 7, 8};
  return std::find(kFromRight.begin(), kFromRight.end(), orientation) != kFromRight.end();
}

bool begins_below(int orientation) {
  constexpr std::array<int, 4> kFromBelow = {3, 4, 6, 7};
  return std::find(kFromBelow.begin(), kFromBelow.end(), orientation) != kFromBelow.end();
}

// What becomes the result, of each plane.
std::vector<Window> windows_of(const std::vector<Plane>& planes, const Rect& shown, Size scaled,
                               const Rect& part, int orientation) {
  std::vector<Window> out;
  for (const Plane& plane : planes) {
    Window window =
        part_window(shown, scaled, part, {plane.size, kOneBand, plane.reduced_x, plane.reduced_y});
    if (!out.empty()) {
      window = {halved(window.x, begins_right(orientation)),
                halved(window.y, begins_below(orientation))};
    }
    out.push_back(window);
  }
  return out;
}

}  // namespace

bool are_cut(const std::vector<Plane>& planes, const Rect& shown, Size scaled, const Rect& part,
             int orientation) {
  const std::vector<Window> windows = windows_of(planes, shown, scaled, part, orientation);
  return std::equal(
      planes.begin(), planes.end(), windows.begin(),
      [](const Plane& plane, const Window& window) { return is_cut(window, plane.size); });
}

Raster resample_planes(const std::vector<Plane>& planes, const Rect& shown, Size scaled,
                       const Rect& part, int orientation) {
  const std::vector<Window> windows = windows_of(planes, shown, scaled, part, orientation);
  Raster out = resample_band(planes[0], windows[0]);
  for (size_t i = 1; i < planes.size(); ++i) {
    out.kind.space = Space::ycc420;
    out.chroma.push_back(resample_band(planes[i], windows[i]));
  }
  return out;
}

std::vector<Plane> as_planes(Raster raster, Size picture) {
  const double reduced_x = static_cast<double>(picture.width) / raster.size.width;
  const double reduced_y = static_cast<double>(picture.height) / raster.size.height;
  std::vector<Plane> out;
  const auto add = [&](Raster& band, int covers) {
    out.push_back({band.size, covers * reduced_x, covers * reduced_y, band.row_bytes(),
                   std::move(band.data)});
  };
  add(raster, 1);
  for (Raster& chroma : raster.chroma) add(chroma, 2);
  return out;
}

Raster interleaved(const Raster& from, Size size) {
  const double step_x = static_cast<double>(from.size.width) / size.width;
  const double step_y = static_cast<double>(from.size.height) / size.height;
  const Window luma{{0, step_x, size.width}, {0, step_y, size.height}};
  const Window chroma{{0, step_x / 2, size.width}, {0, step_y / 2, size.height}};
  const Raster y = resample_band(from, luma);
  const Raster cb = resample_band(from.chroma[0], chroma);
  const Raster cr = resample_band(from.chroma[1], chroma);
  Raster out(size, {Space::ycc, false});
  for (size_t i = 0; i < y.data.size(); ++i) {
    out.data[3 * i] = y.data[i];
    out.data[3 * i + 1] = cb.data[i];
    out.data[3 * i + 2] = cr.data[i];
  }
  return out;
}

}  // namespace imgq::image
