#pragma once

#include "src/base/request.h"
#include "src/image/bytes.h"
#include "src/image/exif.h"
#include "src/image/fault.h"

// Camera raws: of these files only the JPEG is read that the camera made beside its raw data.
namespace imgq::image {

// Whether a TIFF is one: it says that it is a DNG, or one of its directories holds what a sensor
// saw (photometric interpretations 32803 and 34892 of TIFF/EP and DNG).
bool is_camera_raw(View tiff);

struct RawPreview {
  View jpeg;         // to its end, or the file's
  bool cut = false;  // the file ends before this or another preview does
  Exif exif;         // the raw's own, for what the JPEG does not say
};

// The largest JPEG of 8 bits, baseline or progressive, grey or coloured, wherever directories or
// boxes point to one: tags tell neither which is the largest nor what is no raw data. The number of
// places that are looked at is bounded, and none is visited twice.
//   errors  unsupported_format (none, or no side of it has 320 pixels: a thumbnail is not the
//           picture), truncated (one is not, or not wholly, within the file)
Failure find_preview(View file, Truncated truncated, RawPreview* out);

}  // namespace imgq::image
