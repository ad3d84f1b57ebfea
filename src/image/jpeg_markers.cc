#include "src/image/jpeg_markers.h"

#include <cstring>

namespace imgq::image {

uint8_t next_marker(View file, size_t* at) {
  while (*at + 1 < file.size()) {
    const void* found = std::memchr(file.data() + *at, 0xff, file.size() - *at - 1);
    if (found == nullptr) break;
    *at = static_cast<size_t>(static_cast<const uint8_t*>(found) - file.data()) + 1;
    const uint8_t code = file[*at];
    if (code == 0 || code == 0xff) continue;
    ++*at;
    return code;
  }
  *at = file.size();
  return 0;
}

bool stands_alone(uint8_t marker) { return marker == 1 || (marker >= 0xd0 && marker <= 0xd8); }

bool is_frame_header(uint8_t marker) {
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

bool is_rare_process(uint8_t frame, int precision_bits) {
  return (frame & 7) > 2 || precision_bits == 12 || precision_bits == 16;
}

}  // namespace imgq::image
