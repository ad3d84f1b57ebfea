#include "src/image/told_colour.h"

#include <lcms2.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <utility>

#include "src/image/container.h"
#include "src/image/icc.h"

namespace imgq::image {
namespace {

struct Free {
  void operator()(cmsToneCurve* curve) const { cmsFreeToneCurve(curve); }
};
using Curve = std::unique_ptr<cmsToneCurve, Free>;

struct Primaries {
  cmsCIExyY white;
  cmsCIExyYTRIPLE colours;
};

constexpr cmsCIExyY kD65{0.3127, 0.3290, 1};
constexpr Primaries kSrgb{kD65, {{0.64, 0.33, 1}, {0.30, 0.60, 1}, {0.15, 0.06, 1}}};
constexpr Primaries kAdobeRgb{kD65, {{0.64, 0.33, 1}, {0.21, 0.71, 1}, {0.15, 0.06, 1}}};

// H.273, table 2.
std::optional<Primaries> primaries_of(uint32_t code) {
  constexpr cmsCIExyY kC{0.310, 0.316, 1}, kDci{0.314, 0.351, 1}, kEqual{1.0 / 3, 1.0 / 3, 1};
  constexpr cmsCIExyYTRIPLE kP3{{0.680, 0.320, 1}, {0.265, 0.690, 1}, {0.150, 0.060, 1}};
  switch (code) {
    case 4:
      return Primaries{kC, {{0.67, 0.33, 1}, {0.21, 0.71, 1}, {0.14, 0.08, 1}}};
    case 5:
      return Primaries{kD65, {{0.64, 0.33, 1}, {0.29, 0.60, 1}, {0.15, 0.06, 1}}};
    case 6:
    case 7:
      return Primaries{kD65, {{0.630, 0.340, 1}, {0.310, 0.595, 1}, {0.155, 0.070, 1}}};
    case 8:
      return Primaries{kC, {{0.681, 0.319, 1}, {0.243, 0.692, 1}, {0.145, 0.049, 1}}};
    case 9:
      return Primaries{kD65, {{0.708, 0.292, 1}, {0.170, 0.797, 1}, {0.131, 0.046, 1}}};
    case 10:
      return Primaries{kEqual, {{1, 0, 1}, {0, 1, 1}, {0, 0, 1}}};
    case 11:
      return Primaries{kDci, kP3};
    case 12:
      return Primaries{kD65, kP3};
    case 22:
      return Primaries{kD65, {{0.630, 0.340, 1}, {0.295, 0.605, 1}, {0.155, 0.077, 1}}};
    default:
      return std::nullopt;
  }
}

using Matrix = std::array<double, 9>;

Matrix inverse(const Matrix& m) {
  const auto minor = [&m](size_t a, size_t d, size_t b, size_t c) {
    return m[a] * m[d] - m[b] * m[c];
  };
  const double whole =
      m[0] * minor(4, 8, 5, 7) - m[1] * minor(3, 8, 5, 6) + m[2] * minor(3, 7, 4, 6);
  Matrix out{minor(4, 8, 5, 7), minor(2, 7, 1, 8), minor(1, 5, 2, 4),
             minor(5, 6, 3, 8), minor(0, 8, 2, 6), minor(2, 3, 0, 5),
             minor(3, 7, 4, 6), minor(1, 6, 0, 7), minor(0, 4, 1, 3)};
  for (double& each : out) each /= whole;
  return out;
}

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix out{};
  for (size_t i = 0; i < out.size(); ++i) {
    for (size_t k = 0; k < 3; ++k) out[i] += a[i / 3 * 3 + k] * b[3 * k + i % 3];
  }
  return out;
}

// SMPTE RP 177, 3.3: the white is all three at once.
Matrix to_xyz(const Primaries& p) {
  const std::array<cmsCIExyY, 3> each{p.colours.Red, p.colours.Green, p.colours.Blue};
  Matrix out{};
  for (size_t i = 0; i < 3; ++i) {
    out[i] = each[i].x / each[i].y;
    out[3 + i] = 1;
    out[6 + i] = (1 - each[i].x - each[i].y) / each[i].y;
  }
  const Matrix in = inverse(out);
  const double x = p.white.x / p.white.y, z = (1 - p.white.x - p.white.y) / p.white.y;
  for (size_t i = 0; i < out.size(); ++i) {
    const size_t row = i % 3 * 3;
    out[i] *= in[row] * x + in[row + 1] + in[row + 2] * z;
  }
  return out;
}

// The light of a value by H.273's table 3, where that is relative and not to be read as sRGB's.
std::optional<double> other_light(uint32_t transfer, double v) {
  switch (transfer) {
    case 4:
      return std::pow(v, 2.2);
    case 5:
      return std::pow(v, 2.8);
    case 7:
      return v < 4 * 0.022821585529445
                 ? v / 4
                 : std::pow((v + 0.111572195921731) / 1.111572195921731, 1 / 0.45);
    case 8:
      return v;
    case 17:
      return 52.37 / 48 * std::pow(v, 2.6);
    default:
      return std::nullopt;
  }
}

Curve curve_of(const CodePoints& points) {
  std::array<cmsUInt16Number, 4096> table{};
  for (size_t i = 0; i < table.size(); ++i) {
    double v = static_cast<double>(i) / (table.size() - 1);
    if (!points.full_range) v = std::clamp((v * 255 - 16) / 219, 0.0, 1.0);
    const double light = other_light(points.transfer, v).value_or(srgb_light(v));
    table[i] = static_cast<cmsUInt16Number>(std::lround(65535 * std::clamp(light, 0.0, 1.0)));
  }
  return Curve(cmsBuildTabulatedToneCurve16(nullptr, table.size(), table.data()));
}

// One that says of itself by what it was told.
IccProfile saved(cmsHPROFILE profile, const char* told_by) {
  IccProfile out;
  if (profile == nullptr) return out;
  cmsMLU* words = cmsMLUalloc(nullptr, 1);
  cmsMLUsetASCII(words, "en", "US", told_by);
  (void)cmsWriteTag(profile, cmsSigProfileDescriptionTag, words);  // without it: no name
  cmsMLUfree(words);
  cmsUInt32Number size = 0;
  if (cmsSaveProfileToMem(profile, nullptr, &size) != FALSE) {
    out.resize(size);
    if (cmsSaveProfileToMem(profile, out.data(), &size) == FALSE) out.clear();
  }
  cmsCloseProfile(profile);
  return out;
}

IccProfile made(const Primaries& primaries, const Curve& curve, Space space, const char* told_by) {
  if (space == Space::grey) {
    return saved(cmsCreateGrayProfile(&primaries.white, curve.get()), told_by);
  }
  const std::array<cmsToneCurve*, 3> curves{curve.get(), curve.get(), curve.get()};
  return saved(cmsCreateRGBProfile(&primaries.white, &primaries.colours, curves.data()), told_by);
}

std::optional<CodePoints> points_of_png(View file) {
  const View cicp = png_chunk(file, "cICP", "IDAT");
  if (cicp.size() != 4 || cicp[2] != 0) return std::nullopt;
  return CodePoints{cicp[0], cicp[1], cicp[3] != 0};
}

// PNG's numbers are hundred thousandths.
double fraction(View chunk, size_t at) { return be32(chunk, at) / 1e5; }

Primaries primaries_in(View chrm) {
  const auto at = [chrm](size_t index) {
    return cmsCIExyY{fraction(chrm, 8 * index), fraction(chrm, 8 * index + 4), 1};
  };
  return {at(0), {at(1), at(2), at(3)}};
}

bool near(const cmsCIExyY& a, const cmsCIExyY& b) {
  return std::abs(a.x - b.x) < 0.002 && std::abs(a.y - b.y) < 0.002;
}

bool is_srgb(const Primaries& p) {
  return near(p.white, kSrgb.white) && near(p.colours.Red, kSrgb.colours.Red) &&
         near(p.colours.Green, kSrgb.colours.Green) && near(p.colours.Blue, kSrgb.colours.Blue);
}

IccProfile profile_of_gamma(View gama, View chrm, Space space) {
  const double gamma = fraction(gama, 0);
  if (gamma < 0.01 || gamma > 10) return {};
  const Primaries primaries = chrm.size() == 32 ? primaries_in(chrm) : kSrgb;
  const bool usual = std::abs(gamma - 1 / 2.2) < 0.001;
  if (usual && (space == Space::grey || is_srgb(primaries))) return {};
  const Curve curve(cmsBuildGamma(nullptr, 1 / gamma));
  return made(primaries, curve, space, "told by gAMA");
}

}  // namespace

