// What is seen through: weighted while reducing, kept or laid on a background.
#include "tests/images/rendered.h"

namespace imgq::made {
namespace {

// Red that is there beside green that is not.
Pixels half_there(int width, int height) {
  Pixels out(width, height, 4);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const Colour colour = x < width / 2 ? Colour{220, 20, 20, 255} : Colour{0, 255, 0, 0};
      for (int b = 0; b < 4; ++b) out.at(x, y, b) = colour[static_cast<size_t>(b)];
    }
  }
  return out;
}

Rendition to(int side, Format format) {
  Rendition r = sized(side, side);
  r.format = format;
  return r;
}

TEST_F(ImageTest, InvisibleColourNeverBleedsIntoWhatIsSeen) {
  for (const int width : {15, 40, 99}) {
    const Rendered made = render(png(half_there(400, 80)), to(width, Format::png));
    ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
    const Pixels out = made.pixels();
    ASSERT_EQ(out.bands, 4);
    for (int x = 0; x < out.width; ++x) {
      if (out.at(x, 0, 3) < 16) continue;
      EXPECT_NEAR(out.at(x, 0, 0), 220, 3) << "at " << x << " of " << width;
      EXPECT_LE(out.at(x, 0, 1), 24) << "at " << x << " of " << width;
    }
    EXPECT_EQ(out.at(0, 0, 3), 255);
    EXPECT_EQ(out.at(out.width - 1, 0, 3), 0);
  }
}

TEST_F(ImageTest, InvisibleColourNeverBleedsWhenEnlarged) {
  Rendition r = to(300, Format::png);
  r.enlarge = Enlarge::allow;
  const Rendered made = render(png(half_there(20, 10)), r);
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  const Pixels out = made.pixels();
  EXPECT_EQ(out.width, 300);
  for (int x = 0; x < out.width; ++x) {
    if (out.at(x, 0, 3) >= 16) {
      EXPECT_LE(out.at(x, 0, 1), 24) << "at " << x;
    }
  }
}

// A disc of one colour; what is not seen is black.
Pixels disc(int side, uint16_t value) {
  Pixels out(side, side, 4);
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      const int across = 2 * x - side, down = 2 * y - side;
      if (across * across + down * down > side * side / 2) continue;
      for (int b = 0; b < 4; ++b) out.at(x, y, b) = b == 3 ? 255 : value;
    }
  }
  return out;
}

TEST_F(ImageTest, SharpeningSeesWhatIsShown) {
  Rendition r = to(100, Format::jpeg);
  r.background = {128, 128, 128};
  r.sharpen = 1;
  r.quality = 95;
  const Rendered made = render(png(disc(400, 128)), r);
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_TRUE(near(made.pixels(), filled(100, 100, Colour(size_t(made.pixels().bands), 128)), 3));
}

TEST_F(ImageTest, ALossyWebpIsNotReducedApartFromItsAlpha) {
  WebpSpec lossy;
  lossy.lossless = false;
  lossy.exact = true;
  const Rendered made = render(webp(disc(1000, 255), lossy), to(100, Format::png));
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  const Pixels out = made.pixels();
  int edge = 0;
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      if (out.at(x, y, 3) < 40 || out.at(x, y, 3) > 215) continue;
      EXPECT_GE(out.at(x, y, 0), 235) << x << "," << y;
      ++edge;
    }
  }
  EXPECT_GT(edge, 50);
}

TEST_F(ImageTest, JpegLaysTransparencyOnWhite) {
  const Rendered made = render(png(half_there(100, 100)), to(100, Format::jpeg));
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_TRUE(shows(made.pixels(), 10, 50, {220, 20, 20}, 6));
  EXPECT_TRUE(shows(made.pixels(), 90, 50, {255, 255, 255}, 3));
}

TEST_F(ImageTest, JpegLaysTransparencyOnTheBackgroundAskedFor) {
  Rendition r = to(100, Format::jpeg);
  r.background = {10, 20, 200};
  const Rendered made = render(png(half_there(100, 100)), r);
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_TRUE(shows(made.pixels(), 90, 50, {10, 20, 200}, 6));
}

