#include "src/image/frames.h"

#include <algorithm>
#include <cstring>

#include "src/image/raster.h"

namespace imgq::image {
namespace {

constexpr int kBands = 4;

}  // namespace

Canvas::Canvas(Size size) : size_(size), pixels_(samples_of(size.width, kBands) * size.height) {}

size_t Canvas::index(int x, int y) const {
  return samples_of(size_.width, kBands) * static_cast<size_t>(y) + samples_of(x, kBands);
}

uint8_t* Canvas::pixel(int x, int y) { return pixels_.data() + index(x, y); }

// The rows of the place: where each begins on the canvas, and among what was saved.
template <class Work>
void Canvas::each_row(const Work& work) {
  const size_t bytes = samples_of(place_.width, kBands);
  for (int y = 0; y < place_.height; ++y) {
    work(pixel(place_.left, place_.top + y), static_cast<size_t>(y) * bytes, bytes);
  }
}

void Canvas::begin_frame(const Rect& place, Disposal disposal) {
  if (disposal_ == Disposal::clear) {
    each_row([](uint8_t* row, size_t, size_t bytes) { std::memset(row, 0, bytes); });
  } else if (disposal_ == Disposal::restore) {
    each_row([this](uint8_t* row, size_t at, size_t bytes) {
      std::memcpy(row, saved_.data() + at, bytes);
    });
  }
  const int right = std::min(place.left + place.width, size_.width);
  const int bottom = std::min(place.top + place.height, size_.height);
  place_ = {place.left, place.top, std::max(0, right - place.left),
            std::max(0, bottom - place.top)};
  disposal_ = place_.width > 0 ? disposal : Disposal::none;
  if (disposal_ != Disposal::restore) return;
  saved_.resize(samples_of(place_.width, kBands) * static_cast<size_t>(place_.height));
  each_row([this](const uint8_t* row, size_t at, size_t bytes) {
    std::memcpy(saved_.data() + at, row, bytes);
  });
}

}  // namespace imgq::image
