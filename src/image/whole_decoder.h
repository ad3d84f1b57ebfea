#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/image/colour.h"
#include "src/image/decoder.h"
#include "src/image/tone_map.h"

namespace imgq::image {

// An image that its library gives whole, in samples of 8 to 16 bits. What is deeper than 8 bits,
// HDR or premultiplied comes as 8-bit sRGB; the rest as it is.
class WholeDecoder : public Decoder {
 public:
  const Picture& picture() const override { return picture_; }
  Failure begin(const Purpose& purpose, Output* out) override;
  Failure next(const uint8_t** row) override;
  std::vector<std::string> notes() const override { return notes_; }

 protected:
  struct Pixels {  // of picture_.kind, until the decoder is gone
    const uint8_t* data = nullptr;
    size_t row_bytes = 0;
    int bits = 8;  // of a sample; above 8, two bytes in native order
  };
  // Completes the members below where only the pixels tell.
  virtual Failure decode(Pixels* out) = 0;

  // A block of EXIF as ISO boxes have it, behind the offset of its beginning. Its orientation does
  // not count: the pixels come turned as the file's own properties say.
  void take_exif(View block);

  Picture picture_;
  bool premultiplied_ = false;
  ToldColour colour_;  // counts where there is no profile
  std::vector<std::string> notes_;

 private:
  void widen(int y);

  Pixels pixels_;
  std::optional<ToneMap> tone_map_;
  std::optional<ColourTransform> to_srgb_;
  bool deep_ = false;
  std::vector<uint16_t> wide_;
  std::vector<uint8_t> row_;
  int y_ = 0;
};

}  // namespace imgq::image
