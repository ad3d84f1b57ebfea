#pragma once

#include <string>
#include <vector>

#include "src/image/bytes.h"

namespace imgq::image {

// The facts of an EXIF block that imgq ever uses.
struct Exif {
  int orientation = 1;     // 1..8; anything else in the file counts as 1
  bool adobe_rgb = false;  // DCF: an option file (R03) of uncalibrated colour, or ColorSpace 2
  std::string artist, copyright;
  bool has_orientation = false, has_colour = false;  // it says something about them, rightly or not
};

// Reads the first directory of an EXIF block (with or without the "Exif\0\0" before it), or of a
// file that is made like one: a TIFF or a camera raw. Never fails: what is damaged is left out.
Exif read_exif(View block);

// A block with artist and copyright, and nothing else; empty when both are. With "Exif\0\0".
std::vector<uint8_t> write_exif(const Exif& exif);

std::vector<uint8_t> empty_exif();  // a block without a field

}  // namespace imgq::image
