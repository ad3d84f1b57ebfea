// A picture that is laid over results.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/images/rendered.h"

namespace imgq::made {
namespace {

Request marked(Rendition r = lossless()) {
  r.watermark = "logo";
  return one(r);
}

TEST_F(ImageTest, AWatermarkLiesWhereItIsToldAtItsOwnSize) {
  const Pixels ground = filled(41, 31, {10, 20, 30}), mark = filled(8, 6, {200, 100, 50});
  struct Case {
    Anchor place;
    int left, top;
  };
  const std::vector<Case> cases{
      {Anchor::north_west, 0, 0},  {Anchor::north, 16, 0},   {Anchor::north_east, 33, 0},
      {Anchor::west, 0, 12},       {Anchor::centre, 16, 12}, {Anchor::east, 33, 12},
      {Anchor::south_west, 0, 25}, {Anchor::south, 16, 25},  {Anchor::south_east, 33, 25}};
  for (const auto& [place, left, top] : cases) {
    const Rendered made = render_marked(png(ground), marked(), {{png(mark), place}});
    ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
    Pixels expected = ground;
    for (int y = 0; y < 6; ++y) {
      for (int x = 0; x < 8; ++x) {
        for (int b = 0; b < 3; ++b) expected.at(left + x, top + y, b) = mark.at(x, y, b);
      }
    }
    EXPECT_TRUE(near(made.pixels(), expected, 0)) << name_of(place);
  }
}

// Porter and Duff: what covers a part leaves the rest of it to what is below.
TEST_F(ImageTest, AWatermarkCoversByItsTransparencyAndItsOpacity) {
  for (const int alpha : {0, 1, 77, 128, 254, 255}) {
    for (const int percent : {1, 50, 100}) {
      for (const int below : {0, 90, 255}) {
        const double top = std::round(alpha * percent / 100.0) / 255.0, under = below / 255.0;
        const double whole = top + (1 - top) * under;
        const Pixels ground = filled(4, 4, {10, 250, 30, static_cast<uint16_t>(below)});
        const Pixels mark = filled(4, 4, {200, 100, 50, static_cast<uint16_t>(alpha)});
        const Rendered made =
            render_marked(png(ground), marked(), {{png(mark), Anchor::centre, percent}});
        ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
        const Pixels out = made.pixels();
        const int out_alpha = out.bands == 4 ? out.at(2, 2, 3) : 255;
        EXPECT_NEAR(out_alpha, 255 * whole, 0.51);
        if (whole < 0.05) continue;  // what can hardly be seen has hardly a colour
        for (int b = 0; b < 3; ++b) {
          const double colour =
              (mark.at(0, 0, b) * top + ground.at(0, 0, b) * (1 - top) * under) / whole;
          EXPECT_NEAR(out.at(2, 2, b), colour, 0.51) << alpha << " " << percent << " " << below;
        }
      }
    }
  }
}

TEST_F(ImageTest, AWatermarkLargerThanTheResultIsMadeSmaller) {
  Rendition r = sized(30, 30);
  r.format = Format::png;
  const Pixels mark = filled(400, 100, {200, 100, 50});
  const Pixels out =
      render_marked(png(filled(60, 60, {0, 0, 0})), marked(r), {{png(mark)}}).pixels();
  ASSERT_EQ(out.width, 30);
  EXPECT_TRUE(shows(out, 0, 29, {200, 100, 50}, 0));
  EXPECT_TRUE(shows(out, 29, 23, {200, 100, 50}, 0));
  EXPECT_TRUE(shows(out, 15, 20, {0, 0, 0}, 0));
}

TEST_F(ImageTest, AWatermarkIsUprightAndInSrgbWhateverItsFile) {
  ExifSpec tags;
  tags.orientation = 6;  // a quarter turn to the right
  JpegSpec spec;
  spec.extras.exif = exif(tags);
  spec.extras.icc = display_p3();
  Pixels mark = filled(32, 16, {200, 100, 50});
  const Pixels out = render_marked(png(filled(64, 64, {0, 0, 0})), marked(),
                                   {{jpeg(mark, spec), Anchor::north_west}})
                         .pixels();
  EXPECT_TRUE(shows(out, 8, 24, {215, 93, 31}, 4));
  EXPECT_TRUE(shows(out, 24, 8, {0, 0, 0}, 8));
}

// Of grey, ink and a JPEG's own colours alike, over the padding, and grey where that is asked for.
TEST_F(ImageTest, AWatermarkIsOfColourOnAnyPicture) {
  const Bytes mark = png(filled(8, 8, {250, 10, 10}));
  for (const Bytes& file : {png(filled(32, 32, {120})), jpeg(filled(32, 32, {120, 120, 120})),
                            jpeg(filled(32, 32, {20, 20, 20, 30}))}) {
    for (const Format format : {Format::jpeg, Format::png, Format::webp}) {
      Rendition r = sized(32, 32);
      r.format = format;
      r.quality = 95;
      const Rendered made = render_marked(file, marked(r), {{mark}});
      ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
      EXPECT_TRUE(shows(made.pixels(), 28, 28, {250, 10, 10}, 40));
    }
  }
  Rendition padded = sized(64, 32, Fit::pad);
  padded.format = Format::png;
  const Pixels wide =
      render_marked(png(filled(32, 32, {0, 0, 0})), marked(padded), {{mark}}).pixels();
  EXPECT_TRUE(shows(wide, 60, 28, {250, 10, 10}, 0));
  Rendition grey = lossless();
  grey.shades = Shades::grey;
  EXPECT_EQ(render_marked(png(filled(32, 32, {0, 0, 0})), marked(grey), {{mark}}).pixels().bands,
            1);
}

TEST_F(ImageTest, EachRenditionHasItsOwnWatermarkOrNone) {
  Request request;
  request.renditions = {lossless(), lossless(), sized(20, 20)};
  request.renditions[0].name = "a";
  request.renditions[0].watermark = "red";
  request.renditions[1].name = "b";
  request.renditions[2].watermark = "blue";
  request.renditions[2].format = Format::png;
  const Rendered made =
      render_marked(png(filled(40, 40, {9, 9, 9})), request,
                    {{png(filled(5, 5, {255, 0, 0}))}, {png(filled(5, 5, {0, 0, 255}))}});
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_TRUE(shows(read(made.files[0]), 38, 38, {255, 0, 0}, 0));
  EXPECT_TRUE(shows(read(made.files[1]), 38, 38, {9, 9, 9}, 0));
  EXPECT_TRUE(shows(read(made.files[2]), 18, 18, {0, 0, 255}, 0));
}

TEST_F(ImageTest, WhatIsWrongWithAWatermarkIsNotTheImagesFault) {
  const Bytes image = png(filled(40, 40, {9, 9, 9}));
  Bytes cut = png(scenery(64, 64));
  cut.resize(cut.size() / 2);
  const auto verdict = [&](const Bytes& mark, const Limits& limits = all_formats()) {
    const Rendered made = render_marked(image, marked(), {{mark}}, limits);
    EXPECT_TRUE(made.verdict.results.empty());
    EXPECT_EQ(made.verdict.source.width_px, 40);
    return std::string(name_of(made.verdict.code)) + ": " + made.verdict.message;
  };
  EXPECT_EQ(verdict({}).substr(0, 40), "no_watermark: watermark 'logo': empty_fi");
  EXPECT_EQ(verdict(cut).substr(0, 41), "no_watermark: watermark 'logo': truncated");
  EXPECT_EQ(verdict({'h', 'e', 'l', 'l', 'o'}).substr(0, 44),
            "no_watermark: watermark 'logo': not_an_image");
  Limits limits = all_formats();
  limits.max_pixels = 5000;
  EXPECT_EQ(verdict(png(scenery(100, 100)), limits).substr(0, 47),
            "no_watermark: watermark 'logo': too_many_pixels");
  EXPECT_EQ(render_marked(image, marked(), {}).verdict.code, Code::bad_request);
  EXPECT_EQ(render_marked(image, one(lossless()), {{image}}).verdict.code, Code::bad_request);
}

TEST_F(ImageTest, AnImageWithAWatermarkIsNeverItsOwnCoding) {
  JpegSpec small;
  small.quality = 10;
  small.subsampled = true;
  Rendition r = sized(8000, 8000);
  const Rendered made =
      render_marked(jpeg(scenery(320, 240), small), marked(r), {{png(filled(8, 8, {255, 0, 0}))}});
  EXPECT_TRUE(made.verdict.notes.empty());
  EXPECT_TRUE(shows(made.pixels(), 316, 236, {255, 0, 0}, 60));
}

}  // namespace
}  // namespace imgq::made
