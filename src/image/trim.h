#pragma once

#include "src/image/decoder.h"

namespace imgq::image {

// What is left of a picture without its border: without those rows and columns at its edges of
// which every pixel is nearly of the colour of the upper left corner, upright. A picture that is
// nothing else is left whole. Decodes it all; the rectangle is in pixels as stored.
//   errors  those of Decoder
Failure find_inner(Decoder* decoder, Rect* inner);

}  // namespace imgq::image
