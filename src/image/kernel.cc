#include "src/image/kernel.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace imgq::image {
namespace {

constexpr double kLobes = 3;

// sinc(x) * sinc(x / 3) with one sine: sin(3u) = 3 sin(u) - 4 sin(u)^3, where u = pi x / 3.
double lanczos(double x) {
  if (std::abs(x) < 1e-6) return 1;
  if (std::abs(x) >= kLobes) return 0;
  const double u = x * std::numbers::pi / kLobes, s = std::sin(u);
  return s * (3 * s - 4 * s * s * s) / (kLobes * u * u);
}

// Rounds to fixed point so that the sum is exact: the rest goes to the heaviest.
std::vector<int16_t> fixed_point(const std::vector<double>& weights, double sum) {
  constexpr int kOne = 1 << kWeightBits;
  std::vector<int16_t> out(weights.size());
  int total = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    out[i] = static_cast<int16_t>(std::lround(weights[i] / sum * kOne));
    total += out[i];
  }
  const auto heaviest = std::max_element(out.begin(), out.end());
  *heaviest = static_cast<int16_t>(*heaviest + kOne - total);
  return out;
}

Taps taps_at(double centre, double widen, int input_px) {
  const double reach = kLobes * widen;
  const auto low = static_cast<int>(std::ceil(centre - reach - 0.5));
  const auto high = static_cast<int>(std::floor(centre + reach - 0.5));
  const int first = std::clamp(low, 0, input_px - 1), last = std::clamp(high, 0, input_px - 1);
  std::vector<double> weights(static_cast<size_t>(last - first + 1));
  double sum = 0;
  for (int j = low; j <= high; ++j) {
    const double weight = lanczos((j + 0.5 - centre) / widen);
    weights[static_cast<size_t>(std::clamp(j, first, last) - first)] += weight;
    sum += weight;
  }
  return {first, fixed_point(weights, sum)};
}

// A tap of weight zero at either end is not worth its multiplication.
void trim(Taps* taps) {
  while (taps->weights.size() > 1 && taps->weights.back() == 0) taps->weights.pop_back();
  size_t zeros = 0;
  while (zeros + 1 < taps->weights.size() && taps->weights[zeros] == 0) ++zeros;
  taps->weights.erase(taps->weights.begin(), taps->weights.begin() + static_cast<ptrdiff_t>(zeros));
  taps->first += static_cast<int>(zeros);
}

std::vector<Taps> make_taps(const Axis& axis, int input_px) {
  std::vector<Taps> all;
  all.reserve(static_cast<size_t>(axis.count));
  for (int i = 0; i < axis.count; ++i) {
    const double centre = axis.start + (i + 0.5) * axis.step;
    all.push_back(taps_at(centre, std::max(1.0, axis.step), input_px));
    trim(&all.back());
  }
  return all;
}

struct Kept {
  Axis axis;
  int input_px = 0;
  TapsOfAxis taps;
};

}  // namespace

TapsOfAxis lanczos_taps(const Axis& axis, int input_px) {
  constexpr size_t kSeveral = 8;  // of an image and its placeholder: both axes of luma and chroma
  thread_local std::array<Kept, kSeveral> kept;
  thread_local size_t next = 0;
  const auto same = std::find_if(kept.begin(), kept.end(), [&](const Kept& one) {
    return one.taps && one.axis == axis && one.input_px == input_px;
  });
  if (same != kept.end()) return same->taps;
  Kept& oldest = kept[next++ % kSeveral];
  oldest = {axis, input_px, std::make_shared<const std::vector<Taps>>(make_taps(axis, input_px))};
  return oldest.taps;
}

}  // namespace imgq::image
