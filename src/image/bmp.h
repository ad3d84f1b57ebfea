#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "src/image/bytes.h"
#include "src/image/fault.h"
#include "src/image/geometry.h"

namespace imgq::image {

// What the headers of a BMP say: Windows' of all versions, OS/2's of both.
struct Bmp {
  Size size;
  bool top_down = false;                        // else the last row comes first
  int bits = 0;                                 // of a pixel: 1, 2, 4, 8, 16, 24, 32
  bool run_lengths = false;                     // RLE4 or RLE8, by the bits
  std::vector<std::array<uint8_t, 3>> palette;  // red, green, blue; up to 8 bits
  std::array<uint32_t, 4> masks{};              // red, green, blue, alpha; 16 and 32 bits
  size_t pixels_at = 0;
  View profile;  // ICC, of a header of version 5; empty: none

  // Uncompressed: rows are padded to 32 bits, but for the last one, which often is not.
  size_t row_bytes() const;
  size_t least_row_bytes() const;
};

//   errors  truncated (ends within its headers), corrupt_image, unsupported_format (JPEG and PNG in
//           a BMP, OS/2's RLE24 and Huffman coding)
Failure read_bmp(View file, Bmp* out);

}  // namespace imgq::image
