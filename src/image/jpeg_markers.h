#pragma once

#include <cstddef>
#include <cstdint>

#include "src/image/bytes.h"

namespace imgq::image {

// The next marker at or after `*at` (ITU-T T.81, annex B): its code, with `*at` moved behind it; 0
// at the end.
uint8_t next_marker(View file, size_t* at);

// A marker without a length and data behind it.
bool stands_alone(uint8_t marker);

// SOF0 to SOF15, behind which stand length, precision, height, width and components.
bool is_frame_header(uint8_t marker);

// Lossless, hierarchical, or with more than 8 bits a sample. Nothing is wrong with the file; which
// of them can be decoded differs with the release of libjpeg-turbo.
bool is_rare_process(uint8_t frame, int precision_bits);

}  // namespace imgq::image
