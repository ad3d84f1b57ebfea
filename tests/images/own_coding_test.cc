// No result is larger than its source for nothing: the coding of the source goes out instead.
// What that is of a JPEG, jpegtran says.

#include "tests/images/own_coding.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "src/image/own_coding.h"
#include "src/util/fd.h"

namespace imgq::made {
namespace {

// What a program makes of a file; {} in the command stands for the file's name.
Bytes through(std::string command, const Bytes& file) {
  const Fd memory(file_with(file));
  const std::string name =
      "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(memory.get());
  command.replace(command.find("{}"), 2, name);
  std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "re"), &pclose);
  Bytes out;
  std::array<uint8_t, 4096> chunk{};
  while (const size_t count = fread(chunk.data(), 1, chunk.size(), pipe.get())) {
    out.insert(out.end(), chunk.begin(), chunk.begin() + static_cast<ptrdiff_t>(count));
  }
  return out;
}

JpegSpec small_jpeg() {
  JpegSpec spec;
  spec.quality = 10;
  spec.extras = secret_extras();
  return spec;
}

Pixels grey_of(const Pixels& from) {
  Pixels out(from.width, from.height, 1);
  for (size_t i = 0; i < out.data.size(); ++i) out.data[i] = from.data[3 * i];
  return out;
}

Pixels grainy(Pixels pixels) {
  uint32_t state = 1;
  for (uint16_t& sample : pixels.data) {
    state = state * 1664525 + 1013904223;
    sample =
        static_cast<uint16_t>(std::clamp(int{sample} + static_cast<int>(state >> 26) - 32, 0, 255));
  }
  return pixels;
}

constexpr const char* kJpegtran = "jpegtran -copy none -optimize {}";

TEST_F(ImageTest, AJpegThatWouldGrowIsItsCoefficientsAsJpegtranWritesThem) {
  const Bytes plain = jpeg(scenery(320, 240), small_jpeg());
  const Bytes grey = jpeg(grey_of(scenery(321, 240)), small_jpeg());
  JpegSpec subsampled = small_jpeg(), restarts = small_jpeg();
  subsampled.subsampled = true;
  restarts.restart_rows = 1;
  const Bytes in_rgb =
      through("djpeg {} | cjpeg -rgb -optimize -baseline -quality 10", jpeg(scenery(320, 240)));
  ASSERT_TRUE(holds_word(in_rgb, "Adobe"));
  for (const Bytes& source :
       {plain, grey, jpeg(scenery(321, 241), subsampled), jpeg(scenery(320, 240), restarts), in_rgb,
        plus_text(plain, "SecretThatStandsBehindTheEnd")}) {
    expect_kept(source, Format::jpeg, through(kJpegtran, source));
    expect_kept(source, Format::keep, through(kJpegtran, source));
  }
}

TEST_F(ImageTest, AProgressiveJpegKeepsItsScansOnlyWhereOneScanWouldBeLarger) {
  JpegSpec spec;
  spec.quality = 60;
  spec.subsampled = spec.progressive = true;
  const Pixels pixels = grainy(scenery(900, 700));
  const Bytes bare = jpeg(pixels, spec);
  const Bytes in_one = through(kJpegtran, bare);
  ASSERT_GT(in_one.size(), bare.size());
  expect_kept(bare, Format::jpeg, bare);
  spec.extras.comment = "Secret" + std::string(in_one.size() - bare.size(), '.');
  expect_kept(jpeg(pixels, spec), Format::jpeg, in_one);
}

// What the scans leave out is smoothed over in a progressive file, and would not be in another.
TEST_F(ImageTest, AProgressiveJpegThatNeverTellsAllIsMadeAnew) {
  JpegSpec spec;
  spec.quality = 60;
  const std::string scans = "printf '%s' '0,1,2: 0-0, 0, 0;' | jpegtran -scans /dev/stdin {}";
  Bytes source = through(scans, jpeg(grainy(scenery(320, 240)), spec));
  const Bytes frame{0xff, 0xc2};
  ASSERT_NE(std::search(source.begin(), source.end(), frame.begin(), frame.end()), source.end());
  EXPECT_TRUE(image::own_coding(Kind::jpeg, source, {}).empty());
  const std::string all = "jpegtran -progressive {}";
  source = through(all, jpeg(grainy(scenery(320, 240)), spec));
  EXPECT_FALSE(image::own_coding(Kind::jpeg, source, {}).empty());
}

TEST_F(ImageTest, ResolutionIsNotKeptWithTheCoefficients) {
  Bytes source = jpeg(scenery(320, 240), small_jpeg());
  ASSERT_TRUE(holds_word(source, "JFIF"));
  const Bytes expected = through(kJpegtran, source);
  source[13] = 1;  // dots an inch, 300 by 300
  source[14] = source[16] = 1;
  source[15] = source[17] = 0x2c;
  expect_kept(source, Format::jpeg, expected);
}

