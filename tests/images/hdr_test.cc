// HDR to the range of a usual display. Expected values are of ITU-R BT.2100's curves and BT.2408's
// reference white, by plain arithmetic here.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "src/image/tone_map.h"
#include "tests/images/rendered.h"

namespace imgq::made {
namespace {

using image::CodePoints;
using image::PixelKind;
using image::Space;
using image::ToneMap;

constexpr CodePoints kPq{9, 16}, kPqOfSrgb{1, 16}, kHlg{9, 18};
const std::vector<std::string> kToneMapped{"tone_mapped"};

// SMPTE ST 2084, of light in cd/m2, over so many bits.
uint16_t pq(double light, int bits = 16) {
  const double y = std::pow(light / 10'000, 0.1593017578125);
  const double v = std::pow((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y), 78.84375);
  return static_cast<uint16_t>(std::lround(v * ((1 << bits) - 1)));
}

double srgb_light_of(int sample) {
  const double v = sample / 255.0;
  return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
}

// One pixel of an image whose brightest is `peak`.
std::vector<uint8_t> mapped(const CodePoints& points, const std::vector<uint16_t>& pixel,
                            uint16_t brightest, double declared = 0) {
  const bool grey = pixel.size() < 3;
  const PixelKind kind{grey ? Space::grey : Space::rgb, pixel.size() % 2 == 0};
  ToneMap map(points, kind);
  std::vector<uint16_t> peak(pixel.size(), brightest);
  map.look_at(peak.data(), 1);
  map.look_at(pixel.data(), 1);
  map.set_peak(declared);
  std::vector<uint8_t> out(static_cast<size_t>(map.kind().bands()));
  map.row(pixel.data(), out.data(), 1);
  return out;
}

TEST(ToneMapping, LightUpToReferenceWhiteIsShownAsItIs) {
  for (const int sample : {0, 1, 30, 90, 180, 220, 255}) {
    const uint16_t v = pq(203 * srgb_light_of(sample));
    for (const uint8_t shown : mapped(kPqOfSrgb, {v, v, v}, pq(203))) {
      EXPECT_NEAR(shown, sample, 1);
    }
    EXPECT_NEAR(mapped(kPq, {v}, pq(203))[0], sample, 1);
  }
  const auto red = mapped(kPqOfSrgb,
                          {pq(203 * srgb_light_of(220)), pq(203 * srgb_light_of(30)),
                           pq(203 * srgb_light_of(30)), 40000},
                          pq(203));
  EXPECT_NEAR(red[0], 220, 1);
  EXPECT_NEAR(red[1], 30, 2);
  EXPECT_NEAR(red[2], 30, 2);
  EXPECT_EQ(red[3], 40000 >> 8);
}

TEST(ToneMapping, WhatIsBrighterIsRolledOffAndWhiteStaysBright) {
  const auto grey = [](double light, double peak) {
    return mapped(kPq, {pq(light), pq(light), pq(light)}, pq(peak))[0];
  };
  EXPECT_GE(grey(203, 1000), 225);
  EXPECT_LT(grey(203, 1000), 250);
  EXPECT_GE(grey(1000, 1000), 254);
  EXPECT_GE(grey(4000, 4000), 254);
  int last = 0;
  for (int stop = 0; stop < 32; ++stop) {  // to 3,412 cd/m2
    const double light = std::pow(1.3, stop);
    EXPECT_GE(grey(light, 4000), last) << light;
    last = grey(light, 4000);
  }
  EXPECT_NEAR(grey(20, 1000), grey(20, 203), 1) << "shadows stay";
}

TEST(ToneMapping, TheLeastOfWhatIsDeclaredAndMeasuredIsThePeak) {
  const std::vector<uint16_t> white{pq(203), pq(203), pq(203)};
  EXPECT_EQ(mapped(kPq, white, pq(203), 10'000)[0], 255) << "nothing is brighter";
  EXPECT_EQ(mapped(kPq, white, pq(4000), 203)[0], 255) << "declared";
  EXPECT_EQ(mapped(kPq, white, pq(1000), 0)[0], mapped(kPq, white, pq(1000), 4000)[0]);
  EXPECT_EQ(mapped(kPq, white, pq(203), 50)[0], 255) << "never below reference white";
}

TEST(ToneMapping, HuesStayWhereLightIsRolledOff) {
  const auto out = mapped(kPqOfSrgb, {pq(500), pq(400), pq(300)}, pq(4000));
  EXPECT_NEAR(srgb_light_of(out[0]) / srgb_light_of(out[1]), 5.0 / 4, 0.03);
  EXPECT_NEAR(srgb_light_of(out[1]) / srgb_light_of(out[2]), 4.0 / 3, 0.03);
}

// BT.2408: reference white of HLG is 75 % of its signal, 203 cd/m2 at a display of 1,000.
TEST(ToneMapping, HlgIsShownAsByADisplayOfAThousand) {
  const auto white = static_cast<uint16_t>(0.75 * 65535);
  EXPECT_NEAR(mapped(kHlg, {white, white, white}, white)[0], 255, 1);
  EXPECT_GE(mapped(kHlg, {white, white, white}, 65535)[0], 225);
  EXPECT_NEAR(mapped(kHlg, {white, white, white}, 65535)[0],
              mapped(kPq, {pq(203), pq(203), pq(203)}, pq(1000))[0], 2);
}

class Hdr : public ImageTest {
 protected:
  // (220, 30, 30) of sRGB, and white beside it.
  static Pixels red(int bits) {
    const uint16_t high = pq(203 * srgb_light_of(220), bits),
                   low = pq(203 * srgb_light_of(30), bits);
    return filled(64, 48, {high, low, low});
  }
  static void expect_red(const Bytes& file, int tolerance) {
    const Rendered made = render(file, lossless());
    ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
    EXPECT_TRUE(shows(made.pixels(), 9, 9, {220, 30, 30}, tolerance));
    EXPECT_EQ(made.verdict.notes, kToneMapped);
  }
};

TEST_F(Hdr, OfAPng) {
  PngSpec deep;
  deep.depth = 16;
  expect_red(with_chunk(png(red(16), deep), "cICP", {1, 16, 0, 1}, "IDAT"), 1);
  expect_red(with_chunk(png(red(8)), "cICP", {1, 16, 0, 1}, "IDAT"), 4);
  deep.interlaced = true;
  deep.extras.icc = display_p3();  // goes behind cICP
  expect_red(with_chunk(png(red(16), deep), "cICP", {1, 16, 0, 1}, "IDAT"), 1);
}

TEST_F(Hdr, OfAPngThatDeclaresItsPeak) {
  PngSpec deep;
  deep.depth = 16;
  Pixels pixels = filled(64, 48, {pq(203), pq(203), pq(203)});
  for (int b = 0; b < 3; ++b) pixels.at(0, 0, b) = pq(4000);
  const Bytes file = with_chunk(png(pixels, deep), "cICP", {9, 16, 0, 1}, "IDAT");
  const auto white_of = [](const Bytes& made) {
    return render(made, lossless()).pixels().at(9, 9);
  };
  EXPECT_LT(white_of(file), 240);
  // 203 cd/m2 as the content's brightest.
  EXPECT_EQ(white_of(with_chunk(file, "cLLI", {0, 0x1e, 0xf9, 0xb0, 0, 0, 0, 0}, "IDAT")), 255);
}

TEST_F(Hdr, OfAnAvif) {
  HeifSpec spec;
  spec.depth = 10;
  spec.transfer = 16;
  expect_red(avif(red(10), spec), 6);
  spec.primaries = 9;
  const Rendered made =
      render(avif(filled(64, 48, {pq(203, 10), pq(203, 10), pq(203, 10)}), spec), lossless());
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_TRUE(shows(made.pixels(), 9, 9, {255, 255, 255}, 2));
}

TEST_F(Hdr, OfAJpegXl) {
  JxlSpec spec;
  spec.depth = 16;
  spec.transfer = 16;
  expect_red(jxl({red(16)}, spec), 1);
}

TEST_F(ImageTest, AnAvifOfMoreThanEightBitsIsNoDarker) {
  HeifSpec spec;
  spec.depth = 10;
  const Rendered made = render(avif(filled(64, 48, {800, 400, 200}), spec), lossless());
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_TRUE(shows(made.pixels(), 9, 9, {199, 100, 50}, 3));
  EXPECT_TRUE(made.verdict.notes.empty());
  spec.primaries = 12;
  const Rendered p3 = render(avif(filled(64, 48, {802, 401, 201}), spec), lossless());
  EXPECT_TRUE(shows(p3.pixels(), 9, 9, {215, 93, 31}, 4));
}

TEST_F(ImageTest, AnAvifWhoseColoursWereMultipliedByTheirAlphaIsNoDarker) {
  HeifSpec spec;
  spec.premultiplied = true;
  const Rendered made = render(avif(filled(64, 48, {100, 50, 25, 128}), spec), lossless());
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_TRUE(shows(made.pixels(), 9, 9, {199, 100, 50, 128}, 4));
}

// The third number of nclx is the matrix; ICtCp's is 14.
TEST_F(ImageTest, AnAvifOfAMatrixThatLibheifDoesNotKnowIsRefused) {
  Bytes file = avif(filled(64, 48, {200, 100, 50}));
  const std::string name = "nclx";
  const auto there = std::search(file.begin(), file.end(), name.begin(), name.end());
  ASSERT_NE(there, file.end());
  *(there + 9) = 14;
  EXPECT_EQ(render(file, lossless()).verdict.code, Code::unsupported_format);
  *(there + 9) = 9;
  EXPECT_EQ(render(file, lossless()).verdict.code, Code::ok);
}

}  // namespace
}  // namespace imgq::made
