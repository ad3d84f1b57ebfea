#include "src/image/convolve_x86.h"

#ifdef __x86_64__

#include <immintrin.h>

#include <algorithm>
#include <cstring>

namespace imgq::image::x86 {
namespace {

constexpr int kByteDrop = kWeightBits - kMiddleBits, kSampleDrop = kWeightBits;

// Two neighbouring weights as one number, for pmaddwd. The last may be alone.
int pair_at(const int16_t* weights, size_t k, size_t taps) {
  const auto low = static_cast<uint16_t>(weights[k]);
  const auto high = static_cast<uint16_t>(k + 1 < taps ? weights[k + 1] : 0);
  return static_cast<int>(low | uint32_t{high} << 16);
}

__m128i load(const void* from) { return _mm_loadu_si128(static_cast<const __m128i*>(from)); }
void store(void* to, __m128i value) { _mm_storeu_si128(static_cast<__m128i*>(to), value); }

// Four sums each of four results, of two rows interleaved by unpack.
struct Sums128 {
  __m128i sum[4];
  explicit Sums128(int32_t start) {
    for (__m128i& s : sum) s = _mm_set1_epi32(start);
  }
  void add(int at, __m128i pairs, __m128i weight) {
    sum[at] = _mm_add_epi32(sum[at], _mm_madd_epi16(pairs, weight));
  }
};

void mix_16_bytes(const uint8_t* const* rows, const int16_t* weights, size_t taps, size_t at,
                  int16_t* out) {
  const __m128i zero = _mm_setzero_si128();
  Sums128 sums(1 << (kByteDrop - 1));
  for (size_t k = 0; k < taps; k += 2) {
    const __m128i weight = _mm_set1_epi32(pair_at(weights, k, taps));
    const __m128i a = load(rows[k] + at), b = load(rows[k + 1 < taps ? k + 1 : k] + at);
    const __m128i low = _mm_unpacklo_epi8(a, b), high = _mm_unpackhi_epi8(a, b);
    sums.add(0, _mm_unpacklo_epi8(low, zero), weight);
    sums.add(1, _mm_unpackhi_epi8(low, zero), weight);
    sums.add(2, _mm_unpacklo_epi8(high, zero), weight);
    sums.add(3, _mm_unpackhi_epi8(high, zero), weight);
  }
  for (__m128i& s : sums.sum) s = _mm_srai_epi32(s, kByteDrop);
  store(out + at, _mm_packs_epi32(sums.sum[0], sums.sum[1]));
  store(out + at + 8, _mm_packs_epi32(sums.sum[2], sums.sum[3]));
}

void mix_16_samples(const int16_t* const* rows, const int16_t* weights, size_t taps, size_t at,
                    int16_t* out) {
  Sums128 sums(1 << (kSampleDrop - 1));
  for (size_t k = 0; k < taps; k += 2) {
    const __m128i weight = _mm_set1_epi32(pair_at(weights, k, taps));
    const int16_t* first = rows[k] + at;
    const int16_t* second = rows[k + 1 < taps ? k + 1 : k] + at;
    for (int half = 0; half < 2; ++half, first += 8, second += 8) {
      const __m128i a = load(first), b = load(second);
      sums.add(2 * half, _mm_unpacklo_epi16(a, b), weight);
      sums.add(2 * half + 1, _mm_unpackhi_epi16(a, b), weight);
    }
  }
  for (__m128i& s : sums.sum) s = _mm_srai_epi32(s, kSampleDrop);
  store(out + at, _mm_packs_epi32(sums.sum[0], sums.sum[1]));
  store(out + at + 8, _mm_packs_epi32(sums.sum[2], sums.sum[3]));
}

#define IMGQ_AVX2 __attribute__((target("avx2")))

IMGQ_AVX2 void mix_32_bytes(const uint8_t* const* rows, const int16_t* weights, size_t taps,
                            size_t at, int16_t* out) {
  const __m256i zero = _mm256_setzero_si256();
  __m256i sum[4];
  for (__m256i& s : sum) s = _mm256_set1_epi32(1 << (kByteDrop - 1));
  for (size_t k = 0; k < taps; k += 2) {
    const __m256i weight = _mm256_set1_epi32(pair_at(weights, k, taps));
    const uint8_t* second = rows[k + 1 < taps ? k + 1 : k] + at;
    const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(rows[k] + at));
    const __m256i b = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(second));
    const __m256i low = _mm256_unpacklo_epi8(a, b), high = _mm256_unpackhi_epi8(a, b);
    const __m256i pairs[4] = {_mm256_unpacklo_epi8(low, zero), _mm256_unpackhi_epi8(low, zero),
                              _mm256_unpacklo_epi8(high, zero), _mm256_unpackhi_epi8(high, zero)};
    for (int i = 0; i < 4; ++i) {
      sum[i] = _mm256_add_epi32(sum[i], _mm256_madd_epi16(pairs[i], weight));
    }
  }
  for (__m256i& s : sum) s = _mm256_srai_epi32(s, kByteDrop);
  // Each half holds its own 16 results: put them back in order.
  const __m256i even = _mm256_packs_epi32(sum[0], sum[1]), odd = _mm256_packs_epi32(sum[2], sum[3]);
  auto* to = reinterpret_cast<__m256i*>(out + at);
  _mm256_storeu_si256(to, _mm256_permute2x128_si256(even, odd, 0x20));
  _mm256_storeu_si256(to + 1, _mm256_permute2x128_si256(even, odd, 0x31));
}

