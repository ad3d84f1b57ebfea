// Right colours: what lcms, asked directly, makes of the same pixels and profile.
#include <lcms2.h>

#include <algorithm>

#include "tests/images/rendered.h"

namespace imgq::made {
namespace {

// Through a profile to sRGB as picture editors do: relative colorimetric, black points matched.
Colour by_lcms(const Bytes& profile, cmsUInt32Number pixel_type, const Colour& colour) {
  cmsHPROFILE from = cmsOpenProfileFromMem(profile.data(), static_cast<unsigned>(profile.size()));
  cmsHPROFILE to = cmsCreate_sRGBProfile();
  cmsHTRANSFORM transform =
      cmsCreateTransform(from, pixel_type, to, TYPE_RGB_16, INTENT_RELATIVE_COLORIMETRIC,
                         cmsFLAGS_BLACKPOINTCOMPENSATION | cmsFLAGS_NOOPTIMIZE);
  uint16_t in[4] = {}, out[3] = {};
  for (size_t i = 0; i < colour.size(); ++i) in[i] = static_cast<uint16_t>(colour[i] * 257);
  cmsDoTransform(transform, in, out, 1);
  cmsDeleteTransform(transform);
  cmsCloseProfile(to);
  cmsCloseProfile(from);
  const auto byte = [](uint16_t v) { return static_cast<uint16_t>((v + 128) / 257); };
  return {byte(out[0]), byte(out[1]), byte(out[2])};
}

Extras with_profile(const Bytes& icc) {
  Extras extras;
  extras.icc = icc;
  return extras;
}

void expect_colour(const Rendered& made, const Colour& expected, int tolerance) {
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  const Pixels out = made.pixels();
  EXPECT_TRUE(shows(out, out.width / 2, out.height / 2, expected, tolerance));
}

const std::vector<Colour> kColours{{200, 60, 60},  {60, 180, 70},   {50, 60, 190}, {128, 128, 128},
                                   {250, 240, 30}, {240, 240, 240}, {20, 20, 20},  {255, 255, 255}};

TEST_F(ImageTest, DisplayP3BecomesSrgb) {
  for (const Colour& colour : kColours) {
    const Colour expected = by_lcms(display_p3(), TYPE_RGB_16, colour);
    PngSpec spec;
    spec.extras = with_profile(display_p3());
    expect_colour(render(png(filled(40, 30, colour), spec), lossless()), expected, 2);
    WebpSpec web;
    web.extras = with_profile(display_p3());
    expect_colour(render(webp(filled(40, 30, colour), web), lossless()), expected, 2);
  }
}

TEST_F(ImageTest, DisplayP3OfAJpegBecomesSrgbWhateverIsWritten) {
  JpegSpec spec;
  spec.extras = with_profile(display_p3());
  const Colour expected = by_lcms(display_p3(), TYPE_RGB_16, kColours[0]);
  for (const Format format : {Format::jpeg, Format::png, Format::webp}) {
    Rendition r = sized(100, 100);
    r.format = format;
    r.quality = 95;
    expect_colour(render(jpeg(filled(200, 100, kColours[0]), spec), r), expected, 4);
  }
}

TEST_F(ImageTest, AdobeRgbBecomesSrgb) {
  for (const Colour& colour : kColours) {
    PngSpec spec;
    spec.extras = with_profile(adobe_rgb());
    expect_colour(render(png(filled(40, 30, colour), spec), lossless()),
                  by_lcms(adobe_rgb(), TYPE_RGB_16, colour), 2);
  }
}

TEST_F(ImageTest, TheNameOfTheProfileIsReported) {
  PngSpec spec;
  spec.extras = with_profile(srgb());
  const Verdict verdict = inspect(png(filled(4, 4, {1, 2, 3}), spec));
  EXPECT_EQ(verdict.source.profile, "sRGB built-in");
}

// One tag at the end of the profile, over the entry of its old description.
Bytes described_at_length(size_t bytes) {
  Bytes profile = srgb();
  const std::string name = "desc";
  const auto entry = std::search(profile.begin() + 132, profile.end(), name.begin(), name.end());
  const auto put = [&profile](size_t at, size_t value) {
    for (size_t i = 0; i < 4; ++i) profile[at + i] = static_cast<uint8_t>(value >> (24 - 8 * i));
  };
  const auto at = static_cast<size_t>(entry - profile.begin()), start = profile.size();
  profile.insert(profile.end(), {'d', 'e', 's', 'c', 0, 0, 0, 0, 0, 0, 0, 0});
  profile.insert(profile.end(), bytes, 'n');
  put(start + 8, bytes);
  put(at + 4, start);
  put(at + 8, bytes + 12);
  profile.resize((profile.size() + 3) / 4 * 4);
  put(0, profile.size());
  return profile;
}

TEST_F(ImageTest, AProfileThatDescribesItselfAtLengthIsReportedByTheStartOfIt) {
  for (const size_t bytes : {1'001U, 100'000U}) {
    PngSpec spec;
    spec.extras = with_profile(described_at_length(bytes));
    const Rendered made = render(png(filled(40, 30, {1, 2, 3}), spec), lossless());
    ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
    EXPECT_EQ(made.verdict.source.profile, std::string(200, 'n'));
  }
}

TEST_F(ImageTest, AnSrgbProfileLeavesPixelsAlone) {
  PngSpec spec;
  spec.extras = with_profile(srgb());
  const Pixels pixels = scenery(60, 40);
  const Rendered made = render(png(pixels, spec), lossless());
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_TRUE(near(made.pixels(), pixels, 0));
}

TEST_F(ImageTest, CmykGoesThroughItsOwnProfile) {
  const std::vector<Colour> inks{{200, 40, 30, 10}, {0, 200, 180, 0}, {20, 10, 220, 30},
                                 {0, 0, 0, 128},    {0, 0, 0, 0},     {60, 60, 60, 60}};
  for (const bool inverted : {true, false}) {
    for (const Colour& ink : inks) {
      JpegSpec spec;
      spec.adobe_inverted = inverted;
      spec.extras = with_profile(simple_cmyk());
      expect_colour(render(jpeg(filled(64, 48, ink), spec), lossless()),
                    by_lcms(simple_cmyk(), TYPE_CMYK_16, ink), 3);
    }
  }
}

// Ink that can be seen through, in its own size and reduced: the light of the ink alone, and the
// alpha beside it.
TEST_F(ImageTest, InkWithAlphaKeepsBoth) {
  for (const int side : {40, 10, 3}) {
    const Rendered opaque = render(tiff(filled(40, 40, {255, 0, 0, 0, 255})), sized(side, side));
    ASSERT_EQ(opaque.verdict.code, Code::ok) << opaque.verdict.message;
    const Pixels cyan = opaque.pixels();
    EXPECT_LT(cyan.at(1, 1, 0) + 80, cyan.at(1, 1, 2)) << side;
    Rendition r = sized(side, side);
    r.format = Format::png;
    const Rendered made = render(tiff(filled(40, 40, {255, 0, 0, 0, 128})), r);
    ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
    const Pixels out = made.pixels();
    ASSERT_EQ(out.bands, 4);
    EXPECT_EQ(out.at(1, 1, 3), 128);
    EXPECT_LT(out.at(1, 1, 0) + 80, out.at(1, 1, 2)) << side;
  }
}

// There is no right answer without a profile; but every ink must darken its own light, no ink must
// be white and full black must be dark.
TEST_F(ImageTest, CmykWithoutAProfileStillLooksRight) {
  const auto light = [](const Colour& ink) {
    JpegSpec spec;
    spec.adobe_inverted = true;
    const Rendered made = render(jpeg(filled(64, 48, ink), spec), lossless());
    EXPECT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
    const Pixels out = made.pixels();
    EXPECT_EQ(out.bands, 3);
    return Colour{out.at(5, 5, 0), out.at(5, 5, 1), out.at(5, 5, 2)};
  };
  const Colour white = light({0, 0, 0, 0}), black = light({0, 0, 0, 255});
  const Colour cyan = light({255, 0, 0, 0}), magenta = light({0, 255, 0, 0}),
               yellow = light({0, 0, 255, 0});
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_GE(white[i], 250);
    EXPECT_LE(black[i], 60);
  }
  EXPECT_LT(cyan[0] + 80, cyan[2]);
  EXPECT_LT(magenta[1] + 80, magenta[0]);
  EXPECT_LT(yellow[2] + 80, yellow[1]);
}

TEST_F(ImageTest, GreyWithAnRgbProfileIsRenderedAndSaysThatTheProfileIsUnusable) {
  for (const Format format : {Format::jpeg, Format::png, Format::webp}) {
    JpegSpec spec;
    spec.extras = with_profile(display_p3());
    Rendition r = sized(50, 50);
    r.format = format;
    r.quality = 95;
    const Rendered made = render(jpeg(filled(64, 48, {120}), spec), r);
    ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
    EXPECT_EQ(made.verdict.notes, std::vector<std::string>{"unusable colour profile ignored"});
    EXPECT_NEAR(made.pixels().at(9, 9, 0), 120, 2);
  }
}

TEST_F(ImageTest, RgbWithAGreyProfileIsRenderedAndSaysThatTheProfileIsUnusable) {
  JpegSpec spec;
  spec.extras = with_profile(grey_gamma(1.0));
  const Rendered made = render(jpeg(filled(64, 48, {200, 60, 60}), spec), lossless());
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_EQ(made.verdict.notes, std::vector<std::string>{"unusable colour profile ignored"});
  EXPECT_EQ(made.pixels().bands, 3);
  EXPECT_TRUE(shows(made.pixels(), 9, 9, {200, 60, 60}, 3));
}

TEST_F(ImageTest, AProfileThatIsRubbishIsLeftOut) {
  Bytes rubbish = display_p3();
  for (size_t i = 150; i < rubbish.size(); ++i) rubbish[i] = static_cast<uint8_t>(i * 7);
  JpegSpec spec;
  spec.extras = with_profile(rubbish);
  const Rendered made = render(jpeg(filled(64, 48, {200, 60, 60}), spec), lossless());
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_EQ(made.verdict.notes, std::vector<std::string>{"unusable colour profile ignored"});
  EXPECT_TRUE(shows(made.pixels(), 9, 9, {200, 60, 60}, 3));
}

TEST_F(ImageTest, GreyWithItsOwnProfileIsConvertedAndStaysGrey) {
  JpegSpec spec;
  spec.extras = with_profile(grey_gamma(1.0));  // light itself: its middle is much brighter in sRGB
  const Rendered made = render(jpeg(filled(64, 48, {64}), spec), lossless());
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  const Colour expected = by_lcms(grey_gamma(1.0), TYPE_GRAY_16, {64});
  ASSERT_EQ(made.pixels().bands, 1);
  EXPECT_NEAR(made.pixels().at(9, 9), expected[0], 2);
  EXPECT_GT(expected[0], 120);
}

TEST_F(ImageTest, SixteenBitsBecomeEight) {
  PngSpec spec;
  spec.depth = 16;
  const Pixels deep = filled(40, 30, {51400, 15420, 25700});
  expect_colour(render(png(deep, spec), lossless()), {200, 60, 100}, 1);
  const Pixels grey = filled(40, 30, {25700});
  expect_colour(render(png(grey, spec), lossless()), {100}, 1);
}

TEST_F(ImageTest, SixteenBitsGoThroughTheirProfile) {
  PngSpec spec;
  spec.depth = 16;
  spec.extras = with_profile(display_p3());
  const Pixels deep = filled(40, 30, {51400, 15420, 15420});
  expect_colour(render(png(deep, spec), lossless()),
                by_lcms(display_p3(), TYPE_RGB_16, {200, 60, 60}), 2);
}

TEST_F(ImageTest, SixteenBitsOfGreyGoThroughTheirProfile) {
  PngSpec spec;
  spec.depth = 16;
  spec.extras = with_profile(grey_gamma(1.0));
  expect_colour(render(png(filled(40, 30, {16448}), spec), lossless()),
                {by_lcms(grey_gamma(1.0), TYPE_GRAY_16, {64})[0]}, 2);
}

TEST_F(ImageTest, SixteenBitsWithAlphaAndProfileKeepBoth) {
  PngSpec spec;
  spec.depth = 16;
  spec.extras = with_profile(display_p3());
  const Pixels deep = filled(40, 30, {51400, 15420, 15420, 32896});
  Colour expected = by_lcms(display_p3(), TYPE_RGB_16, {200, 60, 60});
  expected.push_back(128);
  expect_colour(render(png(deep, spec), lossless()), expected, 2);
}

TEST_F(ImageTest, AlphaWithAProfileKeepsBoth) {
  PngSpec spec;
  spec.extras = with_profile(adobe_rgb());
  Colour expected = by_lcms(adobe_rgb(), TYPE_RGB_16, {200, 60, 60});
  expected.push_back(77);
  expect_colour(render(png(filled(40, 30, {200, 60, 60, 77}), spec), lossless()), expected, 2);
}

TEST_F(ImageTest, APaletteShowsItsColours) {
  Pixels indices(40, 30, 1);
  for (int x = 20; x < 40; ++x) {
    for (int y = 0; y < 30; ++y) indices.at(x, y) = 1;
  }
  const Bytes file = palette_png(indices, {{250, 20, 30}, {10, 200, 90}});
  const Rendered made = render(file, lossless());
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_TRUE(shows(made.pixels(), 5, 5, {250, 20, 30}, 3));
  EXPECT_TRUE(shows(made.pixels(), 35, 25, {10, 200, 90}, 3));
  EXPECT_EQ(made.files[0][25], 3) << "a palette is written again";
}

}  // namespace
}  // namespace imgq::made
