#include "src/image/jpeg_huffman.h"

#include <algorithm>

namespace imgq::image {
namespace {

constexpr int kMostBits = 16;
constexpr int kMostDcSize = 11, kMostAcSize = 10;  // of 8-bit samples (T.81, F.1.2)
constexpr int kZeroRun = 0xf0;

bool is_symbol(int symbol, bool of_dc) {
  if (of_dc) return symbol <= kMostDcSize;
  const int size = symbol & 15;
  return size > 0 ? size <= kMostAcSize : symbol == 0 || symbol == kZeroRun;
}

// How far an AC symbol leads in zigzag order; 0: to the end of the block.
int step_of(int symbol) {
  if (symbol == kZeroRun) return 16;
  return (symbol & 15) > 0 ? (symbol >> 4) + 1 : 0;
}

uint32_t from_top(uint32_t bits, int count) { return bits << (kMostBits - count); }

}  // namespace

BitReader BitReader::filled_bytewise(BitReader from) {
  for (; from.count_ < 56; from.count_ += 8) {
    const auto left = from.end_ - from.at_;
    const bool stuffed = left >= 2 && from.at_[0] == 0xff && from.at_[1] == 0;
    if (left == 0 || (*from.at_ == 0xff && !stuffed)) {
      from.made_up_ += 8;
      continue;
    }
    from.bits_ |= uint64_t{*from.at_} << (56 - from.count_);
    from.at_ += stuffed ? 2 : 1;
  }
  return from;
}

bool BitReader::ends_with(uint8_t code) {
  fill();
  const int left = count_ - made_up_;
  if (left < 0 || left >= 8 || end_ - at_ < 2 || at_[0] != 0xff || at_[1] != code) return false;
  at_ += 2;
  bits_ = 0;
  count_ = made_up_ = 0;
  return true;
}

// Codes of one length follow one another; those of the next begin behind them (T.81, C.2). The one
// of ones alone is none.
bool HuffmanTable::assign() {
  int32_t next = 0, place = 0;
  for (size_t n = 1; n <= kMostBits; ++n, next <<= 1) {
    first_[n] = next;
    offset_[n] = place;
    next += code_.counts[n];
    place += code_.counts[n];
    if (place > 256 || next >= 1 << n) return false;
  }
  return place > 0;
}

bool HuffmanTable::build(const HuffmanCode& code, bool of_dc) {
  code_ = code;
  short_.fill(0);  // find() asks it
  if (!assign()) return false;
  const int32_t count = offset_[kMostBits] + code_.counts[kMostBits];
  const auto usual = [of_dc](uint8_t symbol) { return is_symbol(symbol, of_dc); };
  if (!std::all_of(code_.symbols.begin(), code_.symbols.begin() + count, usual)) return false;
  for (uint32_t i = 0; i < short_.size(); ++i) {
    const Found found = find(from_top(i, kShortBits));
    const bool fits = found.symbol != kNone && found.bits <= kShortBits;
    short_[i] = static_cast<uint16_t>(fits ? found.bits << 8 | found.symbol : 0);
  }
  if (of_dc) return true;
  for (uint32_t i = 0; i < take_.size(); ++i) take_[i] = taken_by(from_top(i, kTakeBits));
  for (uint32_t i = 0; i < skip_.size(); ++i) skip_[i] = skipped_by(from_top(i, kSkipBits));
  return true;
}

HuffmanTable::Found HuffmanTable::find(uint32_t sixteen) const {
  const uint16_t entry = short_[sixteen >> (kMostBits - kShortBits)];
  if (entry != 0) return {entry & 255, entry >> 8};
  for (size_t n = 1; n <= kMostBits; ++n) {
    const auto code = static_cast<int32_t>(sixteen >> (kMostBits - n));
    if (code - first_[n] >= 0 && code - first_[n] < code_.counts[n]) {
      const auto place = static_cast<size_t>(offset_[n] + code - first_[n]);
      return {code_.symbols[place], static_cast<int>(n)};
    }
  }
  return {};
}

HuffmanTable::Taken HuffmanTable::taken_by(uint32_t sixteen) const {
  const Found found = find(sixteen);
  const int size = found.symbol & 15, bits = found.bits + size;
  if (found.symbol == kNone || bits > kTakeBits) return {};
  const int step = step_of(found.symbol);
  const uint32_t value = (sixteen >> (kMostBits - bits)) & ((1U << size) - 1);
  return {static_cast<int16_t>(extended(value, size)), static_cast<uint8_t>(step > 0 ? step : kEnd),
          static_cast<uint8_t>(bits)};
}

HuffmanTable::Skipped HuffmanTable::skipped_by(uint32_t sixteen) const {
  constexpr int kMostDropped = 32;  // at once, of what the reader has
  int bits = 0, step = 0;
  bool end = false;
  while (bits < kSkipBits && !end) {
    const Found found = find((sixteen << bits) & 0xffff);
    const int size = found.symbol & 15;
    if (found.symbol == kNone || bits + found.bits > kSkipBits ||
        bits + found.bits + size > kMostDropped)
      break;
    bits += found.bits + size;
    step += step_of(found.symbol);
    end = step_of(found.symbol) == 0;
  }
  Skipped all{};
  all.bits = static_cast<uint16_t>(bits & 63);
  all.step = static_cast<uint16_t>(step & 511);
  all.end = end ? 1 : 0;
  return all;
}

}  // namespace imgq::image
