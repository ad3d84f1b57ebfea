#pragma once

#include <cstdint>

namespace imgq {

inline constexpr int64_t kMaxDelayMs = 3'600'000;  // of all waits

// Exponential backoff with jitter in its upper half, so that jobs that failed together do not come
// back together: the first wait is first_ms/2..first_ms, each further one twice that, never more
// than max_ms.
struct Backoff {
  int64_t first_ms = 0;
  int64_t max_ms = 0;  // at most kMaxDelayMs
};

// The wait after so many failures (1: the first), in milliseconds.
int64_t wait_ms(const Backoff& backoff, int failures);

}  // namespace imgq
