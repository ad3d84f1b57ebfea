// The optional formats, each with the files that are known to break others.
#include <algorithm>

#include "src/image/container.h"
#include "src/image/exif.h"
#include "src/image/icc.h"
#include "tests/images/rendered.h"

namespace imgq::made {
namespace {

void put(Bytes* out, uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out->push_back(static_cast<uint8_t>(value >> (8 * i)));
}

void entry(Bytes* out, uint32_t tag, uint32_t type, uint32_t count, uint32_t value) {
  put(out, tag, 2);
  put(out, type, 2);
  put(out, count, 4);
  put(out, value, 4);
}

void directory(Bytes* out, uint32_t side, uint32_t strip_at, uint32_t sub_count, uint32_t sub_at,
               uint32_t next) {
  put(out, sub_count > 0 ? 9 : 8, 2);
  entry(out, 256, 4, 1, side);
  entry(out, 257, 4, 1, side);
  entry(out, 258, 3, 1, 8);
  entry(out, 259, 3, 1, 1);
  entry(out, 262, 3, 1, 1);
  entry(out, 273, 4, 1, strip_at);
  entry(out, 278, 4, 1, side);
  entry(out, 279, 4, 1, side * side);
  if (sub_count > 0) entry(out, 330, 4, sub_count, sub_at);
  put(out, next, 4);
}

constexpr uint32_t kDirectoryBytes = 2 + 12 * 8 + 4;

// What kills vips_thumbnail of 8.14.1 with a division by zero.
Bytes tiff_with_sub_directories(uint32_t count) {
  constexpr uint32_t kSide = 64;
  Bytes out{'I', 'I', '*', 0, 8, 0, 0, 0};
  const uint32_t strip = 8 + kDirectoryBytes + 12, table = strip + kSide * kSide,
                 first = table + 4 * count;
  directory(&out, kSide, strip, count, table, 0);
  out.insert(out.end(), kSide * kSide, 0x80);
  for (uint32_t i = 0; i < count; ++i) put(&out, first + i * (kDirectoryBytes + 1), 4);
  for (uint32_t i = 0; i < count; ++i) {
    directory(&out, 1, first + i * (kDirectoryBytes + 1) + kDirectoryBytes, 0, 0, 0);
    out.push_back(7);
  }
  return out;
}

Bytes tiff_with_pages(uint32_t count) {
  Bytes out{'I', 'I', '*', 0, 8, 0, 0, 0};
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t at = 8 + i * (kDirectoryBytes + 1);
    directory(&out, 1, at + kDirectoryBytes, 0, 0, i + 1 < count ? at + kDirectoryBytes + 1 : 0);
    out.push_back(9);
  }
  return out;
}

TEST_F(ImageTest, ATiffWithManySubDirectoriesIsOnlyItsFirstImage) {
  for (const uint32_t count : {31U, 32U, 33U, 200U}) {
    const Rendered made = render(tiff_with_sub_directories(count), sized(50, 50));
    ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
    EXPECT_EQ(made.pixels().width, 50);
    EXPECT_NEAR(made.pixels().at(20, 20), 0x80, 1);
  }
}

TEST_F(ImageTest, ATiffWithMorePagesThanAllowedIsRefusedBeforeItsDecoderSeesIt) {
  Limits limits = all_formats();
  limits.max_frames = 100;
  EXPECT_EQ(render(tiff_with_pages(101), one({}), limits).verdict.code, Code::too_many_frames);
  const Rendered made = render(tiff_with_pages(100), one({}), limits);
  EXPECT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_EQ(made.verdict.source.pages, 100);
}

TEST_F(ImageTest, APngThatSaysItHasEndlessFramesIsOnlyItsFirst) {
  Bytes file = png(filled(8, 8, {1, 2, 3}));
  const Bytes control{0,    0,    0, 8, 'a', 'c', 'T', 'L', 0xff, 0xff,
                      0xff, 0xff, 0, 0, 0,   0,   0,   0,   0,    0};
  file.insert(file.begin() + 33, control.begin(), control.end());
  Limits limits = all_formats();
  EXPECT_EQ(inspect(file, limits).code, Code::ok);
  limits.max_frames = INT32_MAX;
  EXPECT_GE(inspect(file, limits).source.pages, 1);
}

TEST_F(ImageTest, ATiffWhosePagesGoRoundInACircleIsRefused) {
  Bytes file = tiff_with_pages(2);
  const size_t next_of_second = 8 + kDirectoryBytes + 1 + kDirectoryBytes - 4;
  file[next_of_second] = 8;
  EXPECT_EQ(render(file, one({})).verdict.code, Code::too_many_frames);
}

// libtiff calls that a failed allocation, which would be tried again.
TEST_F(ImageTest, ATiffWhoseDirectoryIsEmptyIsDamaged) {
  Bytes file{'I', 'I', '+', 0, 8, 0, 0, 0};
  put(&file, 16, 4);
  file.resize(16 + 8 + 8);
  EXPECT_EQ(render(file, one({})).verdict.code, Code::corrupt_image);
}

// An AVIF of 64 x 64 that says that its sides are so many times 256 long.
Bytes avif_that_says(uint8_t side_256) {
  Rendition r = sized(64, 64);
  r.format = Format::avif;
  Bytes file = render(png(filled(64, 64, {9, 9, 9})), r).files[0];
  const std::string name = "ispe";
  const auto at = std::search(file.begin(), file.end(), name.begin(), name.end());
  for (ptrdiff_t i = 8; i < 16 && file.end() - at > 16; i += 4) {
    at[i + 2] = side_256;
    at[i + 3] = 0;
  }
  return file;
}

TEST_F(ImageTest, AnAvifThatSaysItIsHugeIsRefusedByItsHeader) {
  const Bytes file = avif_that_says(0x30);  // 12,288 x 12,288
  EXPECT_EQ(render(file, one({})).verdict.code, Code::too_large);
  Limits limits = all_formats();
  limits.max_pixels = 100'000'000;
  EXPECT_EQ(render(file, one({}), limits).verdict.code, Code::too_many_pixels);
}

// libheif refuses it itself, in words of a failed allocation: that would be tried again. Releases
// differ in what it takes, so our own bounds are looked at before it sees the file.
TEST_F(ImageTest, AnAvifBeyondWhatItsDecoderTakesIsRefusedForGood) {
  EXPECT_EQ(render(avif_that_says(0x60), one({})).verdict.code, Code::side_too_long);
  Limits limits = all_formats();
  limits.max_side_px = 100'000;
  limits.max_pixels = 10'000'000'000;
  EXPECT_EQ(render(avif_that_says(0x60), one({}), limits).verdict.code, Code::too_large);
}

TEST_F(ImageTest, AProgressiveJpegWithEndlessScansIsRefused) {
  JpegSpec spec;
  spec.progressive = true;
  Bytes file = jpeg(filled(64, 64, {9, 9, 9}), spec);
  // The last scan, again and again.
  size_t scan = file.size();
  for (size_t i = 0; i + 1 < file.size(); ++i) {
    if (file[i] == 0xff && file[i + 1] == 0xda) scan = i;
  }
  const Bytes again(file.begin() + static_cast<ptrdiff_t>(scan), file.end() - 2);
  file.resize(file.size() - 2);
  for (int i = 0; i < 600; ++i) file.insert(file.end(), again.begin(), again.end());
  file.insert(file.end(), {0xff, 0xd9});
  EXPECT_EQ(render(file, one({})).verdict.code, Code::corrupt_image);
}

// ImageWidth and ImageLength (TIFF 6.0), one value each.
TEST_F(ImageTest, ATiffWithoutASideIsCorrupt) {
  for (const uint8_t tag : {uint8_t{0x00}, uint8_t{0x01}}) {
    Bytes file = tiff(scenery(64, 48));
    const auto is_entry = [&](size_t at) {
      return file[at] == tag && file[at + 1] == 1 && file[at + 4] == 1 &&
             file[at + 8] == (tag == 0 ? 64 : 48);
    };
    size_t at = 0;
    while (!is_entry(at)) ++at;
    file[at + 8] = 0;
    EXPECT_EQ(render(file, one({})).verdict.code, Code::corrupt_image);
  }
}

TEST_F(ImageTest, NoiseBehindEverySignatureIsRefusedNotObeyed) {
  const Pixels pixels = scenery(64, 48);
  Rendition avif = sized(64, 64);
  avif.format = Format::avif;
  const std::vector<Bytes> files{jpeg(pixels), png(pixels),
                                 webp(pixels), gif({filled(64, 48, {3})}, {{1, 2, 3}}),
                                 tiff(pixels), render(png(pixels), avif).files[0]};
  uint32_t seed = 12345;
  for (const Bytes& whole : files) {
    for (int round = 0; round < 150; ++round) {
      Bytes file = whole;
      for (int i = 0; i < 1 + round % 12; ++i) {
        seed = seed * 1664525 + 1013904223;
        file[seed % (round % 2 == 0 ? std::min<size_t>(file.size(), 200) : file.size())] =
            static_cast<uint8_t>(seed >> 24);
      }
      const Verdict verdict = render(file, one({})).verdict;
      EXPECT_TRUE(verdict.code == Code::ok || is_permanent(verdict.code))
          << name_of(verdict.code) << ": " << verdict.message;
    }
  }
}

}  // namespace
}  // namespace imgq::made

