// Right colours: what lcms, asked directly, makes of the same pixels and profile.
#include <lcms2.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>

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
  for (const bool marker : {true, false}) {
    for (const Colour& ink : inks) {
      JpegSpec spec;
      spec.adobe_marker = marker;
      spec.extras = with_profile(simple_cmyk());
      expect_colour(render(jpeg(filled(64, 48, ink), spec), lossless()),
                    by_lcms(simple_cmyk(), TYPE_CMYK_16, ink), 3);
    }
  }
}

// Tables of one intent alone serve for the intent that is wanted (ICC.1, "AToB0Tag").
TEST_F(ImageTest, AProfileWithTablesOfOneIntentAloneIsUsed) {
  const Colour ink{200, 40, 30, 10};
  const auto light = [](int c, int k) {
    return static_cast<uint16_t>(std::lround((255 - c) * (255 - k) / 255.0));
  };
  for (const char* table : {"A2B0", "A2B1"}) {
    JpegSpec spec;
    spec.extras = with_profile(simple_cmyk({table}));
    const Rendered inked = render(jpeg(filled(64, 48, ink), spec), lossless());
    expect_colour(inked, {light(200, 10), light(40, 10), light(30, 10)}, 3);
    EXPECT_TRUE(inked.verdict.notes.empty()) << table;
    spec.extras = with_profile(rotated_rgb({table}));
    expect_colour(render(jpeg(filled(64, 48, {200, 40, 30}), spec), lossless()), {40, 30, 200}, 3);
    PngSpec deep;
    deep.depth = 16;
    deep.extras = spec.extras;
    const Pixels pixels = filled(40, 30, {200 * 257, 40 * 257, 30 * 257, 77 * 257});
    expect_colour(render(png(pixels, deep), lossless()), {40, 30, 200, 77}, 3);
  }
}

// One APP2 segment of a profile, as number `number` of `count`.
Bytes icc_segment(std::span<const uint8_t> part, int number, int count) {
  const size_t size = 2 + 14 + part.size();
  const Bytes marker{0xff, 0xe2, static_cast<uint8_t>(size >> 8), static_cast<uint8_t>(size)};
  const std::string name("ICC_PROFILE\0", 12);
  Bytes out(2 + size);
  auto at = std::copy(marker.begin(), marker.end(), out.begin());
  at = std::copy(name.begin(), name.end(), at);
  *at++ = static_cast<uint8_t>(number);
  *at++ = static_cast<uint8_t>(count);
  std::copy(part.begin(), part.end(), at);
  return out;
}

// A JPEG with these segments behind its start.
Bytes with_segments(const std::vector<Bytes>& segments) {
  Bytes file = jpeg(filled(64, 48, {200, 60, 60}));
  for (auto one = segments.rbegin(); one != segments.rend(); ++one) {
    file.insert(file.begin() + 2, one->begin(), one->end());
  }
  return file;
}

