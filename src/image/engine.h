#pragma once

#include <span>

#include "src/base/limits.h"
#include "src/base/request.h"
#include "src/base/verdict.h"

// From an image to its renditions. Opens nothing, knows no path: descriptors in, a verdict out.
// Runs in a worker process, one call at a time.
namespace imgq::image {

// Starts libvips: one thread, no operation cache, only the allowed loaders. Once a process, before
// any confinement. `formats` decides whether modules (HEIF, JPEG XL) are loaded at all.
Status start(const OptionalFormats& formats);

// Reads the header, and the image for its thumbhash; a note says why there is none.
Verdict inspect(const Limits& limits, int source);

// A watermark, open for reading, and how it lies.
struct Mark {
  int descriptor = -1;
  Anchor place = Anchor::south_east;
  int opacity_percent = 100;
};

// Decodes once and writes every rendition.
//   source   open for reading, a regular file, read from its start; stays open
//   results  one open descriptor for each of request.renditions, in that order, empty files open
//            for writing; what they hold counts only when the verdict is ok
//   marks    one for each rendition that names a watermark, in their order
//   verdict  Code::ok, or one of the permanent codes of the image and the request, io_error,
//            out_of_memory, wrong_result, internal_error
// Memory is estimated from the header as base + pixels * k by format: above
// limits.memory_bytes the answer is too_large; above what the slot allows (limits.heavy_bytes,
// limits.alone_bytes) the answer has `heavy` set and nothing was done.
Verdict render(const Request& request, const Limits& limits, Slot slot, int source,
               std::span<const int> results, std::span<const Mark> marks = {});

}  // namespace imgq::image
