// Several results from one decode, and results of a given number of bytes.
#include <cmath>

#include "tests/images/rendered.h"

namespace imgq::made {
namespace {

Rendition named(const std::string& name, int width, int height, Fit fit = Fit::fit) {
  Rendition r = sized(width, height, fit);
  r.name = name;
  r.format = Format::png;
  return r;
}

double mean_difference(const Pixels& a, const Pixels& b) {
  EXPECT_EQ(a.data.size(), b.data.size());
  double sum = 0;
  for (size_t i = 0; i < a.data.size() && i < b.data.size(); ++i) {
    sum += std::abs(int{a.data[i]} - int{b.data[i]});
  }
  return sum / static_cast<double>(a.data.size());
}

// Whatever is asked for beside it, a rendition is what it would be alone, near enough.
TEST_F(ImageTest, EachOfSeveralRenditionsIsWhatItWouldBeAlone) {
  Request request;
  request.renditions = {named("large", 640, 640),
                        named("near", 500, 500),
                        named("half", 320, 320),
                        named("square", 120, 120, Fit::fill),
                        named("forced", 200, 50, Fit::force),
                        named("small", 48, 48)};
  request.renditions[3].anchor = Anchor::south_east;
  JpegSpec progressive;
  progressive.progressive = true;
  ExifSpec tags;
  tags.orientation = 8;
  JpegSpec turned;
  turned.extras.exif = exif(tags);
  const Pixels pixels = scenery(1300, 900);
  for (const Bytes& file :
       {jpeg(pixels), jpeg(pixels, progressive), jpeg(pixels, turned), png(pixels), webp(pixels)}) {
    const Rendered together = render(file, request);
    ASSERT_EQ(together.verdict.code, Code::ok) << together.verdict.message;
    ASSERT_EQ(together.verdict.results.size(), request.renditions.size());
    for (size_t i = 0; i < request.renditions.size(); ++i) {
      const Rendition& r = request.renditions[i];
      const Rendered alone = render(file, one(r));
      EXPECT_EQ(together.verdict.results[i].rendition, r.name);
      EXPECT_LT(mean_difference(read(together.files[i]), alone.pixels()), 1.0) << r.name;
    }
  }
}

// Of a JPEG's planes: with odd sides, whose last sample of chroma lies at either end once turned,
// and with parts that begin within one.
void expect_as_alone(const Rendition& largest) {
  Request request;
  request.renditions = {largest, named("near", 501, 501), named("small", 213, 213),
                        named("square", 111, 111, Fit::fill)};
  for (Rendition& r : request.renditions) r.format = Format::jpeg, r.quality = 100;
  const Pixels pixels = scenery(1301, 900);
  for (int orientation = 1; orientation <= 8; ++orientation) {
    ExifSpec tags;
    tags.orientation = orientation;
    JpegSpec turned;
    turned.extras.exif = exif(tags);
    const Bytes file = jpeg(pixels, turned);
    const Rendered together = render(file, request);
    ASSERT_EQ(together.verdict.code, Code::ok) << together.verdict.message;
    for (size_t i = 0; i < request.renditions.size(); ++i) {
      const Rendition& r = request.renditions[i];
      const Rendered alone = render(file, one(r));
      if (i < 2) {
        EXPECT_EQ(together.files[i], alone.files[0]) << r.name << orientation;
      } else {
        EXPECT_LT(mean_difference(read(together.files[i]), alone.pixels()), 1.0)
            << r.name << orientation;
      }
    }
  }
}

TEST_F(ImageTest, EachOfSeveralJpegsOfAJpegIsWhatItWouldBeAlone) {
  expect_as_alone(named("large", 641, 641));
  for (const int side : {441, 443, 445}) {
    expect_as_alone(named("part", side, side, Fit::fill));
  }
}

TEST_F(ImageTest, SixteenRenditionsAreMade) {
  Request request;
  request.renditions.clear();
  for (int i = 0; i < 16; ++i) {
    request.renditions.push_back(named("s" + std::to_string(i), 20 + 17 * i, 20 + 17 * i));
  }
  const Rendered made = render(jpeg(scenery(700, 500)), request);
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  for (size_t i = 0; i < 16; ++i) {
    EXPECT_EQ(read(made.files[i]).width, 20 + 17 * static_cast<int>(i));
  }
}

TEST_F(ImageTest, FormatsMayDifferFromRenditionToRendition) {
  Request request;
  request.renditions.clear();
  for (const Format format : {Format::jpeg, Format::png, Format::webp, Format::avif}) {
    Rendition r = named(std::string(name_of(format)), 64, 64);
    r.format = format;
    request.renditions.push_back(r);
  }
  const Rendered made = render(jpeg(scenery(300, 200)), request);
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_EQ(made.files[0][0], 0xff);
  EXPECT_EQ(made.files[1][1], 'P');
  EXPECT_EQ(made.files[2][8], 'W');
  EXPECT_EQ(std::string(made.files[3].begin() + 4, made.files[3].begin() + 12), "ftypavif");
  EXPECT_EQ(made.verdict.results[3].quality, 50);
  EXPECT_EQ(made.verdict.results[1].quality, 0);
}

// The file that was written is read again, through the engine: its own AVIF is the only encoder of
// that format here, so its colours are the proof.
TEST_F(ImageTest, AnAvifShowsTheColoursThatWentIn) {
  Rendition r = named("a", 96, 64);
  r.format = Format::avif;
  r.quality = 90;
  r.chroma = Chroma::full;
  const Bytes avif = render(png(six_blocks(32)), r).files[0];
  const Rendered back = render(avif, lossless());
  ASSERT_EQ(back.verdict.code, Code::ok) << back.verdict.message;
  EXPECT_EQ(back.verdict.source.format, "avif");
  for (int i = 0; i < 6; ++i) {
    const auto& c = kSixColours[static_cast<size_t>(i)];
    EXPECT_TRUE(shows(back.pixels(), 32 * (i % 3) + 16, 32 * (i / 3) + 16, {c[0], c[1], c[2]}, 8));
  }
}

TEST_F(ImageTest, MaxBytesTakesTheBestQualityThatFits) {
  for (const Format format : {Format::jpeg, Format::webp, Format::avif}) {
    Rendition r = named("a", 400, 400);
    r.format = format;
    r.quality = 90;
    const Bytes file = jpeg(scenery(800, 600));
    const auto full = static_cast<int64_t>(render(file, r).files[0].size());
    r.max_bytes = full * 2 / 3;
    const Rendered made = render(file, r);
    const ResultReport& result = made.verdict.results.at(0);
    EXPECT_TRUE(result.max_bytes_met);
    EXPECT_LE(result.size_bytes, r.max_bytes);
    EXPECT_EQ(result.size_bytes, static_cast<int64_t>(made.files[0].size()));
    EXPECT_LT(result.quality, 90);
    Rendition better = r;
    better.max_bytes = 0;
    better.quality = result.quality + 1;
    EXPECT_GT(static_cast<int64_t>(render(file, better).files[0].size()), r.max_bytes)
        << name_of(format) << " could have been better than " << result.quality;
  }
}

TEST_F(ImageTest, MaxBytesThatIsLargeEnoughChangesNothing) {
  Rendition r = named("a", 400, 400);
  r.format = Format::jpeg;
  const Bytes file = jpeg(scenery(800, 600)), free = render(file, r).files[0];
  r.max_bytes = static_cast<int64_t>(free.size());
  const Rendered made = render(file, r);
  EXPECT_EQ(made.files[0], free);
  EXPECT_EQ(made.verdict.results[0].quality, 80);
}

TEST_F(ImageTest, MaxBytesThatCannotBeMetGivesTheSmallestAndSaysSo) {
  Rendition r = named("a", 400, 400);
  for (const Format format : {Format::jpeg, Format::webp, Format::png}) {
    r.format = format;
    r.max_bytes = 20;
    const Rendered made = render(jpeg(scenery(800, 600)), r);
    ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
    EXPECT_FALSE(made.verdict.results[0].max_bytes_met);
    EXPECT_GT(made.verdict.results[0].size_bytes, 20);
    EXPECT_EQ(made.verdict.results[0].quality, format == Format::png ? 0 : 10);
    EXPECT_EQ(read(made.files[0]).width, 400);
  }
}

TEST_F(ImageTest, APngGivesUpColoursToFit) {
  Rendition r = named("a", 300, 300);
  const Bytes file = png(scenery(600, 400));
  const auto full = static_cast<int64_t>(render(file, r).files[0].size());
  r.max_bytes = full * 6 / 10;
  const Rendered made = render(file, r);
  EXPECT_TRUE(made.verdict.results.at(0).max_bytes_met);
  EXPECT_LE(made.verdict.results[0].size_bytes, r.max_bytes);
  EXPECT_EQ(made.files[0][25], 3) << "a palette";
}

TEST_F(ImageTest, QualityIsUsedAndReported) {
  Rendition r = named("a", 400, 400);
  r.format = Format::jpeg;
  r.quality = 30;
  const Rendered low = render(jpeg(scenery(800, 600)), r);
  r.quality = 95;
  const Rendered high = render(jpeg(scenery(800, 600)), r);
  EXPECT_EQ(low.verdict.results[0].quality, 30);
  EXPECT_EQ(high.verdict.results[0].quality, 95);
  EXPECT_LT(low.files[0].size() * 2, high.files[0].size());
}

}  // namespace
}  // namespace imgq::made
