#include "src/image/jpeg_planes.h"

#include <algorithm>
#include <utility>

#include "src/image/jpeg_idct.h"

namespace imgq::image {
namespace {

constexpr int kBlockSide = 8, kLastPlace = 63;

// Row and column of each place in zigzag order (T.81, figure 5), as row * 8 + column.
constexpr std::array<uint8_t, 64> kZigzag = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
    41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
    30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

// How a scan is laid out: in MCUs of so many pixels.
struct Grid {
  int across = 1, down = 1;  // largest sampling factors
  int mcus_x = 0, mcus_y = 0;
};

Grid grid_of(const JpegScan& scan) {
  Grid grid;
  for (const JpegScan::Component& c : scan.components) {
    grid.across = std::max(grid.across, c.across);
    grid.down = std::max(grid.down, c.down);
  }
  grid.mcus_x = divided_up(scan.size.width, kBlockSide * grid.across);
  grid.mcus_y = divided_up(scan.size.height, kBlockSide * grid.down);
  return grid;
}

// The tables of the image before serve this one, when they are its own: most cameras have one set.
const HuffmanTable* table_for(const HuffmanCode& code, bool of_dc, size_t place) {
  struct Kept {
    HuffmanTable table;
    bool good = false;
  };
  thread_local std::array<Kept, 6> kept;
  Kept& one = kept[2 * place + (of_dc ? 1 : 0)];
  if (!one.good || !(one.table.code() == code)) one.good = one.table.build(code, of_dc);
  return one.good ? &one.table : nullptr;
}

// One component on its way from bits to samples, a row of blocks at a time.
class Component {
 public:
  Component(const JpegScan::Component& told, const Grid& grid, int side, Size image, size_t place)
      : across_(told.across),
        down_(told.down),
        side_(side),
        area_(static_cast<size_t>(side) * static_cast<size_t>(side)),
        blocks_(static_cast<size_t>(grid.mcus_x) * static_cast<size_t>(told.across)),
        dc_(table_for(told.dc, true, place)),
        ac_(table_for(told.ac, false, place)) {
    for (size_t k = 0; k < kZigzag.size(); ++k) {
      const int row = kZigzag[k] / kBlockSide, column = kZigzag[k] % kBlockSide;
      const bool kept = row < side && column < side;
      // What is not kept goes behind the block, where the next one begins afterwards.
      kept_[k] = {told.quantisers[kZigzag[k]], kept ? row * side + column : side * side};
      if (kept) last_ = static_cast<int>(k);
    }
    coefficients_.resize(static_cast<size_t>(down_) * row_size());
    const int reduced = kBlockSide / side;
    const int wide = divided_up(image.width * across_, grid.across);
    const int high = divided_up(image.height * down_, grid.down);
    plane_.size = {divided_up(wide, reduced), divided_up(high, reduced)};
    plane_.reduced_x = static_cast<double>(reduced) * grid.across / across_;
    plane_.reduced_y = static_cast<double>(reduced) * grid.down / down_;
    plane_.stride = blocks_ * static_cast<size_t>(side);
    plane_.samples.resize(plane_.stride * static_cast<size_t>(grid.mcus_y * down_ * side));
  }

  bool good() const { return dc_ != nullptr && ac_ != nullptr; }
  void restart() { predicted_ = 0; }

  void begin_row() { std::fill(coefficients_.begin(), coefficients_.end(), int16_t{0}); }

  // The blocks of one MCU.
  bool read(BitReader& bits, size_t mcu) {
    for (int y = 0; y < down_; ++y) {
      int16_t* to = &coefficients_[static_cast<size_t>(y) * row_size() +
                                   mcu * static_cast<size_t>(across_) * area_];
      for (int x = 0; x < across_; ++x, to += area_) {
        const int place = read_kept(bits, to);
        if (place < 0 || !skip_rest(bits, place)) return false;
      }
    }
    return true;
  }

  // False when some coefficient was too large for any encoder.
  bool end_row() {
    for (int y = 0; y < down_; ++y) {
      inverse_dct(&coefficients_[static_cast<size_t>(y) * row_size()], side_, blocks_,
                  &plane_.samples[done_], plane_.stride);
      done_ += plane_.stride * static_cast<size_t>(side_);
    }
    return (beyond_ & ~kUsual) == 0;
  }

  Plane take() { return std::move(plane_); }

 private:
  static constexpr uint32_t kUsual = 2 * (kMostCoefficient + 1) - 1;
  static constexpr int kBroken = -1;

  size_t row_size() const { return blocks_ * area_ + 1; }

  // A number that has a bit beyond kUsual's when the value is out of bounds.
  static uint32_t offset(int value) { return static_cast<uint32_t>(value + kMostCoefficient + 1); }

  // The coefficients of a block up to the last that is kept. Returns the place, in zigzag order, of
  // the last that came, the block's last when it has ended, or kBroken.
  int read_kept(BitReader& bits, int16_t* to) {
    bits.fill();
    const int size = dc_->symbol(bits);
    if (size < 0) return kBroken;
    if (size > 0) {
      predicted_ += extended(bits.peek(size), size);
      bits.drop(size);
    }
    uint32_t beyond = offset(predicted_);
    if ((beyond & ~kUsual) != 0) return kBroken;
    const int mean = predicted_ * kept_[0].quantiser;
    beyond |= offset(mean);
    to[0] = static_cast<int16_t>(mean);
    const HuffmanTable& ac = *ac_;
    int place = 0;
    while (place < last_) {
      bits.fill_to_32();
      HuffmanTable::Taken taken = ac.taken(bits);
      if (taken.bits == 0) {
        taken = read_long(bits);
        if (taken.step == 0) return kBroken;
      } else {
        bits.drop(taken.bits);
      }
      place += taken.step;
      if (place > kLastPlace) {
        place = taken.step == HuffmanTable::kEnd ? kLastPlace : kBroken;
        break;
      }
      const Kept& kept = kept_[static_cast<size_t>(place)];
      const int value = taken.value * kept.quantiser;
      beyond |= offset(value);
      to[kept.at] = static_cast<int16_t>(value);
    }
    beyond_ |= beyond;
    return place;
  }

