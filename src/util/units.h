#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/util/error.h"

// Sizes, durations and counts as people write them, and the nearest word.
namespace imgq {

// "5000", "64MiB", "10kB" (kB = 1000, KiB = 1024); "90", "90s", "15min", "36h", "7d". No sign, no
// blanks.
Result<int64_t> parse_size(std::string_view text);
Result<std::chrono::seconds> parse_duration(std::string_view text);
Result<int64_t> parse_count(std::string_view text, int64_t low, int64_t high);

// "'3 apples' is not a size", what was given shortened and made fit to be shown.
Error is_not(std::string_view text, std::string_view wanted);

// The nearest of `words` when it is near enough to be meant, else empty.
std::string did_you_mean(std::string_view text, const std::vector<std::string>& words);

// The same at the end of a message: "; did you mean 'wait'?", or "".
std::string hint_for(std::string_view text, const std::vector<std::string>& words);

}  // namespace imgq
