#include "src/image/mix.h"

#include <algorithm>

namespace imgq::image {
namespace {

constexpr size_t kBlock = 64;  // sums that stay in registers and the nearest cache

template <class Sample, int kDrop>
void mix_block(const Sample* const* rows, const int16_t* weights, size_t taps, size_t at,
               size_t count, int16_t* out) {
  int32_t sums[kBlock];
  std::fill_n(sums, kBlock, 1 << (kDrop - 1));
  for (size_t k = 0; k < taps; ++k) {
    const Sample* row = rows[k] + at;
    const int32_t weight = weights[k];
    for (size_t i = 0; i < count; ++i) sums[i] += row[i] * weight;
  }
  for (size_t i = 0; i < count; ++i) {
    out[at + i] = static_cast<int16_t>(std::clamp(sums[i] >> kDrop, INT16_MIN, INT16_MAX));
  }
}

template <class Sample, int kDrop>
void mix_blocks(const Sample* const* rows, const int16_t* weights, size_t taps, int16_t* out,
                size_t count) {
  size_t at = 0;
  for (; at + kBlock <= count; at += kBlock) {
    mix_block<Sample, kDrop>(rows, weights, taps, at, kBlock, out);
  }
  if (at < count) mix_block<Sample, kDrop>(rows, weights, taps, at, count - at, out);
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
  mix_blocks<uint8_t, kWeightBits - kMiddleBits>(rows, weights, taps, out, count);
}

void mix_rows(const int16_t* const* rows, const int16_t* weights, size_t taps, int16_t* out,
              size_t count) {
  mix_blocks<int16_t, kWeightBits>(rows, weights, taps, out, count);
}

void mix_columns(const int16_t* row, int first_px, const std::vector<Taps>& taps, int bands,
                 int32_t* sums) {
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
