#include "src/image/tone_map.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "src/image/icc.h"

namespace imgq::image {
namespace {

constexpr double kReferenceWhite = 203, kHlgPeak = 1000, kPqPeak = 10'000;
constexpr size_t kGains = 4096, kSrgbSteps = 16384;

// ITU-R BT.2100, table 4.
constexpr double kM1 = 2610.0 / 16384, kM2 = 2523.0 / 4096 * 128;
constexpr double kC1 = 3424.0 / 4096, kC2 = 2413.0 / 4096 * 32, kC3 = 2392.0 / 4096 * 32;

double pq_light(double value) {
  const double p = std::pow(value, 1 / kM2);
  return kPqPeak * std::pow(std::max(0.0, p - kC1) / (kC2 - kC3 * p), 1 / kM1);
}

double pq_value(double light) {
  const double y = std::pow(light / kPqPeak, kM1);
  return std::pow((kC1 + kC2 * y) / (1 + kC3 * y), kM2);
}

// BT.2100, table 5: light of the scene, 0 to 1.
double hlg_light(double value) {
  constexpr double kA = 0.17883277, kB = 1 - 4 * kA;
  const double c = 0.5 - kA * std::log(4 * kA);
  return value <= 0.5 ? value * value / 3 : (std::exp((value - c) / kA) + kB) / 12;
}

// BT.2390-11, 5.4.1, with both blacks at 0. Light in and out in cd/m2.
double rolled_off(double light, double peak) {
  const double whole = pq_value(peak), most = pq_value(kReferenceWhite) / whole;
  const double knee = 1.5 * most - 0.5, e = pq_value(light) / whole;
  if (e < knee) return light;
  const double t = (e - knee) / (1 - knee), t2 = t * t, t3 = t2 * t;
  const double p =
      (2 * t3 - 3 * t2 + 1) * knee + (t3 - 2 * t2 + t) * (1 - knee) + (3 * t2 - 2 * t3) * most;
  return pq_light(p * whole);
}

uint8_t srgb_sample(float light) {
  static const std::vector<uint8_t> table = [] {
    std::vector<uint8_t> made(kSrgbSteps + 1);
    for (size_t i = 0; i < made.size(); ++i) {
      const double value = srgb_value(static_cast<double>(i) / kSrgbSteps);
      made[i] = static_cast<uint8_t>(std::lround(255 * value));
    }
    return made;
  }();
  return table[static_cast<size_t>(std::lround(std::clamp(light, 0.0F, 1.0F) * kSrgbSteps))];
}

std::vector<float> light_curve_of(const CodePoints& points) {
  std::vector<float> curve(65536);
  for (size_t i = 0; i < curve.size(); ++i) {
    double v = static_cast<double>(i) / 65535;
    if (!points.full_range) v = std::clamp((v * 255 - 16) / 219, 0.0, 1.0);
    curve[i] = static_cast<float>(points.transfer == kHlgTransfer ? hlg_light(v) : pq_light(v));
  }
  return curve;
}

constexpr std::array<float, 3> kLuminance{0.2627F, 0.6780F, 0.0593F};  // BT.2020

// BT.2087: what is outside sRGB is clipped.
constexpr std::array<float, 9> kToSrgb{1.6605F,  -0.5876F, -0.0728F, -0.1246F, 1.1329F,
                                       -0.0083F, -0.0182F, -0.1006F, 1.1187F};

std::array<float, 3> times(const std::array<float, 9>& m, const std::array<float, 3>& v) {
  return {m[0] * v[0] + m[1] * v[1] + m[2] * v[2], m[3] * v[0] + m[4] * v[1] + m[5] * v[2],
          m[6] * v[0] + m[7] * v[1] + m[8] * v[2]};
}

float largest(const std::array<float, 3>& light) {
  return std::max({light[0], light[1], light[2], 0.0F});
}

}  // namespace

ToneMap::ToneMap(const CodePoints& points, PixelKind kind)
    : kind_(kind),
      hlg_(points.transfer == kHlgTransfer),
      curve_(light_curve_of(points)),
      to_bt2020_(matrix_to_bt2020(points.primaries)) {}

ToneMap::Light ToneMap::light_of(const uint16_t* pixel) const {
  const bool grey = kind_.space == Space::grey;
  Light light{curve_[pixel[0]], curve_[pixel[grey ? 0 : 1]], curve_[pixel[grey ? 0 : 2]]};
  light = times(to_bt2020_, light);
  if (!hlg_) return light;
  const float y = kLuminance[0] * light[0] + kLuminance[1] * light[1] + kLuminance[2] * light[2];
  const auto factor = static_cast<float>(kHlgPeak) * std::pow(std::max(y, 1e-6F), 0.2F);
  for (float& each : light) each *= factor;
  return light;
}

void ToneMap::look_at(const uint16_t* row, int width) {
  for (int x = 0; x < width; ++x, row += kind_.bands()) {
    brightest_ = std::max(brightest_, largest(light_of(row)));
  }
}

void ToneMap::set_peak(double declared) {
  peak_ = brightest_;
  if (declared > 0) peak_ = std::min(peak_, declared);
  peak_ = std::max(peak_, kReferenceWhite);
  gain_.resize(kGains + 1);
  for (size_t i = 0; i < gain_.size(); ++i) {
    const double part = static_cast<double>(std::max(i, size_t{1})) / kGains;
    const double light = peak_ * part * part;
    const double shown = peak_ > kReferenceWhite ? rolled_off(light, peak_) : light;
    gain_[i] = static_cast<float>(shown / light / kReferenceWhite);
  }
}

void ToneMap::row(const uint16_t* from, uint8_t* to, int width) const {
  const auto whole = static_cast<float>(peak_);
  for (int x = 0; x < width; ++x, from += kind_.bands()) {
    Light light = light_of(from);
    const float part = std::min(1.0F, std::sqrt(largest(light) / whole));
    const float gain = gain_[static_cast<size_t>(std::lround(part * kGains))];
    light = times(kToSrgb, light);
    for (const float each : light) *to++ = srgb_sample(each * gain);
    if (kind_.alpha) *to++ = static_cast<uint8_t>(from[kind_.bands() - 1] >> 8);
  }
}

}  // namespace imgq::image