// The four sums of each of four vectors.
__m128i added_up(const __m128i* four) {
  const __m128i first =
      _mm_add_epi32(_mm_unpacklo_epi32(four[0], four[1]), _mm_unpackhi_epi32(four[0], four[1]));
  const __m128i second =
      _mm_add_epi32(_mm_unpacklo_epi32(four[2], four[3]), _mm_unpackhi_epi32(four[2], four[3]));
  return _mm_add_epi32(_mm_unpacklo_epi64(first, second), _mm_unpackhi_epi64(first, second));
}

// One band: eight neighbours at once are eight taps. Four results at least; the last four may be
// made in part twice.
void convolve_greys(const int16_t* row, const ColumnTaps& taps, int32_t* sums) {
  const size_t count = taps.first.size();
  const ptrdiff_t each = ptrdiff_t{8} * taps.groups;
  const int32_t* first = taps.first.data();
  const int16_t* weights = taps.weights.data();
  for (size_t next = 0; next < count; next += 4) {
    const size_t at = std::min(next, count - 4);
    const int16_t* weight = weights + static_cast<ptrdiff_t>(at) * each;
    const auto eight = [&](ptrdiff_t j, ptrdiff_t k) {
      return _mm_madd_epi16(load(row + first[static_cast<ptrdiff_t>(at) + j] + k),
                            load(weight + j * each + k));
    };
    __m128i four[4] = {};
    for (ptrdiff_t k = 0; k < each; k += 8) {
      four[0] = _mm_add_epi32(four[0], eight(0, k));
      four[1] = _mm_add_epi32(four[1], eight(1, k));
      four[2] = _mm_add_epi32(four[2], eight(2, k));
      four[3] = _mm_add_epi32(four[3], eight(3, k));
    }
    store(sums + at, added_up(four));
  }
}

// Two, three or four bands: the pixels of two taps side by side, a sum for each band.
template <int kBands>
void convolve_pixels(const int16_t* row, const ColumnTaps& taps, int32_t* sums) {
  constexpr ptrdiff_t kStep = ptrdiff_t{2} * kBands;
  const int16_t* weight = taps.weights.data();
  for (const int32_t first : taps.first) {
    const int16_t* in = row + static_cast<ptrdiff_t>(first) * kBands;
    __m128i sum = _mm_setzero_si128();
    for (int pair = 0; pair < 2 * taps.groups; ++pair, in += kStep, weight += 2) {
      const __m128i a = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(in));
      const __m128i b = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(in + kBands));
      const __m128i w = _mm_set1_epi32(pair_at(weight, 0, 2));
      sum = _mm_add_epi32(sum, _mm_madd_epi16(_mm_unpacklo_epi16(a, b), w));
    }
    int32_t four[4];
    store(four, sum);
    std::memcpy(sums, four, kBands * sizeof(int32_t));
    sums += kBands;
  }
}

