#pragma once

#include <string>
#include <vector>

#include "src/base/formats.h"
#include "src/base/verdict.h"
#include "src/image/encode.h"
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

// How a rendition is encoded, but for its chroma, which may hang on the pixels.
EncodeOptions options_for(const Rendition& rendition, Format format, const SourceFacts& source);

// What is done to a rendition's upright pixels, in sRGB or of the source's profile, before they are
// encoded: flattened where the format knows no alpha, sharpened, padded, watermarked, made grey.
Failure dress(const Rendition& rendition, Size planned, Format format, const SourceFacts& source,
              Raster* raster);

// Measures what was encoded, writes and reports it.
//   errors  wrong_result (its size is not what the plan says), io_error
Failure deliver(const Rendition& rendition, Size planned, Format format, const Fitted& made,
                int descriptor, ResultReport* report);

// From a rendition's upright pixels to its file: dressed, encoded, delivered. Of a source whose
// `coding` could be the result, the smaller of both where encoding makes it larger.
//   notes   gets a word when it is the source's
//   errors  those of deliver and encode
Failure finish(const Rendition& rendition, Size planned, Raster raster, const SourceFacts& source,
               int descriptor, ResultReport* report, std::vector<std::string>* notes);

}  // namespace imgq::image
