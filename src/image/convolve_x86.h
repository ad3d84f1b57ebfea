#pragma once

#include <cstddef>
#include <cstdint>

#include "src/image/convolve.h"

// The loops of mix.h for x86-64: SSE2, which every one has, and AVX2 where the machine has it. Each
// does what it can and says how much: on other machines, nothing.
namespace imgq::image::x86 {

enum class Vectors { sse2, avx2 };
Vectors best_vectors();

// Results done, from the start.
size_t convolve_byte_rows(const uint8_t* const* rows, const int16_t* weights, size_t taps,
                          int16_t* out, size_t count, Vectors vectors = best_vectors());
size_t convolve_sample_rows(const int16_t* const* rows, const int16_t* weights, size_t taps,
                            int16_t* out, size_t count);

// All or nothing.
bool convolve_columns(const int16_t* row, const ColumnTaps& taps, int bands, int32_t* sums,
                      Vectors vectors = best_vectors());

}  // namespace imgq::image::x86
