#include "src/image/convolve.h"

#include <algorithm>

#include "src/image/convolve_x86.h"

namespace imgq::image {
namespace {

constexpr int kByteDrop = kWeightBits - kMiddleBits, kSampleDrop = kWeightBits;

// Any machine, and what is left over at the end of a row elsewhere.
template <class Sample, int kDrop>
void convolve_plainly(const Sample* const* rows, const int16_t* weights, size_t taps, size_t from,
                      size_t count, int16_t* out) {
  for (size_t i = from; i < count; ++i) {
    int32_t sum = 1 << (kDrop - 1);
    for (size_t k = 0; k < taps; ++k) sum += rows[k][i] * weights[k];
    out[i] = static_cast<int16_t>(std::clamp(sum >> kDrop, INT16_MIN, INT16_MAX));
  }
}

void convolve_pixels(const int16_t* row, const ColumnTaps& taps, int bands, int32_t* sums) {
  const int16_t* weight = taps.weights.data();
  for (size_t i = 0; i < taps.first.size(); ++i, sums += bands) {
    const int16_t* in = row + static_cast<ptrdiff_t>(taps.first[i]) * bands;
    std::fill_n(sums, bands, 0);
    for (int k = 0; k < taps.groups * taps.group; ++k, ++weight) {
      for (int b = 0; b < bands; ++b) sums[b] += *in++ * *weight;
    }
  }
}

}  // namespace

void convolve_rows(const uint8_t* const* rows, const int16_t* weights, size_t taps, int16_t* out,
                   size_t count) {
  const size_t done = x86::convolve_byte_rows(rows, weights, taps, out, count);
  convolve_plainly<uint8_t, kByteDrop>(rows, weights, taps, done, count, out);
}

void convolve_rows(const int16_t* const* rows, const int16_t* weights, size_t taps, int16_t* out,
                   size_t count) {
  const size_t done = x86::convolve_sample_rows(rows, weights, taps, out, count);
  convolve_plainly<int16_t, kSampleDrop>(rows, weights, taps, done, count, out);
}

void convolve_columns(const int16_t* row, const ColumnTaps& taps, int bands, int32_t* sums) {
  if (!x86::convolve_columns(row, taps, bands, sums)) convolve_pixels(row, taps, bands, sums);
}

// One band goes by eights.
ColumnTaps::ColumnTaps(const std::vector<Taps>& taps, int first_px, int bands)
    : group(bands == 1 ? 8 : 4) {
  size_t most = 0;
  for (const Taps& tap : taps) most = std::max(most, tap.weights.size());
  groups = divided_up(static_cast<int>(most), group);
  for (const Taps& tap : taps) {
    first.push_back(tap.first - first_px);
    reach_px = std::max(reach_px, first.back() + groups * group);
    weights.insert(weights.end(), tap.weights.begin(), tap.weights.end());
    weights.resize(first.size() * static_cast<size_t>(groups * group));
  }
}

}  // namespace imgq::image
