#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "src/image/bytes.h"
#include "src/image/container.h"
#include "src/image/exif.h"
#include "src/image/jpeg_planes.h"
#include "src/image/raster.h"

namespace imgq::image {

// What an image's header says.
struct Picture {
  Size size;  // as stored
  PixelKind kind;
  int pages = 1;
  Exif exif;                     // orientation 1 where the decoder has turned the image already
  std::vector<uint8_t> profile;  // ICC; empty: none, or none that is still to be applied
  bool palette = false;
  double tallness = 1;         // of a pixel, by its width; within the bounds below, else 1
  bool always_square = false;  // it is made square unasked: fax pages are
};

// A pixel's tallness from the resolutions of both directions, in the same unit; 1 where they say
// nothing: none at all, less than 5 % of difference, or more than fourfold.
double tallness_of(double across, double down);

// What is to be made of it: lets a decoder make less than all.
struct Purpose {
  Size least;                // the stored image may come reduced, but not below this
  bool ycc_will_do = false;  // JPEG: leave the colours as they are stored
  int64_t most_bytes = 0;    // PNG: to be used for speed; none: as little as it takes
};

// An opened image, its rows read once from the top. One subclass a decoding library.
class Decoder {
 public:
  virtual ~Decoder() = default;

  virtual const Picture& picture() const = 0;

  // Bytes needed while decoding for this purpose, beyond the file itself.
  virtual int64_t bytes_needed(const Purpose& purpose) const = 0;

  // Instead of begin(): the picture in the planes it is stored in, reduced, where it is JPEG of the
  // most usual kind and nothing about it is in doubt. None: begin() is the way.
  virtual std::vector<Plane> planes(const Purpose& /*purpose*/) { return {}; }

  // Before the first row. What comes is `size` pixels of `kind`, where one pixel is `reduced_x` by
  // `reduced_y` of the stored image.
  struct Output {
    Size size;
    PixelKind kind;
    double reduced_x = 1, reduced_y = 1;
    bool in_srgb = false;  // the profile has been applied
  };
  virtual Failure begin(const Purpose& purpose, Output* out) = 0;

  // The next row, valid until the next call.
  virtual Failure next(const uint8_t** row) = 0;

  // Words of src/base/notes.h. After the last row.
  virtual std::vector<std::string> notes() const { return {}; }

  // Whether there was nothing at all to complain of, worth a note or not. After the last row.
  virtual bool is_flawless() const { return notes().empty(); }
};

// Opens the image and reads its header. `file` must outlive the decoder.
//   errors  truncated, corrupt_image, unsupported_format
struct Opened {
  std::unique_ptr<Decoder> decoder;
};
// A decoder whose open() reads the header, kept when that went well.
template <class Kept, class... Arguments>
Failure open_as(Opened* out, const Arguments&... arguments) {
  auto decoder = std::make_unique<Kept>(arguments...);
  Failure fault = decoder->open();
  if (!fault) out->decoder = std::move(decoder);
  return fault;
}

Failure open_jpeg(View file, Truncated truncated, Opened* out);
Failure open_bmp(View file, Truncated truncated, Opened* out);
Failure open_raw(View file, Truncated truncated, Opened* out);
Failure open_heif(Kind kind, const Container& container, View file, Opened* out);
Failure open_jxl(View file, Truncated truncated, int max_frames, Opened* out);
Failure open_cut_webp(View file, Opened* out);
Failure open_with_vips(Kind kind, const Container& container, View file, Truncated truncated,
                       Opened* out);

}  // namespace imgq::image
