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
  Placement placement;  // upright
  Size scaled;          // the whole image in this rendition's scale
  Rect part;            // of `scaled`
  enum class From {
    rows,   // resampled from the decoder's rows, at once with the others
    whole,  // from the common reduction, which is twice as large at least, or exactly as large
  };
  From from = From::rows;
};

// One decode for all renditions. With several of them, or one that must look at the picture, the
// whole image is first reduced to the largest scale that is needed (`whole`), and the smaller come
// from that. A scale just below it comes from the rows, because filtering twice would soften it.
struct Plan {
  std::vector<Job> jobs;
  Size whole;       // the common reduction; empty: not needed
  Purpose purpose;  // for the decoder
};

//   errors  result_too_large
Failure make_plan(const Request& request, const Picture& picture, int max_side_px, Plan* out);

// Windows into the decoder's rows.
Window whole_window(Size stored, Size scaled, const Decoder::Output& rows);
Window part_window(Size stored, Size scaled, const Rect& part, const Decoder::Output& rows);

// Bytes of everything but the decoder: resamplers, rasters, encoders. `kind` is the source's.
int64_t plan_bytes(const Plan& plan, const Picture& picture, Kind kind);

}  // namespace imgq::image
