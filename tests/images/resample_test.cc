// The filter itself, against a reduction in floating point that is written here.
#include "src/image/resample.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "src/image/convolve_x86.h"
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

// Five bands: premultiplied, so a constant alpha leaves the inks as they are without it.
TEST(Resample, InkWithAlphaIsLanczosToo) {
  constexpr PixelKind kInkAndAlpha{Space::cmyk, true};
  Raster from = textured({37, 29}, kInkAndAlpha);
  for (size_t i = 4; i < from.data.size(); i += 5) from.data[i] = 255;
  for (const Size to : {Size{13, 11}, Size{36, 28}, Size{5, 4}}) {
    expect_near_reference(from, scaled(from.size, to), to.width == 5 ? 3 : 1.2);
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

// --- The loops for vectors, on machines that have them, against a plain sum.

std::vector<x86::Vectors> vectors_here() {
  if (x86::best_vectors() == x86::Vectors::avx2) return {x86::Vectors::sse2, x86::Vectors::avx2};
  return {x86::Vectors::sse2};
}

TEST(ResampleVectors, RowsOfBytesAddUp) {
  for (const x86::Vectors vectors : vectors_here()) {
    for (const size_t taps : {1U, 2U, 3U, 8U, 13U}) {
      constexpr size_t kCount = 131;
      std::vector<std::vector<uint8_t>> rows(taps, std::vector<uint8_t>(kCount));
      std::vector<const uint8_t*> pointers;
      std::vector<int16_t> weights(taps), made(kCount);
      for (size_t k = 0; k < taps; ++k) {
        for (size_t i = 0; i < kCount; ++i) rows[k][i] = static_cast<uint8_t>(i * 97 + k * 31);
        pointers.push_back(rows[k].data());
        weights[k] = static_cast<int16_t>(k % 3 == 1 ? -700 : 16384 / static_cast<int>(taps));
      }
      const size_t done = x86::convolve_byte_rows(pointers.data(), weights.data(), taps,
                                                  made.data(), kCount, vectors);
      EXPECT_TRUE(done == 0 || done + 16 > kCount);
      for (size_t i = 0; i < done; ++i) {
        int32_t sum = 128;
        for (size_t k = 0; k < taps; ++k) sum += rows[k][i] * weights[k];
        ASSERT_EQ(made[i], sum >> 8) << "sample " << i << " of " << taps << " taps";
      }
    }
  }
}

TEST(ResampleVectors, RowsOfSamplesAddUpAndSaturate) {
  constexpr size_t kCount = 77;
  std::vector<int16_t> high(kCount, 16000), low(kCount, -9000), made(kCount);
  const int16_t* rows[] = {high.data(), low.data(), high.data()};
  for (const std::vector<int16_t>& weights :
       {std::vector<int16_t>{16384, 0, 0}, {8000, 500, 8000}, {16384, -16384, 16384}}) {
    const size_t done = x86::convolve_sample_rows(rows, weights.data(), 3, made.data(), kCount);
    const int32_t sum = (16000 * (weights[0] + weights[2]) - 9000 * weights[1] + 8192) >> 14;
    for (size_t i = 0; i < done; ++i) ASSERT_EQ(made[i], std::min(sum, 32767));
  }
}

TEST(ResampleVectors, SayThatTheyHaveNotDoneFiveBands) {
  const ColumnTaps taps(*lanczos_taps({0, 50.0 / 17, 17}, 50), 0, 5);
  std::vector<int16_t> row(taps.row_samples(5), 100);
  std::vector<int32_t> made(samples_of(17, 5), -1);
  for (const x86::Vectors vectors : vectors_here()) {
    EXPECT_FALSE(x86::convolve_columns(row.data(), taps, 5, made.data(), vectors));
  }
  convolve_columns(row.data(), taps, 5, made.data());
  for (const int32_t sum : made) EXPECT_EQ(sum, 100 << kWeightBits);
}

TEST(ResampleVectors, ColumnsAddUp) {
  for (const x86::Vectors vectors : vectors_here()) {
    for (const int bands : {1, 2, 3, 4}) {
      for (const int results : {3, 4, 17}) {
        const std::vector<Taps> taps = *lanczos_taps({0, 50.0 / results, results}, 50);
        const ColumnTaps columns(taps, 0, bands);
        std::vector<int16_t> row(columns.row_samples(bands));
        for (size_t i = 0; i < row.size(); ++i) row[i] = static_cast<int16_t>(i * 397 % 16320);
        std::vector<int32_t> made(samples_of(results, bands));
        const bool done = x86::convolve_columns(row.data(), columns, bands, made.data(), vectors);
        if (!done) convolve_columns(row.data(), columns, bands, made.data());
        for (size_t i = 0; i < taps.size(); ++i) {
          for (int b = 0; b < bands; ++b) {
            int32_t sum = 0;
            for (size_t k = 0; k < taps[i].weights.size(); ++k) {
              const size_t pixel = static_cast<size_t>(taps[i].first) + k;
              sum += row[pixel * static_cast<size_t>(bands) + static_cast<size_t>(b)] *
                     taps[i].weights[k];
            }
            ASSERT_EQ(made[i * static_cast<size_t>(bands) + static_cast<size_t>(b)], sum)
                << "result " << i << " of " << results << ", band " << b << " of " << bands;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace imgq::image