std::array<float, 9> matrix_to_bt2020(uint32_t primaries) {
  constexpr uint32_t kBt2020 = 9;
  const Matrix m = product(inverse(to_xyz(*primaries_of(kBt2020))),
                           to_xyz(primaries_of(primaries).value_or(kSrgb)));
  std::array<float, 9> out{};
  std::copy(m.begin(), m.end(), out.begin());
  return out;
}

IccProfile profile_of(const CodePoints& points, Space space) {
  const std::optional<Primaries> primaries = primaries_of(points.primaries);
  const bool plain = !other_light(points.transfer, 0) && points.full_range;
  if (plain && (!primaries || space == Space::grey)) return {};
  return made(primaries.value_or(kSrgb), curve_of(points), space, "told by code points");
}

bool is_hdr(const CodePoints& points) {
  return points.transfer == kPqTransfer || points.transfer == kHlgTransfer;
}

double least_peak(double a, double b) { return a > 0 && b > 0 ? std::min(a, b) : std::max(a, b); }

std::optional<ToldColour> hdr_of_png(View file) {
  const auto points = points_of_png(file);
  if (!points || !is_hdr(*points)) return std::nullopt;
  // Both in 1/10,000 cd/m2: the display's brightest behind its primaries and white, the content's.
  const View mdcv = png_chunk(file, "mDCV", "IDAT"), clli = png_chunk(file, "cLLI", "IDAT");
  return ToldColour{*points, least_peak(mdcv.size() == 24 ? be32(mdcv, 16) / 1e4 : 0,
                                        clli.size() == 8 ? be32(clli, 0) / 1e4 : 0)};
}

std::optional<IccProfile> profile_of_png(View file, Space space, bool has_profile) {
  if (const auto points = points_of_png(file)) return profile_of(*points, space);
  if (has_profile) return std::nullopt;
  const View gama = png_chunk(file, "gAMA", "IDAT");
  if (!png_chunk(file, "sRGB", "IDAT").empty() || gama.size() != 4) return IccProfile();
  return profile_of_gamma(gama, png_chunk(file, "cHRM", "IDAT"), space);
}

IccProfile adobe_rgb_profile() {
  const Curve curve(cmsBuildGamma(nullptr, 563.0 / 256));
  return made(kAdobeRgb, curve, Space::rgb, "Adobe RGB (told by EXIF)");
}

}  // namespace imgq::image
