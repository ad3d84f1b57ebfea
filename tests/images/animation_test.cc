// Animated in, animated out: what is written is read back by libwebp's own player.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/base/notes.h"
#include "tests/images/rendered.h"

namespace imgq::made {
namespace {

const std::vector<Colour> kPalette{{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {255, 255, 0}, {9, 9, 9}};
const Colour kRed{255, 0, 0, 255}, kGreen{0, 255, 0, 255}, kBlue{0, 0, 255, 255};
const Colour kNothing{0, 0, 0, 0};

Rendition animated(int width = 2000, int height = 2000) {
  Rendition r = sized(width, height);
  r.format = Format::webp;
  r.loss = Loss::none;
  r.motion = Motion::kept;
  return r;
}

MadeFrame plain(int width, int height, int index, int delay = 10) {
  return {filled(width, height, {static_cast<uint16_t>(index)}), 0, 0, delay};
}

Animation played(const Bytes& file, const Rendition& rendition) {
  const Rendered made = render(file, rendition);
  EXPECT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_TRUE(made.verdict.notes.empty());
  return read_animation(made.files.at(0));
}

std::vector<int> ends(const Animation& animation) {
  std::vector<int> out;
  for (const Shown& frame : animation.frames) out.push_back(frame.end_ms);
  return out;
}

TEST_F(ImageTest, AnAnimationIsItsFirstFrameUnlessAskedFor) {
  const Bytes file = animated_gif({8, 8}, {plain(8, 8, 0), plain(8, 8, 1)}, kPalette);
  Rendition still = animated();
  still.motion = Motion::first_frame;
  const Rendered made = render(file, still);
  EXPECT_EQ(read_animation(made.files.at(0)).frames.size(), 1U);
  EXPECT_EQ(played(file, animated()).frames.size(), 2U);
}

// A third of the size: over the border of two frames there would be both of them in a row.
TEST_F(ImageTest, NoFrameShinesIntoAnother) {
  const Bytes file =
      animated_gif({99, 60}, {plain(99, 60, 0), plain(99, 60, 1), plain(99, 60, 2)}, kPalette);
  const Animation out = played(file, animated(33, 20));
  ASSERT_EQ(ends(out), (std::vector{100, 200, 300}));
  const std::vector<Colour> expected{kRed, kGreen, kBlue};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(near(out.frames[i].pixels, filled(33, 20, expected[i]), 0)) << i;
  }
}

// GIF89a: 0 and 1 leave, 2 clears to nothing whatever the background is, 3 puts back; 4 is what
// some write for 3.
TEST_F(ImageTest, EachDisposalOfAGifIsKept) {
  const auto shown = [](int disposal) {
    MadeFrame patch = plain(4, 4, 1);
    patch.left = 2;
    patch.top = 3;
    patch.disposal = disposal;
    MadeFrame corner = plain(1, 1, 2);
    return played(animated_gif({10, 10, -1, 3}, {plain(10, 10, 0), patch, corner}, kPalette),
                  animated());
  };
  for (const int disposal : {0, 1, 2, 3, 4}) {
    const Animation out = shown(disposal);
    ASSERT_EQ(out.frames.size(), 3U) << disposal;
    EXPECT_TRUE(shows(out.at(150), 2, 3, kGreen, 0)) << disposal;
    EXPECT_TRUE(shows(out.at(150), 5, 6, kGreen, 0)) << disposal;
    EXPECT_TRUE(shows(out.at(150), 6, 6, kRed, 0)) << disposal;
    const Colour left = disposal < 2 ? kGreen : disposal == 2 ? kNothing : kRed;
    EXPECT_TRUE(shows(out.at(250), 3, 4, left, 0)) << disposal;
    EXPECT_TRUE(shows(out.at(250), 0, 0, kBlue, 0)) << disposal;
    EXPECT_TRUE(shows(out.at(250), 9, 9, kRed, 0)) << disposal;
  }
}

TEST_F(ImageTest, OutsideTheFirstFrameOfAGifIsNothing) {
  MadeFrame first = plain(4, 4, 0);
  first.left = 5;
  first.top = 2;
  MadeFrame beyond = plain(30, 30, 1);  // is cut to the canvas
  beyond.left = 8;
  beyond.top = 8;
  const Animation out = played(animated_gif({12, 10}, {first, beyond}, kPalette), animated());
  ASSERT_EQ(out.frames.size(), 2U);
  EXPECT_TRUE(shows(out.at(0), 5, 2, kRed, 0));
  EXPECT_TRUE(shows(out.at(0), 4, 2, kNothing, 0));
  EXPECT_TRUE(shows(out.at(150), 11, 9, kGreen, 0));
  EXPECT_TRUE(shows(out.at(150), 7, 9, kNothing, 0));
  EXPECT_TRUE(shows(out.at(150), 8, 5, kRed, 0));
}

TEST_F(ImageTest, ATransparentIndexShowsWhatIsBelow) {
  MadeFrame stripes = plain(6, 6, 1);
  for (int x = 0; x < 6; ++x) stripes.pixels.at(x, 3) = 2;
  stripes.transparent = 1;
  const Animation out =
      played(animated_gif({6, 6}, {plain(6, 6, 0), stripes}, kPalette), animated());
  EXPECT_TRUE(shows(out.at(150), 2, 3, kBlue, 0));
  EXPECT_TRUE(shows(out.at(150), 2, 2, kRed, 0));
}

TEST_F(ImageTest, AnInterlacedFrameHasItsRowsInPlace) {
  for (const int height : {1, 2, 3, 5, 8, 21}) {
    MadeFrame rows{Pixels(3, height, 1), 0, 0, 10};
    rows.interlaced = true;
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < 3; ++x) rows.pixels.at(x, y) = static_cast<uint16_t>((y * 7 + x) % 5);
    }
    const Animation out =
        played(animated_gif({3, height}, {plain(3, height, 3), rows}, kPalette), animated());
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < 3; ++x) {
        Colour expected = kPalette[static_cast<size_t>((y * 7 + x) % 5)];
        expected.push_back(255);
        ASSERT_TRUE(shows(out.at(150), x, y, expected, 0)) << height;
      }
    }
  }
}