TEST_F(ImageTest, HalfTransparentIsHalfOfEach) {
  Rendition r = to(10, Format::jpeg);
  r.background = {0, 0, 0};
  const Rendered made = render(png(filled(40, 40, {200, 100, 50, 128})), r);
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_TRUE(shows(made.pixels(), 5, 5, {100, 50, 25}, 3));
}

TEST_F(ImageTest, GreyWithAlphaStaysGreyOnGreyAndBecomesColourOnColour) {
  const Bytes file = png(filled(40, 40, {100, 0}));
  const Rendered on_white = render(file, to(40, Format::jpeg));
  ASSERT_EQ(on_white.verdict.code, Code::ok) << on_white.verdict.message;
  EXPECT_EQ(on_white.pixels().bands, 1);
  EXPECT_NEAR(on_white.pixels().at(3, 3), 255, 1);
  Rendition red = to(40, Format::jpeg);
  red.background = {250, 0, 0};
  EXPECT_TRUE(shows(render(file, red).pixels(), 3, 3, {250, 0, 0}, 4));
}

TEST_F(ImageTest, AlphaSurvivesInPngAndWebp) {
  for (const Format format : {Format::png, Format::webp}) {
    const Rendered made = render(png(half_there(100, 100)), to(50, format));
    ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
    ASSERT_EQ(made.pixels().bands, 4);
    EXPECT_EQ(made.pixels().at(2, 2, 3), 255);
    EXPECT_EQ(made.pixels().at(47, 2, 3), 0);
  }
}

TEST_F(ImageTest, AutoWritesJpegUnlessSomethingCanBeSeenThrough) {
  const auto format_of = [](const Bytes& file) {
    const Rendered made = render(file, to(50, Format::automatic));
    EXPECT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
    return made.verdict.results.at(0).format;
  };
  EXPECT_EQ(format_of(png(filled(60, 60, {9, 8, 7}))), "jpeg");
  EXPECT_EQ(format_of(png(filled(60, 60, {9, 8, 7, 255}))), "jpeg");
  EXPECT_EQ(format_of(png(half_there(60, 60))), "png");
  EXPECT_EQ(format_of(webp(half_there(60, 60))), "webp");
  EXPECT_EQ(format_of(gif({filled(60, 60, {0})}, {{1, 2, 3}}, 0)), "png");
  EXPECT_EQ(format_of(gif({filled(60, 60, {0})}, {{1, 2, 3}})), "jpeg");
}

TEST_F(ImageTest, KeepWritesTheFormatOfTheSourceWhereItIsWritten) {
  const auto format_of = [](const Bytes& file) {
    const Rendered made = render(file, to(50, Format::keep));
    EXPECT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
    return made.verdict.results.at(0).format;
  };
  EXPECT_EQ(format_of(png(filled(60, 60, {9, 8, 7}))), "png");
  EXPECT_EQ(format_of(jpeg(filled(60, 60, {9, 8, 7}))), "jpeg");
  EXPECT_EQ(format_of(webp(filled(60, 60, {9, 8, 7}))), "webp");
  EXPECT_EQ(format_of(gif({filled(60, 60, {0})}, {{1, 2, 3}}, 0)), "png");
  EXPECT_EQ(format_of(gif({filled(60, 60, {0})}, {{1, 2, 3}})), "jpeg");
  EXPECT_EQ(format_of(jxl({filled(60, 60, {9, 8, 7, 100})})), "webp");
  EXPECT_EQ(format_of(tiff(filled(60, 60, {9, 8, 7}))), "jpeg");
}

TEST_F(ImageTest, ATransparentPaletteKeepsItsAlpha) {
  Pixels indices(60, 60, 1);
  for (int x = 30; x < 60; ++x) {
    for (int y = 0; y < 60; ++y) indices.at(x, y) = 1;
  }
  const Rendered made =
      render(palette_png(indices, {{200, 10, 10}, {0, 255, 0}}, {255, 0}), to(30, Format::png));
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_TRUE(made.verdict.source.alpha);
  const Pixels out = made.pixels();
  ASSERT_EQ(out.bands, 4);
  EXPECT_EQ(out.at(2, 2, 3), 255);
  EXPECT_EQ(out.at(28, 2, 3), 0);
  EXPECT_NEAR(out.at(2, 2, 0), 200, 6);
}

}  // namespace
}  // namespace imgq::made
