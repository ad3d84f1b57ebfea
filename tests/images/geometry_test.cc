// Sizes and places, by arithmetic alone.
#include "src/image/geometry.h"

#include "src/image/raster.h"
#include "tests/images/rendered.h"

namespace imgq::image {
namespace {

using made::sized;

Placement placed(const Rendition& rendition, Size image) {
  Placement out;
  const Failure fault = place(rendition, image, 8192, &out);
  EXPECT_FALSE(fault) << fault->message;
  return out;
}

void expect_result(const Rendition& rendition, Size image, int width, int height) {
  const Placement p = placed(rendition, image);
  EXPECT_EQ(p.part.width, width);
  EXPECT_EQ(p.part.height, height);
}

TEST(Geometry, FitKeepsTheRatioInsideTheBox) {
  expect_result(sized(500, 500), {4000, 3000}, 500, 375);
  expect_result(sized(500, 500), {3000, 4000}, 375, 500);
  expect_result(sized(400, 100), {4000, 3000}, 133, 100);
  expect_result(sized(500, 500), {5184, 3456}, 500, 333);
}

TEST(Geometry, FitNeverEnlargesUnlessAllowed) {
  expect_result(sized(500, 500), {300, 200}, 300, 200);
  Rendition r = sized(500, 500);
  r.enlarge = Enlarge::allow;
  expect_result(r, {300, 200}, 500, 333);
}

TEST(Geometry, OneSideAloneFixesTheOther) {
  expect_result(sized(800, 0), {4000, 3000}, 800, 600);
  expect_result(sized(0, 600), {4000, 3000}, 800, 600);
  Rendition fill = sized(800, 0, Fit::fill);
  expect_result(fill, {4000, 3000}, 800, 600);
}

TEST(Geometry, NoSideIsEverLessThanAPixel) {
  expect_result(sized(500, 500), {20000, 1}, 500, 1);
  expect_result(sized(500, 500), {1, 20000}, 1, 500);
}

TEST(Geometry, ForceStretches) {
  expect_result(sized(500, 100, Fit::force), {4000, 3000}, 500, 100);
  expect_result(sized(500, 100, Fit::force), {300, 3000}, 300, 100);
  Rendition r = sized(500, 100, Fit::force);
  r.enlarge = Enlarge::allow;
  expect_result(r, {300, 30}, 500, 100);
}

TEST(Geometry, FillCoversTheBoxExactly) {
  const Placement p = placed(sized(300, 300, Fit::fill), {4000, 3000});
  EXPECT_EQ(p.scaled.width, 400);
  EXPECT_EQ(p.scaled.height, 300);
  EXPECT_EQ(p.part.width, 300);
  EXPECT_EQ(p.part.left, 50);
  EXPECT_EQ(p.part.top, 0);
}

TEST(Geometry, FillOfASmallImageKeepsTheShapeOfTheBox) {
  expect_result(sized(500, 500, Fit::fill), {300, 200}, 200, 200);
  expect_result(sized(400, 200, Fit::fill), {300, 200}, 300, 150);
  Rendition r = sized(500, 500, Fit::fill);
  r.enlarge = Enlarge::allow;
  expect_result(r, {300, 200}, 500, 500);
}

TEST(Geometry, EveryAnchorKeepsItsCorner) {
  struct Expected {
    Anchor anchor;
    int left, top;
  };
  const auto at = [](Anchor anchor, Size box, Size image) {
    Rendition r = sized(box.width, box.height, Fit::fill);
    r.anchor = anchor;
    return placed(r, image).part;
  };
  for (const Expected& e : {Expected{Anchor::west, 0, 0}, Expected{Anchor::north_west, 0, 0},
                            Expected{Anchor::south_west, 0, 0}, Expected{Anchor::centre, 100, 0},
                            Expected{Anchor::north, 100, 0}, Expected{Anchor::south, 100, 0},
                            Expected{Anchor::east, 200, 0}, Expected{Anchor::north_east, 200, 0},
                            Expected{Anchor::south_east, 200, 0}}) {
    EXPECT_EQ(at(e.anchor, {100, 100}, {600, 200}).left, e.left) << name_of(e.anchor);
  }
  EXPECT_EQ(at(Anchor::north, {100, 100}, {200, 600}).top, 0);
  EXPECT_EQ(at(Anchor::centre, {100, 100}, {200, 600}).top, 100);
  EXPECT_EQ(at(Anchor::south_east, {100, 100}, {200, 600}).top, 200);
}

TEST(Geometry, TheFocusIsInTheMiddleWhereThereIsRoom) {
  Rendition r = sized(100, 100, Fit::fill);
  r.anchor = Anchor::focus;
  r.focus_x = 0.5;
  EXPECT_EQ(placed(r, {600, 200}).part.left, 100);
  r.focus_x = 0.3;
  EXPECT_EQ(placed(r, {600, 200}).part.left, 40);
  r.focus_x = 0;
  EXPECT_EQ(placed(r, {600, 200}).part.left, 0);
  r.focus_x = 1;
  EXPECT_EQ(placed(r, {600, 200}).part.left, 200);
}

TEST(Geometry, AResultWithALongSideIsRefused) {
  Placement p;
  const Failure fault = place(sized(5000, 0), {1000, 4000}, 8192, &p);
  EXPECT_FALSE(fault) << "is not enlarged";
  Rendition r = sized(5000, 0);
  r.enlarge = Enlarge::allow;
  const Failure tall = place(r, {1000, 4000}, 8192, &p);
  ASSERT_TRUE(tall);
  EXPECT_EQ(tall->code, Code::result_too_large);
  EXPECT_NE(tall->message.find("5000x20000"), std::string::npos) << tall->message;
}

// Going to the stored image and turning it upright again must show the same pixels.
TEST(Geometry, APartOfTheUprightImageIsFoundInTheStoredOne) {
  const Size stored{7, 5};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    Raster numbered(stored, {Space::grey, false});
    for (size_t i = 0; i < numbered.data.size(); ++i) numbered.data[i] = static_cast<uint8_t>(i);
    const Raster upright = turn_upright(numbered, orientation);
    const Rect part{1, 2, 3, 2};
    const Rect found = as_stored(part, stored, orientation);
    EXPECT_EQ(turn_upright(cut_out(numbered, found), orientation).data, cut_out(upright, part).data)
        << orientation;
  }
}

}  // namespace
}  // namespace imgq::image