// Noise fills the table of codes; then what repeats makes long ones, and a code of itself.
TEST_F(ImageTest, EveryLengthOfCodeIsRead) {
  std::vector<Colour> palette;
  for (uint16_t i = 0; i < 256; ++i) {
    palette.push_back({i, static_cast<uint16_t>(255 - i), static_cast<uint16_t>(i * 7 % 256)});
  }
  MadeFrame noise{Pixels(120, 90, 1), 0, 0, 10};
  uint32_t seed = 1;
  for (size_t i = 0; i < noise.pixels.data.size(); ++i) {
    seed = seed * 1664525 + 1013904223;
    noise.pixels.data[i] = static_cast<uint16_t>(i % 2000 < 500 ? 7
                                                 : i % 97 < 40  ? i % 3
                                                                : seed >> 24);
  }
  noise.compressed = true;
  const Animation out =
      played(animated_gif({120, 90}, {plain(120, 90, 3), noise}, palette), animated());
  for (int y = 0; y < 90; ++y) {
    for (int x = 0; x < 120; ++x) {
      Colour expected = palette[noise.pixels.at(x, y)];
      expected.push_back(255);
      ASSERT_TRUE(shows(out.at(150), x, y, expected, 0));
    }
  }
}

// What browsers show: 0 and 10 ms are 100, and so is a frame that says nothing.
TEST_F(ImageTest, EachFrameKeepsItsDelay) {
  const Bytes file = animated_gif({4, 4},
                                  {plain(4, 4, 0, 0), plain(4, 4, 1, 1), plain(4, 4, 2, 2),
                                   plain(4, 4, 3, -1), plain(4, 4, 4, 65535), plain(4, 4, 0, 7)},
                                  kPalette);
  EXPECT_EQ(ends(played(file, animated())), (std::vector{100, 200, 220, 320, 655670, 655740}));
  std::vector<MadeFrame> frames;
  for (const int delay : {0, 10, 11, 15, 20, 333}) {
    frames.push_back({filled(4, 4, {static_cast<uint16_t>(delay % 256), 3, 3}), 0, 0, delay});
  }
  EXPECT_EQ(ends(played(animated_webp({4, 4}, frames), animated())),
            (std::vector{100, 200, 211, 226, 246, 579}));
}

