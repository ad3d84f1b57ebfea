// The filter itself, against a reduction in floating point that is written here.
#include "src/image/resample.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tests/images/rendered.h"

namespace imgq::image {
namespace {

double lanczos(double x) {
  if (std::abs(x) < 1e-12) return 1;
  if (std::abs(x) >= 3) return 0;
  const double t = x * std::numbers::pi;
  return 3 * std::sin(t) * std::sin(t / 3) / (t * t);
}

// One side of one result value, edges repeated.
double filtered(const std::vector<double>& line, double centre, double step) {
  const double widen = std::max(1.0, step);
  double sum = 0, weights = 0;
  for (int j = static_cast<int>(centre - 3 * widen) - 2; j <= centre + 3 * widen + 2; ++j) {
    const double weight = lanczos((j + 0.5 - centre) / widen);
    sum += weight * line[static_cast<size_t>(std::clamp(j, 0, static_cast<int>(line.size()) - 1))];
    weights += weight;
  }
  return sum / weights;
}

// Both sides, without any rounding in between.
std::vector<double> reference(const Raster& from, const Window& w) {
  const int bands = from.kind.bands();
  std::vector<double> out;
  for (int oy = 0; oy < w.y.count; ++oy) {
    for (int ox = 0; ox < w.x.count; ++ox) {
      for (int b = 0; b < bands; ++b) {
        std::vector<double> column;
        for (int y = 0; y < from.size.height; ++y) {
          std::vector<double> row;
          for (int x = 0; x < from.size.width; ++x) row.push_back(from.row(y)[x * bands + b]);
          column.push_back(filtered(row, w.x.start + (ox + 0.5) * w.x.step, w.x.step));
        }
        out.push_back(filtered(column, w.y.start + (oy + 0.5) * w.y.step, w.y.step));
      }
    }
  }
  return out;
}

Raster textured(Size size, PixelKind kind) {
  Raster out(size, kind);
  for (size_t i = 0; i < out.data.size(); ++i) {
    out.data[i] = static_cast<uint8_t>(128 + 100 * std::sin(static_cast<double>(i * i % 1013)));
  }
  return out;
}

Window scaled(Size from, Size to) {
  return {{0, static_cast<double>(from.width) / to.width, to.width},
          {0, static_cast<double>(from.height) / to.height, to.height}};
}

void expect_near_reference(const Raster& from, const Window& window, double tolerance) {
  const Raster made = resample(from, window);
  const std::vector<double> wanted = reference(from, window);
  ASSERT_EQ(made.data.size(), wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    ASSERT_NEAR(made.data[i], std::clamp(wanted[i], 0.0, 255.0), tolerance) << "sample " << i;
  }
}

constexpr PixelKind kGrey{Space::grey, false}, kRgb{Space::rgb, false}, kCmyk{Space::cmyk, false};

TEST(Resample, IsLanczosToWithinRounding) {
  for (const PixelKind kind : {kGrey, kRgb, kCmyk}) {
    const Raster from = textured({37, 29}, kind);
    for (const Size to : {Size{13, 11}, Size{30, 25}, Size{36, 28}, Size{10, 29}}) {
      expect_near_reference(from, scaled(from.size, to), 0.8);
    }
  }
}

TEST(Resample, EnlargesToWithinRounding) {
  const Raster from = textured({13, 9}, kRgb);
  expect_near_reference(from, scaled(from.size, {40, 31}), 0.8);
}

TEST(Resample, HonoursFractionsOfThePart) {
  const Raster from = textured({37, 29}, kRgb);
  expect_near_reference(from, {{3.37, 1.61, 12}, {2.9, 2.13, 9}}, 0.8);
}

// Averaging squares first is an approximation, good to a few steps on the worst of textures.
TEST(Resample, AStrongReductionIsNearlyLanczos) {
  const Raster from = textured({230, 190}, kGrey);
  expect_near_reference(from, scaled(from.size, {14, 12}), 3);
}

TEST(Resample, AStrongReductionKeepsFlatColourAndPlace) {
  Raster from({1001, 777}, kRgb);
  for (int y = 0; y < from.size.height; ++y) {
    for (int x = 0; x < from.size.width; ++x) {
      from.row(y)[3 * x] = static_cast<uint8_t>(x * 255 / 1001);
      from.row(y)[3 * x + 1] = static_cast<uint8_t>(y * 255 / 777);
      from.row(y)[3 * x + 2] = 77;
    }
  }
  const Raster made = resample(from, scaled(from.size, {20, 15}));
  for (int y = 0; y < 15; ++y) {
    for (int x = 0; x < 20; ++x) {
      EXPECT_NEAR(made.row(y)[3 * x], (x + 0.5) * 255 / 20, 4) << x;
      EXPECT_NEAR(made.row(y)[3 * x + 1], (y + 0.5) * 255 / 15, 4) << y;
      EXPECT_EQ(made.row(y)[3 * x + 2], 77);
    }
  }
}

TEST(Resample, TheSameSizeIsTheSameImage) {
  for (const PixelKind kind : {kGrey, kRgb, kCmyk, PixelKind{Space::rgb, true}}) {
    Raster from = textured({23, 17}, kind);
    if (kind.alpha) {
      for (size_t i = 3; i < from.data.size(); i += 4) from.data[i] = 255;
    }
    EXPECT_EQ(resample(from, scaled(from.size, from.size)).data, from.data);
  }
}

TEST(Resample, FlatColourStaysFlatAtAnySize) {
  Raster from({61, 47}, kRgb);
  std::fill(from.data.begin(), from.data.end(), uint8_t{201});
  for (int side = 1; side <= 70; side += 3) {
    const Raster made = resample(from, scaled(from.size, {side, side}));
    EXPECT_EQ(std::count(made.data.begin(), made.data.end(), 201),
              static_cast<ptrdiff_t>(made.data.size()))
        << side;
  }
}

TEST(Resample, OvershootIsClippedNotWrapped) {
  Raster from({40, 4}, kGrey);
  for (int y = 0; y < 4; ++y) {
    for (int x = 20; x < 40; ++x) from.row(y)[x] = 255;
  }
  const Raster made = resample(from, scaled(from.size, {100, 4}));
  EXPECT_EQ(made.data[0], 0);
  EXPECT_EQ(made.data[99], 255);
  for (int x = 1; x < 45; ++x) EXPECT_LT(made.data[static_cast<size_t>(x)], 64) << x;
  for (int x = 55; x < 100; ++x) EXPECT_GT(made.data[static_cast<size_t>(x)], 191) << x;
}

}  // namespace
}  // namespace imgq::image
