#pragma once

#include <string_view>

#include "src/base/formats.h"
#include "src/image/bytes.h"
#include "src/image/geometry.h"
#include "src/image/told_colour.h"

namespace imgq::image {

// What can be known of a file by walking over its parts, without any decoder: enough to refuse it
// before a decoder sees it. All zero for JXL, which is not walked; of HEIC and AVIF size and colour
// only.
struct Container {
  int64_t width = 0, height = 0;  // as stored; 0: not found
  int frames = 1;                 // counted up to the limit, plus one
  bool palette = false;
  bool interlaced = false;         // PNG only
  bool lossless = false;           // WebP only: some image in it is
  bool alpha_beside = false;       // WebP only: some image's colours and alpha are coded apart
  Rect first_frame;                // GIF only: what lies beside it on the canvas is see-through
  int page = 0;                    // TIFF only: the first that is no smaller copy of another
  bool unspecified_extra = false;  // TIFF only: what follows the colours is no alpha
  int bytes_per_pixel = 0;         // PNG only, as decoded
  ToldColour colour;               // HEIC and AVIF only
  bool full_chroma = false;        // HEIC and AVIF only: some picture in it is of more than 4:2:0
  uint32_t matrix = 2;             // HEIC and AVIF only: H.273, table 4; 2: unspecified
};

// Reads the size and counts the frames, up to `max_frames` + 1.
//   errors  truncated (ends before the size), corrupt_image, unsupported_format (a JPEG of a rare
//           process)
Failure walk(Kind kind, View file, int max_frames, Container* out);

// The data of a PNG's first chunk of this name before the first of another; empty when there is
// none.
View png_chunk(View file, std::string_view name, std::string_view before);

// The same of a WebP, with what there is of it.
View webp_chunk(View file, std::string_view name);

// Whether the file ends before its format says that it should: why a decoder gave up.
bool is_cut_short(Kind kind, View file);

}  // namespace imgq::image
