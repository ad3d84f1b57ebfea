// PNG as it is written: the same samples, and each row by the filter that suits it.
#include <zlib.h>

#include <cstdlib>
#include <random>

#include "src/image/encode.h"
#include "tests/images/rendered.h"

namespace imgq::image {
namespace {

using Row = std::vector<uint8_t>;

Buffer written(const Raster& raster) {
  EncodeOptions options;
  options.format = Format::png;
  Buffer file;
  EXPECT_FALSE(encode(raster, options, &file));
  return file;
}

Raster noise(Size size, PixelKind kind) {
  std::mt19937 random(1);
  Raster out(size, kind);
  for (uint8_t& sample : out.data) sample = static_cast<uint8_t>(random());
  return out;
}

// Which filter each row begins with, 0 to 4 (PNG third edition, 9.2), from the one IDAT of a file.
std::vector<int> filters_of(const Buffer& file, const Raster& raster) {
  const auto length = [&](size_t at) {
    return size_t{file[at]} << 24 | size_t{file[at + 1]} << 16 | size_t{file[at + 2]} << 8 |
           size_t{file[at + 3]};
  };
  size_t at = 8;
  while (file[at + 4] != 'I' || file[at + 5] != 'D') at += 12 + length(at);
  const size_t row = raster.row_bytes() + 1;
  Row rows(row * static_cast<size_t>(raster.size.height));
  uLongf size = rows.size();
  EXPECT_EQ(::uncompress(rows.data(), &size, &file[at + 8], length(at)), Z_OK);
  EXPECT_EQ(size, rows.size());
  std::vector<int> filters;
  for (size_t y = 0; y < rows.size(); y += row) filters.push_back(rows[y]);
  return filters;
}

TEST(PngEncoder, EverySampleIsAsItWas) {
  for (const PixelKind kind : {PixelKind{Space::grey, false}, PixelKind{Space::grey, true},
                               PixelKind{Space::rgb, false}, PixelKind{Space::rgb, true}}) {
    for (const Size size : {Size{1, 1}, Size{1, 9}, Size{7, 1}, Size{33, 65}, Size{300, 20}}) {
      const Raster raster = noise(size, kind);
      const made::Pixels got = made::read(written(raster));
      ASSERT_EQ(got.width, size.width);
      ASSERT_EQ(got.height, size.height);
      ASSERT_EQ(got.bands, kind.bands());
      EXPECT_TRUE(std::equal(raster.data.begin(), raster.data.end(), got.data.begin()));
    }
  }
}

// Of what a filter predicts, nothing is left: rows of noise, and behind each one that a filter
// tells from its neighbours to the bit.
TEST(PngEncoder, ARowGoesByTheFilterThatLeavesTheLeast) {
  Raster raster = noise({64, 10}, {Space::rgb, false});
  for (int filter = 0; filter < 5; ++filter) {
    const uint8_t* above = raster.row(2 * filter);
    uint8_t* row = raster.row(2 * filter + 1);
    for (size_t i = 3; i < raster.row_bytes(); ++i) {
      const int a = row[i - 3], b = above[i], c = above[i - 3];
      const int p = a + b - c, pa = std::abs(p - a), pb = std::abs(p - b), pc = std::abs(p - c);
      const int paeth = pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
      const std::array<int, 5> predicted = {row[i] % 3 - 1, a, b, (a + b) / 2, paeth};
      row[i] = static_cast<uint8_t>(predicted[static_cast<size_t>(filter)]);
    }
  }
  const Buffer file = written(raster);
  const auto filters = filters_of(file, raster);
  for (int filter = 0; filter < 5; ++filter)
    EXPECT_EQ(filters[static_cast<size_t>(2 * filter + 1)], filter);
  const made::Pixels got = made::read(file);
  EXPECT_TRUE(std::equal(raster.data.begin(), raster.data.end(), got.data.begin()));
}

// Of black and white in no order a filter makes three values; of a slope, one.
TEST(PngEncoder, WhereNoFilterMakesItSmallerThereIsNone) {
  Raster raster = noise({200, 200}, {Space::grey, false});
  for (uint8_t& sample : raster.data) sample = sample < 128 ? 0 : 255;
  EXPECT_EQ(filters_of(written(raster), raster), std::vector<int>(200, 0));
  for (int y = 0; y < 200; ++y) {
    for (int x = 0; x < 200; ++x) raster.row(y)[x] = static_cast<uint8_t>(97 * y + 3 * x);
  }
  EXPECT_EQ(filters_of(written(raster), raster), std::vector<int>(200, 1));
}

}  // namespace
}  // namespace imgq::image
