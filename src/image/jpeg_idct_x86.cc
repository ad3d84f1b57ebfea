#include "src/image/jpeg_idct_x86.h"

#include "src/image/convolve_x86.h"

#ifdef __x86_64__

#include <immintrin.h>

namespace imgq::image::x86 {
namespace {

#define IMGQ_AVX2 __attribute__((target("avx2")))

// Row y of four blocks: 4 samples each.
struct Rows {
  __m256i row[4];
};

// As wave_4 in jpeg_idct.cc, down the rows: 16 columns at once.
IMGQ_AVX2 inline void wave_4(Rows& v) {
  const __m256i k_odd = _mm256_set1_epi16(10045), k_even = _mm256_set1_epi16(17734);
  const __m256i even = _mm256_add_epi16(v.row[0], v.row[2]);
  const __m256i other_even = _mm256_sub_epi16(v.row[0], v.row[2]);
  const __m256i first = v.row[1], third = v.row[3];
  const __m256i odd = _mm256_add_epi16(_mm256_add_epi16(first, _mm256_mulhrs_epi16(first, k_odd)),
                                       _mm256_mulhrs_epi16(third, k_even));
  const __m256i other_odd =
      _mm256_sub_epi16(_mm256_mulhrs_epi16(first, k_even),
                       _mm256_add_epi16(third, _mm256_mulhrs_epi16(third, k_odd)));
  v.row[0] = _mm256_add_epi16(even, odd);
  v.row[1] = _mm256_add_epi16(other_even, other_odd);
  v.row[2] = _mm256_sub_epi16(other_even, other_odd);
  v.row[3] = _mm256_sub_epi16(even, odd);
}

// Each block's rows become its columns.
IMGQ_AVX2 inline void transpose(Rows& v) {
  const __m256i a = _mm256_unpacklo_epi16(v.row[0], v.row[1]);
  const __m256i b = _mm256_unpackhi_epi16(v.row[0], v.row[1]);
  const __m256i c = _mm256_unpacklo_epi16(v.row[2], v.row[3]);
  const __m256i d = _mm256_unpackhi_epi16(v.row[2], v.row[3]);
  const __m256i e = _mm256_unpacklo_epi32(a, c), f = _mm256_unpackhi_epi32(a, c);
  const __m256i g = _mm256_unpacklo_epi32(b, d), h = _mm256_unpackhi_epi32(b, d);
  v.row[0] = _mm256_unpacklo_epi64(e, g);
  v.row[1] = _mm256_unpackhi_epi64(e, g);
  v.row[2] = _mm256_unpacklo_epi64(f, h);
  v.row[3] = _mm256_unpackhi_epi64(f, h);
}

IMGQ_AVX2 inline Rows load_blocks(const int16_t* from) {
  __m256i block[4];
  for (size_t i = 0; i < 4; ++i)
    block[i] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + 16 * i));
  const __m256i top_even = _mm256_permute2x128_si256(block[0], block[2], 0x20);
  const __m256i low_even = _mm256_permute2x128_si256(block[0], block[2], 0x31);
  const __m256i top_odd = _mm256_permute2x128_si256(block[1], block[3], 0x20);
  const __m256i low_odd = _mm256_permute2x128_si256(block[1], block[3], 0x31);
  return {{_mm256_unpacklo_epi64(top_even, top_odd), _mm256_unpackhi_epi64(top_even, top_odd),
           _mm256_unpacklo_epi64(low_even, low_odd), _mm256_unpackhi_epi64(low_even, low_odd)}};
}

// 16 samples a row, as bytes.
IMGQ_AVX2 inline void store_rows(const Rows& v, uint8_t* to, size_t stride) {
  __m256i row[4];
  for (int y = 0; y < 4; ++y)
    row[y] = _mm256_add_epi16(_mm256_srai_epi16(v.row[y], 3), _mm256_set1_epi16(128));
  for (size_t pair = 0; pair < 2; ++pair, to += 2 * stride) {
    const __m256i packed = _mm256_packus_epi16(row[2 * pair], row[2 * pair + 1]);
    const __m256i in_order = _mm256_permute4x64_epi64(packed, 0xd8);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(in_order));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + stride),
                     _mm256_extracti128_si256(in_order, 1));
  }
}

IMGQ_AVX2 size_t inverse_dct_4_avx2(const int16_t* in, size_t blocks, uint8_t* to, size_t stride) {
  size_t done = 0;
  for (; done + 4 <= blocks; done += 4, in += 64, to += 16) {
    Rows v = load_blocks(in);
    wave_4(v);
    transpose(v);
    v.row[0] = _mm256_add_epi16(v.row[0], _mm256_set1_epi16(4));
    wave_4(v);
    transpose(v);
    store_rows(v, to, stride);
  }
  return done;
}

}  // namespace

size_t inverse_dct_4(const int16_t* coefficients, size_t blocks, uint8_t* to, size_t stride) {
  const bool has = best_vectors() == Vectors::avx2;
  return has ? inverse_dct_4_avx2(coefficients, blocks, to, stride) : 0;
}

}  // namespace imgq::image::x86

#else

namespace imgq::image::x86 {

size_t inverse_dct_4(const int16_t*, size_t, uint8_t*, size_t) { return 0; }

}  // namespace imgq::image::x86

#endif