namespace imgq::image {
namespace {

TEST(ExifBlock, IsReadBackAsItWasWritten) {
  Exif exif;
  exif.artist = "Ann Example";
  exif.copyright = "(c)";  // fits into the entry itself
  const std::vector<uint8_t> block = write_exif(exif);
  const Exif back = read_exif(block);
  EXPECT_EQ(back.artist, exif.artist);
  EXPECT_EQ(back.copyright, exif.copyright);
  EXPECT_EQ(back.orientation, 1);
  EXPECT_TRUE(write_exif({}).empty());
}

TEST(ExifBlock, CutAnywhereIsReadWithoutHarm) {
  made::ExifSpec spec;
  spec.orientation = 6;
  spec.artist = "Ann Example";
  spec.copyright = "Copyright 2026";
  spec.gps = true;
  const made::Bytes block = made::exif(spec);
  for (size_t size = 0; size <= block.size(); ++size) {
    const made::Bytes cut(block.begin(), block.begin() + static_cast<ptrdiff_t>(size));
    const Exif exif = read_exif(cut);
    EXPECT_TRUE(exif.artist.empty() || exif.artist == spec.artist) << size;
  }
  EXPECT_EQ(read_exif(block).orientation, 6);
  EXPECT_EQ(read_exif(block).copyright, spec.copyright);
}

TEST(ExifBlock, BigEndianIsRead) {
  const made::Bytes block{'M', 'M', 0, '*', 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0,
                          3,   0,   0, 0,   1, 0, 3, 0, 0, 0, 0,    0,    0};
  EXPECT_EQ(read_exif(block).orientation, 3);
}

TEST(Icc, SrgbIsKnownByItsNumbers) {
  EXPECT_TRUE(is_srgb(made::srgb()));
  EXPECT_FALSE(is_srgb(made::display_p3()));
  EXPECT_FALSE(is_srgb(made::adobe_rgb()));
  EXPECT_FALSE(is_srgb(made::grey_gamma(2.2)));
  EXPECT_FALSE(is_srgb({}));
}

TEST(Icc, AProfileCutAnywhereIsReadWithoutHarm) {
  const made::Bytes profile = made::srgb();
  for (size_t size = 0; size < profile.size(); ++size) {
    const View cut(profile.data(), size);
    (void)profile_name(cut);
    EXPECT_FALSE(size < 200 && is_srgb(cut));
  }
}

}  // namespace
}  // namespace imgq::image
