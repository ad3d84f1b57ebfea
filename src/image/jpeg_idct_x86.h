#pragma once

#include <cstddef>
#include <cstdint>

namespace imgq::image::x86 {

// Blocks of 4 by 4 done, from the start: where the machine has AVX2, four at a time.
size_t inverse_dct_4(const int16_t* coefficients, size_t blocks, uint8_t* to, size_t stride);

}  // namespace imgq::image::x86
