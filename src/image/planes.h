#pragma once

#include <vector>

#include "src/image/jpeg_planes.h"
#include "src/image/plan.h"

namespace imgq::image {

// A part of what the planes' picture would be at the size `scaled`: grey, or ycc420 with its chroma
// where JPEG has it, between two pixels each way, of the picture as it is once turned upright from
// `orientation`.
Raster resample_planes(const std::vector<Plane>& planes, const Rect& shown, Size scaled,
                       const Rect& part, int orientation);

// Whether that is made of samples as they stand.
bool are_cut(const std::vector<Plane>& planes, const Rect& shown, Size scaled, const Rect& part,
             int orientation);

// The planes of a picture that stands upright in the raster, which is that picture's reduction.
std::vector<Plane> as_planes(Raster raster, Size picture);

// Of ycc420, with as much chroma as luma: ycc.
Raster interleaved(const Raster& from, Size size);

}  // namespace imgq::image
