// Borders of one colour that go before anything else is made of a picture.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/images/own_coding.h"
#include "tests/images/rendered.h"

namespace imgq::made {
namespace {

Rendition trimmed(Rendition r = lossless()) {
  r.border = Border::trimmed;
  return r;
}

struct Border4 {
  int left = 7, top = 3, right = 11, bottom = 5;
};

Pixels framed(const Pixels& inside, const Colour& colour, const Border4& by = {}) {
  Pixels out =
      filled(inside.width + by.left + by.right, inside.height + by.top + by.bottom, colour);
  for (int y = 0; y < inside.height; ++y) {
    for (int x = 0; x < inside.width; ++x) {
      for (int b = 0; b < out.bands; ++b) out.at(x + by.left, y + by.top, b) = inside.at(x, y, b);
    }
  }
  return out;
}

TEST_F(ImageTest, TrimLeavesWhatIsWithinTheBorderToThePixel) {
  const Pixels inside = six_blocks(9);
  for (const Colour& border : {Colour{255, 255, 255}, Colour{0, 0, 0}, Colour{90, 120, 7}}) {
    const Rendered made = render(png(framed(inside, border)), trimmed());
    ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
    EXPECT_EQ(made.verdict.source.width_px, 27 + 18);
    EXPECT_TRUE(near(made.pixels(), inside, 0));
  }
}

TEST_F(ImageTest, TrimIsOnlyWhatIsAskedFor) {
  const Pixels whole = framed(six_blocks(9), {255, 255, 255});
  EXPECT_TRUE(near(render(png(whole), lossless()).pixels(), whole, 0));
}

TEST_F(ImageTest, TrimTakesColoursApartByMoreThanTenForAnother) {
  Pixels whole = framed(six_blocks(9), {200, 200, 200});
  for (int x = 1; x < whole.width; ++x) whole.at(x, 0, x % 3) = x % 2 == 0 ? 190 : 210;
  EXPECT_TRUE(near(render(png(whole), trimmed()).pixels(), six_blocks(9), 0));
  whole.at(20, 1, 2) = 211;
  const Pixels out = render(png(whole), trimmed()).pixels();
  EXPECT_EQ(out.width, 27);
  EXPECT_EQ(out.height, 18 + 2);
}

// White at the left, where it shows, and black at the right: the upper left corner counts, also
// where it is stored last.
TEST_F(ImageTest, TrimGoesByTheUprightCorner) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const bool lying = orientation >= 5;
    const bool last_column =
        orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    const bool last_row =
        orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    // Upright, the white border is at the left; it lies in stored rows where sides are swapped.
    Pixels stored = filled(40, 40, {0, 0, 0});
    for (int y = 0; y < 40; ++y) {
      for (int x = 0; x < 40; ++x) {
        const int along = lying ? (last_row ? 39 - y : y) : (last_column ? 39 - x : x);
        for (int b = 0; b < 3; ++b) {
          if (along < 9) stored.at(x, y, b) = 255;
          if (along >= 9 && along < 30) stored.at(x, y, b) = b == 0 ? 200 : 40;
        }
      }
    }
    PngSpec spec;
    ExifSpec tags;
    tags.orientation = orientation;
    spec.extras.exif = exif(tags);
    const Rendered made = render(png(stored, spec), trimmed());
    ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
    const Pixels out = made.pixels();
    ASSERT_EQ(out.width, 31) << orientation;
    ASSERT_EQ(out.height, 40) << orientation;
    EXPECT_TRUE(shows(out, 0, 20, {200, 40, 40}, 0)) << orientation;
    EXPECT_TRUE(shows(out, 30, 20, {0, 0, 0}, 0)) << orientation;
  }
}

TEST_F(ImageTest, TrimSeesNoColourInWhatIsTransparent) {
  Pixels whole = framed(filled(8, 6, {10, 200, 30, 255}), {0, 0, 0, 0});
  whole.at(0, 0, 0) = 255;
  whole.at(9, 1, 1) = 250;
  whole.at(3, 4, 2) = 77;
  const Pixels out = render(png(whole), trimmed()).pixels();
  EXPECT_TRUE(near(out, filled(8, 6, {10, 200, 30, 255}), 0));
  whole.at(9, 1, 3) = 11;  // and this can be seen
  EXPECT_EQ(render(png(whole), trimmed()).pixels().height, 6 + 2);
}

TEST_F(ImageTest, TrimLeavesGreyInkAndDeepPicturesAsMuch) {
  Pixels deep = framed(filled(8, 6, {40000, 300, 65535}), {65535, 65535, 65535});
  PngSpec spec;
  spec.depth = 16;
  EXPECT_EQ(render(png(deep, spec), trimmed()).pixels().width, 8);
  EXPECT_EQ(render(png(framed(filled(8, 6, {77}), {0})), trimmed()).pixels().height, 6);
  Rendition r = trimmed();
  r.format = Format::png;
  const Pixels ink = framed(filled(32, 32, {10, 200, 30, 5}), {0, 0, 0, 0}, {16, 8, 24, 40});
  const Pixels out = render(jpeg(ink), r).pixels();
  EXPECT_EQ(out.width, 32);
  EXPECT_EQ(out.height, 32);
}

