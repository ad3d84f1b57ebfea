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

// Whether the first sample of chroma is alone at an edge of the upright picture: what is stored in
// that order then has its chroma between other pixels than one that is stored upright.
bool begins_within_chroma(Size size, int orientation);

// The planes of a picture that stands upright in the raster, which is that picture's reduction.
std::vector<Plane> as_planes(Raster raster, Size picture);

// Of ycc420, with as much chroma as luma: ycc.
Raster interleaved(const Raster& from, Size size);

}  // namespace imgq::image
