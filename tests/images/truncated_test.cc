// Never a silent half image.
#include "tests/images/rendered.h"

namespace imgq::made {
namespace {

struct Sample {
  const char* name;
  Bytes file;
};

std::vector<Sample> samples() {
  const Pixels pixels = scenery(160, 120);
  JpegSpec progressive, restarts, subsampled;
  progressive.progressive = true;
  progressive.quality = 90;
  restarts.restart_rows = 1;
  subsampled.subsampled = true;
  PngSpec interlaced;
  interlaced.interlaced = true;
  WebpSpec lossy;
  lossy.lossless = false;
  Pixels indices(160, 120, 1);
  for (size_t i = 0; i < indices.data.size(); ++i) indices.data[i] = static_cast<uint16_t>(i % 7);
  return {{"baseline JPEG", jpeg(pixels, subsampled)},
          {"JPEG with restarts", jpeg(pixels, restarts)},
          {"progressive JPEG", jpeg(pixels, progressive)},
          {"PNG", png(pixels)},
          {"interlaced PNG", png(pixels, interlaced)},
          {"lossy WebP", webp(pixels, lossy)},
          {"lossless WebP", webp(pixels)},
          {"TIFF", tiff(pixels)},
          {"GIF", gif({indices}, {{1, 2, 3}, {200, 2, 3}, {9, 9, 200}})}};
}

Bytes cut_at(const Bytes& file, size_t size) {
  return {file.begin(), file.begin() + static_cast<ptrdiff_t>(size)};
}

TEST_F(ImageTest, AJpegThatLacksItsEndMarkerAloneIsWhole) {
  for (const bool progressive : {false, true}) {
    JpegSpec spec;
    spec.progressive = progressive;
    const Bytes file = jpeg(scenery(160, 120), spec);
    const Rendered made = render(cut_at(file, file.size() - 2), lossless());
    ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
    EXPECT_TRUE(near(made.pixels(), render(file, lossless()).pixels(), 0));
  }
}

TEST_F(ImageTest, AFileCutAnywhereIsRefusedOrHadAllItsPixels) {
  for (const Sample& sample : samples()) {
    const Pixels whole = render(sample.file, lossless()).pixels();
    int refused = 0;
    constexpr size_t kCuts = 60;
    for (size_t i = 1; i < kCuts; ++i) {
      const Rendered made = render(cut_at(sample.file, sample.file.size() * i / kCuts), lossless());
      ASSERT_EQ(made.verdict.code, Code::truncated)
          << sample.name << " cut at " << i << "/" << kCuts << ": " << made.verdict.message;
      EXPECT_EQ(made.verdict.message.find("the file ends "), 0U) << made.verdict.message;
      EXPECT_TRUE(made.files[0].empty());
      ++refused;
    }
    EXPECT_EQ(refused, 59);
    for (size_t less = 1; less <= 16; ++less) {
      const Rendered made = render(cut_at(sample.file, sample.file.size() - less), lossless());
      if (made.verdict.code == Code::ok) {
        EXPECT_TRUE(near(made.pixels(), whole, 0)) << sample.name << " less " << less;
      } else {
        EXPECT_EQ(made.verdict.code, Code::truncated) << sample.name << " less " << less;
      }
    }
  }
}

TEST_F(ImageTest, AFileCutInItsHeaderIsRefused) {
  for (const Sample& sample : samples()) {
    for (size_t size = 1; size < 40; ++size) {
      const Code code = render(cut_at(sample.file, size), lossless()).verdict.code;
      EXPECT_TRUE(code == Code::truncated || (size < 12 && code == Code::not_an_image))
          << sample.name << " of " << size << " bytes: " << name_of(code);
    }
  }
}

TEST_F(ImageTest, LenientAcceptsACutFileAndSaysSo) {
  for (const Sample& sample : samples()) {
    Request request = one(lossless());
    request.truncated = Truncated::accept;
    const Rendered made = render(cut_at(sample.file, sample.file.size() * 3 / 4), request);
    ASSERT_EQ(made.verdict.code, Code::ok) << sample.name << ": " << made.verdict.message;
    EXPECT_EQ(made.verdict.notes, std::vector<std::string>{"truncated_accepted"}) << sample.name;
    const Pixels out = made.pixels(), whole = render(sample.file, lossless()).pixels();
    EXPECT_EQ(out.width, whole.width);
    for (int band = 0; band < 3; ++band) {
      EXPECT_NEAR(out.at(5, 2, band), whole.at(5, 2, band), 12) << sample.name;
    }
  }
}

// By the place of a pixel in Adam7's order: what the passes that came have of the 8 by 8 around it.
TEST_F(ImageTest, LenientShowsTheLastPassThatCameOfAnInterlacedPng) {
  const Pixels pixels = scenery(400, 300);
  for (const int depth : {8, 16}) {
    PngSpec spec;
    spec.interlaced = true;
    spec.depth = depth;
    Pixels deep = pixels;
    for (uint16_t& value : deep.data)
      value = static_cast<uint16_t>(value * (depth == 16 ? 257 : 1));
    const Bytes file = png(deep, spec);
    Request request = one(lossless());
    request.truncated = Truncated::accept;
    // The first three passes are a sixteenth of the pixels, the first six half of them.
    const Rendered made = render(cut_at(file, file.size() / 4), request);
    ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
    const Pixels out = made.pixels();
    for (int y = 0; y < 300; y += 4) {
      for (int x = 0; x < 400; x += 4) {
        for (int band = 0; band < 3; ++band) {
          ASSERT_EQ(out.at(x, y, band), pixels.at(x, y, band)) << x << "," << y;
          ASSERT_EQ(out.at(x + 1, y + 1, band), pixels.at(x, y / 2 * 2, band)) << x << "," << y;
        }
      }
    }
  }
}

TEST_F(ImageTest, LenientTakesNothingFromWhereThereIsNothing) {
  Request request = one(lossless());
  request.truncated = Truncated::accept;
  const Bytes animated = animated_webp({scenery(160, 120), scenery(160, 120)});
  for (const Sample& sample : samples()) {
    const Rendered made = render(cut_at(sample.file, 60), request);
    EXPECT_EQ(made.verdict.code, Code::truncated) << sample.name << ": " << made.verdict.message;
  }
  EXPECT_EQ(render(cut_at(animated, animated.size() / 2), request).verdict.code, Code::truncated);
}

TEST_F(ImageTest, LenientNotesNothingOnAWholeFile) {
  for (const Sample& sample : samples()) {
    Request request = one(lossless());
    request.renditions[0].recompress = Recompress::always;  // its own coding has a note
    request.truncated = Truncated::accept;
    const Rendered made = render(sample.file, request);
    EXPECT_EQ(made.verdict.code, Code::ok) << sample.name;
    EXPECT_TRUE(made.verdict.notes.empty()) << sample.name;
  }
}

// All rows are there, and then no end but rubbish: not worse than without the option.
TEST_F(ImageTest, LenientTakesAPngWhoseRowsAreAllThere) {
  for (const bool interlaced : {false, true}) {
    for (const int height : {1, 2, 9, 120}) {
      PngSpec spec;
      spec.interlaced = interlaced;
      Bytes file = png(scenery(33, height), spec);
      file.resize(file.size() - 12);
      const Bytes rubbish{255, 255, 255, 240, 'z', 'z', 'Z', 'z', 0, 0, 0, 0, 0, 0, 0, 0};
      file.insert(file.end(), rubbish.begin(), rubbish.end());
      Request request = one(lossless());
      ASSERT_EQ(render(file, request).verdict.code, Code::ok);
      request.truncated = Truncated::accept;
      const Rendered made = render(file, request);
      ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
      EXPECT_EQ(made.verdict.notes, std::vector<std::string>{"truncated_accepted"});
      EXPECT_TRUE(near(made.pixels(), scenery(33, height), 0));
    }
  }
}

// The file is whole, its image is not.
TEST_F(ImageTest, DamageInTheMiddleIsCorruptNotTruncated) {
  Bytes noisy = png(scenery(160, 120));
  for (size_t i = noisy.size() / 2; i < noisy.size() / 2 + 40; ++i) {
    noisy[i] = static_cast<uint8_t>(i * 37 % 251);
  }
  const Rendered noise = render(noisy, lossless());
  EXPECT_EQ(noise.verdict.code, Code::corrupt_image);
  EXPECT_EQ(noise.verdict.message, "the image data is damaged");
  Bytes interrupted = jpeg(scenery(160, 120));
  const size_t middle = interrupted.size() / 2;
  interrupted[middle] = 0xff;  // a marker that has no business here
  interrupted[middle + 1] = 0xd3;
  const Rendered interruption = render(interrupted, lossless());
  EXPECT_EQ(interruption.verdict.code, Code::corrupt_image);
  EXPECT_EQ(interruption.verdict.message, "the image data is damaged");
  Request lenient = one(lossless());
  lenient.truncated = Truncated::accept;
  const Rendered made = render(interrupted, lenient);
  EXPECT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_EQ(made.verdict.notes, std::vector<std::string>{"damage_accepted"});
}

// Some cameras leave rubbish between the parts of a file. Nothing of the image is missing.
TEST_F(ImageTest, RubbishBeforeAMarkerAndAfterTheEndIsHarmless) {
  Bytes file = jpeg(scenery(160, 120));
  const Pixels whole = render(file, lossless()).pixels();
  file.insert(file.end(), 5000, 0x55);
  EXPECT_TRUE(near(render(file, lossless()).pixels(), whole, 0));
  file.resize(file.size() - 5000);
  file.insert(file.end() - 2, {0x12, 0x34, 0x56});
  const Rendered made = render(file, lossless());
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_TRUE(near(made.pixels(), whole, 0));
}

TEST_F(ImageTest, InspectWritesNothingAndHasThePlaceholderOfARendition) {
  for (const Sample& sample : samples()) {
    const Verdict verdict = inspect(sample.file);
    EXPECT_EQ(verdict.code, Code::ok) << sample.name << ": " << verdict.message;
    EXPECT_EQ(verdict.source.width_px, 160) << sample.name;
    EXPECT_EQ(verdict.source.height_px, 120) << sample.name;
    EXPECT_TRUE(verdict.results.empty());
    EXPECT_EQ(verdict.source.thumbhash, render(sample.file, Request{}).verdict.source.thumbhash);
    EXPECT_TRUE(verdict.notes.empty());
  }
}

TEST_F(ImageTest, InspectTellsTheHeaderOfWhatCannotBeDecoded) {
  for (const Sample& sample : samples()) {
    const Verdict verdict = inspect(cut_at(sample.file, sample.file.size() * 3 / 4));
    if (verdict.code != Code::ok) continue;  // refused by its container already
    EXPECT_EQ(verdict.source.width_px, 160) << sample.name;
    EXPECT_TRUE(verdict.source.thumbhash.empty()) << sample.name;
    EXPECT_EQ(verdict.notes, std::vector<std::string>{"no_placeholder"}) << sample.name;
  }
}

}  // namespace
}  // namespace imgq::made
