// BMPs of every kind, made byte by byte, against pixels written by hand.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "src/base/notes.h"
#include "tests/images/rendered.h"

namespace imgq::made {
namespace {

void put(Bytes* out, uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out->push_back(static_cast<uint8_t>(value >> (8 * i)));
}

struct Spec {
  int bits = 24;
  Bytes pixels;  // as in the file: the last row first
  Bytes palette = {};
  uint32_t compression = 0;
  std::vector<uint32_t> masks = {};
  uint32_t header = 40;
  int width = 3, height = 2;
};

// A header of 40 bytes has its masks behind it, a longer one in it.
Bytes bmp(const Spec& spec) {
  Bytes header;
  put(&header, spec.header, 4);
  const bool core = spec.header == 12;
  put(&header, static_cast<uint32_t>(spec.width), core ? 2 : 4);
  put(&header, static_cast<uint32_t>(spec.height), core ? 2 : 4);
  put(&header, 1, 2);
  put(&header, static_cast<uint32_t>(spec.bits), 2);
  if (spec.header >= 40) put(&header, spec.compression, 4);
  header.resize(std::min<size_t>(spec.header, 40));
  for (const uint32_t mask : spec.masks) put(&header, mask, 4);
  header.resize(std::max<size_t>(spec.header, header.size()));
  header.insert(header.end(), spec.palette.begin(), spec.palette.end());
  Bytes out{'B', 'M'};
  put(&out, static_cast<uint32_t>(14 + header.size() + spec.pixels.size()), 4);
  put(&out, 0, 4);
  put(&out, static_cast<uint32_t>(14 + header.size()), 4);
  out.insert(out.end(), header.begin(), header.end());
  out.insert(out.end(), spec.pixels.begin(), spec.pixels.end());
  return out;
}

Pixels picture(const std::vector<Colour>& colours, int width = 3) {
  Pixels out(width, static_cast<int>(colours.size()) / width, static_cast<int>(colours[0].size()));
  out.data.clear();
  for (const Colour& colour : colours) {
    out.data.insert(out.data.end(), colour.begin(), colour.end());
  }
  return out;
}

const Colour kRed{255, 0, 0}, kGreen{0, 255, 0}, kBlue{0, 0, 255}, kBlack{0, 0, 0},
    kWhite{255, 255, 255}, kGrey{128, 128, 128};
const std::vector<Colour> kSix{kRed, kGreen, kBlue, kBlack, kWhite, kGrey};

Bytes palette_of(const std::vector<Colour>& colours, int entry = 4) {
  Bytes out;
  for (const Colour& c : colours) {
    for (const size_t band : {2, 1, 0}) out.push_back(static_cast<uint8_t>(c[band]));
    if (entry == 4) out.push_back(0);
  }
  return out;
}

class BmpFile : public ImageTest {
 protected:
  static void expect(const Spec& spec, const std::vector<Colour>& colours,
                     const std::string& which) {
    const Rendered made = render(bmp(spec), lossless());
    ASSERT_EQ(made.verdict.code, Code::ok) << which << ": " << made.verdict.message;
    EXPECT_TRUE(near(made.pixels(), picture(colours), 0)) << which;
    EXPECT_TRUE(made.verdict.notes.empty()) << which;
    EXPECT_EQ(made.verdict.source.format, "bmp");
  }
  static Code code_of(const Spec& spec) { return render(bmp(spec), lossless()).verdict.code; }
};

TEST_F(BmpFile, OfAPaletteShowsItsColours) {
  const Bytes six = palette_of(kSix);
  const Spec eight{8, {3, 4, 5, 0, 0, 1, 2, 0}, six};
  expect(eight, kSix, "8 bits");
  expect({4, {0x34, 0x50, 0, 0, 0x01, 0x20, 0, 0}, six}, kSix, "4 bits");
  expect({2, {0xc4, 0, 0, 0, 0x18, 0, 0, 0}, six}, {kRed, kGreen, kBlue, kBlack, kRed, kGreen},
         "2 bits");
  expect({1, {0xa0, 0, 0, 0, 0x60, 0, 0, 0}, palette_of({kRed, kBlue})},
         {kRed, kBlue, kBlue, kBlue, kRed, kBlue}, "1 bit");
  Spec upside_down = eight;
  upside_down.height = -2;
  expect(upside_down, {kBlack, kWhite, kGrey, kRed, kGreen, kBlue}, "top down");
  Spec beside = eight;
  beside.pixels[4] = 200;
  expect(beside, {kBlack, kGreen, kBlue, kBlack, kWhite, kGrey}, "an index that has no colour");
  Spec os2 = eight;
  os2.header = 12;
  os2.palette = palette_of(kSix, 3);
  expect(os2, kSix, "OS/2's first header");
  os2 = eight;
  for (const uint32_t header : {16U, 64U}) {
    os2.header = header;
    expect(os2, kSix, "OS/2's second header");
  }
  Rendition as_jpeg = lossless();
  as_jpeg.format = Format::jpeg;
  const Spec scan{1, {0xe0, 0, 0, 0, 0xe0, 0, 0, 0}, palette_of({kBlack, kWhite})};
  EXPECT_TRUE(near(render(bmp(scan), as_jpeg).pixels(), filled(3, 2, {255}), 0)) << "grey";
}

TEST_F(BmpFile, OfColoursShowsThem) {
  expect({24, {0, 0, 0,   255, 255, 255, 128, 128, 128, 0, 0, 0,  //
               0, 0, 255, 0,   255, 0,   255, 0,   0,   0, 0, 0}},
         kSix, "24 bits");
  const Spec wide{32, {0, 0, 0,   9, 255, 255, 255, 9, 128, 128, 128, 9,  //
                       0, 0, 255, 0, 0,   255, 0,   0, 255, 0,   0,   0}};
  expect(wide, kSix, "32 bits, of which 8 mean nothing");
  // 16 of 31 is 131.6, of 63 with six bits, 32, 129.5.
  const Colour about{132, 132, 132}, nearly{132, 130, 132};
  expect({16, {0, 0, 0xff, 0x7f, 0x10, 0x42, 0, 0, 0, 0x7c, 0xe0, 0x03, 0x1f, 0, 0, 0}},
         {kRed, kGreen, kBlue, kBlack, kWhite, about}, "5, 5 and 5 bits");
  const Bytes pixels{0, 0, 0xff, 0xff, 0x10, 0x84, 0, 0, 0, 0xf8, 0xe0, 0x07, 0x1f, 0, 0, 0};
  for (const uint32_t header : {40U, 52U, 108U}) {
    expect({16, pixels, {}, 3, {0xf800, 0x7e0, 0x1f}, header},
           {kRed, kGreen, kBlue, kBlack, kWhite, nearly}, "5, 6 and 5 bits");
  }
  // Ten bits a colour: 512 of 1023 is 127.6.
  Spec ten{32, {}, {}, 3, {0x3ff00000, 0xffc00, 0x3ff}};
  for (const uint32_t pixel :
       {0U, 0x3fffffffU, 512U << 20 | 512U << 10 | 512U, 0x3ff00000U, 0xffc00U, 0x3ffU}) {
    put(&ten.pixels, pixel, 4);
  }
  expect(ten, kSix, "10 bits");
}

TEST_F(BmpFile, AlphaCountsWhereTheHeaderSaysSoAndSomePixelHasSome) {
  Spec spec{32, {}, {}, 3, {0xff0000, 0xff00, 0xff, 0xff000000}, 108};
  for (const uint32_t pixel :
       {0xff000000U, 0xffffffffU, 0x80808080U, 0x00ff0000U, 0xff00ff00U, 0xff0000ffU}) {
    put(&spec.pixels, pixel, 4);
  }
  Rendered made = render(bmp(spec), lossless());
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_TRUE(made.verdict.source.alpha);
  const Pixels pixels = made.pixels();
  EXPECT_EQ(pixels.at(0, 0, 3), 0);
  EXPECT_TRUE(shows(pixels, 1, 0, {0, 255, 0, 255}, 0));
  EXPECT_TRUE(shows(pixels, 2, 1, {128, 128, 128, 128}, 0));
  for (size_t at = 3; at < spec.pixels.size(); at += 4) spec.pixels[at] = 0;
  expect(spec, kSix, "alpha 0 all over");
}

TEST_F(BmpFile, OfRunLengthsShowsWhatTheyStandFor) {
  const Bytes six = palette_of(kSix);
  expect({8, {0, 3, 3, 4, 5, 0, 0, 0, 1, 0, 1, 1, 1, 2, 0, 1}, six, 1}, kSix, "RLE8");
  expect({4, {0, 3, 0x34, 0x50, 0, 0, 3, 0x01, 0, 1}, six, 2},
         {kRed, kGreen, kRed, kBlack, kWhite, kGrey}, "RLE4");
  expect({8, {9, 5, 0, 0, 200, 1}, six, 1}, {kGreen, kGreen, kGreen, kGrey, kGrey, kGrey},
         "runs beyond the side, and no end");
}

TEST_F(BmpFile, WhatRunLengthsLeaveOutIsTransparent) {
  // One pixel; then one to the right and one up; then nothing more.
  const Spec spec{8, {1, 1, 0, 2, 1, 1, 1, 2, 0, 1}, palette_of(kSix), 1};
  const Rendered made = render(bmp(spec), lossless());
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_TRUE(made.verdict.notes.empty());
  const Pixels pixels = made.pixels();
  ASSERT_EQ(pixels.bands, 4);
  for (int y = 0; y < 2; ++y) {
    for (int x = 0; x < 3; ++x) {
      const bool there = (x == 0 && y == 1) || (x == 2 && y == 0);
      EXPECT_EQ(pixels.at(x, y, 3), there ? 255 : 0) << x << "," << y;
    }
  }
  EXPECT_TRUE(shows(pixels, 0, 1, {0, 255, 0, 255}, 0));
  EXPECT_TRUE(shows(pixels, 2, 0, {0, 0, 255, 255}, 0));
}

TEST_F(BmpFile, CutIsTruncatedUnlessThatIsAccepted) {
  const Spec plain{8, {3, 4, 5, 0, 0, 1, 2, 0}, palette_of(kSix)};
  const Spec runs{8, {3, 5, 0, 0, 3, 1, 0, 1}, palette_of(kSix), 1};
  Request lenient = one(lossless());
  lenient.truncated = Truncated::accept;
  for (const Spec& spec : {plain, runs}) {
    const Bytes whole = bmp(spec);
    for (size_t size = 18; size < whole.size(); ++size) {
      const bool padding = size >= whole.size() - (spec.compression == 0 ? 1 : 2);
      const Bytes part(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size));
      EXPECT_EQ(render(part, lossless()).verdict.code, padding ? Code::ok : Code::truncated)
          << size;
    }
    const Rendered made = render(Bytes(whole.begin(), whole.end() - 4), lenient);
    ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
    EXPECT_EQ(made.verdict.notes, std::vector<std::string>{std::string(note::kTruncated)});
    EXPECT_EQ(made.pixels().at(2, 1, 0), 128);
    EXPECT_EQ(made.pixels().at(2, 0, 2), 0);
  }
}

TEST_F(BmpFile, ThatSaysWhatCannotBeIsDamagedAndARareOneUnsupported) {
  const Bytes pixels(64);
  EXPECT_EQ(code_of({24, pixels, {}, 0, {}, 40, 0, 2}), Code::corrupt_image);
  EXPECT_EQ(code_of({24, pixels, {}, 0, {}, 40, -3, 2}), Code::corrupt_image);
  EXPECT_EQ(code_of({24, pixels, {}, 0, {}, 40, 3, 0}), Code::corrupt_image);
  EXPECT_EQ(code_of({24, pixels, {}, 0, {}, 40, 3, INT32_MIN}), Code::corrupt_image);
  EXPECT_EQ(code_of({7, pixels}), Code::corrupt_image);
  EXPECT_EQ(code_of({4, pixels, {}, 1}), Code::corrupt_image);
  EXPECT_EQ(code_of({24, pixels, {}, 3, {1, 2, 4}}), Code::corrupt_image);
  EXPECT_EQ(code_of({32, pixels, {}, 3, {5, 2, 8}}), Code::corrupt_image);
  Bytes inside = bmp({24, pixels});
  inside[10] = 20;
  EXPECT_EQ(render(inside, lossless()).verdict.code, Code::corrupt_image);
  EXPECT_EQ(code_of({24, pixels, {}, 4}), Code::unsupported_format);
  EXPECT_EQ(code_of({1, pixels, {}, 3, {}, 64}), Code::unsupported_format);
  EXPECT_EQ(code_of({24, pixels, {}, 0, {}, 40, 30000, 30}), Code::side_too_long);
}

TEST_F(BmpFile, OfVersionFiveIsReadByItsProfile) {
  const Bytes profile = display_p3();
  Spec spec{24, {50, 100, 200, 0}, {}, 0, {0, 0, 0, 0, 0x4d424544}, 124, 1, 1};
  spec.masks.resize(21);
  spec.masks[18] = 124 + 4;  // behind header and pixels
  spec.masks[19] = static_cast<uint32_t>(profile.size());
  spec.pixels.insert(spec.pixels.end(), profile.begin(), profile.end());
  const Rendered made = render(bmp(spec), lossless());
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_TRUE(shows(made.pixels(), 0, 0, {215, 93, 31}, 1));  // by the matrices of both
}

TEST_F(BmpFile, KeepsItsFormatAsAPng) {
  Rendition r = sized(2, 2);
  r.format = Format::keep;
  const Rendered made = render(bmp({8, {3, 4, 5, 0, 0, 1, 2, 0}, palette_of(kSix)}), r);
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_EQ(made.verdict.results[0].format, "png");
}

}  // namespace
}  // namespace imgq::made
