// Which way up. The expected pictures are built from the words of the EXIF standard: on which side
// of the picture the first stored row is seen, and on which the first stored column.
#include <algorithm>
#include <iterator>
#include <tuple>

#include "tests/images/rendered.h"
#include "tests/images/turned.h"

namespace imgq::made {
namespace {

enum class Side { top, right, bottom, left };

struct Seen {
  Side first_row, first_column;
};

Seen seen_as(int orientation) {
  constexpr Seen kTable[] = {
      {Side::top, Side::left},     {Side::top, Side::right},   {Side::bottom, Side::right},
      {Side::bottom, Side::left},  {Side::left, Side::top},    {Side::right, Side::top},
      {Side::right, Side::bottom}, {Side::left, Side::bottom},
  };
  return kTable[orientation - 1];
}

// Where along one side a stored row or column number is seen.
int along(Side from, int number, int count) {
  return from == Side::top || from == Side::left ? number : count - 1 - number;
}

Pixels upright(const Pixels& stored, int orientation) {
  const Seen seen = seen_as(orientation);
  const bool rows_are_rows = seen.first_row == Side::top || seen.first_row == Side::bottom;
  Pixels out(rows_are_rows ? stored.width : stored.height,
             rows_are_rows ? stored.height : stored.width, stored.bands);
  for (int row = 0; row < stored.height; ++row) {
    for (int column = 0; column < stored.width; ++column) {
      const int by_row = along(seen.first_row, row, stored.height);
      const int by_column = along(seen.first_column, column, stored.width);
      for (int b = 0; b < stored.bands; ++b) {
        out.at(rows_are_rows ? by_column : by_row, rows_are_rows ? by_row : by_column, b) =
            stored.at(column, row, b);
      }
    }
  }
  return out;
}

class Orientation : public ImageTest, public ::testing::WithParamInterface<int> {
 protected:
  Extras extras() const {
    Extras out;
    ExifSpec spec;
    spec.orientation = GetParam();
    out.exif = exif(spec);
    return out;
  }
  void expect_upright(const Bytes& file, int tolerance) const {
    const Rendered made = render(file, lossless());
    ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
    EXPECT_EQ(made.verdict.source.orientation, GetParam());
    EXPECT_EQ(made.verdict.source.width_px, made.verdict.results[0].width_px);
    EXPECT_TRUE(near(made.pixels(), upright(stored_, GetParam()), tolerance));
  }
  Pixels stored_ = six_blocks(16);
};

TEST_P(Orientation, OfAJpegIsApplied) {
  JpegSpec spec;
  spec.extras = extras();
  expect_upright(jpeg(stored_, spec), 3);
}

TEST_P(Orientation, IsAWholeNumberOfAnyWidth) {
  for (const uint32_t type : {1U, 3U, 4U, 9U}) {  // BYTE, SHORT, LONG, SLONG
    ExifSpec exif_spec;
    exif_spec.orientation = GetParam();
    exif_spec.orientation_type = type;
    JpegSpec spec;
    spec.extras.exif = exif(exif_spec);
    expect_upright(jpeg(stored_, spec), 3);
  }
}

TEST_P(Orientation, OfAPngIsApplied) {
  PngSpec spec;
  spec.extras = extras();
  expect_upright(png(stored_, spec), 0);
}

TEST_P(Orientation, OfAPngIsAppliedWhereverItStands) {
  const Bytes block = extras().exif;
  const Bytes bare = png(stored_);
  expect_upright(with_chunk(bare, "eXIf", block, "IEND"), 0);
  for (const std::string name : {"exif", "APP1"}) {
    std::string text = "Raw profile type " + name + std::string(1, '\0') + "\n" + name +
                       "\n      " + std::to_string(block.size() + 6) + "\n457869660000\n";
    for (const uint8_t byte : block) {
      constexpr const char* kDigits = "0123456789abcdef";
      text += {kDigits[byte >> 4], kDigits[byte & 15]};
    }
    expect_upright(with_chunk(bare, "tEXt", Bytes(text.begin(), text.end()), "IDAT"), 0);
  }
}

TEST_P(Orientation, OfAWebpIsApplied) {
  WebpSpec spec;
  spec.extras = extras();
  expect_upright(webp(stored_, spec), 0);
}

TEST_P(Orientation, ACropIsTakenFromTheUprightPicture) {
  PngSpec spec;
  spec.extras = extras();
  const Pixels whole = upright(stored_, GetParam());
  for (const auto& [anchor, left, top] :
       {std::tuple(Anchor::north_west, 0, 0), std::tuple(Anchor::south_east, 1, 1)}) {
    Rendition r = sized(16, 16, Fit::fill);
    r.anchor = anchor;
    r.format = Format::png;
    // One block in every direction: the picture is reduced to two rows or columns of blocks.
    r.width_px = whole.width > whole.height ? 16 : 32;
    r.height_px = whole.width > whole.height ? 32 : 16;
    const Rendered made = render(png(stored_, spec), r);
    ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
    const Pixels out = made.pixels();
    const int x = left * (whole.width - 1), y = top * (whole.height - 1);
    const Colour corner{whole.at(x, y, 0), whole.at(x, y, 1), whole.at(x, y, 2)};
    EXPECT_TRUE(shows(out, left * (out.width - 1), top * (out.height - 1), corner, 2));
  }
}

TEST_P(Orientation, IsAppliedToEveryOneOfSeveralRenditions) {
  JpegSpec spec;
  spec.extras = extras();
  Request request;
  request.renditions.clear();
  for (const int side : {48, 40, 12}) {
    Rendition r = sized(side, side);
    r.name = "s" + std::to_string(side);
    r.format = Format::png;
    request.renditions.push_back(r);
  }
  const Rendered made = render(jpeg(stored_, spec), request);
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  const Pixels whole = upright(stored_, GetParam());
  for (const Bytes& file : made.files) {
    const Pixels out = read(file);
    EXPECT_EQ(out.width > out.height, whole.width > whole.height);
    const Colour first{whole.at(0, 0, 0), whole.at(0, 0, 1), whole.at(0, 0, 2)};
    EXPECT_TRUE(shows(out, 0, 0, first, 12));
    const Colour last{whole.at(whole.width - 1, whole.height - 1, 0),
                      whole.at(whole.width - 1, whole.height - 1, 1),
                      whole.at(whole.width - 1, whole.height - 1, 2)};
    EXPECT_TRUE(shows(out, out.width - 1, out.height - 1, last, 12));
  }
}

// Their decoders turn them: the colours, and which way up, are all that is left to see.
TEST_F(ImageTest, HeicAndJxlAreShownTurnedAsTheySay) {
  struct Foreign {
    Bytes file;
    int turned, tolerance;
  };
  for (const auto& [file, turned, tolerance] :
       {Foreign{{std::begin(kTurnedHeic), std::end(kTurnedHeic)}, 8, 6},
        Foreign{{std::begin(kTurnedJxl), std::end(kTurnedJxl)}, 6, 0}}) {
    const Rendered made = render(file, lossless());
    ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
    EXPECT_EQ(made.verdict.source.orientation, 1);
    EXPECT_EQ(made.verdict.source.width_px, 64);
    EXPECT_EQ(made.verdict.source.height_px, 96);
    EXPECT_TRUE(near(made.pixels(), upright(six_blocks(32), turned), tolerance));
  }
}

INSTANTIATE_TEST_SUITE_P(Each, Orientation, ::testing::Range(1, 9));

TEST_F(ImageTest, AnOrientationThatIsNoneIsUpright) {
  for (const int nonsense : {0, 9, 200}) {
    JpegSpec spec;
    ExifSpec tags;
    tags.orientation = nonsense;
    tags.model = "camera";
    spec.extras.exif = exif(tags);
    const Rendered made = render(jpeg(six_blocks(16), spec), lossless());
    ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
    EXPECT_EQ(made.verdict.source.orientation, 1);
    EXPECT_TRUE(near(made.pixels(), six_blocks(16), 3));
  }
}

}  // namespace
}  // namespace imgq::made