  // One whose code or value is long. Its step is 0 where there is no such code.
  HuffmanTable::Taken read_long(BitReader& bits) const {
    const int symbol = ac_->symbol(bits);
    if (symbol < 0) return {};
    HuffmanTable::Taken taken;
    const int size = symbol & 15;
    taken.step = static_cast<uint8_t>(symbol == 0 ? HuffmanTable::kEnd : (symbol >> 4) + 1);
    if (size == 0) return taken;
    taken.value = static_cast<int16_t>(extended(bits.peek(size), size));
    bits.drop(size);
    return taken;
  }

  bool skip_rest(BitReader& bits, int place) const {
    const HuffmanTable& ac = *ac_;
    while (place < kLastPlace) {
      bits.fill_to_32();
      const HuffmanTable::Skipped skipped = ac.skipped(bits);
      const int next = place + skipped.step;
      if (skipped.bits > 0 && next + skipped.end <= kLastPlace) {
        bits.drop(skipped.bits);
        if (skipped.end != 0) return true;
        place = next;
        continue;
      }
      const int symbol = ac.symbol(bits);
      if (symbol <= 0) return symbol == 0;
      place += (symbol >> 4) + 1;
      bits.drop(symbol & 15);
    }
    return place == kLastPlace;
  }

  int across_, down_, side_;
  size_t area_, blocks_;
  const HuffmanTable* dc_;
  const HuffmanTable* ac_;
  struct Kept {
    int32_t quantiser = 0;
    int32_t at = 0;  // in the block that is kept
  };
  std::array<Kept, 64> kept_{};  // by place in zigzag order
  int last_ = 0;                 // place of the last that is kept
  int predicted_ = 0;
  uint32_t beyond_ = 0;
  std::vector<int16_t> coefficients_;
  Plane plane_;
  size_t done_ = 0;  // of its samples
};

class Scan {
 public:
  Scan(const JpegScan& told, int reduced)
      : told_(told), grid_(grid_of(told)), bits_(told.data), left_(told.restart_mcus) {
    const std::vector<int> sides = kept_sides(told, reduced);
    for (size_t i = 0; i < sides.size(); ++i)
      components_.emplace_back(told.components[i], grid_, sides[i], told.size, i);
  }

  bool read() {
    for (const Component& c : components_) {
      if (!c.good()) return false;
    }
    for (int y = 0; y < grid_.mcus_y; ++y) {
      for (Component& c : components_) c.begin_row();
      if (!read_row(y + 1 == grid_.mcus_y)) return false;
      for (Component& c : components_) {
        if (!c.end_row()) return false;
      }
    }
    constexpr uint8_t kEndOfImage = 0xd9;
    return bits_.ends_with(kEndOfImage);
  }

  std::vector<Plane> take() {
    std::vector<Plane> planes;
    for (Component& c : components_) planes.push_back(c.take());
    return planes;
  }

 private:
  bool read_row(bool last_row) {
    BitReader bits = bits_;  // in registers
    for (int x = 0; x < grid_.mcus_x; ++x) {
      for (Component& c : components_) {
        if (!c.read(bits, static_cast<size_t>(x))) return false;
      }
      const bool last = last_row && x + 1 == grid_.mcus_x;
      if (told_.restart_mcus > 0 && --left_ == 0 && !last && !restart(bits)) return false;
    }
    bits_ = bits;
    return !bits.is_past_end();  // a short file may claim to be a large image
  }

  bool restart(BitReader& bits) {
    constexpr uint8_t kRestart = 0xd0;
    BitReader reader = bits;
    if (!reader.ends_with(static_cast<uint8_t>(kRestart + (restarts_++ & 7)))) return false;
    bits = reader;
    left_ = told_.restart_mcus;
    for (Component& c : components_) c.restart();
    return true;
  }

  const JpegScan& told_;
  Grid grid_;
  BitReader bits_;
  int left_;  // MCUs to the next restart
  unsigned restarts_ = 0;
  std::vector<Component> components_;
};

}  // namespace

std::vector<int> kept_sides(const JpegScan& scan, int reduced) {
  const Grid grid = grid_of(scan);
  const int side = kBlockSide / reduced;
  std::vector<int> sides;
  for (const JpegScan::Component& c : scan.components) {
    const bool full_chroma = !sides.empty() && c.across == grid.across && c.down == grid.down;
    sides.push_back(full_chroma ? std::max(1, side / 2) : side);
  }
  return sides;
}

int64_t planes_bytes(const JpegScan& scan, int reduced) {
  const Grid grid = grid_of(scan);
  const std::vector<int> sides = kept_sides(scan, reduced);
  int64_t bytes = 0;
  for (size_t i = 0; i < sides.size(); ++i) {
    const JpegScan::Component& c = scan.components[i];
    bytes += int64_t{grid.mcus_x} * grid.mcus_y * c.across * c.down * sides[i] * sides[i];
  }
  return bytes;
}

std::vector<Plane> read_planes(const JpegScan& scan, int reduced) {
  Scan reader(scan, reduced);
  if (!reader.read()) return {};
  return reader.take();
}

}  // namespace imgq::image
