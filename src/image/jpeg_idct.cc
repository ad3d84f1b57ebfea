#include "src/image/jpeg_idct.h"

#include <algorithm>
#include <array>

#include "src/image/jpeg_idct_x86.h"

namespace imgq::image {
namespace {

uint8_t sample_of(int eighths) {
  return static_cast<uint8_t>(std::clamp((eighths >> 3) + 128, 0, 255));
}

void dct_1(const int16_t* in, size_t blocks, uint8_t* to) {
  for (size_t i = 0; i < blocks; ++i) to[i] = sample_of(in[i] + 4);
}

void dct_2(const int16_t* in, size_t blocks, uint8_t* to, size_t stride) {
  for (size_t i = 0; i < blocks; ++i, in += 4, to += 2) {
    const int left = in[0] + in[1] + 4, right = in[0] - in[1] + 4;
    const int left_wave = in[2] + in[3], right_wave = in[2] - in[3];
    to[0] = sample_of(left + left_wave);
    to[1] = sample_of(right + right_wave);
    to[stride] = sample_of(left - left_wave);
    to[stride + 1] = sample_of(right - right_wave);
  }
}

int times(int value, int fraction) { return (value * fraction + (1 << 14)) >> 15; }

// Four samples from four frequencies; sqrt(2) cos(pi/8) is 1 + kOdd, sqrt(2) cos(3 pi/8) kEven.
void wave_4(int* v, size_t step) {
  constexpr int kOdd = 10045, kEven = 17734;  // of 1 << 15
  const int even = v[0] + v[2 * step], other_even = v[0] - v[2 * step];
  const int first = v[step], third = v[3 * step];
  const int odd = first + times(first, kOdd) + times(third, kEven);
  const int other_odd = times(first, kEven) - third - times(third, kOdd);
  v[0] = even + odd;
  v[step] = other_even + other_odd;
  v[2 * step] = other_even - other_odd;
  v[3 * step] = even - odd;
}

void dct_4(const int16_t* in, size_t blocks, uint8_t* to, size_t stride) {
  for (size_t i = 0; i < blocks; ++i, in += 16, to += 4) {
    std::array<int, 16> v;
    std::copy_n(in, v.size(), v.begin());
    for (size_t x = 0; x < 4; ++x) wave_4(&v[x], 4);
    for (size_t y = 0; y < 4; ++y) {
      int* row = &v[4 * y];
      row[0] += 4;
      wave_4(row, 1);
      for (size_t x = 0; x < 4; ++x) to[y * stride + x] = sample_of(row[x]);
    }
  }
}

}  // namespace

void inverse_dct(const int16_t* coefficients, int side, size_t blocks, uint8_t* to, size_t stride) {
  if (side == 1) return dct_1(coefficients, blocks, to);
  if (side == 2) return dct_2(coefficients, blocks, to, stride);
  const size_t done = x86::inverse_dct_4(coefficients, blocks, to, stride);
  dct_4(coefficients + 16 * done, blocks - done, to + 4 * done, stride);
}

}  // namespace imgq::image
