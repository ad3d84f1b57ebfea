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

IccProfile profile_of(const CodePoints& points, Space space) {
  const std::optional<Primaries> primaries = primaries_of(points.primaries);
  const bool plain = !other_light(points.transfer, 0) && points.full_range;
  if (plain && (!primaries || space == Space::grey)) return {};
  return made(primaries.value_or(kSrgb), curve_of(points), space, "told by code points");
}

std::optional<IccProfile> profile_of_png(View file, Space space, bool has_profile) {
  const View cicp = png_chunk(file, "cICP", "IDAT");
  if (cicp.size() == 4 && cicp[2] == 0) {  // a PNG holds no matrix but that of RGB
    return profile_of({cicp[0], cicp[1], cicp[3] != 0}, space);
  }
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
