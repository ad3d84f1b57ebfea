#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "src/image/bytes.h"
#include "src/image/raster.h"

// Colour that a file tells otherwise than by an ICC profile, made into one.
namespace imgq::image {

// Code points of ITU-T H.273: the same in PNG's cICP, HEIC's and AVIF's nclx.
struct CodePoints {
  uint32_t primaries = 2, transfer = 2;  // 2: unspecified, which is taken for sRGB
  bool full_range = true;                // else 16 to 235 are black and white
};

using IccProfile = std::vector<uint8_t>;  // empty: sRGB, nothing to be changed

// Transfers 1, 6, 14 and 15 are read as sRGB's, as browsers do; unknown code points as unspecified.
IccProfile profile_of(const CodePoints& points, Space space);

// What a PNG's chunks say, in the order of precedence of its third edition: cICP, which goes before
// a profile, too; else, when there is no profile, sRGB; else gAMA, with cHRM if there is one. A
// gAMA of 1/2.2 with sRGB's primaries or none is sRGB itself. Nothing: the profile counts.
std::optional<IccProfile> profile_of_png(View file, Space space, bool has_profile);

// Adobe RGB (1998), which cameras tell by DCF's option file alone (see Exif::adobe_rgb).
IccProfile adobe_rgb_profile();

}  // namespace imgq::image
