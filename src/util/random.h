#pragma once

#include <array>
#include <cstdint>
#include <string>

// What is new each time it is asked for: random bits, names nobody else has.
namespace imgq {

// 128 random bits. Throws std::system_error when the kernel has none.
std::array<uint64_t, 2> random_words();

// 64 random bits in 16 hex digits.
std::string random_name();

}  // namespace imgq
