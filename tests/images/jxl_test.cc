// JPEG XL as libjxl writes it: what must come out is what went in.
#include <string>
#include <vector>

#include "tests/images/rendered.h"

namespace imgq::made {
namespace {

class Jxl : public ImageTest {
 protected:
  static Pixels shown(const Bytes& file) {
    const Rendered made = render(file, lossless());
    EXPECT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
    return made.files.empty() ? Pixels() : made.pixels();
  }
};

Pixels deeper(Pixels pixels, int factor) {
  for (uint16_t& sample : pixels.data) sample = static_cast<uint16_t>(sample * factor);
  return pixels;
}

TEST_F(Jxl, OfAnyDepthIsWhatWasWritten) {
  const Pixels pixels = scenery(60, 40);
  EXPECT_TRUE(near(shown(jxl({pixels})), pixels, 0));
  JxlSpec deep;
  deep.depth = 16;
  EXPECT_TRUE(near(shown(jxl({deeper(pixels, 257)}, deep)), pixels, 0));
  JxlSpec real;
  real.as_float = true;
  EXPECT_TRUE(near(shown(jxl({pixels}, real)), pixels, 0));
  const Pixels grey = filled(20, 10, {90});
  EXPECT_TRUE(near(shown(jxl({grey})), grey, 0));
}

TEST_F(Jxl, OfAnAnimationTheFirstFrameIsThePictureAndAllAreCounted) {
  const std::vector<Pixels> frames{filled(20, 10, {200, 10, 10}), filled(20, 10, {10, 200, 10}),
                                   filled(20, 10, {10, 10, 200})};
  const Rendered made = render(jxl(frames), lossless());
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_TRUE(near(made.pixels(), frames[0], 0));
  EXPECT_EQ(made.verdict.source.pages, 3);
  Limits limits = all_formats();
  limits.max_frames = 2;
  EXPECT_EQ(render(jxl(frames), one(lossless()), limits).verdict.code, Code::ok);
}

TEST_F(Jxl, ColourIsToldByItsOwnWords) {
  JxlSpec p3;
  p3.primaries = 11;
  EXPECT_TRUE(shows(shown(jxl({filled(20, 10, {200, 100, 50})}, p3)), 5, 5, {215, 93, 31}, 1));
  JxlSpec linear;
  linear.transfer = 8;
  EXPECT_TRUE(
      shows(shown(jxl({filled(20, 10, {128, 128, 128})}, linear)), 5, 5, {188, 188, 188}, 1));
}

TEST_F(Jxl, CutShortIsTruncatedAndLenientTakesWhatIsThere) {
  Bytes file = jxl({scenery(600, 400)});
  file.resize(file.size() / 2);
  EXPECT_EQ(render(file, lossless()).verdict.code, Code::truncated);
  Request lenient = one(lossless());
  lenient.truncated = Truncated::accept;
  const Rendered made = render(file, lenient);
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_EQ(made.verdict.notes, std::vector<std::string>{"truncated_accepted"});
  EXPECT_EQ(made.pixels().width, 600);
  file.resize(10);
  EXPECT_NE(render(file, lenient).verdict.code, Code::ok);
}

TEST_F(Jxl, RightsAreFoundWhereverTheBoxIsCompressedToo) {
  ExifSpec tags;
  tags.copyright = "(c) Jane Doe 2026, all rights reserved, all of them, all of them";
  JxlSpec spec;
  spec.exif = exif(tags);
  for (const bool compressed : {false, true}) {
    spec.compressed = compressed;
    Rendition kept = sized(20, 20);
    kept.metadata = Metadata::keep_copyright;
    const Rendered made = render(jxl({scenery(60, 40)}, spec), kept);
    ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
    const std::string out(made.files[0].begin(), made.files[0].end());
    EXPECT_NE(out.find(tags.copyright), std::string::npos) << compressed;
  }
}

}  // namespace
}  // namespace imgq::made
