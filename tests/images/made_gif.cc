#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "tests/images/made.h"

namespace imgq::made {
namespace {

void put(Bytes* out, uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out->push_back(static_cast<uint8_t>(value >> (8 * i)));
}

class CodeWriter {
 public:
  void put_code(uint32_t value, uint32_t bits) {
    held_ |= value << held_bits_;
    for (held_bits_ += bits; held_bits_ >= 8; held_bits_ -= 8, held_ >>= 8) {
      put(&out_, held_ & 0xff, 1);
    }
  }
  Bytes take() {
    if (held_bits_ > 0) put(&out_, held_ & 0xff, 1);
    return out_;
  }

 private:
  Bytes out_;
  uint32_t held_ = 0, held_bits_ = 0;
};

constexpr uint32_t kClear = 256, kEnd = 257;

// Codes of nine bits, the table cleared before it would grow to ten: GIF without compression.
Bytes plain_codes(const Pixels& indices) {
  CodeWriter out;
  for (size_t i = 0; i < indices.data.size(); ++i) {
    if (i % 200 == 0) out.put_code(kClear, 9);
    out.put_code(indices.data[i], 9);
  }
  out.put_code(kEnd, 9);
  return out.take();
}

// The longest row of indices that has a code yet, again and again.
Bytes lzw(const Pixels& indices) {
  std::map<std::vector<uint16_t>, uint32_t> codes;
  for (uint16_t i = 0; i < 256; ++i) codes[{i}] = i;
  CodeWriter out;
  uint32_t bits = 9, next = kEnd + 1;
  out.put_code(kClear, bits);
  std::vector<uint16_t> row;
  for (const uint16_t index : indices.data) {
    std::vector<uint16_t> longer = row;
    longer.push_back(index);
    if (codes.contains(longer)) {
      row = longer;
      continue;
    }
    out.put_code(codes[row], bits);
    if (next < 4096) {
      if (next == 1U << bits) ++bits;
      codes[longer] = next++;
    }
    row = {index};
  }
  out.put_code(codes[row], bits);
  out.put_code(kEnd, bits);
  return out.take();
}

// Every eighth row from the first, then those between, those between these, and the odd ones.
Pixels interlaced(const Pixels& from) {
  Pixels out(from.width, from.height, 1);
  int y = 0;
  const auto pass = [&](int first, int step) {
    for (int row = first; row < from.height; row += step, ++y) {
      for (int x = 0; x < from.width; ++x) out.at(x, y) = from.at(x, row);
    }
  };
  pass(0, 8);
  pass(4, 8);
  pass(2, 4);
  pass(1, 2);
  return out;
}

void put_image(Bytes* out, const MadeFrame& frame) {
  out->push_back(0x2c);
  put(out, static_cast<uint32_t>(frame.left), 2);
  put(out, static_cast<uint32_t>(frame.top), 2);
  put(out, static_cast<uint32_t>(frame.pixels.width), 2);
  put(out, static_cast<uint32_t>(frame.pixels.height), 2);
  out->insert(out->end(), {static_cast<uint8_t>(frame.interlaced ? 0x40 : 0), 8});
  const Pixels pixels = frame.interlaced ? interlaced(frame.pixels) : frame.pixels;
  const Bytes data = frame.compressed ? lzw(pixels) : plain_codes(pixels);
  for (size_t at = 0; at < data.size(); at += 255) {
    const size_t count = std::min<size_t>(255, data.size() - at);
    out->push_back(static_cast<uint8_t>(count));
    out->insert(out->end(), data.begin() + static_cast<ptrdiff_t>(at),
                data.begin() + static_cast<ptrdiff_t>(at + count));
  }
  out->push_back(0);
}

}  // namespace

Bytes animated_gif(const MadeCanvas& canvas, const std::vector<MadeFrame>& frames,
                   const std::vector<Colour>& palette) {
  Bytes out{'G', 'I', 'F', '8', '9', 'a'};
  put(&out, static_cast<uint32_t>(canvas.width), 2);
  put(&out, static_cast<uint32_t>(canvas.height), 2);
  out.insert(out.end(), {0xf7, static_cast<uint8_t>(canvas.background), 0});
  for (size_t i = 0; i < 256; ++i) {
    for (size_t b = 0; b < 3; ++b) put(&out, i < palette.size() ? palette[i][b] : 0U, 1);
  }
  if (canvas.loops >= 0) {
    const std::string name = "NETSCAPE2.0";
    out.insert(out.end(), {0x21, 0xff, 11});
    out.insert(out.end(), name.begin(), name.end());
    out.insert(out.end(), {3, 1});
    put(&out, static_cast<uint32_t>(canvas.loops), 2);
    out.push_back(0);
  }
  for (const MadeFrame& frame : frames) {
    if (frame.delay >= 0) {
      const bool clear = frame.transparent >= 0;
      out.insert(out.end(), {0x21, 0xf9, 4, static_cast<uint8_t>(frame.disposal << 2 | clear)});
      put(&out, static_cast<uint32_t>(frame.delay), 2);
      out.insert(out.end(), {static_cast<uint8_t>(clear ? frame.transparent : 0), 0});
    }
    put_image(&out, frame);
  }
  out.push_back(0x3b);
  return out;
}

Bytes gif(const std::vector<Pixels>& frames, const std::vector<Colour>& palette, int transparent) {
  std::vector<MadeFrame> made;
  for (const Pixels& frame : frames) made.push_back({frame, 0, 0, 10, 2, transparent});
  return animated_gif({frames[0].width, frames[0].height}, made, palette);
}

}  // namespace imgq::made
