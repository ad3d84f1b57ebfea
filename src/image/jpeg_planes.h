#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "src/image/geometry.h"
#include "src/image/jpeg_huffman.h"

namespace imgq::image {

// The one scan of a JPEG and what its header says of it (ITU-T T.81: baseline or extended
// sequential, Huffman, 8 bits, all components interleaved).
struct JpegScan {
  struct Component {
    int across = 1, down = 1;               // sampling factors
    std::array<uint16_t, 64> quantisers{};  // row by row
    HuffmanCode dc, ac;
  };
  Size size;             // of the image
  int restart_mcus = 0;  // between two restart markers; 0: there are none
  std::vector<Component> components;
  View data;  // from the first byte behind the scan's header
};

// A component as it is stored: its own samples, not made as many as the image's.
struct Plane {
  Size size;
  double reduced_x = 1, reduced_y = 1;  // how much of the image one sample covers
  size_t stride = 0;                    // bytes from row to row
  std::vector<uint8_t> samples;

  const uint8_t* row(int y) const { return samples.data() + static_cast<size_t>(y) * stride; }
};

// How many of a block's 8 samples a side are made of each component when the image is reduced 2, 4
// or 8 times: chroma that is not stored smaller than luma is reduced once more, where that is
// possible.
std::vector<int> kept_sides(const JpegScan& scan, int reduced);

// Bytes of all planes.
int64_t planes_bytes(const JpegScan& scan, int reduced);

// Decodes the scan, each block reduced to its lowest frequencies. Nothing at all when anything is
// unusual: a code that is none, a run beyond the block, coefficients that no encoder makes, a
// marker that is not the one awaited, or none, bytes before it. What is wrong, and with which
// pixels, is libjpeg's to say.
std::vector<Plane> read_planes(const JpegScan& scan, int reduced);

}  // namespace imgq::image
