#pragma once

#include <cstddef>
#include <cstdint>

#include "src/image/bytes.h"

namespace imgq::image {

// GIF89a: blocks, of which each image or extension is a chain of sub-blocks.
inline constexpr size_t kGifHeader = 13;
inline constexpr uint8_t kGifExtension = 0x21, kGifImage = 0x2c, kGifTrailer = 0x3b;
inline constexpr size_t kGifEnd = SIZE_MAX;

// Behind the chain that begins there; kGifEnd when the file ends within it.
inline size_t skip_sub_blocks(View file, size_t at) {
  while (at < file.size() && file[at] != 0) at += size_t{1} + file[at];
  return at < file.size() ? at + 1 : kGifEnd;
}

// Bytes of the colour table of which a header's or an image's flags tell.
inline size_t colour_table_bytes(uint8_t flags) {
  return (flags & 0x80) != 0 ? size_t{3} << ((flags & 7) + 1) : 0;
}

}  // namespace imgq::image