// Three frames of 4.6 hours are more than a number of libwebp's can count with two hundred.
TEST_F(ImageTest, DelaysThatAddUpToMoreThanCanBeCountedAreShortened) {
  std::vector<MadeFrame> frames;
  for (uint16_t i = 0; i < 200; ++i) frames.push_back({filled(2, 2, {i, 3, 3}), 0, 0, 0xffffff});
  const Animation out = played(animated_webp({2, 2}, frames), animated());
  ASSERT_EQ(out.frames.size(), 200U);
  EXPECT_EQ(out.frames.back().end_ms, 2147483600);
}

TEST_F(ImageTest, EqualFramesKeepTheirTime) {
  const Bytes file = animated_gif(
      {4, 4}, {plain(4, 4, 0, 30), plain(4, 4, 0, 20), plain(4, 4, 1, 20), plain(4, 4, 1, 30)},
      kPalette);
  const Animation out = played(file, animated());
  EXPECT_EQ(out.frames.back().end_ms, 1000);
  EXPECT_TRUE(shows(out.at(499), 1, 1, kRed, 0));
  EXPECT_TRUE(shows(out.at(500), 1, 1, kGreen, 0));
}

// A GIF says how often it is repeated, a WebP how often it is shown; 0 is for ever in both.
TEST_F(ImageTest, TheNumberOfLoopsIsKept) {
  const std::vector<std::pair<int, int>> gifs{{-1, 1}, {0, 0}, {1, 2}, {3, 4}, {65535, 65535}};
  for (const auto& [told, expected] : gifs) {
    const Bytes file = animated_gif({4, 4, told}, {plain(4, 4, 0), plain(4, 4, 1)}, kPalette);
    EXPECT_EQ(played(file, animated()).loops, expected) << told;
  }
  for (const int told : {0, 1, 2, 5, 65535}) {
    const Bytes file =
        animated_webp({4, 4, told}, {{filled(4, 4, {9, 9, 9})}, {filled(4, 4, {99, 9, 9})}});
    EXPECT_EQ(played(file, animated()).loops, told);
  }
}

// Against what libwebp's player makes of the source itself.
TEST_F(ImageTest, OffsetsBlendingAndClearingOfAWebpAreKept) {
  Pixels half = filled(20, 14, {250, 120, 10, 128});
  for (int x = 0; x < 20; ++x) half.at(x, 5, 3) = static_cast<uint16_t>(x * 13);
  std::vector<MadeFrame> frames;
  frames.push_back({filled(24, 16, {10, 200, 90, 100}), 4, 2, 40});
  for (int i = 0; i < 4; ++i) {
    MadeFrame next{half, 2 * i, 4, 50};
    next.blended = i != 2;
    next.disposal = i % 2;
    frames.push_back(next);
  }
  const Bytes file = animated_webp({32, 20, 0}, frames);
  const Animation before = read_animation(file), out = played(file, animated());
  ASSERT_EQ(ends(out), ends(before));
  for (size_t i = 0; i < before.frames.size(); ++i) {
    const Pixels &expected = before.frames[i].pixels, &made = out.frames[i].pixels;
    for (int y = 0; y < 20; ++y) {
      for (int x = 0; x < 32; ++x) {
        // libwebp rounds down at each frame that is blended.
        const int rounded = static_cast<int>(i) + 1;
        ASSERT_NEAR(made.at(x, y, 3), expected.at(x, y, 3), rounded) << x << "," << y;
        // Against black: a colour that is not seen is none.
        const auto seen = [&](const Pixels& p, int b) {
          return p.at(x, y, b) * p.at(x, y, 3) / 255;
        };
        for (int b = 0; b < 3; ++b) ASSERT_NEAR(seen(made, b), seen(expected, b), rounded) << i;
      }
    }
  }
}

