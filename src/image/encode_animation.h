#pragma once

#include <memory>
#include <vector>

#include "src/image/encode.h"
#include "src/image/raster.h"

namespace imgq::image {

// Frames to an animated WebP, one after another: of all of them only what they are coded as is
// held. Nothing but pixels, times, and profile and copyright if asked for, can be in the result.
class AnimationEncoder {
 public:
  // Of `options` quality, lossless, full_chroma, profile and copyright.
  AnimationEncoder(Size size, EncodeOptions options);
  ~AnimationEncoder();
  AnimationEncoder(const AnimationEncoder&) = delete;
  AnimationEncoder& operator=(const AnimationEncoder&) = delete;

  // A raster of grey or rgb.
  //   errors  out_of_memory
  Failure add(const Raster& frame, int delay_ms);

  // After the last frame.
  //   plays  how often it is shown; 0: for ever
  Failure finish(int plays, Buffer* out);

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace imgq::image
