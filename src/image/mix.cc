#include "src/image/mix.h"

#include <algorithm>

#include "src/image/mix_x86.h"

namespace imgq::image {
namespace {

constexpr int kByteDrop = kWeightBits - kMiddleBits, kSampleDrop = kWeightBits;

// Any machine, and what is left over at the end of a row elsewhere.
template <class Sample, int kDrop>
void mix_plainly(const Sample* const* rows, const int16_t* weights, size_t taps, size_t from,
                 size_t count, int16_t* out) {
  for (size_t i = from; i < count; ++i) {
    int32_t sum = 1 << (kDrop - 1);
    for (size_t k = 0; k < taps; ++k) sum += rows[k][i] * weights[k];
    out[i] = static_cast<int16_t>(std::clamp(sum >> kDrop, INT16_MIN, INT16_MAX));
  }
}

template <int kBands>
void mix_pixels(const int16_t* row, int first_px, const std::vector<Taps>& taps, int32_t* sums) {
  for (const Taps& tap : taps) {
    const int16_t* in = row + static_cast<ptrdiff_t>(tap.first - first_px) * kBands;
    int32_t sum[kBands] = {};
    for (const int16_t weight : tap.weights) {
      for (int b = 0; b < kBands; ++b) sum[b] += in[b] * weight;
      in += kBands;
    }
    for (int b = 0; b < kBands; ++b) *sums++ = sum[b];
  }
}

}  // namespace

void mix_rows(const uint8_t* const* rows, const int16_t* weights, size_t taps, int16_t* out,
              size_t count) {
  const size_t done = x86::mix_byte_rows(rows, weights, taps, out, count);
  mix_plainly<uint8_t, kByteDrop>(rows, weights, taps, done, count, out);
}

void mix_rows(const int16_t* const* rows, const int16_t* weights, size_t taps, int16_t* out,
              size_t count) {
  const size_t done = x86::mix_sample_rows(rows, weights, taps, out, count);
  mix_plainly<int16_t, kSampleDrop>(rows, weights, taps, done, count, out);
}

void mix_columns(const int16_t* row, int first_px, const std::vector<Taps>& taps, int bands,
                 int32_t* sums) {
  if (x86::mix_columns(row, first_px, taps, bands, sums)) return;
  switch (bands) {
    case 1:
      return mix_pixels<1>(row, first_px, taps, sums);
    case 2:
      return mix_pixels<2>(row, first_px, taps, sums);
    case 3:
      return mix_pixels<3>(row, first_px, taps, sums);
    default:
      return mix_pixels<4>(row, first_px, taps, sums);
  }
}

}  // namespace imgq::image