// Each page turns by itself: turned as one strip the last would come first.
TEST_F(ImageTest, EveryFrameIsTurnedUpright) {
  MadeCanvas canvas{60, 40};
  ExifSpec turned;
  turned.orientation = 6;
  canvas.extras.exif = exif(turned);
  Pixels second = six_blocks(20);
  for (uint16_t& sample : second.data) sample = static_cast<uint16_t>(255 - sample);
  const Animation out = played(animated_webp(canvas, {{six_blocks(20)}, {second}}), animated());
  ASSERT_EQ(out.frames.size(), 2U);
  ASSERT_EQ(out.frames[0].pixels.width, 40);
  ASSERT_EQ(out.frames[0].pixels.height, 60);
  EXPECT_TRUE(shows(out.at(0), 35, 5, {230, 30, 30, 255}, 0));
  EXPECT_TRUE(shows(out.at(0), 35, 55, {30, 30, 220, 255}, 0));
  EXPECT_TRUE(shows(out.at(150), 35, 5, {25, 225, 225, 255}, 0));
}

TEST_F(ImageTest, EveryFrameIsCutPaddedAndMadeGrey) {
  Pixels left = filled(40, 20, {0});
  for (int y = 0; y < 20; ++y) {
    for (int x = 20; x < 40; ++x) left.at(x, y) = 1;
  }
  const Bytes file = animated_gif({40, 20}, {{left}, plain(40, 20, 2)}, kPalette);
  Rendition cut = animated(20, 20);
  cut.fit = Fit::fill;
  cut.anchor = Anchor::east;
  EXPECT_TRUE(near(played(file, cut).at(0), filled(20, 20, kGreen), 0));
  Rendition padded = animated(40, 40);
  padded.fit = Fit::pad;
  padded.background = {1, 2, 3};
  const Animation framed = played(file, padded);
  EXPECT_TRUE(shows(framed.at(1000), 10, 5, {1, 2, 3, 255}, 0));
  EXPECT_TRUE(shows(framed.at(1000), 10, 20, kBlue, 0));
  Rendition grey = animated();
  grey.shades = Shades::grey;
  // 0.0722 of the light is 76 of 255 in sRGB (IEC 61966-2-1): 255 (1.055 0.0722^(1/2.4) - 0.055).
  EXPECT_TRUE(shows(played(file, grey).at(1000), 10, 10, {76, 76, 76, 255}, 1));
}

// What is found in the first frame counts for all: the crop would jump.
TEST_F(ImageTest, TheSmartPartIsOneForAllFrames) {
  Pixels busy = filled(90, 30, {4}), other = filled(90, 30, {4});
  for (int y = 4; y < 26; ++y) {
    for (int x = 64; x < 86; ++x) busy.at(x, y) = static_cast<uint16_t>((x * 7 + y * 3) % 4);
    for (int x = 4; x < 26; ++x) other.at(x, y) = static_cast<uint16_t>((x * 7 + y * 3) % 4);
  }
  Rendition r = animated(30, 30);
  r.fit = Fit::fill;
  r.anchor = Anchor::entropy;
  const Animation out = played(animated_gif({90, 30}, {{busy}, {other}}, kPalette), r);
  EXPECT_FALSE(near(out.at(0), filled(30, 30, {9, 9, 9, 255}), 60));
  EXPECT_TRUE(near(out.at(1500), filled(30, 30, {9, 9, 9, 255}), 0));
}

// Red beside what cannot be seen keeps its colour at every grade of the edge.
TEST_F(ImageTest, EdgesOfAnAnimationTakeOnNoHiddenColour) {
  Pixels edge = filled(30, 30, {0});
  for (int y = 0; y < 30; ++y) {
    for (int x = 16; x < 30; ++x) edge.at(x, y) = 2;
  }
  MadeFrame first{edge};
  first.transparent = 2;
  first.disposal = 2;
  const Animation out =
      played(animated_gif({30, 30}, {first, plain(30, 30, 1)}, kPalette), animated(10, 10));
  for (int x = 0; x < 10; ++x) {
    if (out.at(0).at(x, 5, 3) == 0) continue;
    EXPECT_EQ(out.at(0).at(x, 5, 0), 255) << x;
    EXPECT_EQ(out.at(0).at(x, 5, 2), 0) << x;
  }
}

