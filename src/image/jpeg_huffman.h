#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "src/image/bytes.h"

// Huffman codes of JPEG (ITU-T T.81, annexes C and F.2.2), several symbols a look-up.
namespace imgq::image {

// A code as a DHT segment tells it.
struct HuffmanCode {
  std::array<uint8_t, 17> counts{};  // [n]: how many codes of n bits, 1..16
  std::array<uint8_t, 256> symbols{};
  bool operator==(const HuffmanCode&) const = default;
};

// The bits of an entropy-coded segment, most significant first, without its stuffed bytes. Behind
// its end, a marker's or the data's, there are zeros.
class BitReader {
 public:
  explicit BitReader(View data) : at_(data.data()), end_(data.data() + data.size()) {}

  // 56 bits at least are there to peek at then.
  void fill() {
    uint64_t word = 0;
    if (end_ - at_ >= 8) std::memcpy(&word, at_, sizeof word);
    if (end_ - at_ < 8 || has_ff(word)) {
      *this = filled_bytewise(*this);
      return;
    }
    bits_ |= __builtin_bswap64(word) >> count_;
    at_ += (63 - count_) >> 3;
    count_ |= 56;
  }
  void fill_to_32() {
    if (count_ < 32) fill();
  }

  uint32_t peek(int count) const { return static_cast<uint32_t>(bits_ >> (64 - count)); }
  void drop(int count) {
    bits_ <<= count;
    count_ -= count;
  }

  // Whether more has been taken than there was.
  bool is_past_end() const { return count_ < made_up_; }

  // Ends the segment: whether the marker FF `code` stands where the bits come to their end, less
  // than a byte of them unused. The reader is behind it then.
  bool ends_with(uint8_t code);

 private:
  static bool has_ff(uint64_t word) {
    constexpr uint64_t kLow = 0x0101010101010101, kHigh = 0x8080808080808080;
    return ((~word - kLow) & word & kHigh) != 0;
  }
  static BitReader filled_bytewise(BitReader from);  // by value: the caller keeps its in registers

  const uint8_t* at_;
  const uint8_t* end_;
  uint64_t bits_ = 0;  // from the top
  int count_ = 0;      // that are good
  int made_up_ = 0;    // of these, the last
};
static_assert(std::endian::native == std::endian::little, "words of the file are turned around");

// What is looked up by the next bits.
class HuffmanTable {
 public:
  static constexpr int kNone = -1;
  static constexpr int kTakeBits = 11, kSkipBits = 12;

  // False for what is no code, or none that baseline JPEG has.
  bool build(const HuffmanCode& code, bool of_dc);
  const HuffmanCode& code() const { return code_; }

  // The next symbol, or kNone. 16 bits must be there.
  int symbol(BitReader& bits) const {
    const uint16_t entry = short_[bits.peek(kShortBits)];
    const Found found = entry != 0 ? Found{entry & 255, entry >> 8} : find(bits.peek(16));
    bits.drop(found.bits);
    return found.symbol;
  }

  // A coefficient whose code and value are short, by the next kTakeBits.
  struct Taken {
    int16_t value = 0;
    uint8_t step = 0;  // in zigzag order; kEnd: the block's end
    uint8_t bits = 0;  // 0: longer
  };
  static constexpr int kEnd = 64;
  const Taken& taken(const BitReader& bits) const { return take_[bits.peek(kTakeBits)]; }

  // All coefficients whose codes are within the next kSkipBits; values may be longer.
  struct Skipped {
    uint16_t bits : 6;  // 0: not one
    uint16_t step : 9;
    uint16_t end : 1;  // of the block, with the last
  };
  const Skipped& skipped(const BitReader& bits) const { return skip_[bits.peek(kSkipBits)]; }

 private:
  static constexpr int kShortBits = 10;

  struct Found {
    int symbol = kNone, bits = 0;
  };

  bool assign();
  Found find(uint32_t sixteen) const;
  Taken taken_by(uint32_t sixteen) const;
  Skipped skipped_by(uint32_t sixteen) const;

  HuffmanCode code_;
  std::array<int32_t, 17> first_{};                // [n]: the first code of n bits
  std::array<int32_t, 17> offset_{};               // [n]: its symbol's place
  std::array<uint16_t, 1 << kShortBits> short_{};  // bits << 8 | symbol
  std::array<Taken, 1 << kTakeBits> take_{};
  std::array<Skipped, 1 << kSkipBits> skip_{};
};

// The value of a coefficient of `size` bits (T.81, table F.1 and F.2).
inline int extended(uint32_t bits, int size) {
  const int value = static_cast<int>(bits);
  return size > 0 && value < 1 << (size - 1) ? value - (1 << size) + 1 : value;
}

}  // namespace imgq::image
