#include "src/image/mix_x86.h"

#include "src/image/mix.h"

#ifdef __x86_64__

#include <immintrin.h>

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
    for (int half = 0; half < 2; ++half) {
      const __m128i a = load(first + 8 * half), b = load(second + 8 * half);
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

bool has_avx2() {
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return has;
}

// Two, three or four bands: the pixels of two taps side by side, a sum for each band.
template <int kBands>
void mix_pixels(const int16_t* row, int first_px, const std::vector<Taps>& taps, int32_t* sums) {
  for (const Taps& tap : taps) {
    const int16_t* in = row + static_cast<ptrdiff_t>(tap.first - first_px) * kBands;
    const size_t count = tap.weights.size();
    __m128i sum = _mm_setzero_si128();
    for (size_t k = 0; k < count; k += 2, in += 2 * kBands) {
      const __m128i a = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(in));
      const __m128i b = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(in + kBands));
      const __m128i weight = _mm_set1_epi32(pair_at(tap.weights.data(), k, count));
      sum = _mm_add_epi32(sum, _mm_madd_epi16(_mm_unpacklo_epi16(a, b), weight));
    }
    int32_t four[4];
    store(four, sum);
    std::memcpy(sums, four, kBands * sizeof(int32_t));
    sums += kBands;
  }
}

}  // namespace

size_t mix_byte_rows(const uint8_t* const* rows, const int16_t* weights, size_t taps, int16_t* out,
                     size_t count) {
  size_t at = 0;
  if (has_avx2()) {
    for (; at + 32 <= count; at += 32) mix_32_bytes(rows, weights, taps, at, out);
  }
  for (; at + 16 <= count; at += 16) mix_16_bytes(rows, weights, taps, at, out);
  return at;
}

size_t mix_sample_rows(const int16_t* const* rows, const int16_t* weights, size_t taps,
                       int16_t* out, size_t count) {
  size_t at = 0;
  for (; at + 16 <= count; at += 16) mix_16_samples(rows, weights, taps, at, out);
  return at;
}

bool mix_columns(const int16_t* row, int first_px, const std::vector<Taps>& taps, int bands,
                 int32_t* sums) {
  if (bands == 2) mix_pixels<2>(row, first_px, taps, sums);
  if (bands == 3) mix_pixels<3>(row, first_px, taps, sums);
  if (bands == 4) mix_pixels<4>(row, first_px, taps, sums);
  return bands >= 2 && bands <= 4;
}

}  // namespace imgq::image::x86

#else

namespace imgq::image::x86 {

size_t mix_byte_rows(const uint8_t* const*, const int16_t*, size_t, int16_t*, size_t) { return 0; }
size_t mix_sample_rows(const int16_t* const*, const int16_t*, size_t, int16_t*, size_t) {
  return 0;
}
bool mix_columns(const int16_t*, int, const std::vector<Taps>&, int, int32_t*) { return false; }

}  // namespace imgq::image::x86

#endif