TEST_F(ImageTest, TrimLeavesAPictureOfOneColourWhole) {
  const Pixels plain = filled(31, 17, {255, 255, 255});
  EXPECT_TRUE(near(render(png(plain), trimmed()).pixels(), plain, 0));
}

// As if the rest had never been there: by a reduced JPEG, by a crop, in light and padded.
TEST_F(ImageTest, TrimComesBeforeEverythingElse) {
  const Pixels inside = scenery(640, 480);
  const Bytes alone = jpeg(inside),
              whole = jpeg(framed(inside, {255, 255, 255}, {160, 80, 32, 240}));
  std::vector<Rendition> asked{sized(60, 60), sized(300, 300), sized(50, 40, Fit::fill),
                               sized(90, 90, Fit::pad), sized(64, 64, Fit::force)};
  asked.push_back(sized(80, 40, Fit::fill));
  asked.back().anchor = Anchor::attention;
  asked.push_back(sized(100, 100));
  asked.back().light = Light::linear;
  for (Rendition r : asked) {
    r.format = Format::png;
    const Pixels expected = render(alone, r).pixels();
    const Rendered made = render(whole, trimmed(r));
    ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
    EXPECT_TRUE(near(made.pixels(), expected, 12)) << r.width_px << " " << name_of(r.fit);
  }
}

TEST_F(ImageTest, TrimIsOfItsOwnRenditionAndNotOfThePlaceholder) {
  const Pixels inside = six_blocks(40);
  const Bytes whole = png(framed(inside, {255, 255, 255}, {20, 20, 20, 20}));
  Request request;
  request.renditions = {lossless(), trimmed(), trimmed(sized(60, 60)), sized(40, 40)};
  for (size_t i = 0; i < 4; ++i)
    request.renditions[i].name = std::string(1, static_cast<char>('a' + i));
  for (Rendition& r : request.renditions) r.format = Format::png;
  const Rendered made = render(whole, request);
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_TRUE(near(read(made.files[0]), framed(inside, {255, 255, 255}, {20, 20, 20, 20}), 0));
  EXPECT_TRUE(near(read(made.files[1]), inside, 0));
  EXPECT_TRUE(near(read(made.files[2]), render(png(inside), request.renditions[2]).pixels(), 1));
  EXPECT_EQ(read(made.files[3]).height, 30);
  const std::string hash = render(whole, lossless()).verdict.source.thumbhash;
  EXPECT_EQ(made.verdict.source.thumbhash, hash);
  request.renditions = {trimmed(), trimmed(sized(60, 60, Fit::fill))};
  request.renditions[1].name = "other";
  request.renditions[1].anchor = Anchor::entropy;
  EXPECT_EQ(render(whole, request).verdict.source.thumbhash, hash);
}

TEST_F(ImageTest, TrimKeepsTheSourcesCodingOnlyWhereThereWasNoBorder) {
  JpegSpec small;
  small.quality = 10;
  small.subsampled = true;
  Rendition r = trimmed(whole_as(Format::jpeg));
  Pixels inside = scenery(320, 240);
  for (int y = 0; y < 16; ++y) {
    for (int x = 0; x < 48; ++x) inside.at(x, y, x % 3) = 255;
  }
  const Rendered kept = render(jpeg(inside, small), r);
  EXPECT_EQ(kept.verdict.notes, kKept);
  const Rendered made = render(jpeg(framed(inside, {0, 0, 0}, {32, 0, 0, 0}), small), r);
  EXPECT_TRUE(made.verdict.notes.empty());
  EXPECT_NEAR(made.pixels().width, 320, 8);
}

TEST_F(ImageTest, TrimOfACutFileIsTruncatedUnlessThatIsAccepted) {
  Bytes file = jpeg(framed(scenery(320, 240), {255, 255, 255}));
  file.resize(file.size() / 2);
  EXPECT_EQ(render(file, trimmed()).verdict.code, Code::truncated);
  Request request = one(trimmed());
  request.truncated = Truncated::accept;
  const Rendered made = render(file, request);
  EXPECT_EQ(made.verdict.code, Code::ok);
  EXPECT_EQ(made.verdict.notes, std::vector<std::string>{"truncated_accepted"});
}

// A lossy WebP is made small as it is decoded, but not where it is looked at.
TEST_F(ImageTest, TrimIsRefusedWhereAllPixelsAreTooMany) {
  WebpSpec lossy;
  lossy.lossless = false;
  const Bytes file = webp(scenery(4000, 4000), lossy);
  Limits limits = all_formats();
  limits.memory_bytes = 80LL << 20;
  EXPECT_EQ(render(file, one(sized(60, 60)), limits).verdict.code, Code::ok);
  EXPECT_EQ(render(file, one(trimmed(sized(60, 60))), limits).verdict.code, Code::too_large);
}

}  // namespace
}  // namespace imgq::made
