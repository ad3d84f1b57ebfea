#pragma once

#include <memory>

#include "src/image/raster.h"

namespace imgq::image {

// Along one side: result pixel i is centred at start + (i + 0.5) * step of the input, where the
// input's pixel j covers j..j+1.
struct Axis {
  double start = 0, step = 1;
  int count = 0;
  bool operator==(const Axis&) const = default;
};

// The part of an input that becomes a result. Fractions are honoured: nothing is shifted by half a
// pixel because a decoder rounded its size up.
struct Window {
  Axis x, y;
};

// Lanczos with three lobes, separable, row by row: the input is never held whole. Colour is
// weighted by alpha. Where the reduction is strong, input pixels are first averaged in squares,
// leaving at least a fourfold reduction to the filter. For linear light the samples, grey or
// rgb, are sRGB's (IEC 61966-2-1).
class Resampler {
 public:
  Resampler(Size input, PixelKind kind, const Window& window, Light light = Light::as_stored);
  Resampler(Resampler&&) noexcept;
  Resampler& operator=(Resampler&&) noexcept;
  ~Resampler();

  // Takes the next row of the input, from the top. Every row must come.
  void push(const uint8_t* row);
  Raster take();  // after the last row

 private:
  class State;
  std::unique_ptr<State> state_;
};

Raster resample(const Raster& from, const Window& window, Light light = Light::as_stored);

// Bytes that a resampler of this shape holds, at most.
int64_t resampler_bytes(Size input, PixelKind kind, const Window& window);

}  // namespace imgq::image
