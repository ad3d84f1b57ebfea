#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "src/image/raster.h"

namespace imgq::image {

// A picture in about 25 bytes, for a page to show until the real one is there: the lowest
// frequencies of lightness, two colour differences and alpha.
//   raster  grey or rgb, with or without alpha, at most 100 pixels a side
//   source  "ThumbHash" by Evan Wallace, evanw.github.io/thumbhash
std::vector<uint8_t> thumbhash(const Raster& raster);

}  // namespace imgq::image
