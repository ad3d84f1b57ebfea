// Linear light, profiles that stay, and pixels that are not square.
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "tests/images/rendered.h"

namespace imgq::made {
namespace {

Rendition linear_to(int side) {
  Rendition r = sized(side, side);
  r.light = Light::linear;
  r.format = Format::png;
  return r;
}

// A white pixel in each square of `side` by `side`, the rest black: 1, 2, 3 or 4 samples a pixel.
Pixels stars(int side, int bands) {
  Pixels pixels(320, 320, bands);
  for (int y = 0; y < 320; ++y) {
    for (int x = 0; x < 320; ++x) {
      for (int band = 0; band < bands; ++band) {
        const bool alpha = bands % 2 == 0 && band == bands - 1;
        const bool star = x % side == side / 2 && y % side == side / 2;
        pixels.at(x, y, band) = alpha || star ? 255 : 0;
      }
    }
  }
  return pixels;
}

// IEC 61966-2-1.
double value_of_light(double light) {
  return 255 * (light <= 0.0031308 ? 12.92 * light : 1.055 * std::pow(light, 1 / 2.4) - 0.055);
}

double mean(const Pixels& pixels, int band, const std::function<double(double)>& of) {
  double sum = 0;
  for (int y = 0; y < pixels.height; ++y) {
    for (int x = 0; x < pixels.width; ++x) sum += of(pixels.at(x, y, band));
  }
  return sum / pixels.width / pixels.height;
}

TEST_F(ImageTest, InLinearLightStarsStayAsBrightAsTheyAre) {
  for (const int bands : {1, 2, 3, 4}) {
    for (const int side : {2, 4, 8, 16}) {
      const Rendered made = render(png(stars(side, bands)), linear_to(320 / side));
      ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
      const double expected = value_of_light(1.0 / side / side);
      EXPECT_NEAR(mean(made.pixels(), 0, [](double v) { return v; }), expected, 1.5)
          << bands << " bands, one in " << side * side;
    }
  }
  Rendition plain = linear_to(40);
  plain.light = Light::as_stored;
  EXPECT_LE(mean(render(png(stars(8, 3)), plain).pixels(), 0, [](double v) { return v; }), 4.5);
}

TEST_F(ImageTest, InLinearLightFlatColourAndEdgesOfAlphaStay) {
  for (const Colour& colour : std::vector<Colour>{{0}, {1}, {77}, {254}, {9, 130, 250}}) {
    const Rendered made = render(png(filled(90, 60, colour)), linear_to(31));
    EXPECT_TRUE(shows(made.pixels(), 15, 10, colour, 0));
  }
  Pixels half = filled(80, 80, {200, 40, 10, 255});
  for (int y = 0; y < 80; ++y) {
    for (int x = 41; x < 80; ++x) half.at(x, y, 3) = half.at(x, y, 0) = 0;
  }
  const Pixels out = render(png(half), linear_to(40)).pixels();
  EXPECT_NEAR(out.at(20, 20, 3), 128, 20);
  EXPECT_NEAR(out.at(20, 20, 0), 200, 1);
}

// A profile's light is its own: 188 of linear samples is brought to sRGB before it is averaged.
TEST_F(ImageTest, LinearLightIsThatOfTheProfile) {
  const Bytes samples{0, 1, 0x86, 0xa0};  // gAMA 1.0: black and white in turn are half of the light
  const Bytes file = with_chunk(png(stars(2, 3)), "gAMA", samples, "IDAT");
  const double expected = value_of_light(0.25);
  EXPECT_NEAR(mean(render(file, linear_to(160)).pixels(), 1, [](double v) { return v; }), expected,
              1.5);
  Pixels ink(64, 64, 4);
  for (int i = 0; i < 64 * 64; ++i) ink.at(i % 64, i / 64, 3) = 255;
  EXPECT_LE(render(jpeg(ink), linear_to(20)).pixels().at(5, 5, 0), 60);
}

TEST_F(ImageTest, LinearLightGoesBesideOtherRenditionsAndCrops) {
  Rendition small = linear_to(40), plain = small, crop = small;
  small.name = "linear";
  plain.light = Light::as_stored;
  crop.name = "crop";
  crop.fit = Fit::fill;
  crop.anchor = Anchor::attention;
  crop.height_px = 20;
  Request request = one(plain);
  request.renditions = {plain, small, crop};
  const Rendered made = render(png(stars(8, 3)), request);
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  const auto plainly = [](double v) { return v; };
  EXPECT_LE(mean(read(made.files[0]), 0, plainly), 4.5);
  EXPECT_NEAR(mean(read(made.files[1]), 0, plainly), value_of_light(1.0 / 64), 1.5);
  EXPECT_NEAR(mean(read(made.files[2]), 0, plainly), value_of_light(1.0 / 64), 1.5);
}

Rendition keeping(Format format) {
  Rendition r = sized(50, 50);
  r.colours = Colours::keep;
  r.format = format;
  r.quality = format == Format::png ? 0 : 95;
  return r;
}

// What is kept, read back by this engine, whose conversion colour_test.cc judges.
TEST_F(ImageTest, AProfileIsKeptInEveryFormatWithItsColours) {
  PngSpec spec;
  spec.extras.icc = display_p3();
  const Colour colour{200, 100, 50};
  const Bytes file = png(filled(100, 100, colour), spec);
  for (const Format format : {Format::jpeg, Format::png, Format::webp, Format::avif}) {
    for (const bool copyright : {false, true}) {
      Rendition r = keeping(format);
      if (copyright) r.metadata = Metadata::keep_copyright;
      const Rendered made = render(file, r);
      ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
      EXPECT_EQ(inspect(made.files[0]).source.profile, inspect(file).source.profile);
      const bool readable = format != Format::avif;  // here, without this engine
      if (readable) {
        EXPECT_TRUE(shows(made.pixels(), 20, 20, colour, format == Format::png ? 0 : 4));
      }
      EXPECT_TRUE(shows(render(made.files[0], lossless()).pixels(), 20, 20, {215, 93, 31}, 5));
    }
  }
  EXPECT_TRUE(inspect(render(file, sized(50, 50)).files[0]).source.profile.empty());
}

TEST_F(ImageTest, AProfileIsKeptBesideARenditionInSrgbAndAPalette) {
  JpegSpec spec;
  spec.extras.icc = display_p3();
  Rendition kept = keeping(Format::jpeg), plain = keeping(Format::png);
  plain.name = "plain";
  plain.colours = Colours::srgb;
  Request request = one(kept);
  request.renditions = {kept, plain};
  const Rendered made = render(jpeg(filled(100, 100, {200, 100, 50}), spec), request);
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_TRUE(shows(read(made.files[0]), 20, 20, {200, 100, 50}, 2));
  EXPECT_TRUE(shows(read(made.files[1]), 20, 20, {215, 93, 31}, 3));
  const Bytes again = render(made.files[0], keeping(Format::png)).files[0];
  EXPECT_FALSE(inspect(again).source.profile.empty());
  Pixels ink(64, 64, 4);
  EXPECT_TRUE(inspect(render(jpeg(ink), keeping(Format::jpeg)).files[0]).source.profile.empty());
}

TEST_F(ImageTest, OfAKeptProfileNothingStaysThatStandsBehindIt) {
  for (const Format format : {Format::jpeg, Format::png, Format::webp, Format::avif}) {
    JpegSpec bare, more;
    bare.extras.icc = more.extras.icc = display_p3();
    const std::string secret = "SecretBehindTheProfile";
    more.extras.icc.insert(more.extras.icc.end(), secret.begin(), secret.end());
    const Pixels pixels = scenery(60, 40);
    EXPECT_TRUE(render(jpeg(pixels, more), keeping(format)).files.at(0) ==
                render(jpeg(pixels, bare), keeping(format)).files.at(0));
  }
}

TEST_F(ImageTest, AProfileThatNotEveryoneCanUseIsNotKept) {
  JpegSpec none, longer;
  none.extras.icc = longer.extras.icc = display_p3();
  none.extras.icc.at(131) = 0;  // of its tags it has none
  longer.extras.icc.at(1) = 1;  // more than 64 KiB, it says
  const Pixels pixels = filled(100, 100, {200, 100, 50});
  const Rendered made = render(jpeg(pixels, none), keeping(Format::png));
  EXPECT_EQ(made.verdict.notes, std::vector<std::string>{"profile_ignored"});
  EXPECT_TRUE(inspect(made.files.at(0)).source.profile.empty());
  const Rendered converted = render(jpeg(pixels, longer), keeping(Format::png));
  EXPECT_TRUE(inspect(converted.files.at(0)).source.profile.empty());
  EXPECT_TRUE(shows(converted.pixels(), 20, 20, {215, 93, 31}, 4));
}

// WebP and AVIF have no grey, and a viewer uses no profile of grey for their RGB.
TEST_F(ImageTest, GreyKeepsItsProfileWhereThereIsGrey) {
  JpegSpec spec;
  spec.extras.icc = grey_gamma(1.0);
  const Bytes file = jpeg(filled(100, 100, {60}), spec);
  const uint16_t shown = render(file, lossless()).pixels().at(20, 20);
  ASSERT_GT(shown, 100);
  for (const Format format : {Format::jpeg, Format::png}) {
    const Rendered made = render(file, keeping(format));
    EXPECT_FALSE(inspect(made.files.at(0)).source.profile.empty());
    EXPECT_TRUE(shows(made.pixels(), 20, 20, {60}, 2));
  }
  for (const Format format : {Format::webp, Format::avif}) {
    const Rendered made = render(file, keeping(format));
    EXPECT_TRUE(inspect(made.files.at(0)).source.profile.empty());
    EXPECT_NEAR(render(made.files[0], lossless()).pixels().at(20, 20), shown, 3);
  }
}

TEST_F(ImageTest, ThePlaceholderIsInSrgbWhateverIsKept) {
  JpegSpec spec;
  spec.extras.icc = display_p3();
  const Bytes file = jpeg(filled(100, 100, {200, 100, 50}), spec);
  Request two = one(keeping(Format::jpeg));
  two.renditions.push_back(two.renditions[0]);
  two.renditions[1].name = "again";
  const std::string plain = render(file, sized(50, 50)).verdict.source.thumbhash;
  EXPECT_EQ(render(file, keeping(Format::jpeg)).verdict.source.thumbhash, plain);
  EXPECT_FALSE(plain.empty());
  Request two_plain = two;
  for (Rendition& r : two_plain.renditions) r.colours = Colours::srgb;
  EXPECT_EQ(render(file, two).verdict.source.thumbhash,
            render(file, two_plain).verdict.source.thumbhash);
}

TEST_F(ImageTest, LinearLightAndAKeptProfileExcludeEachOther) {
  Rendition r = keeping(Format::png);
  r.light = Light::linear;
  EXPECT_EQ(render(png(filled(9, 9, {1, 2, 3})), r).verdict.code, Code::bad_request);
}

// JFIF's density (ECMA TR/98): pixels by unit across and down.
Bytes jpeg_of_density(int width, int height, uint8_t across, uint8_t down) {
  Bytes file = jpeg(scenery(width, height));
  file.at(15) = across;
  file.at(17) = down;
  return file;
}

std::string size_of(const Rendered& made) {
  EXPECT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  const Pixels pixels = made.pixels();
  return std::to_string(pixels.width) + "x" + std::to_string(pixels.height);
}

TEST_F(ImageTest, PixelsOfAJpegAreMadeSquareWhenAskedFor) {
  Rendition square = lossless();
  square.pixels = PixelShape::square;
  EXPECT_EQ(size_of(render(jpeg_of_density(160, 60, 204, 102), square)), "160x120");
  EXPECT_EQ(size_of(render(jpeg_of_density(60, 160, 102, 204), square)), "120x160");
  EXPECT_EQ(size_of(render(jpeg_of_density(160, 60, 204, 102), lossless())), "160x60");
  for (const auto& [across, down] : {std::pair(100, 97), std::pair(250, 50), std::pair(0, 1)}) {
    const Bytes file =
        jpeg_of_density(80, 60, static_cast<uint8_t>(across), static_cast<uint8_t>(down));
    EXPECT_EQ(size_of(render(file, square)), "80x60") << across << " by " << down;
  }
  Rendition small = sized(100, 100);
  small.pixels = PixelShape::square;
  EXPECT_EQ(size_of(render(jpeg_of_density(400, 200, 2, 1), small)), "100x100");
}

TEST_F(ImageTest, PixelsThatAreMadeSquareAreTurnedAfterwards) {
  JpegSpec spec;
  ExifSpec turned;
  turned.orientation = 6;
  spec.extras.exif = exif(turned);
  Bytes file = jpeg(scenery(160, 60), spec);
  file.at(15) = 2;
  Rendition square = lossless();
  square.pixels = PixelShape::square;
  EXPECT_EQ(size_of(render(file, square)), "120x160");
}

}  // namespace
}  // namespace imgq::made
