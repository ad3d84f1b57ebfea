#pragma once

#include <vector>

#include "src/base/formats.h"
#include "src/base/request.h"
#include "src/image/decoder.h"
#include "src/image/geometry.h"
#include "src/image/resample.h"

namespace imgq::image {

// How one rendition comes from what is decoded. All sizes here are of the image as stored, before
// it is turned upright.
struct Job {
  const Rendition* rendition = nullptr;
  Rect shown;           // of the image: all, or what is left of it without its border
  Placement placement;  // of that, upright
  Size scaled;          // that in this rendition's scale
  Rect part;            // of `scaled`
  enum class From {
    rows,   // resampled from the decoder's rows, at once with the others
    whole,  // from the common reduction, which is twice as large at least, or exactly as large
  };
  From from = From::rows;
  bool animated = false;  // from every frame
};

// What a smart rendition looks at, no larger than it is: enlarging comes after.
Size looked_at(const Job& job);

// One decode for all renditions. With several of them, or one that must look at the picture, the
// whole image is first reduced to the largest scale that is needed (`whole`), and the smaller come
// from that. A scale just below it comes from the rows, because filtering twice would soften it,
// and so does what is trimmed.
struct Plan {
  std::vector<Job> jobs;
  Size whole;       // the common reduction; empty: not needed
  Purpose purpose;  // for the decoder
};

//   inner   what --trim leaves of the picture, as stored
//   errors  result_too_large
Failure make_plan(const Request& request, const Picture& picture, const Rect& inner,
                  int max_side_px, Plan* out);

// Enough for a second reduction not to soften it.
bool twice_as_large(Size whole, Size scaled);

// Which of the decoder's pixels show nothing but this part of the image, one at least: what lies
// beside a trimmed one must not shine into its edges.
Rect pixels_within(const Rect& shown, Size stored, const Decoder::Output& rows);

// Windows into the decoder's rows.
Window whole_window(const Rect& shown, Size scaled, const Decoder::Output& rows);
Window part_window(const Rect& shown, Size scaled, const Rect& part, const Decoder::Output& rows);

// Bytes of everything but the decoder: resamplers, rasters, encoders. `kind` is the source's.
int64_t plan_bytes(const Plan& plan, const Picture& picture, Kind kind);

}  // namespace imgq::image
