#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "src/image/raster.h"
#include "src/image/told_colour.h"

namespace imgq::image {

// From PQ or HLG to 8-bit sRGB. Reference white, 203 cd/m2 (ITU-R BT.2408), becomes white while
// nothing is brighter; else what lies above is rolled off by the knee of BT.2390 (5.4.1), on the
// largest of R, G and B in linear BT.2020, so that hues stay. HLG is shown as by a display of 1,000
// cd/m2 (BT.2100, table 5).
class ToneMap {
 public:
  // Of samples of 16 bits, grey or RGB, in the range that `points` say.
  ToneMap(const CodePoints& points, PixelKind kind);

  PixelKind kind() const { return {Space::rgb, kind_.alpha}; }  // of what comes out

  // Before the first row: all rows once, to find the brightest; then, unless it is 0, the peak that
  // the file declares, in cd/m2.
  void look_at(const uint16_t* row, int width);
  void set_peak(double declared);

  void row(const uint16_t* from, uint8_t* to, int width) const;

 private:
  using Light = std::array<float, 3>;  // linear BT.2020, cd/m2
  Light light_of(const uint16_t* pixel) const;

  PixelKind kind_;
  bool hlg_;
  std::vector<float> curve_;          // by sample
  std::array<float, 9> to_bt2020_{};  // from the primaries told
  float brightest_ = 0;
  double peak_ = 0;
  std::vector<float> gain_;  // by the square root of the light's part of the peak
};

}  // namespace imgq::image
