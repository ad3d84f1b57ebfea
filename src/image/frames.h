#pragma once

#include <memory>
#include <string>
#include <vector>

#include "src/base/request.h"
#include "src/image/bytes.h"
#include "src/image/fault.h"
#include "src/image/geometry.h"

namespace imgq::image {

// What becomes of a frame's place before the next is drawn.
enum class Disposal { none, clear, restore };

// What the frames of an animation are drawn on: RGBA, not premultiplied, see-through at first.
class Canvas {
 public:
  explicit Canvas(Size size);

  // Does what the frame before has asked for, and remembers what this one does.
  void begin_frame(const Rect& place, Disposal disposal);
  uint8_t* pixel(int x, int y);
  const uint8_t* data() const { return pixels_.data(); }
  Size size() const { return size_; }

 private:
  size_t index(int x, int y) const;
  template <class Work>
  void each_row(const Work& work);

  Size size_;
  Rect place_;  // of the frame before, within the canvas
  Disposal disposal_ = Disposal::none;
  std::vector<uint8_t> pixels_, saved_;
};

// The frames of an animation one after another, each whole as it is shown.
class FrameReader {
 public:
  virtual ~FrameReader() = default;

  struct Frame {
    const uint8_t* pixels = nullptr;  // of the canvas, until the next call; null: there is none
    int delay_ms = 0;                 // as the file has it
  };
  //   errors  truncated, corrupt_image, out_of_memory
  virtual Failure next(Frame* out) = 0;

  // How often it is shown; 0: for ever. Known after the last frame.
  virtual int plays() const = 0;

  // Words of src/base/notes.h. After the last frame.
  virtual std::vector<std::string> notes() const { return {}; }
};

// Of a GIF with this canvas. `file` must outlive it.
std::unique_ptr<FrameReader> read_gif_frames(View file, Size canvas, Truncated truncated);

// Of an animated WebP.
std::unique_ptr<FrameReader> read_webp_frames(View file, Size canvas);

}  // namespace imgq::image