// 215,93,31 in sRGB is what lcms makes of Display P3's 200,100,50.
TEST_F(ImageTest, TheProfileOfAnAnimationIsApplied) {
  MadeCanvas canvas{16, 16};
  canvas.extras.icc = display_p3();
  const Bytes file =
      animated_webp(canvas, {{filled(16, 16, {10, 10, 10})}, {filled(16, 16, {200, 100, 50})}});
  EXPECT_TRUE(near(played(file, animated()).at(150), filled(16, 16, {215, 93, 31, 255}), 1));
  Rendition keep = animated();
  keep.colours = Colours::keep;
  const Rendered kept = render(file, keep);
  EXPECT_TRUE(near(read_animation(kept.files[0]).at(150), filled(16, 16, {200, 100, 50, 255}), 0));
  const std::string text(kept.files[0].begin(), kept.files[0].end());
  EXPECT_NE(text.find("ICCP"), std::string::npos);
}

TEST_F(ImageTest, NoMetadataIsLeftInAnAnimationButWhatIsAskedFor) {
  MadeCanvas canvas{16, 16};
  canvas.extras = {
      display_p3(), exif({1, 3, "Ann Author", "(c) Ann", "SecretCam", true}), {}, {}, {}};
  canvas.extras.xmp = Bytes{'<', 'S', 'e', 'c', 'r', 'e', 't', '>'};
  const Bytes file =
      animated_webp(canvas, {{filled(16, 16, {9, 9, 9})}, {filled(16, 16, {99, 9, 9})}});
  const auto text_of = [&](const Rendition& r) {
    const Rendered made = render(file, r);
    EXPECT_EQ(read_animation(made.files.at(0)).frames.size(), 2U);
    return std::string(made.files[0].begin(), made.files[0].end());
  };
  const std::string bare = text_of(animated());
  for (const char* part : {"EXIF", "XMP ", "ICCP", "Secret", "Ann"}) {
    EXPECT_EQ(bare.find(part), std::string::npos) << part;
  }
  EXPECT_EQ(bare[20] & ~0x12, 0);  // VP8X says alpha and animation at most
  Rendition keep = animated();
  keep.metadata = Metadata::keep_copyright;
  const std::string kept = text_of(keep);
  EXPECT_NE(kept.find("Ann Author"), std::string::npos);
  EXPECT_EQ(kept.find("Secret"), std::string::npos);
}

TEST_F(ImageTest, AnAnimationBeyondTheLimitsIsItsFirstFrameWithANote) {
  const Bytes file =
      animated_gif({20, 10}, {plain(20, 10, 0), plain(20, 10, 1), plain(20, 10, 2)}, kPalette);
  const auto made = [&](int frames, int64_t pixels, const Rendition& r) {
    Limits limits = all_formats();
    limits.max_animation_frames = frames;
    limits.max_animation_pixels = pixels;
    return render(file, one(r), limits);
  };
  const std::vector<std::string> note{std::string(note::kFirstFrame)};
  Rendition enlarged = animated(40, 20);
  enlarged.enlarge = Enlarge::allow;
  EXPECT_TRUE(made(3, 600, animated()).verdict.notes.empty());
  for (const Rendered& still :
       {made(2, 600, animated()), made(3, 599, animated()), made(3, 2399, enlarged)}) {
    EXPECT_EQ(still.verdict.code, Code::ok);
    EXPECT_EQ(still.verdict.notes, note);
    EXPECT_EQ(still.verdict.source.pages, 3);
    EXPECT_EQ(read_animation(still.files.at(0)).frames.size(), 1U);
  }
  EXPECT_TRUE(made(3, 2400, enlarged).verdict.notes.empty());
  EXPECT_EQ(made(2, 600, lossless()).verdict.notes.size(), 0U);
}