TEST_F(ImageTest, AProfileInPiecesIsPutTogetherHoweverTheyAreNumbered) {
  const Bytes profile = display_p3();
  const std::span<const uint8_t> all(profile), head = all.first(100), tail = all.subspan(100);
  const Colour expected = by_lcms(profile, TYPE_RGB_16, {200, 60, 60});
  const std::vector<std::vector<Bytes>> whole{
      {icc_segment(head, 1, 2), icc_segment(tail, 2, 2)},
      {icc_segment(tail, 2, 2), icc_segment(head, 1, 2)},
      {icc_segment(all, 1, 1), icc_segment(all, 1, 1)},
      {icc_segment(all, 1, 0)},
      {icc_segment(head, 0, 2), icc_segment(tail, 1, 2)},
  };
  for (const auto& segments : whole) {
    const Rendered made = render(with_segments(segments), lossless());
    expect_colour(made, expected, 3);
    EXPECT_TRUE(made.verdict.notes.empty());
  }
  const std::vector<std::vector<Bytes>> parts{{icc_segment(tail, 2, 2)},
                                              {icc_segment(head, 1, 2)},
                                              {icc_segment(head, 1, 3), icc_segment(tail, 3, 3)}};
  for (const auto& segments : parts) {
    const Rendered made = render(with_segments(segments), lossless());
    expect_colour(made, {200, 60, 60}, 3);
    EXPECT_EQ(made.verdict.notes, std::vector<std::string>{"profile_ignored"});
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

// The same ink in 16 bits and in 8.
TEST_F(ImageTest, DeepInkWithoutAProfileIsThatOfEightBits) {
  for (const Colour& ink :
       {Colour{0, 0, 0, 255, 255}, Colour{255, 0, 0, 0, 255}, Colour{60, 60, 60, 60, 255}}) {
    const Rendered flat = render(tiff(filled(40, 40, ink)), lossless());
    ASSERT_EQ(flat.verdict.code, Code::ok) << flat.verdict.message;
    Colour deep = ink;
    for (uint16_t& value : deep) value = static_cast<uint16_t>(value * 257);
    const Rendered made = render(tiff(filled(40, 40, deep), 16), lossless());
    ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
    EXPECT_TRUE(near(made.pixels(), flat.pixels(), 1));
  }
}

// There is no right answer without a profile; but every ink must darken its own light, no ink must
// be white and full black must be dark.
TEST_F(ImageTest, CmykWithoutAProfileStillLooksRight) {
  const auto light = [](const Colour& ink) {
    JpegSpec spec;
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
    EXPECT_EQ(made.verdict.notes, std::vector<std::string>{"profile_ignored"});
    EXPECT_NEAR(made.pixels().at(9, 9, 0), 120, 2);
  }
}

TEST_F(ImageTest, RgbWithAGreyProfileIsRenderedAndSaysThatTheProfileIsUnusable) {
  JpegSpec spec;
  spec.extras = with_profile(grey_gamma(1.0));
  const Rendered made = render(jpeg(filled(64, 48, {200, 60, 60}), spec), lossless());
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_EQ(made.verdict.notes, std::vector<std::string>{"profile_ignored"});
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
  EXPECT_EQ(made.verdict.notes, std::vector<std::string>{"profile_ignored"});
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

// A logo: flat colours, one of them see-through, at their own size and with each pixel doubled.
TEST_F(ImageTest, AResultOf256ColoursOrFewerFromAPaletteIsExact) {
  for (const int count : {2, 16, 17, 256}) {
    Pixels indices(64, 64, 1), shown(64, 64, 4);
    std::vector<Colour> palette;
    for (int i = 0; i < count; ++i) {
      palette.push_back({static_cast<uint16_t>(i), static_cast<uint16_t>(i * 37 % 256),
                         static_cast<uint16_t>(255 - i)});
    }
    for (int y = 0; y < 64; ++y) {
      for (int x = 0; x < 64; ++x) {
        const int i = (y * 64 + x) / 3 % count;
        indices.at(x, y) = static_cast<uint16_t>(i);
        for (int b = 0; b < 3; ++b)
          shown.at(x, y, b) = palette[static_cast<size_t>(i)][static_cast<size_t>(b)];
        shown.at(x, y, 3) = i == 0 ? 99 : 255;
      }
    }
    const Rendered made = render(palette_png(indices, palette, {99}), lossless());
    ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
    EXPECT_EQ(made.files[0][25], 3) << "a palette";
    EXPECT_TRUE(near(made.pixels(), shown, 0)) << count;
    Rendition interlaced = lossless();
    interlaced.scan = Scan::progressive;
    const Rendered slowly = render(palette_png(indices, palette, {99}), interlaced);
    ASSERT_EQ(slowly.verdict.code, Code::ok) << slowly.verdict.message;
    EXPECT_TRUE(near(slowly.pixels(), shown, 0)) << count;
  }
}

// More colours than a palette holds, by resizing: no file is larger than all colours take.
TEST_F(ImageTest, AResultOfMoreColoursFromAPaletteIsTheSmallerOfTwo) {
  Pixels indices(200, 200, 1);
  std::vector<Colour> palette;
  for (int i = 0; i < 256; ++i) {
    palette.push_back({static_cast<uint16_t>(i), static_cast<uint16_t>(i / 16 * 16),
                       static_cast<uint16_t>(i % 16 * 16)});
  }
  for (int y = 0; y < 200; ++y) {
    for (int x = 0; x < 200; ++x) indices.at(x, y) = static_cast<uint16_t>((x * 7 + y * 3) % 256);
  }
  Rendition r = sized(90, 90);
  r.format = Format::png;
  const Rendered made = render(palette_png(indices, palette), r);
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  const Rendered whole = render(png(read(palette_png(indices, palette))), r);
  ASSERT_EQ(whole.verdict.code, Code::ok) << whole.verdict.message;
  EXPECT_LE(made.files[0].size(), whole.files[0].size());
}

}  // namespace
}  // namespace imgq::made
