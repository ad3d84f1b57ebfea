#include <algorithm>
#include <cmath>

#include "tests/images/made.h"

namespace imgq::made {

Pixels filled(int width, int height, const Colour& colour) {
  Pixels out(width, height, static_cast<int>(colour.size()));
  for (size_t i = 0; i < out.data.size(); ++i) out.data[i] = colour[i % colour.size()];
  return out;
}

Pixels six_blocks(int side) {
  Pixels out(3 * side, 2 * side, 3);
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      const auto& colour = kSixColours[static_cast<size_t>(y / side * 3 + x / side)];
      for (int b = 0; b < 3; ++b) out.at(x, y, b) = colour[static_cast<size_t>(b)];
    }
  }
  return out;
}

Pixels scenery(int width, int height) {
  Pixels out(width, height, 3);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double u = static_cast<double>(x) / width, v = static_cast<double>(y) / height;
      const double ripple = 25 * std::sin(x * 0.31) * std::cos(y * 0.23);
      const double value[3] = {60 + 150 * u + ripple, 200 - 120 * v + ripple,
                               90 + 60 * u * v - ripple};
      for (int b = 0; b < 3; ++b) {
        out.at(x, y, b) = static_cast<uint16_t>(std::clamp(std::lround(value[b]), 0L, 255L));
      }
    }
  }
  return out;
}

namespace {

void put(Bytes* out, uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out->push_back(static_cast<uint8_t>(value >> (8 * i)));
}

// Directories are written one after the other, their long values behind each.
class Directory {
 public:
  void text(uint32_t tag, const std::string& value) {
    if (!value.empty()) entries_.push_back({tag, 2, value + std::string(1, '\0'), 0});
  }
  void number(uint32_t tag, uint32_t type, uint32_t value) {
    entries_.push_back({tag, type, {}, value});
  }
  uint32_t size() const { return static_cast<uint32_t>(2 + 12 * entries_.size() + 4); }
  void write(Bytes* out) const {
    auto data_at = static_cast<uint32_t>(out->size()) + size();
    put(out, static_cast<uint32_t>(entries_.size()), 2);
    for (const Entry& e : entries_) {
      put(out, e.tag, 2);
      put(out, e.type, 2);
      put(out, e.text.empty() ? 1 : static_cast<uint32_t>(e.text.size()), 4);
      if (e.text.size() <= 4 && !e.text.empty()) {
        for (size_t i = 0; i < 4; ++i) put(out, i < e.text.size() ? e.text[i] & 0xff : 0, 1);
      } else {
        put(out, e.text.empty() ? e.value : data_at, 4);
        data_at += static_cast<uint32_t>(e.text.size());
      }
    }
    put(out, 0, 4);
    for (const Entry& e : entries_) {
      if (e.text.size() > 4) out->insert(out->end(), e.text.begin(), e.text.end());
    }
  }
  uint32_t data_size() const {
    uint32_t bytes = 0;
    for (const Entry& e : entries_) {
      if (e.text.size() > 4) bytes += static_cast<uint32_t>(e.text.size());
    }
    return bytes;
  }

 private:
  struct Entry {
    uint32_t tag, type;
    std::string text;
    uint32_t value;
  };
  std::vector<Entry> entries_;
};

}  // namespace

Bytes exif(const ExifSpec& spec) {
  constexpr uint32_t kLong = 4;
  const auto main_with = [&](uint32_t gps_at) {
    Directory main;
    main.text(0x0110, spec.model);
    if (spec.orientation > 0)
      main.number(0x0112, spec.orientation_type, static_cast<uint32_t>(spec.orientation));
    main.text(0x013b, spec.artist);
    main.text(0x8298, spec.copyright);
    if (spec.gps) main.number(0x8825, kLong, gps_at);
    return main;
  };
  const Directory measured = main_with(0);
  Bytes out{'I', 'I', '*', 0, 8, 0, 0, 0};
  main_with(8 + measured.size() + measured.data_size()).write(&out);
  if (!spec.gps) return out;
  Directory gps;
  gps.text(0x0001, "N");
  gps.text(0x001d, "2024:05:06");  // the date of the position
  gps.write(&out);
  return out;
}

Bytes tiff(const Pixels& pixels, int bits) {
  Directory directory;
  const auto width = static_cast<uint32_t>(pixels.width),
             height = static_cast<uint32_t>(pixels.height);
  const auto bands = static_cast<uint32_t>(pixels.bands);
  directory.number(256, 4, width);
  directory.number(257, 4, height);
  directory.number(258, 3, static_cast<uint32_t>(bits));  // one value stands for all samples
  directory.number(259, 3, 1);
  directory.number(262, 3, bands == 1 ? 1 : bands == 5 ? 5 : 2);
  directory.number(273, 4, 8 + 2 + 12 * (bands == 5 ? 11 : 10) + 4);
  directory.number(277, 3, bands);
  directory.number(278, 4, height);
  directory.number(279, 4, width * height * bands * static_cast<uint32_t>(bits) / 8);
  directory.number(284, 3, 1);
  if (bands == 5) directory.number(338, 3, 2);  // the last is alpha, not premultiplied
  Bytes out{'I', 'I', '*', 0, 8, 0, 0, 0};
  directory.write(&out);
  for (const uint16_t value : pixels.data) {
    for (int bit = 0; bit < bits; bit += 8) out.push_back(static_cast<uint8_t>(value >> bit));
  }
  return out;
}

}  // namespace imgq::made
