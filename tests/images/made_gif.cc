#include <algorithm>

#include "tests/images/made.h"

namespace imgq::made {
namespace {

void put(Bytes* out, uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out->push_back(static_cast<uint8_t>(value >> (8 * i)));
}

// Codes of nine bits, the table cleared before it would grow to ten: GIF without compression.
Bytes lzw(const Pixels& indices) {
  constexpr uint32_t kClear = 256, kEnd = 257, kBits = 9;
  Bytes out;
  uint32_t held = 0, held_bits = 0;
  const auto code = [&](uint32_t value) {
    held |= value << held_bits;
    for (held_bits += kBits; held_bits >= 8; held_bits -= 8, held >>= 8) put(&out, held & 0xff, 1);
  };
  for (size_t i = 0; i < indices.data.size(); ++i) {
    if (i % 200 == 0) code(kClear);
    code(indices.data[i]);
  }
  code(kEnd);
  if (held_bits > 0) put(&out, held & 0xff, 1);
  return out;
}

void put_image(Bytes* out, const Pixels& frame) {
  out->push_back(0x2c);
  put(out, 0, 4);
  put(out, static_cast<uint32_t>(frame.width), 2);
  put(out, static_cast<uint32_t>(frame.height), 2);
  out->insert(out->end(), {0, 8});
  const Bytes data = lzw(frame);
  for (size_t at = 0; at < data.size(); at += 255) {
    const size_t count = std::min<size_t>(255, data.size() - at);
    out->push_back(static_cast<uint8_t>(count));
    out->insert(out->end(), data.begin() + static_cast<ptrdiff_t>(at),
                data.begin() + static_cast<ptrdiff_t>(at + count));
  }
  out->push_back(0);
}

}  // namespace

Bytes gif(const std::vector<Pixels>& frames, const std::vector<Colour>& palette, int transparent) {
  Bytes out{'G', 'I', 'F', '8', '9', 'a'};
  put(&out, static_cast<uint32_t>(frames[0].width), 2);
  put(&out, static_cast<uint32_t>(frames[0].height), 2);
  out.insert(out.end(), {0xf7, 0, 0});
  for (size_t i = 0; i < 256; ++i) {
    for (size_t b = 0; b < 3; ++b) put(&out, i < palette.size() ? palette[i][b] : 0U, 1);
  }
  for (const Pixels& frame : frames) {
    const bool clear = transparent >= 0;
    out.insert(out.end(), {0x21, 0xf9, 4, static_cast<uint8_t>(clear ? 9 : 8), 10, 0,
                           static_cast<uint8_t>(clear ? transparent : 0), 0});
    put_image(&out, frame);
  }
  out.push_back(0x3b);
  return out;
}

}  // namespace imgq::made