// For pshufb: the samples of the two pixels of a half, band by band. 128 gives zero.
template <int kBands>
IMGQ_AVX2 __m256i band_order() {
  alignas(16) uint8_t order[16];
  for (int b = 0; b < 4; ++b) {
    for (int i = 0; i < 4; ++i) {
      const int sample = (i / 2) * kBands + b;
      order[4 * b + i] = static_cast<uint8_t>(b < kBands ? 2 * sample + i % 2 : 128);
    }
  }
  return _mm256_broadcastsi128_si256(load(order));
}

// Four taps at once: two in each half.
template <int kBands>
IMGQ_AVX2 void mix_pixels_avx2(const int16_t* row, const ColumnTaps& taps, int32_t* sums) {
  constexpr ptrdiff_t kHalf = ptrdiff_t{2} * kBands;
  const __m256i bands = band_order<kBands>();
  // The first two weights of four all over the lower half, the last two all over the upper.
  const __m256i spread = _mm256_set_epi8(7, 6, 5, 4, 7, 6, 5, 4, 7, 6, 5, 4, 7, 6, 5, 4, 3, 2, 1, 0,
                                         3, 2, 1, 0, 3, 2, 1, 0, 3, 2, 1, 0);
  const int16_t* weight = taps.weights.data();
  for (const int32_t first : taps.first) {
    const int16_t* in = row + static_cast<ptrdiff_t>(first) * kBands;
    __m256i sum = _mm256_setzero_si256();
    for (int g = 0; g < taps.groups; ++g, in += 2 * kHalf, weight += 4) {
      const __m256i pixels =
          _mm256_inserti128_si256(_mm256_castsi128_si256(load(in)), load(in + kHalf), 1);
      int64_t four = 0;
      std::memcpy(&four, weight, sizeof four);
      const __m256i w = _mm256_shuffle_epi8(_mm256_set1_epi64x(four), spread);
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_shuffle_epi8(pixels, bands), w));
    }
    int32_t each[4];
    store(each, _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1)));
    std::memcpy(sums, each, kBands * sizeof(int32_t));
    sums += kBands;
  }
}

template <int kBands>
void convolve_bands(const int16_t* row, const ColumnTaps& taps, int32_t* sums, Vectors vectors) {
  vectors == Vectors::avx2 ? mix_pixels_avx2<kBands>(row, taps, sums)
                           : convolve_pixels<kBands>(row, taps, sums);
}

}  // namespace

Vectors best_vectors() {
  static const bool wide = __builtin_cpu_supports("avx2") != 0;
  return wide ? Vectors::avx2 : Vectors::sse2;
}

size_t convolve_byte_rows(const uint8_t* const* rows, const int16_t* weights, size_t taps,
                          int16_t* out, size_t count, Vectors vectors) {
  size_t at = 0;
  if (vectors == Vectors::avx2) {
    for (; at + 32 <= count; at += 32) mix_32_bytes(rows, weights, taps, at, out);
  }
  for (; at + 16 <= count; at += 16) mix_16_bytes(rows, weights, taps, at, out);
  return at;
}

size_t convolve_sample_rows(const int16_t* const* rows, const int16_t* weights, size_t taps,
                            int16_t* out, size_t count) {
  size_t at = 0;
  for (; at + 16 <= count; at += 16) mix_16_samples(rows, weights, taps, at, out);
  return at;
}

bool convolve_columns(const int16_t* row, const ColumnTaps& taps, int bands, int32_t* sums,
                      Vectors vectors) {
  if (bands < 1 || bands > 4) return false;  // ink with alpha
  if (bands == 1 && taps.first.size() < 4) return false;
  if (bands == 1) convolve_greys(row, taps, sums);
  if (bands == 2) convolve_bands<2>(row, taps, sums, vectors);
  if (bands == 3) convolve_bands<3>(row, taps, sums, vectors);
  if (bands == 4) convolve_bands<4>(row, taps, sums, vectors);
  return true;
}

}  // namespace imgq::image::x86

#else

namespace imgq::image::x86 {

Vectors best_vectors() { return Vectors::sse2; }
size_t convolve_byte_rows(const uint8_t* const*, const int16_t*, size_t, int16_t*, size_t,
                          Vectors) {
  return 0;
}
size_t convolve_sample_rows(const int16_t* const*, const int16_t*, size_t, int16_t*, size_t) {
  return 0;
}
bool convolve_columns(const int16_t*, const ColumnTaps&, int, int32_t*, Vectors) { return false; }

}  // namespace imgq::image::x86

#endif
