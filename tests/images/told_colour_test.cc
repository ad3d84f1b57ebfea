// Colour that is told otherwise than by a profile. Expected values are arithmetic on published
// primaries and curves, or what files say that need no change.
#include <algorithm>
#include <cmath>
#include <string>

#include "tests/images/rendered.h"

namespace imgq::made {
namespace {

// Of Display P3, and the same in sRGB, by the matrices of both.
const Colour kP3{200, 100, 50}, kP3InSrgb{215, 93, 31};

Bytes be32s(const std::vector<uint32_t>& values) {
  Bytes out;
  for (const uint32_t value : values) {
    for (int shift = 24; shift >= 0; shift -= 8)
      out.push_back(static_cast<uint8_t>(value >> shift));
  }
  return out;
}

const Bytes kSrgbPrimaries = be32s({31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000});
const Bytes kP3Primaries = be32s({31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000});

uint16_t srgb_of_light(double light) {
  const double v = light <= 0.0031308 ? 12.92 * light : 1.055 * std::pow(light, 1 / 2.4) - 0.055;
  return static_cast<uint16_t>(std::lround(255 * v));
}

class ToldColour : public ImageTest {
 protected:
  static void expect(const Bytes& file, const Colour& colour, int tolerance) {
    const Rendered made = render(file, lossless());
    ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
    EXPECT_TRUE(shows(made.pixels(), 9, 9, colour, tolerance));
    EXPECT_TRUE(made.verdict.notes.empty());
  }
};

TEST_F(ToldColour, ByCodePointsOfAPng) {
  const Bytes p3 = png(filled(40, 30, kP3));
  expect(with_chunk(p3, "cICP", {12, 13, 0, 1}, "IDAT"), kP3InSrgb, 1);
  expect(with_chunk(p3, "cICP", {12, 1, 0, 1}, "IDAT"), kP3InSrgb, 1);
  for (const Bytes& same : {Bytes{1, 13, 0, 1}, Bytes{2, 2, 0, 1}, Bytes{1, 1, 0, 1}}) {
    expect(with_chunk(p3, "cICP", same, "IDAT"), kP3, 0);
  }
  const Bytes linear = png(filled(40, 30, {128, 64, 32}));
  expect(with_chunk(linear, "cICP", {1, 8, 0, 1}, "IDAT"),
         {srgb_of_light(128 / 255.0), srgb_of_light(64 / 255.0), srgb_of_light(32 / 255.0)}, 1);
  expect(with_chunk(p3, "cICP", {12, 13, 1, 1}, "IDAT"), kP3, 0);  // a matrix that no PNG has
}

TEST_F(ToldColour, ByCodePointsOfNarrowRange) {
  const auto shown = [](int code) {
    return static_cast<uint16_t>(std::lround((code - 16) * 255 / 219.0));
  };
  const Bytes file = png(filled(40, 30, {126, 60, 200}));
  expect(with_chunk(file, "cICP", {1, 13, 0, 0}, "IDAT"), {shown(126), shown(60), shown(200)}, 1);
  const Bytes grey = png(filled(40, 30, {126}));
  expect(with_chunk(grey, "cICP", {1, 13, 0, 0}, "IDAT"), {shown(126)}, 1);
}

TEST_F(ToldColour, CodePointsGoBeforeAProfileAndItBeforeTheOlderChunks) {
  PngSpec spec;
  spec.extras.icc = display_p3();
  const Bytes file = png(filled(40, 30, kP3), spec);
  expect(file, kP3InSrgb, 1);
  expect(with_chunk(file, "cICP", {1, 13, 0, 1}, "IDAT"), kP3, 0);
  expect(with_chunk(file, "gAMA", be32s({100000}), "IDAT"), kP3InSrgb, 1);
}

TEST_F(ToldColour, ByGammaAndPrimariesOfAPng) {
  const Bytes linear = png(filled(40, 30, {128, 64, 32}));
  const Colour lit{srgb_of_light(128 / 255.0), srgb_of_light(64 / 255.0),
                   srgb_of_light(32 / 255.0)};
  const Bytes one = with_chunk(linear, "gAMA", be32s({100000}), "IDAT");
  expect(one, lit, 1);
  expect(with_chunk(one, "cHRM", kSrgbPrimaries, "IDAT"), lit, 1);
  expect(with_chunk(one, "sRGB", {0}, "IDAT"), {128, 64, 32}, 0);
  expect(with_chunk(png(filled(40, 30, {128})), "gAMA", be32s({100000}), "IDAT"), {lit[0]}, 1);
  PngSpec deep;
  deep.depth = 16;
  const Bytes fine = png(filled(40, 30, {128 * 257, 64 * 257, 32 * 257}), deep);
  expect(with_chunk(fine, "gAMA", be32s({100000}), "IDAT"), lit, 1);
}

TEST_F(ToldColour, TheUsualGammaIsSrgbItself) {
  const Bytes file = png(filled(40, 30, kP3));
  const Bytes usual = with_chunk(file, "gAMA", be32s({45455}), "IDAT");
  expect(usual, kP3, 0);
  expect(with_chunk(usual, "cHRM", kSrgbPrimaries, "IDAT"), kP3, 0);
  const auto light = [](double v) { return std::pow(v / 255, 2.2); };  // a power without a toe
  const double r = light(kP3[0]), g = light(kP3[1]), b = light(kP3[2]);
  expect(with_chunk(usual, "cHRM", kP3Primaries, "IDAT"),
         {srgb_of_light(1.2249 * r - 0.2249 * g), srgb_of_light(-0.0420 * r + 1.0420 * g),
          srgb_of_light(-0.0196 * r - 0.0786 * g + 1.0983 * b)},
         1);
  expect(with_chunk(file, "cHRM", kP3Primaries, "IDAT"), kP3, 0);  // primaries without a curve
  expect(with_chunk(file, "gAMA", be32s({0}), "IDAT"), kP3, 0);    // senseless
}

TEST_F(ToldColour, ByCodePointsOfAnAvif) {
  Rendition r = sized(64, 64);
  r.format = Format::avif;
  r.quality = 95;
  r.chroma = Chroma::full;
  Bytes file = render(png(filled(64, 64, kP3)), r).files[0];
  const std::string name = "nclx";
  const auto there = std::search(file.begin(), file.end(), name.begin(), name.end());
  if (there == file.end()) GTEST_SKIP() << "this libheif writes no code points";
  expect(file, kP3, 3);
  *(there + 5) = 12;
  expect(file, kP3InSrgb, 4);
  *(there + 5) = 2;  // unspecified
  expect(file, kP3, 3);
}

// A directory, one for EXIF in it, and one for interoperability in that.
Bytes dcf(uint8_t colour_space_high, uint8_t colour_space_low, const std::string& index) {
  Bytes out{'M', 'M', 0, '*', 0, 0, 0, 8, 0,  1, 0x87, 0x69, 0,
            4,   0,   0, 0,   1, 0, 0, 0, 26, 0, 0,    0,    0};
  const Bytes exif_directory{0,
                             2,
                             0xa0,
                             1,
                             0,
                             3,
                             0,
                             0,
                             0,
                             1,
                             colour_space_high,
                             colour_space_low,
                             0,
                             0,
                             0xa0,
                             5,
                             0,
                             4,
                             0,
                             0,
                             0,
                             1,
                             0,
                             0,
                             0,
                             56,
                             0,
                             0,
                             0,
                             0};
  out.insert(out.end(), exif_directory.begin(), exif_directory.end());
  out.insert(out.end(), {0, 1, 0, 1, 0, 2, 0, 0, 0, 4});
  out.insert(out.end(), index.begin(), index.end());
  out.insert(out.end(), 5, 0);
  return out;
}

// From Adobe RGB (1998) by the matrices of both.
TEST_F(ToldColour, ByACamerasOptionFile) {
  const auto shot = [](const Bytes& exif, const Bytes& icc) {
    JpegSpec spec;
    spec.extras.exif = exif;
    spec.extras.icc = icc;
    return jpeg(filled(64, 48, {120, 140, 90}), spec);
  };
  const auto light = [](double v) { return std::pow(v / 255, 563.0 / 256); };
  const double r = light(120), g = light(140), b = light(90);
  const Colour shown{srgb_of_light(1.398357 * r - 0.398357 * g), srgb_of_light(g),
                     srgb_of_light(-0.042929 * g + 1.042929 * b)};
  expect(shot(dcf(0xff, 0xff, "R03"), {}), shown, 3);
  expect(shot(dcf(0, 2, "R98"), {}), shown, 3);
  expect(shot(dcf(0, 1, "R03"), {}), {120, 140, 90}, 2);
  expect(shot(dcf(0xff, 0xff, "R98"), {}), {120, 140, 90}, 2);
  expect(shot(dcf(0xff, 0xff, "R03"), srgb()), {120, 140, 90}, 2);
  const Bytes block = dcf(0xff, 0xff, "R03");
  for (size_t size = 0; size < block.size(); ++size) {
    const Bytes part(block.begin(), block.begin() + static_cast<ptrdiff_t>(size));
    EXPECT_EQ(render(shot(part, {}), lossless()).verdict.code, Code::ok) << size;
  }
}

}  // namespace
}  // namespace imgq::made
