#pragma once

#include <span>

#include "src/image/plan.h"
#include "src/image/source.h"
#include "src/image/watermark.h"

namespace imgq::image {

// Decodes an opened source and writes every job of the plan.
//   overlays  of the renditions that name a watermark, in order
//   verdict   gets results, notes, thumbhash and times
Failure render_plan(const Plan& plan, Source* source, std::span<const int> results,
                    std::span<const Overlay> overlays, Verdict* verdict);

// Decodes an opened source for the pixels of the plan's only rendition, upright and in sRGB.
Failure render_raster(const Plan& plan, Source* source, Raster* out);

// Of what a smart job has looked at, upright, the part that it keeps; and that, in its own size.
Failure find_part(const Job& job, const Raster& upright, Rect* found);
Raster cut_to_part(const Job& job, const Raster& upright, const Rect& found);

// Decodes an opened source for its thumbhash alone, and writes nothing.
Failure hash_source(const Plan& plan, Source* source, Verdict* verdict);

}  // namespace imgq::image