TEST_F(ImageTest, KeepCopyrightKeepsItBesideTheSourcesCoding) {
  const Bytes source = jpeg(scenery(320, 240), small_jpeg());
  Rendition r = whole_as(Format::jpeg);
  r.metadata = Metadata::keep_copyright;
  const Rendered made = render(source, r);
  EXPECT_EQ(made.verdict.notes, kKept);
  EXPECT_TRUE(holds_word(made.files.at(0), "SecretArtist"));
  EXPECT_FALSE(holds_word(made.files[0], "SecretModel"));
  EXPECT_FALSE(holds_word(made.files[0], "SecretComment"));
  EXPECT_TRUE(through(kJpegtran, made.files[0]) == through(kJpegtran, source));
}

TEST_F(ImageTest, WhatIsAskedForIsMadeAnewHoweverLarge) {
  const Bytes source = jpeg(scenery(320, 240), small_jpeg());
  ASSERT_EQ(render(source, whole_as(Format::jpeg)).verdict.notes, kKept);
  const std::vector<std::pair<const char*, std::function<void(Rendition&)>>> kAsked{
      {"recompress", [](Rendition& r) { r.recompress = Recompress::always; }},
      {"quality", [](Rendition& r) { r.quality = 80; }},
      {"chroma", [](Rendition& r) { r.chroma = Chroma::subsampled; }},
      {"full chroma", [](Rendition& r) { r.chroma = Chroma::full; }},
      {"progressive", [](Rendition& r) { r.scan = Scan::progressive; }},
      {"sharpen", [](Rendition& r) { r.sharpen = 0.5; }},
      {"background", [](Rendition& r) { r.background = {0, 0, 0}; }},
      {"max_bytes", [](Rendition& r) { r.max_bytes = 1 << 20; }},
      {"a smaller size", [](Rendition& r) { r.width_px = 319; }},
      {"a part of it", [](Rendition& r) { r = sized(320, 200, Fit::fill); }},
      {"another shape", [](Rendition& r) { r = sized(320, 200, Fit::force); }},
      {"another format", [](Rendition& r) { r.format = Format::webp; }},
  };
  for (const auto& [which, ask] : kAsked) {
    Rendition r = whole_as(Format::jpeg);
    ask(r);
    expect_made_anew(source, r, which);
    EXPECT_GT(render(source, r).verdict.results.at(0).quality, 0) << which;
  }
}

// As many as are made anew of a small file, and of each its own result.
TEST_F(ImageTest, AmongSeveralRenditionsThatOfTheWholePictureIsKept) {
  const Bytes source = jpeg(scenery(320, 240), small_jpeg());
  Request request;
  request.renditions = {whole_as(Format::jpeg), sized(160, 120), whole_as(Format::keep)};
  request.renditions[1].name = "half";
  request.renditions[2].name = "same";
  const Rendered made = render(source, request);
  EXPECT_EQ(made.verdict.notes, kKept);
  EXPECT_TRUE(made.files.at(0) == through(kJpegtran, source));
  EXPECT_TRUE(made.files[2] == made.files[0]);
  EXPECT_EQ(read(made.files[1]).width, 160);
}

TEST_F(ImageTest, AJpegThatIsNotAsResultsAreIsMadeAnew) {
  const Pixels pixels = scenery(320, 240);
  JpegSpec turned, wide;
  turned.quality = wide.quality = 25;
  ExifSpec tags;
  tags.orientation = 3;
  turned.extras.exif = exif(tags);
  wide.extras.icc = display_p3();
  expect_made_anew(jpeg(pixels, turned), whole_as(Format::jpeg), "turned");
  expect_made_anew(jpeg(pixels, wide), whole_as(Format::jpeg), "Display P3");
  expect_made_anew(jpeg(filled(90, 70, {9, 80, 70, 60}), small_jpeg()), whole_as(Format::jpeg),
                   "ink");
}

// libjpeg takes a file with something between its parts, and warns of it.
TEST_F(ImageTest, AJpegThatTheDecoderWarnsOfIsMadeAnew) {
  Bytes source = jpeg(scenery(320, 240), small_jpeg());
  const Bytes table{0xff, 0xc4};
  const auto at = std::search(source.begin(), source.end(), table.begin(), table.end());
  ASSERT_NE(at, source.end());
  const std::string hidden = "Secret";
  source.insert(at, hidden.begin(), hidden.end());
  expect_made_anew(source, whole_as(Format::jpeg), "extraneous bytes");
  Bytes cut = jpeg(scenery(320, 240), small_jpeg());
  cut.resize(cut.size() - 2);
  expect_made_anew(cut, whole_as(Format::jpeg), "no end marker");
}

}  // namespace
}  // namespace imgq::made
