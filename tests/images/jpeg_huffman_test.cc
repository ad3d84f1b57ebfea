// The look-ups of a Huffman code against the code itself, read bit by bit (ITU-T T.81, F.2.2.3).
#include "src/image/jpeg_huffman.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <random>
#include <utility>
#include <vector>

namespace imgq::image {
namespace {

// A code with these lengths; the symbols in their order.
HuffmanCode code_of(const std::vector<std::pair<int, uint8_t>>& lengths_and_symbols) {
  HuffmanCode code;
  size_t place = 0;
  for (const auto& [length, symbol] : lengths_and_symbols) {
    ++code.counts[static_cast<size_t>(length)];
    code.symbols[place++] = symbol;
  }
  return code;
}

// Short ones, and those that no look-up holds whole.
const HuffmanCode kCode = code_of({{2, 0x01},
                                   {2, 0x00},
                                   {3, 0x11},
                                   {4, 0x02},
                                   {5, 0x72},
                                   {6, 0xf0},
                                   {9, 0x0a},
                                   {11, 0x3a},
                                   {15, 0xe5},
                                   {16, 0x03}});

class Bits {
 public:
  explicit Bits(const std::vector<uint8_t>& bytes) : bytes_(bytes) {}
  int one() {
    const size_t at = at_++;
    return at / 8 < bytes_.size() ? bytes_[at / 8] >> (7 - at % 8) & 1 : 0;
  }
  size_t come() const { return at_; }
  int some(int count) {
    int value = 0;
    while (count-- > 0) value = 2 * value + one();
    return value;
  }
  std::optional<int> symbol(const HuffmanCode& code) {
    int value = 0, first = 0, place = 0;
    for (size_t n = 1; n <= 16; ++n) {
      value = 2 * value + one();
      first *= 2;
      const int count = code.counts[n];
      if (value - first < count) return code.symbols[static_cast<size_t>(place + value - first)];
      first += count;
      place += count;
    }
    return std::nullopt;
  }

 private:
  const std::vector<uint8_t>& bytes_;
  size_t at_ = 0;
};

std::vector<uint8_t> random_bytes(unsigned seed, size_t count) {
  std::mt19937 random(seed);
  std::vector<uint8_t> out(count);
  for (uint8_t& byte : out) byte = static_cast<uint8_t>(random() % 255);  // no marker
  return out;
}

TEST(Huffman, SymbolsAreThoseOfTheCode) {
  const auto table = std::make_unique<HuffmanTable>();
  ASSERT_TRUE(table->build(kCode, false));
  for (unsigned seed = 0; seed < 200; ++seed) {
    const std::vector<uint8_t> bytes = random_bytes(seed, 40);
    Bits plain(bytes);
    BitReader quick(bytes);
    for (int i = 0; i < 15; ++i) {
      quick.fill();
      const auto expected = plain.symbol(kCode);
      EXPECT_EQ(table->symbol(quick), expected.value_or(HuffmanTable::kNone));
      if (!expected) break;
    }
  }
}

// One that is taken whole is the symbol and the value behind it; many that are stepped over are as
// many symbols, one after another.
TEST(Huffman, LookUpsOfValuesAndRunsSayWhatSymbolsSay) {
  const auto table = std::make_unique<HuffmanTable>();
  ASSERT_TRUE(table->build(kCode, false));
  int taken = 0, skipped = 0, several = 0;
  for (unsigned seed = 0; seed < 3000; ++seed) {
    const std::vector<uint8_t> bytes = random_bytes(seed, 16);
    BitReader quick(bytes);
    quick.fill();
    if (const HuffmanTable::Taken one = table->taken(quick); one.bits > 0) {
      Bits plain(bytes);
      const int symbol = plain.symbol(kCode).value(), size = symbol & 15;
      EXPECT_EQ(one.step, symbol == 0 ? HuffmanTable::kEnd : (symbol >> 4) + 1);
      EXPECT_EQ(one.value, extended(static_cast<uint32_t>(plain.some(size)), size));
      ++taken;
    }
    const HuffmanTable::Skipped many = table->skipped(quick);
    if (many.bits == 0) continue;
    Bits plain(bytes);
    int step = 0, symbols = 0;
    bool end = false;
    for (; plain.come() < many.bits; ++symbols) {
      const int symbol = plain.symbol(kCode).value();
      (void)plain.some(symbol & 15);
      end = symbol == 0;
      step += end ? 0 : (symbol >> 4) + 1;
    }
    EXPECT_EQ(plain.come(), many.bits);
    EXPECT_EQ(many.step, step);
    EXPECT_EQ(many.end != 0, end);
    ++skipped;
    several += symbols > 1 ? 1 : 0;
  }
  EXPECT_GT(taken, 1000);
  EXPECT_GT(skipped, 1000);
  EXPECT_GT(several, 500);
}

TEST(Huffman, ValuesAreExtended) {
  EXPECT_EQ(extended(0, 0), 0);
  EXPECT_EQ(extended(0, 1), -1);
  EXPECT_EQ(extended(1, 1), 1);
  EXPECT_EQ(extended(0, 10), -1023);
  EXPECT_EQ(extended(511, 10), -512);
  EXPECT_EQ(extended(512, 10), 512);
}

TEST(Huffman, WhatIsNoCodeIsNotBuilt) {
  const auto table = std::make_unique<HuffmanTable>();
  EXPECT_FALSE(table->build(HuffmanCode{}, false));
  EXPECT_FALSE(table->build(code_of({{1, 0}, {1, 1}}), false));  // the code of ones alone
  EXPECT_FALSE(table->build(code_of({{1, 0}, {1, 1}, {1, 2}}), false));
  EXPECT_FALSE(table->build(code_of({{2, 0x0b}}), false));  // eleven bits: no AC coefficient
  EXPECT_FALSE(table->build(code_of({{2, 0x20}}), false));  // no bits, nor the end, nor a run of 16
  EXPECT_FALSE(table->build(code_of({{2, 12}}), true));
  EXPECT_TRUE(table->build(code_of({{2, 11}}), true));
}

TEST(BitReader, StuffedBytesAreLeftOut) {
  const std::vector<uint8_t> bytes = {0x12, 0xff, 0,    0x34, 0xff, 0,   0xff,
                                      0,    0x56, 0x78, 0x9a, 0xff, 0xd9};
  BitReader reader(bytes);
  for (const uint32_t byte : {0x12U, 0xffU, 0x34U, 0xffU, 0xffU, 0x56U, 0x78U, 0x9aU}) {
    reader.fill();
    EXPECT_EQ(reader.peek(8), byte);
    reader.drop(8);
  }
  EXPECT_TRUE(reader.ends_with(0xd9));
}

TEST(BitReader, ASegmentEndsWithinItsLastByte) {
  const std::vector<uint8_t> bytes = {1, 2, 3, 0xff, 0xd0, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  for (int bits = 0; bits <= 30; ++bits) {
    BitReader reader(bytes);
    reader.fill();
    reader.drop(bits);
    EXPECT_EQ(reader.is_past_end(), bits > 24) << bits;
    EXPECT_EQ(reader.ends_with(0xd0), bits > 16 && bits <= 24) << bits;
    if (bits != 20) continue;
    reader.fill();
    EXPECT_EQ(reader.peek(16), 0x0405U);  // and goes on behind the marker
  }
  BitReader other(bytes);
  other.fill();
  other.drop(20);
  EXPECT_FALSE(other.ends_with(0xd1));
}

}  // namespace
}  // namespace imgq::image
