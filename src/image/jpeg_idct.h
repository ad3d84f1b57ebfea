#pragma once

#include <cstddef>
#include <cstdint>

namespace imgq::image {

// The inverse DCT (ITU-T T.81, A.3.3) of the lowest `side` by `side` frequencies, 1, 2 or 4, of
// each of `blocks` blocks beside one another: as many samples. No coefficient, times its quantiser,
// is beyond kMostCoefficient. Each sample is within 1 of the exact one, rounded.
//   coefficients  side * side a block, row by row
//   to            `side` rows, `stride` bytes apart
inline constexpr int kMostCoefficient = 2047;
void inverse_dct(const int16_t* coefficients, int side, size_t blocks, uint8_t* to, size_t stride);

}  // namespace imgq::image
