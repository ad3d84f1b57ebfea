#pragma once

#include <array>
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

// Row by row, from linear light of these primaries (unknown: BT.709's) to that of BT.2020's.
std::array<float, 9> matrix_to_bt2020(uint32_t primaries);

// What a file says of its colour without a profile.
struct ToldColour {
  CodePoints points;
  double peak = 0;  // cd/m2 of the brightest pixel; 0: not told
};

// Whether these code points mean light in absolute terms: PQ or HLG (ITU-R BT.2100).
bool is_hdr(const CodePoints& points);

// The lesser of two peaks, of those that are told.
double least_peak(double a, double b);

constexpr uint32_t kPqTransfer = 16, kHlgTransfer = 18;  // H.273, table 3

using IccProfile = std::vector<uint8_t>;  // empty: sRGB, nothing to be changed

// Transfers 1, 6, 14 and 15 are read as sRGB's, as browsers do; unknown code points as unspecified.
IccProfile profile_of(const CodePoints& points, Space space);

// What a PNG's cICP says, with mDCV and cLLI, when it is light of an HDR transfer; a PNG holds no
// matrix but that of RGB.
std::optional<ToldColour> hdr_of_png(View file);

// What a PNG's chunks say, in the order of precedence of its third edition: cICP, which goes before
// a profile, too; else, when there is no profile, sRGB; else gAMA, with cHRM if there is one. A
// gAMA of 1/2.2 with sRGB's primaries or none is sRGB itself. Nothing: the profile counts.
std::optional<IccProfile> profile_of_png(View file, Space space, bool has_profile);

// Adobe RGB (1998), which cameras tell by DCF's option file alone (see Exif::adobe_rgb).
IccProfile adobe_rgb_profile();

}  // namespace imgq::image