TEST_F(ImageTest, AStillPictureIsStillAndAnAnimationOfAnotherKindIsToldOf) {
  EXPECT_EQ(read_animation(render(png(six_blocks(4)), animated()).files.at(0)).frames.size(), 1U);
  const Rendered made = render(jxl({filled(8, 8, {1, 2, 3}), filled(8, 8, {9, 9, 9})}), animated());
  EXPECT_EQ(made.verdict.notes, std::vector<std::string>{std::string(note::kFirstFrame)});
}

TEST_F(ImageTest, AutoAndKeepMakeAWebpOfAnAnimation) {
  const Bytes file = animated_gif({20, 10}, {plain(20, 10, 0), plain(20, 10, 1)}, kPalette);
  for (const Format format : {Format::automatic, Format::keep, Format::webp}) {
    Rendition r = animated();
    r.loss = Loss::allowed;
    r.format = format;
    const Rendered made = render(file, r);
    ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
    EXPECT_EQ(made.verdict.results.at(0).format, "webp");
    EXPECT_EQ(made.verdict.results[0].quality, format_of(Format::webp)->quality);
    EXPECT_EQ(read_animation(made.files.at(0)).frames.size(), 2U);
  }
}

TEST_F(ImageTest, StillAndAnimatedResultsComeFromOneRequest) {
  const Bytes file = animated_gif({60, 60}, {plain(60, 60, 0), plain(60, 60, 1)}, kPalette);
  Request request;
  Rendition still = sized(30, 30), moving = animated(20, 20), other = animated(10, 10);
  still.format = Format::png;
  moving.name = "moving";
  other.name = "other";
  request.renditions = {still, moving, other};
  const Rendered made = render(file, request);
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_TRUE(shows(read(made.files.at(0)), 9, 9, {255, 0, 0}, 0));
  for (size_t i = 1; i < 3; ++i) {
    EXPECT_TRUE(shows(read_animation(made.files.at(i)).at(150), 5, 5, kGreen, 0));
  }
  EXPECT_EQ(render(file, request).files, made.files);
}

TEST_F(ImageTest, AnAnimationThatEndsEarlyIsRefusedOrTakenAsFarAsItGoes) {
  Bytes file =
      animated_gif({40, 40}, {plain(40, 40, 0), plain(40, 40, 1), plain(40, 40, 2)}, kPalette);
  file.resize(file.size() - 900);
  EXPECT_EQ(render(file, animated()).verdict.code, Code::truncated);
  Request lenient = one(animated());
  lenient.truncated = Truncated::accept;
  const Rendered made = render(file, lenient);
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_EQ(made.verdict.notes, std::vector<std::string>{std::string(note::kTruncated)});
  const Animation out = read_animation(made.files.at(0));
  ASSERT_EQ(out.frames.size(), 3U);
  EXPECT_TRUE(shows(out.at(250), 20, 2, kBlue, 0));
  EXPECT_TRUE(shows(out.at(250), 20, 38, kGreen, 0));
}

// A code that nothing stands for yet, in the second frame.
TEST_F(ImageTest, ADamagedFrameIsRefusedOrTakenAsFarAsItGoes) {
  Bytes file = animated_gif({40, 40}, {plain(40, 40, 0), plain(40, 40, 1)}, kPalette);
  std::fill_n(file.end() - 900, 8, uint8_t{0xff});
  EXPECT_EQ(render(file, animated()).verdict.code, Code::corrupt_image);
  Request lenient = one(animated());
  lenient.truncated = Truncated::accept;
  const Rendered made = render(file, lenient);
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_EQ(made.verdict.notes, std::vector<std::string>{std::string(note::kDamaged)});
}

TEST_F(ImageTest, ADamagedFrameOfAWebpIsRefused) {
  const Pixels noise = scenery(40, 40);
  Bytes file = animated_webp({40, 40}, {{filled(40, 40, {9, 9, 9})}, {noise}});
  const std::string_view name = "VP8L";
  const auto image = std::find_end(file.begin(), file.end(), name.begin(), name.end());
  std::fill_n(image + 13, 40, uint8_t{0xff});
  EXPECT_EQ(render(file, animated()).verdict.code, Code::corrupt_image);
}

}  // namespace
}  // namespace imgq::made
