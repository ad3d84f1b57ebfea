#pragma once

#include "src/image/container.h"

namespace imgq::image {

// The size that a HEIC or AVIF file says its primary item has, before it is turned, and its colour
// (ISO/IEC 23008-12: the properties `ispe`, and `colr` of type nclx). Left as they were where the
// file does not say it in boxes that lie whole in it: then its decoder tells what is wrong.
void read_heif_properties(View file, Container* out);

}  // namespace imgq::image
