// The placeholder, against bytes worked out by hand from the published description.
#include "src/image/thumbhash.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "src/util/base64.h"
#include "tests/images/rendered.h"

namespace imgq::image {
namespace {

Raster raster_of(Size size, PixelKind kind, const std::vector<uint8_t>& pixel) {
  Raster out(size, kind);
  for (size_t i = 0; i < out.data.size(); ++i) out.data[i] = pixel[i % pixel.size()];
  return out;
}

constexpr PixelKind kRgb{Space::rgb, false}, kRgba{Space::rgb, true};

// Grey 255: L = 1, P = Q = 0, no AC anywhere. 63 | 32 << 6 | 32 << 12 | 0 << 18 = 0x02083f... in
// three bytes 3f 08 02; then lx = 7, no scales, portrait or square: 07 00. Every AC of zero scale
// is 0 before rounding, so its four bits are 0; L has 7x7 triangle - 1 = 27 values, P and Q 5 each.
TEST(Thumbhash, OfAWhiteSquareIsWorkedOutByHand) {
  const std::vector<uint8_t> hash = thumbhash(raster_of({10, 10}, kRgb, {255, 255, 255}));
  ASSERT_EQ(hash.size(), 5U + (27 + 5 + 5 + 1) / 2);
  EXPECT_EQ(hash[0], 0x3f);
  EXPECT_EQ(hash[1], 0x08);
  EXPECT_EQ(hash[2], 0x02);
  EXPECT_EQ(hash[3], 0x07);
  EXPECT_EQ(hash[4], 0x00);
  EXPECT_EQ(std::count(hash.begin() + 5, hash.end(), 0), static_cast<ptrdiff_t>(hash.size() - 5));
}

// Pure red: L = 1/3 -> 21, P = 1/2 -> 47.25 -> 47, Q = 1 -> 63.
// 21 | 47 << 6 | 63 << 12 = 0x3fbd5 -> the cosines' rounding may leave scales of about 1e-17, whose
// 31ths are 0.
TEST(Thumbhash, OfARedSquareHasItsMeansInPlace) {
  const std::vector<uint8_t> hash = thumbhash(raster_of({8, 8}, kRgb, {255, 0, 0}));
  EXPECT_EQ(hash[0] | hash[1] << 8 | hash[2] << 16, 21 | 47 << 6 | 63 << 12);
}

TEST(Thumbhash, SaysWhichWayThePictureLiesAndHowLongItIs) {
  const std::vector<uint8_t> wide = thumbhash(raster_of({70, 30}, kRgb, {9, 9, 9}));
  EXPECT_EQ(wide[4] & 0x80, 0x80);
  EXPECT_EQ(wide[3] & 7, 3);  // ly = round(7 * 30 / 70)
  const std::vector<uint8_t> tall = thumbhash(raster_of({20, 70}, kRgb, {9, 9, 9}));
  EXPECT_EQ(tall[4] & 0x80, 0);
  EXPECT_EQ(tall[3] & 7, 2);  // lx = round(7 * 20 / 70)
}

TEST(Thumbhash, OfATransparentPictureHasItsAlpha) {
  const std::vector<uint8_t> hash = thumbhash(raster_of({10, 10}, kRgba, {255, 255, 255, 128}));
  EXPECT_EQ(hash[2] & 0x80, 0x80);
  EXPECT_EQ(hash[5] & 15, 8);  // round(15 * 128 / 255)
  // 5 bytes, one of alpha, then L 5x5 - 1 = 14, P 5, Q 5, A 14 values of four bits.
  EXPECT_EQ(hash.size(), 6U + (14 + 5 + 5 + 14) / 2);
}

// One step from black to white across: L's first horizontal wave is the mean of step times cosine.
TEST(Thumbhash, OfAStepHasItsFirstWave) {
  Raster step({2, 2}, {Space::grey, false});
  step.data = {0, 255, 0, 255};
  const std::vector<uint8_t> hash = thumbhash(step);
  // Of the waves 1..6 across two pixels, f(4,0) = (0 * cos(pi) + 1 * cos(3 pi)) / 2 = -0.5 is the
  // largest: its scale is round(31 * 0.5) = 16, its own value 0.5 - 0.5 = 0.
  EXPECT_EQ((hash[2] >> 2) & 31, 16);
  EXPECT_EQ(hash[6] >> 4, 0);
  // f(1,0) = (0 * cos(pi/4) + 1 * cos(3 pi/4)) / 2 = -0.35355: round(15 * (0.5 - 0.35355)) = 2.
  EXPECT_EQ(hash[5] & 15, 2);
  // f(3,0) = cos(9 pi/4) / 2 = 0.35355: round(15 * 0.85355) = 13.
  EXPECT_EQ(hash[6] & 15, 13);
}

TEST(Thumbhash, OfGreyIsThatOfTheSameColourInThreeBands) {
  Raster grey({9, 7}, {Space::grey, false}), rgb({9, 7}, kRgb);
  for (size_t i = 0; i < grey.data.size(); ++i) {
    grey.data[i] = static_cast<uint8_t>(i * 4);
    for (size_t b = 0; b < 3; ++b) rgb.data[3 * i + b] = grey.data[i];
  }
  EXPECT_EQ(thumbhash(grey), thumbhash(rgb));
}

TEST(Base64, IsThatOfTheRfc) {
  const auto of = [](const std::string& text) { return base64_encoded(text); };
  EXPECT_EQ(of(""), "");
  EXPECT_EQ(of("f"), "Zg==");
  EXPECT_EQ(of("fo"), "Zm8=");
  EXPECT_EQ(of("foo"), "Zm9v");
  EXPECT_EQ(of("foob"), "Zm9vYg==");
  EXPECT_EQ(of("fooba"), "Zm9vYmE=");
  EXPECT_EQ(of("foobar"), "Zm9vYmFy");
}

}  // namespace
}  // namespace imgq::image

namespace imgq::made {
namespace {

TEST_F(ImageTest, TheThumbhashIsOfTheUprightWholePicture) {
  JpegSpec turned;
  ExifSpec tags;
  tags.orientation = 6;
  turned.extras.exif = exif(tags);
  const Bytes file = jpeg(filled(300, 100, {200, 30, 30}), turned);
  const std::string whole = render(file, sized(100, 100)).verdict.source.thumbhash;
  Rendition crop = sized(20, 20, Fit::fill);
  EXPECT_EQ(render(file, crop).verdict.source.thumbhash.substr(0, 6), whole.substr(0, 6));
  EXPECT_FALSE(whole.empty());
}

}  // namespace
}  // namespace imgq::made
