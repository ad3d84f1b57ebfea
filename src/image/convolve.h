#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "src/image/kernel.h"
#include "src/image/raster.h"

// The inner loops of resampling, where nearly all of its time goes. Between the two passes a sample
// is an int16_t with kMiddleBits of fraction, which leaves room for what Lanczos overshoots.
namespace imgq::image {

inline constexpr int kMiddleBits = 6;

// Samples that may be read, but do not count, behind those that the taps reach.
inline constexpr size_t kReadAhead = 8;

// The taps of a whole row in one piece, as many for each result: filled up with zeros to whole
// groups, so that the loops need no ends.
struct ColumnTaps {
  int group = 4, groups = 0;   // taps a group, groups a result
  int reach_px = 0;            // of the row, as far as some tap looks
  std::vector<int32_t> first;  // input pixel, a result each
  std::vector<int16_t> weights;

  ColumnTaps() = default;
  ColumnTaps(const std::vector<Taps>& taps, int first_px, int bands);
  size_t row_samples(int bands) const { return samples_of(reach_px, bands) + kReadAhead; }
};

// out[i] = sum over k of rows[k][i] * weights[k], for bytes, or for samples with kMiddleBits.
void convolve_rows(const uint8_t* const* rows, const int16_t* weights, size_t taps, int16_t* out,
                   size_t count);
void convolve_rows(const int16_t* const* rows, const int16_t* weights, size_t taps, int16_t* out,
                   size_t count);

// One result row from one middle row, for `bands` interleaved samples a pixel; `row` begins at the
// pixel the taps count from and has row_samples. The sums keep kWeightBits + kMiddleBits of
// fraction.
void convolve_columns(const int16_t* row, const ColumnTaps& taps, int bands, int32_t* sums);

}  // namespace imgq::image
