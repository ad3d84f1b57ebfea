// What is asked of a picture's looks: filled up, grey, without loss, with all its colour.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/images/rendered.h"

namespace imgq::made {
namespace {

Rendition padded(int width, int height, Format format = Format::png) {
  Rendition r = sized(width, height, Fit::pad);
  r.format = format;
  r.background = {10, 20, 250};
  return r;
}

TEST_F(ImageTest, PadFillsUpAroundTheWholeImageWithTheBackground) {
  const Colour ground{10, 20, 250};
  for (const Format format : {Format::jpeg, Format::png, Format::webp, Format::avif}) {
    const Rendered made = render(png(six_blocks(40)), padded(60, 60, format));
    ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
    EXPECT_EQ(made.verdict.results.at(0).width_px, 60);
    EXPECT_EQ(made.verdict.results[0].height_px, 60);
    if (format == Format::avif) continue;
    const Pixels out = made.pixels();
    EXPECT_EQ(out.height, 60);
    for (const int x : {1, 30, 58}) {
      EXPECT_TRUE(shows(out, x, 7, ground, 12)) << x;
      EXPECT_TRUE(shows(out, x, 52, ground, 12)) << x;
    }
    EXPECT_TRUE(shows(out, 10, 20, {230, 30, 30}, 25));
    EXPECT_TRUE(shows(out, 50, 40, {200, 200, 200}, 25));
  }
}

// 120 by 80 stays so; the rest is shared out, the odd pixel to the right and below.
TEST_F(ImageTest, PadEnlargesTheCanvasAndNotTheImage) {
  const Pixels inside = six_blocks(40);
  const Pixels out = render(png(inside), padded(145, 91)).pixels();
  ASSERT_EQ(out.width, 145);
  ASSERT_EQ(out.height, 91);
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      const bool in = x >= 12 && x < 132 && y >= 5 && y < 85;
      const Colour ground{10, 20, 250};
      for (int b = 0; b < 3; ++b) {
        ASSERT_EQ(out.at(x, y, b),
                  in ? inside.at(x - 12, y - 5, b) : ground[static_cast<size_t>(b)])
            << x << "," << y;
      }
    }
  }
}

TEST_F(ImageTest, PadPutsTheBackgroundUnderTransparencyToo) {
  const Rendered made = render(png(filled(20, 20, {200, 100, 0, 0})), padded(40, 20));
  EXPECT_TRUE(near(made.pixels(), filled(40, 20, {10, 20, 250}), 0));
  Rendition automatic = padded(40, 20, Format::automatic);
  const Rendered lossy = render(png(filled(20, 20, {200, 100, 0, 0})), automatic);
  EXPECT_EQ(lossy.verdict.results.at(0).format, "jpeg");
}

TEST_F(ImageTest, PadMakesGreyColouredOnlyForTheBackgroundsSake) {
  Rendition r = padded(30, 20);
  EXPECT_TRUE(shows(render(png(filled(20, 20, {90})), r).pixels(), 15, 10, {90, 90, 90}, 0));
  r.background = {255, 255, 255};
  const Pixels out = render(png(filled(20, 20, {90})), r).pixels();
  EXPECT_EQ(out.bands, 1);
  EXPECT_EQ(out.at(2, 10), 255);
  EXPECT_EQ(out.at(15, 10), 90);
}

TEST_F(ImageTest, PadThatIsTooLargeIsRefused) {
  Limits limits = all_formats();
  limits.max_result_side_px = 50;
  const Rendered made = render(png(six_blocks(4)), one(padded(60, 40)), limits);
  EXPECT_EQ(made.verdict.code, Code::result_too_large);
}

// The luminance of ITU-R BT.709 in the light of sRGB, by the formulas.
int grey_of_colour(const std::array<uint16_t, 3>& c) {
  const auto light = [](double v) {
    return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
  };
  const double y =
      0.2126 * light(c[0] / 255.0) + 0.7152 * light(c[1] / 255.0) + 0.0722 * light(c[2] / 255.0);
  const double v = y <= 0.0031308 ? 12.92 * y : 1.055 * std::pow(y, 1 / 2.4) - 0.055;
  return static_cast<int>(std::lround(255 * v));
}

