#pragma once

#include <string>
#include <vector>

#include "src/base/formats.h"
#include "src/base/verdict.h"
#include "src/image/plan.h"
#include "src/image/watermark.h"

namespace imgq::image {

struct SourceFacts {
  Kind kind = Kind::jpeg;
  bool palette = false;
  Exif exif;
  View coding = {};   // the file, where what it is coded as could be a result; else empty
  View profile = {};  // where it was not applied
  const Overlay* overlay = nullptr;  // what is laid over the result
};

// Whether nothing is asked for but the picture in a format: its own coding would do.
bool leaves_coding_open(const Rendition& rendition);

// The format that is written, for a picture that can or cannot be seen through, or may not lose.
Format chosen_format(const Rendition& rendition, const SourceFacts& source, bool transparent);

// Whether an AVIF gets 4:4:4: by what is known before the pixels are, for it takes memory.
bool avif_has_full_chroma(const Rendition& rendition, const SourceFacts& source);

// From a rendition's upright pixels, in sRGB or of the source's profile, to its file: sharpened,
// flattened where the format knows no alpha, padded, watermarked, made grey, encoded, measured,
// written. Of a source whose `coding` could be the result, the smaller of both where encoding makes
// it larger.
//   notes   gets a word when it is the source's
//   errors  wrong_result (its size is not what the plan says), io_error, those of encode
Failure finish(const Rendition& rendition, Size planned, Raster raster, const SourceFacts& source,
               int descriptor, ResultReport* report, std::vector<std::string>* notes);

}  // namespace imgq::image
