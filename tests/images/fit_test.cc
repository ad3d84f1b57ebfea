// Modes and sizes through the whole engine.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "tests/images/rendered.h"

namespace imgq::made {
namespace {

void expect_size(const Rendered& made, int width, int height) {
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_EQ(made.verdict.results.at(0).width_px, width);
  EXPECT_EQ(made.verdict.results.at(0).height_px, height);
  const Pixels out = made.pixels();
  EXPECT_EQ(out.width, width);
  EXPECT_EQ(out.height, height);
}

TEST_F(ImageTest, EveryModeMakesItsSizeFromEveryFormat) {
  const Pixels pixels = scenery(640, 480);
  JpegSpec progressive;
  progressive.progressive = true;
  JpegSpec subsampled;
  subsampled.subsampled = true;
  PngSpec interlaced;
  interlaced.interlaced = true;
  WebpSpec lossy;
  lossy.lossless = false;
  for (const Bytes& file :
       {jpeg(pixels), jpeg(pixels, progressive), jpeg(pixels, subsampled), png(pixels),
        png(pixels, interlaced), webp(pixels), webp(pixels, lossy), tiff(pixels)}) {
    expect_size(render(file, sized(100, 100)), 100, 75);
    expect_size(render(file, sized(100, 100, Fit::fill)), 100, 100);
    expect_size(render(file, sized(100, 30, Fit::force)), 100, 30);
    expect_size(render(file, sized(64, 0)), 64, 48);
    expect_size(render(file, sized(0, 48)), 64, 48);
  }
}

TEST_F(ImageTest, ASmallImageIsNotEnlarged) {
  expect_size(render(png(scenery(120, 80)), sized(500, 500)), 120, 80);
  expect_size(render(jpeg(scenery(120, 80)), sized(500, 500, Fit::fill)), 80, 80);
  Rendition r = sized(500, 500);
  r.enlarge = Enlarge::allow;
  expect_size(render(png(scenery(120, 80)), r), 500, 333);
}

TEST_F(ImageTest, OnePixelWideAndOnePixelHighAreImages) {
  expect_size(render(png(filled(1, 3000, {10, 200, 30})), sized(500, 500)), 1, 500);
  expect_size(render(jpeg(filled(3000, 1, {10, 200, 30})), sized(500, 500)), 500, 1);
  expect_size(render(webp(filled(1, 1, {10, 200, 30})), sized(500, 500)), 1, 1);
  const Rendered made = render(png(filled(1, 3000, {10, 200, 30})), sized(500, 500));
  EXPECT_TRUE(shows(made.pixels(), 0, 250, {10, 200, 30}, 4));
}

TEST_F(ImageTest, TwentyThousandPixelsWideIsAnImage) {
  const Pixels wide = filled(20000, 40, {200, 100, 20});
  expect_size(render(jpeg(wide), sized(500, 500)), 500, 1);
  expect_size(render(png(wide), sized(2000, 500)), 2000, 4);
  expect_size(render(png(wide), sized(40, 40, Fit::fill)), 40, 40);
  EXPECT_TRUE(shows(render(png(wide), sized(2000, 500)).pixels(), 1999, 3, {200, 100, 20}, 4));
}

TEST_F(ImageTest, AnImageOfTheRightSizeIsNotTouched) {
  Rendition r = lossless();
  r.width_px = 90;
  r.height_px = 60;
  const Pixels pixels = scenery(90, 60);
  EXPECT_TRUE(near(render(png(pixels), r).pixels(), pixels, 0));
  EXPECT_TRUE(near(render(webp(pixels), r).pixels(), pixels, 0));
}

// The six colours in their places: fill with each compass point keeps that part.
TEST_F(ImageTest, FillKeepsThePartThatIsAskedFor) {
  struct Expected {
    Anchor anchor;
    size_t top_left;  // of kSixColours
  };
  for (const Expected& e :
       {Expected{Anchor::west, 0}, Expected{Anchor::centre, 0}, Expected{Anchor::east, 1}}) {
    Rendition r = sized(40, 40, Fit::fill);
    r.anchor = e.anchor;
    r.format = Format::png;
    const Rendered made = render(png(six_blocks(40)), r);
    ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
    const auto& c = kSixColours[e.top_left];
    EXPECT_TRUE(shows(made.pixels(), 1, 1, {c[0], c[1], c[2]}, 3)) << name_of(e.anchor);
  }
}

TEST_F(ImageTest, FillKeepsWhatIsAroundTheFocus) {
  Rendition r = sized(20, 20, Fit::fill);
  r.anchor = Anchor::focus;
  r.format = Format::png;
  r.focus_x = 0.95;
  const Rendered made = render(png(six_blocks(40)), r);
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  const auto& c = kSixColours[2];
  EXPECT_TRUE(shows(made.pixels(), 18, 2, {c[0], c[1], c[2]}, 3));
}

// A flat picture with one busy, colourful spot.
Pixels with_spot(int width, int height, int left) {
  Pixels out = filled(width, height, {128, 128, 128});
  for (int y = height / 3; y < 2 * height / 3; ++y) {
    for (int x = left; x < left + height / 3; ++x) {
      const bool odd = (x / 4 + y / 4) % 2 != 0;
      out.at(x, y, 0) = odd ? 250 : 60;
      out.at(x, y, 1) = odd ? 40 : 10;
      out.at(x, y, 2) = odd ? 30 : 90;
    }
  }
  return out;
}

TEST_F(ImageTest, AttentionAndEntropyFindTheOnlySpot) {
  for (const Anchor anchor : {Anchor::attention, Anchor::entropy}) {
    for (const int left : {20, 640}) {
      for (const bool several : {false, true}) {
        Rendition r = sized(120, 120, Fit::fill);
        r.anchor = anchor;
        r.format = Format::png;
        Request request = one(r);
        Rendition other = sized(700, 700);
        other.name = "other";
        if (several) request.renditions.push_back(other);
        const Rendered made = render(jpeg(with_spot(800, 240, left)), request);
        ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
        const Pixels out = made.pixels();
        ASSERT_EQ(out.width, 120);
        int busy = 0;
        for (int x = 0; x < out.width; ++x) {
          busy += std::abs(int{out.at(x, 60, 0)} - 128) > 30 ? 1 : 0;
        }
        EXPECT_GE(busy, 36) << name_of(anchor) << " at " << left;
      }
    }
  }
}

TEST_F(ImageTest, ASmartCropMayEnlarge) {
  Rendition r = sized(300, 300, Fit::fill);
  r.anchor = Anchor::attention;
  r.enlarge = Enlarge::allow;
  expect_size(render(jpeg(with_spot(200, 60, 140)), r), 300, 300);
}

// Sides are rounded one by one: none of these may ask for more than there is.
TEST_F(ImageTest, ASmartCropMayEnlargeWhateverTheShape) {
  Rendition r;
  r.enlarge = Enlarge::allow;
  r.anchor = Anchor::attention;
  r.format = Format::png;
  r.fit = Fit::fill;
  for (const int thin : {7, 13}) {
    const Bytes tall = png(scenery(thin, 331)), wide = png(scenery(331, thin));
    for (const int narrow : {2, 4}) {
      for (const int along : {400, 445}) {
        r.width_px = narrow;
        r.height_px = along;
        expect_size(render(tall, r), narrow, along);
        expect_size(render(wide, r), narrow, along);
        std::swap(r.width_px, r.height_px);
        expect_size(render(tall, r), along, narrow);
        expect_size(render(wide, r), along, narrow);
      }
    }
  }
}

TEST_F(ImageTest, SharpeningRaisesContrastAtEdgesAndNowhereElse) {
  Pixels edge = filled(80, 40, {100, 100, 100});
  for (int y = 0; y < 40; ++y) {
    for (int x = 40; x < 80; ++x) {
      for (int b = 0; b < 3; ++b) edge.at(x, y, b) = 160;
    }
  }
  Rendition r = lossless();
  const Pixels plain = render(png(edge), r).pixels();
  r.sharpen = 1;
  const Pixels sharp = render(png(edge), r).pixels();
  EXPECT_LT(sharp.at(39, 20, 0), plain.at(39, 20, 0));
  EXPECT_GT(sharp.at(40, 20, 0), plain.at(40, 20, 0));
  EXPECT_EQ(sharp.at(5, 20, 0), plain.at(5, 20, 0));
  EXPECT_EQ(sharp.at(75, 20, 0), plain.at(75, 20, 0));
}

TEST_F(ImageTest, OnlyTheFirstFrameOfAnAnimationIsShown) {
  const std::vector<Colour> palette{{250, 10, 10}, {10, 250, 10}, {10, 10, 250}};
  const Rendered made = render(
      gif({filled(60, 40, {0}), filled(60, 40, {1}), filled(60, 40, {2})}, palette), lossless());
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_EQ(made.verdict.source.pages, 3);
  EXPECT_EQ(made.pixels().height, 40);
  EXPECT_TRUE(shows(made.pixels(), 30, 20, {250, 10, 10}, 3));
  const Rendered web = render(
      animated_webp({filled(60, 40, {250, 10, 10}), filled(60, 40, {10, 250, 10})}), lossless());
  ASSERT_EQ(web.verdict.code, Code::ok) << web.verdict.message;
  EXPECT_EQ(web.verdict.source.pages, 2);
  EXPECT_EQ(web.pixels().height, 40);
  EXPECT_EQ(web.pixels().at(30, 20, 0), 250);
}

TEST_F(ImageTest, ProgressiveAndFullChromaAreWrittenWhenAskedFor) {
  Rendition r = sized(100, 100);
  const auto marker = [](const Bytes& file, uint8_t code) {
    for (size_t i = 0; i + 1 < file.size(); ++i) {
      if (file[i] == 0xff && file[i + 1] == code) return i;
    }
    return size_t{0};
  };
  const Bytes baseline = render(jpeg(scenery(300, 200)), r).files[0];
  EXPECT_GT(marker(baseline, 0xc0), 0U);
  EXPECT_EQ(baseline[marker(baseline, 0xc0) + 11], 0x22) << "4:2:0";
  r.scan = Scan::progressive;
  r.chroma = Chroma::full;
  const Bytes progressive = render(jpeg(scenery(300, 200)), r).files[0];
  EXPECT_EQ(marker(progressive, 0xc0), 0U);
  ASSERT_GT(marker(progressive, 0xc2), 0U);
  EXPECT_EQ(progressive[marker(progressive, 0xc2) + 11], 0x11) << "4:4:4";
  r.format = Format::png;
  EXPECT_EQ(render(jpeg(scenery(300, 200)), r).files[0][28], 1) << "interlaced";
}

// A GIF of 16x16 with its frame of 8x8 at 4, 6.
TEST_F(ImageTest, WhatABigCanvasHasBesideTheFirstFrameOfAGifIsSeenThrough) {
  Bytes file = gif({filled(8, 8, {0})}, {{10, 200, 30}});
  file[6] = file[8] = 16;
  const std::string frame("\x2c\0\0\0\0\x8", 6);
  const auto there = std::search(file.begin(), file.end(), frame.begin(), frame.end());
  ASSERT_NE(there, file.end());
  there[1] = 4;
  there[3] = 6;
  Rendition r = lossless();
  const Pixels out = render(file, r).pixels();
  ASSERT_EQ(out.bands, 4);
  EXPECT_TRUE(shows(out, 4, 6, {10, 200, 30, 255}, 0));
  EXPECT_TRUE(shows(out, 11, 13, {10, 200, 30, 255}, 0));
  for (const auto& [x, y] :
       {std::pair(3, 6), std::pair(4, 5), std::pair(12, 13), std::pair(11, 14)}) {
    EXPECT_EQ(out.at(x, y, 3), 0) << x << "," << y;
  }
  r.format = Format::jpeg;
  r.quality = 100;
  EXPECT_TRUE(shows(render(file, r).pixels(), 0, 0, {255, 255, 255}, 3));
}

TEST_F(ImageTest, AGifWithoutAScreenIsAsLargeAsItsFirstFrame) {
  Bytes file = gif({filled(8, 6, {0})}, {{10, 200, 30}});
  file[6] = file[8] = 0;
  const Rendered made = render(file, lossless());
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_EQ(made.pixels().width, 8);
  EXPECT_EQ(made.pixels().height, 6);
}

}  // namespace
}  // namespace imgq::made
