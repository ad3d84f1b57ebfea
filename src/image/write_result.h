#pragma once

#include "src/base/formats.h"
#include "src/base/verdict.h"
#include "src/image/plan.h"

namespace imgq::image {

struct SourceFacts {
  Kind kind = Kind::jpeg;
  bool palette = false;
  Exif exif;
};

// The format that is written, for a picture that can or cannot be seen through.
Format chosen_format(Format asked, const SourceFacts& source, bool transparent);

// From a rendition's upright pixels in sRGB to its file: sharpened, flattened where the format
// knows no alpha, encoded, measured, written.
//   errors  wrong_result (its size is not what the plan says), io_error, those of encode
Failure finish(const Rendition& rendition, Size planned, Raster raster, const SourceFacts& source,
               int descriptor, ResultReport* report);

}  // namespace imgq::image