TEST_F(ImageTest, GreyIsTheLightOfEachColour) {
  Rendition r = lossless();
  r.shades = Shades::grey;
  JpegSpec spec;
  for (const Bytes& source : {png(six_blocks(32)), jpeg(six_blocks(32)), webp(six_blocks(32))}) {
    for (const Format format : {Format::png, Format::jpeg}) {
      r.format = format;
      r.quality = 95;
      const Pixels out = render(source, r).pixels();
      ASSERT_EQ(out.bands, 1);
      for (int i = 0; i < 6; ++i) {
        EXPECT_NEAR(out.at(32 * (i % 3) + 16, 32 * (i / 3) + 16),
                    grey_of_colour(kSixColours[static_cast<size_t>(i)]), 2);
      }
    }
  }
  for (int value = 0; value < 256; ++value) {
    const auto v = static_cast<uint16_t>(value);
    r.format = Format::png;
    EXPECT_EQ(render(png(filled(1, 1, {v, v, v})), r).pixels().at(0, 0), value);
  }
}

TEST_F(ImageTest, GreyKeepsTransparency) {
  Rendition r = lossless();
  r.shades = Shades::grey;
  const Pixels out = render(png(filled(8, 8, {230, 30, 30, 77})), r).pixels();
  EXPECT_TRUE(
      near(out, filled(8, 8, {static_cast<uint16_t>(grey_of_colour({230, 30, 30})), 77}), 0));
}

TEST_F(ImageTest, LosslessWebpHasEveryPixelAsItIs) {
  Rendition r = sized(8000, 8000);
  r.loss = Loss::none;
  const Pixels pixels = scenery(97, 61);
  for (const Format format : {Format::webp, Format::automatic}) {
    r.format = format;
    const Rendered made = render(webp(pixels), r);
    ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
    EXPECT_EQ(made.verdict.results.at(0).format, "webp");
    EXPECT_EQ(made.verdict.results[0].quality, 0);
    EXPECT_TRUE(near(made.pixels(), pixels, 0));
  }
  r.format = Format::automatic;
  EXPECT_EQ(render(png(pixels), r).verdict.results.at(0).format, "png");
}

// Squares of two colours that are alike in light, as a drawing has them.
Pixels drawing(int side) {
  Pixels out = filled(side, side, {255, 255, 255});
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      const bool odd = (x / 66 + y / 66) % 2 == 1;
      const Colour colour = odd ? Colour{220, 0, 0} : Colour{0, 110, 0};
      for (int b = 0; b < 3; ++b) out.at(x, y, b) = colour[static_cast<size_t>(b)];
    }
  }
  return out;
}

// How many samples across and down the first component has for each of the second.
int sampling_of(const Bytes& file) {
  for (size_t at = 2; at + 12 < file.size();) {
    if (file[at + 1] == 0xc0) return file[at + 11];
    at += size_t{2} + static_cast<size_t>(file[at + 2] << 8 | file[at + 3]);
  }
  return 0;
}

TEST_F(ImageTest, FlatArtKeepsItsColoursUnaskedAndPhotographsDoNot) {
  Rendition r = sized(8000, 8000);
  const Pixels art = drawing(132);
  const Bytes kept = render(png(art), r).files.at(0);
  EXPECT_EQ(sampling_of(kept), 0x11);
  EXPECT_TRUE(near(read(kept), art, 40));
  EXPECT_EQ(sampling_of(render(png(scenery(132, 132)), r).files.at(0)), 0x22);
  EXPECT_EQ(sampling_of(render(png(filled(132, 132, {9, 99, 9})), r).files.at(0)), 0x22);
  EXPECT_EQ(sampling_of(render(jpeg(art), r).files.at(0)), 0x22) << "a JPEG has lost it already";
  r.width_px = 66;
  EXPECT_EQ(sampling_of(render(png(art), r).files.at(0)), 0x11) << "and when it is scaled";
  r.chroma = Chroma::subsampled;
  EXPECT_EQ(sampling_of(render(png(art), r).files.at(0)), 0x22) << "but not against one's word";
}

}  // namespace
}  // namespace imgq::made
