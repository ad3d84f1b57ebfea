// PNG pixels without libpng: the same samples, and whatever is in doubt is left to it.
#include "src/image/png_pixels.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <random>

#include "src/image/geometry.h"
#include "tests/images/rendered.h"

namespace imgq::image {
namespace {

using made::Bytes;

made::Pixels noise(int width, int height, int bands, int depth = 8) {
  std::mt19937 random(1);
  made::Pixels out(width, height, bands);
  for (uint16_t& sample : out.data) sample = static_cast<uint16_t>(random() >> (32 - depth));
  return out;
}

// Samples as the decoder has them, as numbers.
std::vector<uint16_t> samples_of(const PngPixels& pixels, int depth) {
  std::vector<uint16_t> out(pixels.size_bytes / static_cast<size_t>(depth / 8));
  if (depth == 16) std::memcpy(out.data(), pixels.samples.get(), pixels.size_bytes);
  if (depth == 8) std::copy_n(pixels.samples.get(), pixels.size_bytes, out.begin());
  return out;
}

size_t find_chunk(const Bytes& file, const char* name) {
  return static_cast<size_t>(std::search(file.begin(), file.end(), name, name + 4) - file.begin());
}

bool is_left_to_libpng(const Bytes& file) { return !png_pixels(file).has_value(); }

TEST(PngPixels, AreThoseThatLibpngWrote) {
  for (const int depth : {8, 16}) {
    for (const int bands : {1, 2, 3, 4}) {
      for (const Size size : {Size{1, 1}, Size{1, 9}, Size{7, 1}, Size{33, 65}}) {
        for (int filter = 0; filter <= 5; ++filter) {
          const made::Pixels given = noise(size.width, size.height, bands, depth);
          const auto got = png_pixels(made::png(given, {depth, false, {}, filter, 100}));
          ASSERT_TRUE(got);
          EXPECT_EQ(samples_of(*got, depth), given.data) << bands << " bands, filter " << filter;
        }
      }
    }
  }
}

TEST(PngPixels, OfAPaletteAreSpelledOut) {
  made::Pixels indices(3, 1, 1);
  indices.data = {1, 0, 1};
  const std::vector<made::Colour> palette = {{10, 20, 30}, {40, 50, 60}};
  const auto opaque = png_pixels(made::palette_png(indices, palette));
  ASSERT_TRUE(opaque);
  EXPECT_EQ(samples_of(*opaque, 8), (std::vector<uint16_t>{40, 50, 60, 10, 20, 30, 40, 50, 60}));
  const auto clear = png_pixels(made::palette_png(indices, palette, {99}));
  ASSERT_TRUE(clear);
  EXPECT_EQ(samples_of(*clear, 8),
            (std::vector<uint16_t>{40, 50, 60, 255, 10, 20, 30, 99, 40, 50, 60, 255}));
}

// What is beyond the palette has a colour in some versions of libpng, and is an error in others.
TEST(PngPixels, BeyondThePaletteAreLeftToLibpng) {
  made::Pixels indices(2, 1, 1);
  indices.data = {0, 2};
  Bytes file = made::palette_png(indices, {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}});
  ASSERT_FALSE(is_left_to_libpng(file));
  const auto at = static_cast<ptrdiff_t>(find_chunk(file, "PLTE"));
  file.erase(file.begin() + at - 4, file.begin() + at + 4 + 9 + 4);
  file = made::with_chunk(file, "PLTE", {1, 2, 3, 4, 5, 6}, "IDAT");
  EXPECT_TRUE(is_left_to_libpng(file));
}

TEST(PngPixels, OfARareKindAreLeftToLibpng) {
  const made::Pixels pixels = noise(9, 5, 3);
  EXPECT_TRUE(is_left_to_libpng(made::png(pixels, {8, true, {}})));
  const Bytes keyed = made::with_chunk(made::png(pixels), "tRNS", {0, 1, 0, 2, 0, 3}, "IDAT");
  EXPECT_TRUE(is_left_to_libpng(keyed));
  EXPECT_EQ(png_pixels_need(made::png(pixels, {8, true, {}})), 0);
  EXPECT_GE(png_pixels_need(made::png(pixels)), 9 * 5 * 3);
  Bytes large = made::png(pixels);
  large[17] = large[21] = 1;  // 65,545 pixels each way
  EXPECT_EQ(png_pixels_need(large), 0);
}

// --- Doubts: a sound file, with one thing about it changed.

Bytes plain(int rows = 5) { return made::png(noise(9, rows, 3), {8, false, {}, 5}); }

// The file with other bytes in its one IDAT, everything else right.
Bytes with_data(const Bytes& rows, const std::function<void(Bytes*)>& change, int count = 5) {
  uLongf size = ::compressBound(rows.size());
  Bytes deflated(size);
  EXPECT_EQ(::compress(deflated.data(), &size, rows.data(), rows.size()), Z_OK);
  deflated.resize(size);
  change(&deflated);
  const Bytes file = plain(count);
  Bytes out(45);  // IHDR with what is before it, and IEND
  std::copy_n(file.begin(), 33, out.begin());
  std::copy_n(file.end() - 12, 12, out.begin() + 33);
  return made::with_chunk(out, "IDAT", deflated, "IEND");
}

const auto kAsItIs = [](Bytes* /*deflated*/) {};

TEST(PngPixels, InDoubtAreLeftToLibpng) {
  const size_t row = 1 + 9 * 3;
  EXPECT_FALSE(is_left_to_libpng(plain()));
  EXPECT_FALSE(is_left_to_libpng(with_data(Bytes(5 * row), kAsItIs)));
  EXPECT_TRUE(is_left_to_libpng(with_data(Bytes(5 * row - 1), kAsItIs)));
  EXPECT_TRUE(is_left_to_libpng(with_data(Bytes(5 * row + 1), kAsItIs)));
  Bytes filters(5 * row);
  filters[4 * row] = 5;
  EXPECT_TRUE(is_left_to_libpng(with_data(filters, kAsItIs)));
  const auto more = [](Bytes* deflated) { deflated->push_back(0); };
  const auto sum = [](Bytes* deflated) { ++deflated->back(); };
  // A window of 256 bytes: zlib refuses what reaches farther back, libdeflate does not look.
  const auto window = [](Bytes* deflated) {
    (*deflated)[0] = 0x08;
    (*deflated)[1] = static_cast<uint8_t>(31 - 0x0800 % 31);
  };
  EXPECT_FALSE(is_left_to_libpng(with_data(Bytes(5 * row), window)));  // 140 bytes are within it
  EXPECT_TRUE(is_left_to_libpng(with_data(Bytes(10 * row), window, 10)));
  EXPECT_TRUE(is_left_to_libpng(with_data(Bytes(5 * row), more)));
  EXPECT_TRUE(is_left_to_libpng(with_data(Bytes(5 * row), sum)));
}

TEST(PngPixels, OfAFileThatIsDamagedAreLeftToLibpng) {
  const Bytes sound = plain();
  for (size_t size = 0; size < sound.size(); ++size) {
    EXPECT_TRUE(is_left_to_libpng(Bytes(sound.begin(), sound.begin() + static_cast<long>(size))));
  }
  for (const char* name : {"IHDR", "IDAT", "IEND"}) {
    Bytes file = sound;
    const size_t at = find_chunk(file, name);
    const size_t length = size_t{file[at - 2]} << 8 | file[at - 1];
    ++file[at + 4 + length];  // of the checksum
    EXPECT_TRUE(is_left_to_libpng(file)) << name;
  }
  Bytes text = made::with_chunk(sound, "tEXt", {'a', 0, 'b'}, "IDAT");
  EXPECT_FALSE(is_left_to_libpng(text));
  ++text[find_chunk(text, "tEXt") + 7];  // only its checksum differs then: libpng passes over it
  EXPECT_FALSE(is_left_to_libpng(text));
  EXPECT_TRUE(is_left_to_libpng(made::with_chunk(sound, "ABCD", {}, "IDAT")));  // is critical
  EXPECT_TRUE(is_left_to_libpng(made::with_chunk(sound, "a.cd", {}, "IDAT")));
  EXPECT_TRUE(is_left_to_libpng(made::with_chunk(sound, "IHDR", Bytes(13), "IDAT")));
}

TEST(PngPixels, WhoseDataLiesApartOrWhosePaletteIsOddAreLeftToLibpng) {
  const Bytes parted = made::png(noise(9, 5, 3), {8, false, {}, 1, 100});
  ASSERT_FALSE(is_left_to_libpng(parted));
  const size_t last = parted.size() - 12;
  Bytes apart = made::with_chunk(parted, "tEXt", {'a', 0, 'b'}, "IEND");
  apart = made::with_chunk(apart, "IDAT", {}, "IEND");
  EXPECT_TRUE(is_left_to_libpng(apart)) << last;
  made::Pixels indices(2, 1, 1);
  const Bytes file = made::palette_png(indices, {{1, 2, 3}});
  ASSERT_FALSE(is_left_to_libpng(file));
  EXPECT_TRUE(is_left_to_libpng(made::with_chunk(file, "PLTE", {1, 2, 3}, "IDAT")));
  EXPECT_TRUE(is_left_to_libpng(made::with_chunk(file, "tRNS", {1}, "IEND")));
  EXPECT_TRUE(is_left_to_libpng(made::with_chunk(file, "tRNS", {1, 2}, "IDAT")));
  Bytes none = file;
  std::memcpy(&none[find_chunk(none, "PLTE")], "pLTe", 4);  // one that nobody needs to know
  EXPECT_TRUE(is_left_to_libpng(none));
}

}  // namespace
}  // namespace imgq::image
